"""What each local process gets in its environment: real sources where `.env` has a key, the simulator elsewhere."""

from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.environment import REPOSITORY
from deploy.local.upstreams import accounts

PREFIX = "NEWSINTEL_"
# The key whose presence makes a source real.
KEYS = {"newsapi": "NEWSAPI_KEY", "guardian": "GUARDIAN_KEY", "reddit": "REDDIT_CLIENT_ID"}


@dataclass(frozen=True)
class Sources:
    """Which sources are real, and the settings for all three."""

    real: list[str]
    simulated: list[str]
    environment: dict[str, str] = field(repr=False)  # holds keys


def read_env(path: Path = REPOSITORY / ".env") -> dict[str, str]:
    """The NEWSINTEL_* variables of a .env file that have a value."""
    from dotenv import dotenv_values  # noqa: PLC0415 - containers use the rest of this file without it

    return {k: v for k, v in dotenv_values(path).items() if k.startswith(PREFIX) and v}


def sources(keys: dict[str, str], simulator: str, *, captured: bool) -> Sources:
    """simulator: base URL of the upstream simulator. captured: it serves a captured set, on a plan without caps."""
    real = [name for name, key in KEYS.items() if keys.get(PREFIX + key)]
    simulated = [name for name in KEYS if name not in real]
    environment = dict(keys)
    for name in simulated:
        environment |= {PREFIX + key: value for key, value in _simulated(name, simulator, captured).items()}
    return Sources(real=real, simulated=simulated, environment=environment)


def _simulated(name: str, simulator: str, captured: bool) -> dict[str, str]:
    if name == "guardian":
        return {
            "GUARDIAN_URL": f"{simulator}/guardian",
            "GUARDIAN_KEY": accounts.SIMULATOR_GUARDIAN_KEY,
            # What the simulator allows. The cadence of the whole set needs more than backfills leave of our default.
            **({"GUARDIAN_CALLS_PER_DAY": "5000"} if captured else {}),
        }
    if name == "reddit":
        return {
            "REDDIT_AUTH_URL": f"{simulator}/reddit/www",
            "REDDIT_URL": f"{simulator}/reddit/oauth",
            "REDDIT_CLIENT_ID": accounts.SIMULATOR_REDDIT_CLIENT_ID,
            "REDDIT_CLIENT_SECRET": accounts.SIMULATOR_REDDIT_CLIENT_SECRET,
        }
    newsapi = {"NEWSAPI_URL": f"{simulator}/newsapi/v2", "NEWSAPI_KEY": accounts.SIMULATOR_NEWSAPI_KEY}
    if captured:
        # The whole set is 28 pages: no Developer key could page through it.
        newsapi |= {
            "NEWSAPI_PLAN": "business",
            "NEWSAPI_CALLS_PER_DAY": "8000",
            "NEWSAPI_CALLS_PER_12H": "4000",
        }
    return newsapi
