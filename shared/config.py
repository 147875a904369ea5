"""The only reader of the environment: settings as a table, checked at start-up.

Each field of a settings Struct is the environment variable NEWSINTEL_<FIELD>; its type, bounds and reason stand
beside it. A variable that is missing, malformed or contradicts another one stops the process with one sentence.
"""

import os
from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from shared.errors import ConfigError

PREFIX = "NEWSINTEL_"

Seconds = Annotated[float, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Url = Annotated[str, Meta(pattern=r"^[a-z+]+://\S+$")]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What both services need."""

    database_url: Url  # postgresql://role@host/database - the role differs between api and worker
    redis_url: Url
    # Long enough that a popular query costs each source a call a quarter of an hour, short enough to be news.
    freshness_seconds: Positive = 900
    # How long an access token is good (what a stolen one would serve if revocation could not be read), and therefore
    # how long a revocation is remembered in Redis.
    access_seconds: Annotated[int, Meta(ge=60, le=3600)] = 600
    log_level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$")] = "info"
    # emf: lines that CloudWatch turns into metrics, among the logs. Prometheus asks at the inner port instead.
    metrics: Annotated[str, Meta(pattern="^(none|emf)$")] = "none"
    # The inner port of each process listens here: a container's own health check needs no more than the default.
    inner_host: str = "127.0.0.1"


class MigrationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A migration needs the database, as the owner role, and nothing else."""

    database_url: Url


class ApiSettings(Settings, frozen=True, kw_only=True):
    """The read side: no source's key, no Reddit secret, no user's token; only the keys that sign our own sessions."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    # Where Prometheus asks for /metrics, apart from readers; 0: nowhere.
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    # A reader waits this long for a cold query when the archive has nothing; `Prefer: wait=n` overrides it.
    cold_wait_seconds: Seconds = 0.9
    cold_wait_max_seconds: Seconds = 10.0
    cache_seconds: Positive = 300
    # Answers in this process's memory: a few seconds, which is also how old one may be beside a new article if the
    # announcement of the article is lost without a trace; 0 switches it off.
    memory_seconds: Seconds = 5.0
    memory_entries: Positive = 2_000
    memory_bytes: Positive = 32_000_000  # within the 150 MB that a process may take
    database_pool_size: Positive = 8
    # A search that takes longer is a defect; the reader gets a 503 with Retry-After instead of a hung page. All
    # statements of one answer together may take three times as long.
    statement_timeout_ms: Positive = 2000

    # Where browsers find this product, also for the addresses in feeds; empty: http://<host>:<port>. Reddit sends
    # people back to an address below it.
    public_url: Annotated[str, Meta(pattern=r"^(https?://[^\s/?#]+)?$")] = ""
    # Safari takes no Secure cookie from http://localhost; false is refused for anything but this machine.
    cookie_secure: bool = True
    # "<id>:<base64url of 32 bytes or more>", comma separated: the first signs, all verify. Empty: nobody signs in.
    session_keys: str = ""
    reddit_client_id: str = ""  # public: it stands in the address of the consent page
    reddit_auth_url: Url = "https://www.reddit.com"
    # A write answers with its effect within this, else 202: an idle worker needs a hundredth of it.
    write_wait_seconds: Seconds = 3.0

    # Networks (CIDR, comma separated) whose X-Forwarded-For is believed: the load balancer's, nobody else's.
    trusted_proxies: str = ""
    # Origins (comma separated) whose pages may read answers, never with cookies.
    cors_origins: str = ""
    # 10,000 characters of notes, all of them escaped in JSON, and the rest of the body.
    max_body_bytes: Positive = 200_000
    max_header_bytes: Positive = 32_768
    # Requests of one address without credentials, one user, one API key; an office shares one address.
    limit_address_hour: Positive = 3_600
    limit_address_burst: Positive = 200
    limit_user_hour: Positive = 7_200
    limit_user_burst: Positive = 300
    limit_key_hour: Positive = 7_200
    limit_key_burst: Positive = 300
    limit_burst_seconds: Positive = 10

    @property
    def origin(self) -> str:
        """Scheme, host and port that browsers see."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def shared_secret(self) -> str:
        """What all processes that serve one archive know and nobody else does: where hashes and signatures start."""
        return self.session_keys or self.database_url

    def __post_init__(self) -> None:
        host = self.origin.split("://", 1)[1].rsplit(":", 1)[0]
        if not self.cookie_secure and host not in {"127.0.0.1", "localhost", "[::1]"}:
            raise ValueError(
                "NEWSINTEL_COOKIE_SECURE=false is for this machine only, see NEWSINTEL_PUBLIC_URL"
            )


class IngestSettings(Settings, frozen=True, kw_only=True):
    """The write side: keys of the sources, their limits, and how stories are matched."""

    newsapi_key: str = ""
    newsapi_url: Url = "https://newsapi.org/v2"
    newsapi_plan: Annotated[str, Meta(pattern="^(developer|business)$")] = "developer"
    newsapi_calls_per_12h: Positive = 50  # Developer plan: 100 a day, in two halves
    newsapi_calls_per_day: Positive = 100

    guardian_key: str = ""
    guardian_url: Url = "https://content.guardianapis.com"
    guardian_calls_per_second: Positive = 1  # sources disagree; the lowest that anyone names
    guardian_calls_per_day: Positive = 500

    reddit_client_id: str = ""
    reddit_client_secret: str = ""
    reddit_auth_url: Url = "https://www.reddit.com"
    reddit_url: Url = "https://oauth.reddit.com"
    reddit_user_agent: str = "linux:newsintel:0.1.0 (by /u/newsintel)"
    reddit_calls_per_10min: Positive = 1000  # per client id, all users together

    # AES-256 keys in base64 (`python -m ingest.cli seal new`), comma separated: the first seals, all of them open.
    # Without one nobody can sign in.
    seal_keys: str = ""

    # A session that is not used for this long ends; each refresh extends it.
    session_days: Positive = 30

    # Shares of each budget: interactive may spend all of it, the cadence and backfills leave something over.
    cadence_share: Annotated[float, Meta(gt=0, le=1)] = 0.8
    backfill_share: Annotated[float, Meta(gt=0, le=1)] = 0.5

    # A page of each source this often while backfills run. Budgets, not this, say how many a day; between two pages
    # the source, the worker's processor and the matching lock are free for live work.
    backfill_pause_seconds: Annotated[float, Meta(ge=0.05)] = 5.0

    # Articles older than this are dropped unless somebody saved them; 0 keeps all. A year is about a million.
    retention_days: Annotated[int, Meta(ge=0)] = 0
    # How each pull of the cadence went. A backfill of gaps takes what is older for a gap, and asks for it again.
    fetch_days: Positive = 90
    # Trends look back weeks; this is for a person's own history.
    search_history_months: Positive = 13

    connect_timeout_seconds: Seconds = 3.0
    read_timeout_seconds: Seconds = 10.0
    max_body_bytes: Positive = 5_000_000  # the largest honest answer (200 Guardian bodies) is about 2 MB
    max_attempts: Positive = 3
    circuit_failures: Positive = 5  # in a row, before a source is left alone
    circuit_seconds: Positive = 60

    # Two outlets report the same event within three days; later it is a follow-up.
    match_window_hours: Positive = 72
    match_threshold: Annotated[float, Meta(gt=0, le=100)] = 80.0
    # A batch holds the matching lock; 100 keeps that under a tenth of a second.
    batch_size: Positive = 100

    database_pool_size: Positive = 6
    worker_threads: Positive = 4
    # What a user waits for on an idle queue. Measured on one busy core: a save takes 21 ms (median) and an idle worker
    # 6 % of a core with 20 ms; 10 ms and 11 % with 5 ms.
    interactive_poll_ms: Positive = 5
    bulk_poll_ms: Positive = 500
    # A worker that has not been heard of for this long is dead and its messages go to another one.
    worker_dead_after_ms: Positive = 30_000
    # Where a container's health check asks, and Prometheus for /metrics; 0: nowhere, which is right for several
    # workers on one machine.
    health_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    # A lease this long survives a slow second and hands over within three ticks.
    leader_lease_seconds: Positive = 15

    def __post_init__(self) -> None:
        if self.newsapi_calls_per_12h > self.newsapi_calls_per_day:
            raise ValueError("NEWSINTEL_NEWSAPI_CALLS_PER_12H is larger than NEWSINTEL_NEWSAPI_CALLS_PER_DAY")
        if bool(self.reddit_client_id) != bool(self.reddit_client_secret):
            raise ValueError("NEWSINTEL_REDDIT_CLIENT_ID and NEWSINTEL_REDDIT_CLIENT_SECRET go together")
        if self.backfill_share > self.cadence_share:
            raise ValueError(
                "NEWSINTEL_BACKFILL_SHARE is larger than NEWSINTEL_CADENCE_SHARE: live comes first"
            )


S = TypeVar("S", bound=msgspec.Struct)


def load(kind: type[S], environ: Mapping[str, str] = os.environ) -> S:
    """Read a settings Struct from the environment.

    Raises ConfigError with a sentence that names the variable and what is allowed; never shows a value, because
    it may be a secret.
    """
    fields = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    values = {name: environ[PREFIX + name.upper()] for name in fields if environ.get(PREFIX + name.upper())}
    missing = [PREFIX + f.name.upper() for f in fields.values() if f.required and f.name not in values]
    if missing:
        raise ConfigError(f"{', '.join(missing)} must be set")
    for name, value in values.items():
        _check(kind, name, value)
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from None


def _check(kind: type[msgspec.Struct], name: str, value: str) -> None:
    hint = next(f.type for f in msgspec.structs.fields(kind) if f.name == name)
    try:
        msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{PREFIX}{name.upper()}: {error}") from None
