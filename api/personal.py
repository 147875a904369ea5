"""A search as somebody's own: their preferences, where the request itself names nothing."""

import functools
from typing import Any

from litestar import Request

from api import deps, searching
from api.auth import guards, principal
from api.queries import preferences


async def applied(request: Request[Any, Any, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The values of a search's parameters with the user's preferences. Raises Refusal, or BadQueryError.

    The answer is kept under what is searched in the end, so users with equal preferences share it.
    """
    guards.require(request, "me:read")
    user_id = principal.of(request.scope).user_id or 0
    every = functools.partial(preferences.every, user_id=user_id)
    preferred = {each.key: each.value for each in await deps.of(request).database.read(every)}
    named = searching.fields_named(values["q"] or "")
    if "source" not in named:
        values = values | {"source": values["source"] or tuple(sorted(preferred.get("sources", ()))) or None}
    if "lang" not in named:
        values = values | {"language": values["language"] or preferred.get("language")}
    return values | {"hidden": tuple(sorted({name.lower() for name in preferred.get("outlets_hidden", ())}))}
