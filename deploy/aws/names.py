"""The application's own names, as the infrastructure uses them: imported from the code, so that they cannot drift."""

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

# Roles of tasks begin so; the pipeline may hand on these roles and no other.
TASK_ROLE_PREFIX: Final = f"{SYSTEM}-task-"

# Settings that an operator fills in: fields of one JSON secret each, empty until then. What signs sessions is known to
# the api alone, what seals Reddit's tokens to the worker alone.
SOURCE_SECRETS: Final = ("newsapi_key", "guardian_key", "reddit_client_id", "reddit_client_secret")
SIGN_IN_SECRETS: Final = {"api": ("session_keys", "reddit_client_id"), "worker": ("seal_keys",)}

# Task definitions that a release registers anew; what makes the roles, as the administrator, is not among them.
RELEASED: Final = ("api", "worker", "migrate", "cli")

# Where release.py finds what the stacks made, and the image tag that runs.
SSM_TARGET: Final = f"/{SYSTEM}/release/target"
SSM_TAG: Final = f"/{SYSTEM}/release/tag"

LOG_GROUPS: Final = {name: f"/{SYSTEM}/{name}" for name in ("api", "worker", "scheduler", "migrate", "cli")}

# Nobody may flush, reconfigure or run away with the data. Scripts are Dramatiq's, the budgets' and the lease's; they
# ask for KEYS now and then, and for TIME. INFO is what `newsintel status` tells of the memory.
_COMMANDS: Final = (
    "-@all +@read +@write +@connection +@transaction +@pubsub -@dangerous -function "
    "+eval +evalsha +script|load +script|exists +keys +time"
)
_CHANNELS: Final = " ".join(f"&{channel}" for channel in CHANNELS)
ACL_API: Final = f"on {' '.join('~' + key for key in API_KEYS)} resetchannels {_CHANNELS} {_COMMANDS}"
ACL_WORKER: Final = (
    f"on {' '.join('~' + key for key in WORKER_KEYS)} resetchannels {_CHANNELS} {_COMMANDS} +info"
)


def env(setting: str) -> str:
    """The environment variable of a setting; an unknown one is a mistake in the caller."""
    for kind in (Settings, ApiSettings, IngestSettings):
        if setting in {field.name for field in msgspec.structs.fields(kind)}:
            return PREFIX + setting.upper()
    raise LookupError(f"shared.config has no setting {setting!r}")
