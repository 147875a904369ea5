"""`python -m migrations upgrade|downgrade|check [revision]`, as the owner role in NEWSINTEL_DATABASE_URL."""

import argparse
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from shared.config import MigrationSettings, load
from shared.errors import ConfigError


def alembic_config(database_url: str) -> Config:
    """Alembic's configuration without a file: the scripts beside this one, the URL given."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database_url"] = database_url
    return config


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m migrations", description=__doc__)
    parser.add_argument("action", choices=("upgrade", "downgrade", "check"))
    parser.add_argument("revision", nargs="?", help="default: head for upgrade; required for downgrade")
    arguments = parser.parse_args()
    if arguments.action == "downgrade" and not arguments.revision:
        parser.error("downgrade needs a revision, for example 0001 or base")
    try:
        config = alembic_config(load(MigrationSettings).database_url)
        if arguments.action == "upgrade":
            command.upgrade(config, arguments.revision or "head")
        elif arguments.action == "downgrade":
            command.downgrade(config, arguments.revision)
        else:
            command.check(config)
    except (ConfigError, CommandError) as error:
        print(f"migrations: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
