"""What can be changed while the simulator runs: plans, limits, lifetimes, and behaviour nobody has seen for sure."""

from typing import Any, Literal

import msgspec

Plan = Literal["developer", "business"]


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Each default says where its number comes from when it is not the vendor's documentation."""

    clock_offset_seconds: float = 0.0
    """Moves the simulator's clock, so that a test need not wait for a window or a lifetime to end."""

    newsapi_plan: Plan = "developer"
    newsapi_budget: int = 50
    newsapi_budget_seconds: int = 43_200
    newsapi_delay_seconds: int = 0
    """86,400 is what the real Developer plan does to its articles; made-up articles are shown at once."""
    newsapi_cache_seconds: int = 300
    newsapi_total_drift: int = 4
    """How many more articles `totalResults` promises than can be paged (61 for 57 was seen)."""
    newsapi_incompatible_status: int = 400
    """One third-party fixture has 422 for parametersIncompatible."""

    guardian_per_second: int | None = 12
    guardian_per_day: int | None = 5_000
    """Sources disagree: 12 and 5,000 (2026 catalogue), 1 and 500 (the vendor's forum)."""
    guardian_rate_headers: bool = True
    """Kong's X-RateLimit-* names; inferred."""

    reddit_limit: int | None = 1_000
    reddit_window_seconds: int = 600
    reddit_headerless_every: int = 10
    """Every n-th answer carries no x-ratelimit-* at all; 0 for never."""
    reddit_token_limit: int | None = 300
    reddit_token_lifetime: int = 86_400
    """3,600 until about 2022."""
    reddit_code_lifetime: int = 600
    reddit_refresh_rotates: bool = False
    """Whether a refresh gives a new refresh token and ends the old one; not known."""


def changed(settings: Settings, patch: dict[str, Any]) -> Settings:
    """The settings with a few of them changed; an unknown name or a wrong type is a `msgspec.ValidationError`."""
    return msgspec.convert({**msgspec.structs.asdict(settings), **patch}, Settings)
