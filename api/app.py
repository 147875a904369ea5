"""The application: everything that is registered, visibly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router, get
from litestar.response import Redirect

from api import deps, observe, openapi, respond
from api.edge import Edge
from api.errors import problem
from api.routes import articles, health, search, sources
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

    json_routes = Router(
        path="/",
        guards=[respond.accepts_json],
        route_handlers=[
            search.list_articles,
            articles.article,
            articles.sentiment,
            sources.list_sources,
            health.health,
        ],
    )
    app = Litestar(
        route_handlers=[json_routes, root, openapi.asset],
        lifespan=[lifespan],
        exception_handlers={Exception: problem},
        openapi_config=openapi.config(),
        logging_config=None,  # shared.log has done it
    )
    app.asgi_handler = observe.Observe(Edge(app.asgi_handler, app.state), access_log)
    return app
