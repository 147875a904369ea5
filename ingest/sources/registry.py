"""Puts the three sources together: transport, ledger, circuit and questions of each."""

import time
from typing import Final

import redis

from ingest.identity import Identity
from ingest.ports import Posts, Source
from ingest.sources import guardian, newsapi, reddit
from ingest.sources.budget import Ledger, Window, shares
from ingest.sources.call import Caller, Observer, Sleep
from ingest.sources.circuit import Circuit
from ingest.sources.http import Transport
from ingest.sources.pull import PulledSource, Questions
from ingest.sources.reddit_token import Tokens
from ingest.sources.reddit_user import RedditIdentity
from ingest.sources.refusal import Refusal, fingerprint
from shared.clock import Clock, utcnow
from shared.config import IngestSettings
from shared.metrics import Metrics

_HALF_DAY: Final = 43_200
_DAY: Final = 86_400
_TEN_MINUTES: Final = 600


def build(
    settings: IngestSettings,
    client: redis.Redis,
    metrics: Metrics,
    clock: Clock = utcnow,
    sleep: Sleep = time.sleep,
) -> dict[str, Source]:
    """All three sources by name; one without a key is there too and says so when it is asked."""
    books = ledgers(settings, client)

    def caller(name: str, transport: Transport, observer: Observer = _unobserved) -> Caller:
        circuit = _circuit(name, settings, client)
        return _caller(name, transport, books[name], circuit, settings, metrics, observer, clock, sleep)

    def source(questions: Questions, *credentials: str) -> Source:
        return PulledSource(questions, Refusal(questions.name, client, fingerprint(*credentials)))

    by_newsapi = caller(
        newsapi.NAME, Transport(newsapi.NAME, settings, headers={"X-Api-Key": settings.newsapi_key})
    )
    by_guardian = caller(
        guardian.NAME,
        Transport(guardian.NAME, settings, params={"api-key": settings.guardian_key}),
        guardian.observed,
    )
    by_reddit = caller(reddit.NAME, Transport(reddit.NAME, settings), reddit.observed)
    tokens = Tokens(settings, client, by_reddit, clock)
    return {
        newsapi.NAME: source(newsapi.NewsApi(settings, by_newsapi, clock), settings.newsapi_key),
        guardian.NAME: source(guardian.Guardian(settings, by_guardian, clock), settings.guardian_key),
        reddit.NAME: source(
            reddit.Reddit(settings, by_reddit, tokens, clock),
            settings.reddit_client_id,
            settings.reddit_client_secret,
            settings.reddit_user_agent,  # a block may be about it
        ),
    }


def posts(settings: IngestSettings, client: redis.Redis, metrics: Metrics) -> Posts:
    """Reddit's word on posts that we have, on the budget and the circuit that it shares with Reddit's feeds."""
    name = reddit.NAME
    transport, book = Transport(name, settings), ledgers(settings, client)[name]
    circuit = _circuit(name, settings, client)
    by_reddit = _caller(name, transport, book, circuit, settings, metrics, reddit.observed)
    return reddit.Reddit(settings, by_reddit, Tokens(settings, client, by_reddit, utcnow), utcnow)


def identity(
    settings: IngestSettings, client: redis.Redis, metrics: Metrics, clock: Clock = utcnow
) -> Identity:
    """Reddit's sign-in, on the budget and the circuit that it shares with Reddit's feeds."""
    name = reddit.NAME
    transport, book = Transport(name, settings), ledgers(settings, client)[name]
    circuit = _circuit(name, settings, client)

    def caller(observer: Observer) -> Caller:
        return _caller(name, transport, book, circuit, settings, metrics, observer, clock)

    return RedditIdentity(settings, caller(_unobserved), caller(reddit.observed), clock)


def _circuit(name: str, settings: IngestSettings, client: redis.Redis) -> Circuit:
    return Circuit(name, client, failures=settings.circuit_failures, seconds=settings.circuit_seconds)


def _unobserved(_headers: object, _now: object) -> tuple[()]:
    return ()


def _caller(
    name: str,
    transport: Transport,
    ledger: Ledger,
    circuit: Circuit,
    settings: IngestSettings,
    metrics: Metrics,
    observer: Observer,
    clock: Clock = utcnow,
    sleep: Sleep = time.sleep,
) -> Caller:
    return Caller(
        name,
        transport=transport,
        ledger=ledger,
        circuit=circuit,
        metrics=metrics,
        max_attempts=settings.max_attempts,
        observer=observer,
        clock=clock,
        sleep=sleep,
    )


def configured(settings: IngestSettings) -> frozenset[str]:
    """The sources that have a key."""
    keys = {
        newsapi.NAME: settings.newsapi_key,
        guardian.NAME: settings.guardian_key,
        reddit.NAME: settings.reddit_client_id,
    }
    return frozenset(name for name, key in keys.items() if key)


def circuits(settings: IngestSettings, client: redis.Redis) -> dict[str, Circuit]:
    """By source, for status pages."""
    return {name: _circuit(name, settings, client) for name in (newsapi.NAME, guardian.NAME, reddit.NAME)}


def ledgers(settings: IngestSettings, client: redis.Redis) -> dict[str, Ledger]:
    """The budgets by source, for the calls and for status pages."""
    share = shares(settings.cadence_share, settings.backfill_share)
    half_day = Window(name="12 hours", seconds=_HALF_DAY, limit=settings.newsapi_calls_per_12h)
    newsapi_day = Window(name="day", seconds=_DAY, limit=settings.newsapi_calls_per_day)
    guardian_day = Window(name="day", seconds=_DAY, limit=settings.guardian_calls_per_day)
    ten_minutes = Window(name=reddit.WINDOW, seconds=_TEN_MINUTES, limit=settings.reddit_calls_per_10min)
    return {
        newsapi.NAME: Ledger(newsapi.NAME, client, (half_day, newsapi_day), share),
        guardian.NAME: Ledger(
            guardian.NAME,
            client,
            (guardian_day,),
            share,
            calls_per_second=settings.guardian_calls_per_second,
        ),
        reddit.NAME: Ledger(reddit.NAME, client, (ten_minutes,), share),
    }
