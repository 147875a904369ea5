"""The one table from error to problem+json (RFC 9457): status, stable code, and what the caller can do."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import psycopg
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from psycopg_pool import PoolTimeout

from shared.errors import BadParameterError, BadQueryError, DependencyError, NotFoundError

MEDIA_TYPE: Final = "application/problem+json"

_log = structlog.get_logger("errors")


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong. code: stable, for programs; help: what to do; parameter and allowed: of a bad parameter;
    position: of what is wrong in a query, in characters from 0; suggestion: a query that would be understood.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    help: str
    request_id: str
    parameter: str | None = None
    allowed: str | None = None
    position: int | None = None
    suggestion: str | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of error goes out. detail: None when the error's own sentence is made for callers."""

    status: int
    code: str
    title: str
    help: str
    detail: str | None = None
    retry_after: int | None = None


_TRY_AGAIN: Final = "Try again in a few seconds."
_UNAVAILABLE: Final = Row(
    status=503,
    code="database_unavailable",
    title="The archive is unavailable",
    detail="The database did not answer.",
    help=_TRY_AGAIN,
    retry_after=5,
)
_INTERNAL: Final = Row(
    status=500,
    code="internal_error",
    title="Internal error",
    detail="Something failed that should not.",
    help="Try again; if it stays, report it with the request_id.",
)

# The first row whose class the error is an instance of.
TABLE: Final[Mapping[type[Exception], Row]] = {
    BadParameterError: Row(
        status=400,
        code="bad_parameter",
        title="A parameter is not right",
        help="Correct the parameter; /docs lists all of them.",
    ),
    NotFoundError: Row(
        status=404, code="not_found", title="Not found", help="Take an id from the answer of a search."
    ),
    psycopg.errors.QueryCanceled: Row(
        status=503,
        code="query_too_slow",
        title="The query took too long",
        detail="The query was ended because it ran into its time limit.",
        help="Ask for something narrower: more words, a source, or a shorter time.",
        retry_after=5,
    ),
    PoolTimeout: Row(
        status=503,
        code="overloaded",
        title="Too many requests at once",
        detail="No database connection became free in time.",
        help=_TRY_AGAIN,
        retry_after=2,
    ),
    psycopg.OperationalError: _UNAVAILABLE,
    DependencyError: _UNAVAILABLE,
}

# What the framework refuses, by status.
HTTP: Final[Mapping[int, Row]] = {
    400: Row(status=400, code="bad_request", title="Bad request", help="See /docs for what is understood."),
    404: Row(
        status=404,
        code="no_such_address",
        title="No such address",
        detail="There is nothing at this address.",
        help="See /docs for the addresses there are.",
    ),
    405: Row(
        status=405,
        code="method_not_allowed",
        title="Method not allowed",
        detail="This address does not take that method.",
        help="The Allow header lists the methods it takes.",
    ),
    406: Row(
        status=406,
        code="not_acceptable",
        title="Not acceptable",
        detail="This address has no answer in a form that the Accept header allows.",
        help="Send Accept: application/json, or no Accept at all; lists also come as feeds and tables, see /docs.",
    ),
}


def problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The handler of every error; the application registers it for Exception."""
    row = _row(error)
    if row.status == _INTERNAL.status:
        _log.error("request_failed", path=request.url.path, exc_info=error)
    elif row.status > _INTERNAL.status:
        _log.warning("request_refused", path=request.url.path, code=row.code, error=str(error))
    # A query or a cursor can be wrong in several ways that a program may tell apart.
    code = getattr(error, "code", row.code) if isinstance(error, BadParameterError) else row.code
    body = Problem(
        type=f"urn:newsintel:problem:{code}",
        title=row.title,
        status=row.status,
        code=code,
        detail=row.detail or str(getattr(error, "detail", error)),
        help=row.help,
        request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
        parameter=getattr(error, "name", None) if isinstance(error, BadParameterError) else None,
        allowed=error.allowed if isinstance(error, BadParameterError) else None,
        position=error.position if isinstance(error, BadQueryError) else None,
        suggestion=error.suggestion if isinstance(error, BadQueryError) else None,
    )
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if row.retry_after:
        headers["Retry-After"] = str(row.retry_after)
    return Response(msgspec.json.encode(body), status_code=row.status, media_type=MEDIA_TYPE, headers=headers)


def _row(error: Exception) -> Row:
    if isinstance(error, HTTPException):
        return HTTP.get(error.status_code, HTTP[400] if error.status_code < _INTERNAL.status else _INTERNAL)
    return next((row for kind, row in TABLE.items() if isinstance(error, kind)), _INTERNAL)
