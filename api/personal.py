"""Searches as somebody's own: their preferences applied, and what they searched remembered."""

import functools
import uuid
from typing import Any, Final

import msgspec
from litestar import Request

from api import deps
from api.auth import guards, principal
from api.queries import preferences
from api.queries.search import Search
from shared.commands import Searched

_TOTAL: Final = b'"total":'


async def applied(request: Request[Any, Any, Any], search: Search) -> Search:
    """The search with the user's preferences. What the request itself names goes first. Raises Refusal.

    The answer is kept under what is searched in the end, so users with equal preferences share it.
    """
    guards.require(request, "me:read")
    user_id = principal.of(request.scope).user_id or 0
    every = functools.partial(preferences.every, user_id=user_id)
    set_ones = {each.key: each.value for each in await deps.of(request).database.read(every)}
    hidden = sorted({name.lower() for name in set_ones.get("outlets_hidden", ())})
    sources = search.sources or tuple(sorted(set_ones.get("sources", ())))
    return msgspec.structs.replace(
        search,
        sources=sources or None,
        language=search.language or set_ones.get("language"),
        hidden=tuple(hidden) or None,
    )


def remember(request: Request[Any, Any, Any], query: str, page: int, answer: bytes) -> None:
    """Note a search for history and trends; turning a page is not another search."""
    if not query or page != 1:
        return
    at = deps.of(request)
    at.people.outbox.searched(
        Searched(
            id=uuid.uuid4(),
            query=query,
            results_count=total_of(answer),
            searched_at=at.clock(),
            user_id=principal.of(request.scope).user_id,
        )
    )


def total_of(answer: bytes) -> int:
    """`total` of an encoded list, without decoding it: inside a string its quotes would be escaped."""
    start = answer.rfind(_TOTAL) + len(_TOTAL)
    end = start
    while answer[end : end + 1].isdigit():
        end += 1
    return int(answer[start:end] or 0)
