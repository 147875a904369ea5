"""The application: everything that is registered, visibly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router, get
from litestar.response import Redirect

from api import deps, observe, openapi, respond
from api.auth import guards
from api.edge import Edge
from api.errors import problem
from api.gate import Gate
from api.harden import Harden
from api.head import Head
from api.routes import (
    articles,
    backfills,
    commands,
    health,
    history,
    keys,
    me,
    preferences,
    saved,
    search,
    searches,
    sessions,
    sign_in,
    similar,
    sources,
    stats,
    stories,
    trends,
)
from shared import emf, inner_port
from shared.config import ApiSettings
from shared.meter import Meter


@get("/", include_in_schema=False)
async def root() -> Redirect:
    return Redirect("/docs")


def create_app(settings: ApiSettings) -> Litestar:
    """An ASGI application; it connects when it starts, not when it is made."""
    metrics = Meter()
    access_log = observe.standard_output(settings.log_level)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        pages = inner_port.measured(metrics)
        with (
            emf.written(metrics, on=settings.metrics == "emf"),
            inner_port.answering(settings.inner_host, settings.metrics_port, pages),
        ):
            async with deps.opened(settings, metrics) as app.state.deps:
                yield
        access_log.flush()

    # In many forms: it looks at the Accept header itself.
    lists = Router(path="/", guards=[guards.reading], route_handlers=[search.list_articles])
    json_routes = Router(
        path="/",
        guards=[respond.accepts_json, guards.reading],
        route_handlers=[
            articles.article,
            articles.sentiment,
            similar.similar,
            stories.story,
            trends.trends,
            trends.summary,
            searches.trending,
            searches.related,
            sources.list_sources,
            sources.source,
            health.health,
            health.alive,
        ],
    )
    people_routes = Router(
        path="/",
        route_handlers=[
            sign_in.login,
            sign_in.callback,
            sessions.refresh,
            sessions.logout,
            me.me,
            me.usage,
            me.export_me,
            me.delete_me,
            saved.list_saved,
            saved.export_saved,
            saved.one_saved,
            saved.save,
            saved.save_article,
            saved.save_story,
            saved.edit_saved,
            saved.remove_saved,
            preferences.list_preferences,
            preferences.one_preference,
            preferences.set_preference,
            preferences.remove_preference,
            history.list_history,
            history.forget_one,
            history.forget_all,
            keys.list_keys,
            keys.create_key,
            keys.revoke_key,
            commands.command,
            backfills.plan,
            backfills.start,
            backfills.list_backfills,
            backfills.one_backfill,
            backfills.pause,
            backfills.resume,
            backfills.cancel,
        ],
    )
    operators = Router(
        path="/", guards=[respond.accepts_json, guards.operator], route_handlers=[stats.cache_stats]
    )
    app = Litestar(
        route_handlers=[lists, json_routes, people_routes, operators, root, openapi.asset],
        lifespan=[lifespan],
        exception_handlers={Exception: problem},
        openapi_config=openapi.config(),
        logging_config=None,  # shared.log has done it
    )
    # From the outside in: seen, HEAD taken as GET, hardened, identified and counted, answered out of the cache, routed.
    edge = Edge(app.asgi_handler, app.state)
    app.asgi_handler = observe.Observe(Head(Harden(Gate(edge), settings)), access_log, metrics)
    return app
