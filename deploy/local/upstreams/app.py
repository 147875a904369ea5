"""Puts the simulator together: one state, three sources, the control API."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar
from litestar.connection import Request
from litestar.di import Provide

from deploy.local.upstreams import (
    answers,
    captured,
    control,
    guardian,
    newsapi,
    reddit_api,
    reddit_oauth,
    wire,
)
from deploy.local.upstreams.answers import Answer
from deploy.local.upstreams.corpus import made_up
from deploy.local.upstreams.dates import DAY
from deploy.local.upstreams.settings import Plan, Settings
from deploy.local.upstreams.state import Feeds, Simulator


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides."""

    payloads: Path | None = None
    keep_dates: bool = False
    plan: Plan | None = None
    """By default business over captured articles, developer over made-up ones."""
    seed: int = 20_200
    """The same seed makes the same articles, only their dates are fresh."""


def create_app(options: Options | None = None) -> Litestar:
    """The ASGI application with a state of its own."""
    options = options or Options()
    simulator = Simulator(load=_loader(options), initial=_settings(options), seed=options.seed)
    return Litestar(
        route_handlers=[
            newsapi.everything,
            newsapi.top_headlines,
            newsapi.sources,
            newsapi.unknown,
            guardian.guardian,
            reddit_oauth.authorize,
            reddit_oauth.decide,
            reddit_oauth.access_token,
            reddit_oauth.revoke_token,
            reddit_oauth.elsewhere,
            reddit_api.api,
            *control.ROUTES,
        ],
        dependencies={"simulator": Provide(lambda: simulator, sync_to_thread=False)},
        middleware=[wire.exchange(simulator)],
        exception_handlers={msgspec.MsgspecError: _bad_request},
        openapi_config=None,
        logging_config=None,
    )


def _settings(options: Options) -> Settings:
    plan = options.plan or ("business" if options.payloads else "developer")
    delay = DAY if options.payloads and plan == "developer" else 0
    return Settings(newsapi_plan=plan, newsapi_delay_seconds=delay)


def _loader(options: Options) -> Callable[[], Feeds]:
    folder = options.payloads
    if folder is None:
        return lambda: made_up.feeds(options.seed, time.time())
    return lambda: captured.load(folder, time.time(), keep_dates=options.keep_dates)


def _bad_request(_: Request[Any, Any, Any], error: Exception) -> Answer:
    """A control call that cannot be read."""
    return answers.json({"error": str(error)}, 400)
