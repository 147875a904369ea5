"""The one table from error to problem+json (RFC 9457): status, stable code, and what the caller can do."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
import psycopg
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from psycopg_pool import PoolTimeout

from api.refusals import Refusal
from shared import log
from shared.errors import (
    BadCursorError,
    BadParameterError,
    BadQueryError,
    CursorCode,
    DependencyError,
    NotFoundError,
)
from shared.query.limits import Code as QueryCode

MEDIA_TYPE: Final = "application/problem+json"

_log = structlog.get_logger("errors")

# Which operations can end in it: all; all that are counted; those that a key needs a scope for; those of users alone;
# those that send a command; those that read a query, a cursor of a search, a body; those that name its status; those
# that name its code; or none, because there is no operation there.
Where = Literal[
    "any", "counted", "scoped", "users", "writes", "queries", "pages", "bodies", "status", "code", "none"
]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of error goes out. detail: None when the error's own sentence is made for callers."""

    status: int
    code: str
    title: str
    help: str
    where: Where
    detail: str | None = None
    retry_after: int | None = None


_TRY_AGAIN: Final = "Try again in a few seconds."
_UNAVAILABLE: Final = Row(
    status=503,
    code="database_unavailable",
    where="counted",
    title="The archive is unavailable",
    detail="The database did not answer.",
    help=_TRY_AGAIN,
    retry_after=5,
)
INTERNAL: Final = Row(
    status=500,
    code="internal_error",
    where="any",
    title="Internal error",
    detail="Something failed that should not.",
    help="Try again; if it stays, report it with the request_id.",
)

# The first row whose class the error is an instance of.
TABLE: Final[Mapping[type[Exception], Row]] = {
    BadParameterError: Row(
        status=400,
        code="bad_parameter",
        where="any",
        title="A parameter is not right",
        help="Correct the parameter; /docs lists all of them.",
    ),
    NotFoundError: Row(
        status=404,
        code="not_found",
        where="status",
        title="Not found",
        help="Take an id or a name as a list shows it.",
    ),
    psycopg.errors.QueryCanceled: Row(
        status=503,
        code="query_too_slow",
        where="counted",
        title="The query took too long",
        detail="The query was ended because it ran into its time limit.",
        help="Ask for something narrower: more words, a source, or a shorter time.",
        retry_after=5,
    ),
    PoolTimeout: Row(
        status=503,
        code="overloaded",
        where="counted",
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
    400: Row(
        status=400,
        code="bad_request",
        where="none",
        title="Bad request",
        help="See /docs for what is understood.",
    ),
    404: Row(
        status=404,
        code="no_such_address",
        where="none",
        title="No such address",
        detail="There is nothing at this address.",
        help="See /docs for the addresses there are.",
    ),
    405: Row(
        status=405,
        code="method_not_allowed",
        where="none",
        title="Method not allowed",
        detail="This address does not take that method.",
        help="The Allow header lists the methods it takes.",
    ),
    406: Row(
        status=406,
        code="not_acceptable",
        where="status",
        title="Not acceptable",
        detail="This address has no answer in a form that the Accept header allows.",
        help="Send Accept: application/json, or no Accept at all; lists also come as feeds and tables, see /docs.",
    ),
}

# What we refuse, by its code.
REFUSALS: Final[Mapping[str, Row]] = {
    row.code: row
    for row in (
        Row(
            status=401,
            code="not_signed_in",
            where="users",
            title="Not signed in",
            help="Sign in at /auth/reddit/login, or send Authorization: Bearer or X-API-Key.",
        ),
        Row(
            status=401,
            code="credentials_refused",
            where="counted",
            title="The credentials are not valid",
            help="Renew the token at /auth/refresh, sign in again, or use another key.",
        ),
        Row(
            status=403,
            code="cross_site",
            where="writes",
            title="This may come from another site",
            help="Send the value of the csrf cookie as X-CSRF-Token, from a page of this site.",
        ),
        Row(
            status=403,
            code="scope_missing",
            where="scoped",
            title="The API key may not do this",
            help="Make a key with the scope at /me/keys.",
        ),
        Row(
            status=403,
            code="operators_only",
            where="code",
            title="For operators only",
            help="Ask whoever runs this product.",
        ),
        Row(
            status=400,
            code="sign_in_refused",
            where="code",
            title="The sign-in did not succeed",
            help="Begin again at /auth/reddit/login.",
        ),
        Row(
            status=503,
            code="sign_in_unavailable",
            where="code",
            title="Signing in is not possible at the moment",
            help="Reading works without; try signing in later.",
        ),
        Row(
            status=409,
            code="conflict",
            where="status",
            title="It does not fit what is there",
            help="Read the present state and decide again.",
        ),
        Row(
            status=412,
            code="changed_meanwhile",
            where="status",
            title="It was changed meanwhile",
            help="Read it again, apply the change to what is there now, and send its ETag as If-Match.",
        ),
        Row(
            status=422,
            code="idempotency_key_reused",
            where="status",
            title="The Idempotency-Key belongs to another request",
            help="Use a new key for each thing to be done, and the same one only to repeat it.",
        ),
        Row(
            status=413,
            code="too_large",
            where="any",
            title="The request is too large",
            help="Send less; /docs names the limits.",
        ),
        Row(
            status=414,
            code="address_too_long",
            where="any",
            title="The address is too long",
            help="Ask for less at once: fewer names, a shorter query.",
        ),
        Row(
            status=431,
            code="headers_too_large",
            where="any",
            title="The headers are too large",
            help="Send fewer cookies and headers.",
        ),
        Row(
            status=415,
            code="not_json",
            where="bodies",
            title="The body is not JSON",
            help="Send Content-Type: application/json.",
        ),
        Row(
            status=429,
            code="too_many_requests",
            where="counted",
            title="Too many requests",
            help="Wait for as long as Retry-After says; /me/usage shows what is left.",
        ),
        Row(
            status=503,
            code="writes_unavailable",
            where="writes",
            title="Nothing can be written at the moment",
            help=_TRY_AGAIN,
            retry_after=5,
        ),
        Row(
            status=500,
            code="write_failed",
            where="writes",
            title="It was not carried out",
            help="Try again with the same Idempotency-Key; if it stays, report it with the request_id.",
        ),
    )
}


# Of what can be wrong in several ways that a program may tell apart.
_VARIETIES: Final[Mapping[Where, tuple[str, ...]]] = {
    "queries": get_args(QueryCode),
    "pages": get_args(CursorCode),
}

# Every error, by its code.
ROWS: Final[Mapping[str, Row]] = {
    row.code: row for row in (*TABLE.values(), *HTTP.values(), *REFUSALS.values(), INTERNAL)
} | {
    code: msgspec.structs.replace(TABLE[BadParameterError], code=code, where=where)
    for where, codes in _VARIETIES.items()
    for code in codes
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong. code: stable, for programs; help: what to do; parameter and allowed: of a bad parameter;
    position: of what is wrong in a query, in characters from 0; suggestion: a query that would be understood.
    """

    type: str
    title: str
    status: int
    code: Annotated[str, msgspec.Meta(extra_json_schema={"extra": {"enum": [*ROWS]}})]
    detail: str
    help: str
    request_id: str
    parameter: str | None = None
    allowed: str | None = None
    position: int | None = None
    suggestion: str | None = None


def problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The handler of every error; the application registers it for Exception."""
    row = _row(error)
    body = told(error, log.request_id() or "")
    if row.status == INTERNAL.status:
        _log.error("request_failed", path=request.url.path, exc_info=error)
    elif row.status > INTERNAL.status:
        _log.warning("request_refused", path=request.url.path, code=row.code, error=str(error))
    # By default a cache may keep a 404 or a 410, and what is missing may come any moment.
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, HTTPException | Refusal):
        headers |= error.headers or {}
    if row.retry_after:
        headers["Retry-After"] = str(row.retry_after)
    return Response(msgspec.json.encode(body), status_code=row.status, media_type=MEDIA_TYPE, headers=headers)


def told(error: Exception, request_id: str) -> Problem:
    """What a caller is told of an error."""
    row = _row(error)
    code = error.code if isinstance(error, BadQueryError | BadCursorError) else row.code
    return Problem(
        type=f"urn:newsintel:problem:{code}",
        title=row.title,
        status=row.status,
        code=code,
        detail=row.detail or str(getattr(error, "detail", error)),
        help=row.help,
        request_id=request_id,
        parameter=error.name if isinstance(error, BadParameterError) else None,
        allowed=error.allowed if isinstance(error, BadParameterError) else None,
        position=error.position if isinstance(error, BadQueryError) else None,
        suggestion=error.suggestion if isinstance(error, BadQueryError) else None,
    )


def _row(error: Exception) -> Row:
    if isinstance(error, Refusal):
        return REFUSALS[error.code]
    if isinstance(error, HTTPException):
        return HTTP.get(error.status_code, HTTP[400] if error.status_code < INTERNAL.status else INTERNAL)
    return next((row for kind, row in TABLE.items() if isinstance(error, kind)), INTERNAL)
