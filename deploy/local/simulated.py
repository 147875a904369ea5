"""Runs a command with the simulator in place of every source that has no key: `... simulated URL COMMAND`.

For containers: what `up` decides before it starts a process, decided inside one.
"""

import os
import sys

from deploy.local import settings


def main() -> None:
    simulator, *command = sys.argv[1:]
    given = {name: value for name, value in os.environ.items() if name.startswith(settings.PREFIX) and value}
    os.environ.update(settings.sources(given, simulator, captured=False).environment)
    os.execvp(command[0], command)  # noqa: S606 - the container's own command


if __name__ == "__main__":
    main()
