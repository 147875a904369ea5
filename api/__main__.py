"""`python -m api`."""

import sys

from api.asgi import main

if __name__ == "__main__":
    sys.exit(main())
