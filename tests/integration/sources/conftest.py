"""The three clients, built as in production, pointed at the simulator."""

from types import SimpleNamespace

import pytest

from ingest.ports import Priority, Pull
from ingest.sources import build
from shared.clock import utcnow
from shared.config import IngestSettings, load


class CountingMetrics:
    def __init__(self):
        self.calls = []

    def count(self, name, _value=1, **dimensions):
        self.calls.append((name, dimensions["source"], dimensions["outcome"]))


@pytest.fixture
def make(upstreams, redis, redis_url):
    """make(NEWSAPI_PLAN="business", ...) builds the sources, each time as another process would; nothing is slept."""
    upstreams.reset()

    def made(**changed):
        environment = {
            **upstreams.env(),
            "NEWSINTEL_DATABASE_URL": "postgresql://none/none",
            "NEWSINTEL_REDIS_URL": redis_url,
            "NEWSINTEL_GUARDIAN_CALLS_PER_SECOND": "1000",
            **{f"NEWSINTEL_{name}": value for name, value in changed.items()},
        }
        metrics = CountingMetrics()
        slept = []
        sources = build(load(IngestSettings, environment), redis, metrics, utcnow, slept.append)
        return SimpleNamespace(**sources, sources=sources, metrics=metrics, slept=slept)

    return made


PULLS = {
    "newsapi": Pull(kind="query", query="the"),
    "guardian": Pull(kind="section", query="", max_pages=9),
    "reddit": Pull(kind="subreddit", query="all", max_pages=9),
}


@pytest.fixture
def pulls():
    return PULLS


@pytest.fixture
def interactive():
    return Pull(kind="query", query="the", priority=Priority.INTERACTIVE, max_pages=5)
