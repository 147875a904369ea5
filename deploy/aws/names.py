"""The application's own names, as the infrastructure uses them: imported from the code, so that they cannot drift."""

from collections.abc import Mapping
from typing import Final

import msgspec

from shared.config import PREFIX, ApiSettings, IngestSettings, Settings
from shared.keys import API_KEYS, CHANNELS, WORKER_KEYS
from shared.probe import ALIVE_PATH

__all__ = ["ALIVE_PATH"]

SYSTEM: Final = "newsintel"
DATABASE: Final = "newsintel"
# Roles of migrations/roles.sql; the secret of each is newsintel/database/<role>.
ROLES: Final = ("newsintel_owner", "newsintel_worker", "newsintel_api")

API_PORT: Final[int] = next(f.default for f in msgspec.structs.fields(ApiSettings) if f.name == "port")
POSTGRES_PORT: Final = 5432
REDIS_PORT: Final = 6379
# The containers of one task share its network; each needs a port of its own for its health check.
HEALTH_PORTS: Final = {"interactive": 8001, "bulk": 8002, "scheduler": 8003}

# Settings that an operator fills in: fields of one JSON secret each, empty until then. What signs sessions is known to
# the api alone, what seals Reddit's tokens to the worker alone.
SOURCE_SECRETS: Final = ("newsapi_key", "guardian_key", "reddit_client_id", "reddit_client_secret")
SIGN_IN_SECRETS: Final = {"api": ("session_keys", "reddit_client_id"), "worker": ("seal_keys",)}
SECRETS: Final = frozenset({*SOURCE_SECRETS, *SIGN_IN_SECRETS["api"], *SIGN_IN_SECRETS["worker"]})

# Task definitions that a release registers anew; what makes the roles, as the administrator, is not among them.
RELEASED: Final = ("api", "worker", "migrate", "cli")

# Where release.py finds what the stacks made, and the image tag that runs.
SSM_TARGET: Final = f"/{SYSTEM}/release/target"
SSM_TAG: Final = f"/{SYSTEM}/release/tag"

LOG_GROUPS: Final = {name: f"/{SYSTEM}/{name}" for name in ("api", "worker", "scheduler", "migrate", "cli")}

# Nobody may flush, reconfigure or run away with the data. Scripts are Dramatiq's, the budgets' and the lease's; they
# ask for KEYS now and then, and for TIME.
_COMMANDS: Final = (
    "-@all +@read +@write +@connection +@transaction +@pubsub -@dangerous -function "
    "+eval +evalsha +script|load +script|exists +keys +time"
)
_CHANNELS: Final = " ".join(f"&{channel}" for channel in CHANNELS)
ACL_API: Final = f"on {' '.join('~' + key for key in API_KEYS)} resetchannels {_CHANNELS} {_COMMANDS}"
ACL_WORKER: Final = f"on {' '.join('~' + key for key in WORKER_KEYS)} resetchannels {_CHANNELS} {_COMMANDS}"


def task_role(name: str, region: str) -> str:
    """Roles belong to the whole account, where the system may stand in several regions."""
    return f"{SYSTEM}-task-{name}-{region}"


def environment(kind: type[msgspec.Struct], settings: Mapping[str, str]) -> dict[str, str]:
    """What a process of this kind reads of the settings."""
    known = {field.name for field in msgspec.structs.fields(kind)}
    return {env(name): value for name, value in settings.items() if name in known}


def env(setting: str) -> str:
    """The environment variable of a setting; an unknown one is a mistake in the caller."""
    for kind in (Settings, ApiSettings, IngestSettings):
        if setting in {field.name for field in msgspec.structs.fields(kind)}:
            return PREFIX + setting.upper()
    raise LookupError(f"shared.config has no setting {setting!r}")
