"""The application: everything that is registered, visibly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router, get
from litestar.response import Redirect

from api import deps, observe, openapi, respond
from api.edge import Edge
from api.errors import problem
from api.routes import articles, health, search, searches, similar, sources, stats, stories, trends
from shared.config import ApiSettings


@get("/", include_in_schema=False)
async def root() -> Redirect:
    return Redirect("/docs")


def create_app(settings: ApiSettings) -> Litestar:
    """An ASGI application; it connects when it starts, not when it is made."""
    access_log = observe.standard_output(settings.log_level)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with deps.opened(settings) as app.state.deps:
            yield
        access_log.flush()

    # In many forms: it looks at the Accept header itself.
    lists = Router(path="/", route_handlers=[search.list_articles])
    json_routes = Router(
        path="/",
        guards=[respond.accepts_json],
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
        ],
    )
    # For operators only, as soon as there are roles: their guard goes here.
    operators = Router(path="/", guards=[respond.accepts_json], route_handlers=[stats.cache_stats])
    app = Litestar(
        route_handlers=[lists, json_routes, operators, root, openapi.asset],
        lifespan=[lifespan],
        exception_handlers={Exception: problem},
        openapi_config=openapi.config(),
        logging_config=None,  # shared.log has done it
    )
    app.asgi_handler = observe.Observe(Edge(app.asgi_handler, app.state), access_log)
    return app
