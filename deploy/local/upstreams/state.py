"""Everything the running simulator remembers; made once by `create_app`, never global."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from litestar.di import NamedDependency

from deploy.local.upstreams.calls import CallLog
from deploy.local.upstreams.faults import Fault, Faults
from deploy.local.upstreams.feed import Feed
from deploy.local.upstreams.limits import FixedWindows
from deploy.local.upstreams.reddit_tokens import TokenStore
from deploy.local.upstreams.settings import Settings


@dataclass(slots=True)
class Feeds:
    """The three sources' items."""

    newsapi: Feed
    guardian: Feed
    reddit: Feed

    def of(self, source: str) -> Feed:
        """The feed of one source by name."""
        return {"newsapi": self.newsapi, "guardian": self.guardian}.get(source, self.reddit)


@dataclass(slots=True)
class Cached:
    """An answer that NewsAPI will repeat for a while."""

    body: bytes
    expires: float
    remaining: int = 100


@dataclass(slots=True)
class Simulator:
    """The state behind every route."""

    load: Callable[[], Feeds]
    initial: Settings
    seed: int = 0
    feeds: Feeds = field(init=False)
    settings: Settings = field(init=False)
    dice: random.Random = field(init=False)
    faults: Faults = field(init=False)
    calls: CallLog = field(init=False)
    limits: FixedWindows = field(init=False)
    tokens: TokenStore = field(init=False)
    newsapi_cache: dict[str, Cached] = field(init=False)
    made: int = field(init=False)
    """How many items were made up since the start, for `endless` pages and added articles."""

    def __post_init__(self) -> None:
        self.reset()

    def now(self) -> float:
        """The simulator's time in epoch seconds."""
        return time.time() + self.settings.clock_offset_seconds

    def reset(self) -> None:
        """Back to how it started, with articles dated anew."""
        self.settings = self.initial
        self.feeds = self.load()
        self.dice = random.Random(self.seed)  # noqa: S311 - delays, not secrets
        self.faults = Faults()
        self.calls = CallLog()
        self.limits = FixedWindows()
        self.tokens = TokenStore()
        self.newsapi_cache = {}
        self.made = 0

    def withdraw(self, fault: Fault) -> list[str]:
        """Withdraw the named items, or the newest; gives their keys."""
        feed = self.feeds.of(fault.source)
        newest = [entry.key for entry in feed.published(self.now()) if entry.key not in feed.withdrawn]
        keys = fault.keys or newest[: fault.items]
        feed.withdrawn.update(dict.fromkeys(keys, fault.how))
        self.newsapi_cache.clear()
        return keys

    def next_number(self) -> int:
        """A number no other made-up item has."""
        self.made += 1
        return self.made


Injected = NamedDependency[Simulator]
"""How a route handler names the state that it wants."""
