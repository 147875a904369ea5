"""Every error of ours, in one tree.

NewsIntelError
├── ConfigError               a setting is missing, malformed or contradicts another
├── SchemaTooOldError         the database needs `python -m migrations upgrade` before this release can run
├── BadParameterError         the caller's parameter is wrong: names it and says what is allowed
│   ├── BadQueryError         the query text is malformed: says where, and what would be right
│   └── BadCursorError        the cursor is forged, truncated or of another search
├── NotFoundError             no such article, story, source
├── RefusedError              a command that cannot be carried out; `code` is the caller's answer
├── DependencyError           PostgreSQL or Redis did not answer
└── SourceError               a news source gave no usable answer; `code` is what `freshness` shows
    ├── NotConfiguredError    there is no key for it
    ├── KeyRefusedError       the key is wrong, disabled or lacks a permission
    ├── GrantRefusedError     a person's code or token is not good (any more)
    ├── BudgetSpentError      our own ledger forbids the call; it was not made
    │   └── NoTurnError       only for now: too soon after the last call, or the source asked us to wait
    ├── CircuitOpenError      it failed too often; left alone until a given time
    ├── RateLimitedError      it said 429
    ├── PlanLimitError        our plan with it does not cover the request (too old, too many)
    ├── QueryRejectedError    it does not accept this query
    ├── BadAnswerError        the body is not what its contract says (HTML, truncated, wrong types, too large)
    └── UnreachableError      time-out, connection failure or 5xx
"""

from datetime import datetime
from typing import ClassVar, Literal

CursorCode = Literal["cursor_malformed", "cursor_of_another_search"]


class NewsIntelError(Exception):
    """Root of the tree."""


class ConfigError(NewsIntelError):
    """Raised at start-up; the message names the variable and what is allowed."""


class SchemaTooOldError(NewsIntelError):
    pass


class BadParameterError(NewsIntelError):
    """A parameter is unknown or malformed.

    name: the parameter as the caller spells it; allowed: what would be right, in words.
    """

    def __init__(self, name: str, problem: str, allowed: str) -> None:
        super().__init__(f"{name}: {problem}; {allowed}")
        self.name = name
        self.problem = problem
        self.allowed = allowed


class BadQueryError(BadParameterError):
    """The query `q` is malformed or asks for too much.

    code: stable, for programs (shared.query.limits lists them); fault: what is wrong; position: where in the text, in
    characters from 0, at most its length; advice: what to do, in words; suggestion: a query that would be
    understood, if we can tell.
    """

    def __init__(
        self, code: str, problem: str, advice: str, *, position: int, suggestion: str | None = None
    ) -> None:
        allowed = f"{advice}: {suggestion}" if suggestion else advice
        super().__init__("q", f"{problem} (position {position})", allowed)
        self.code = code
        self.fault = problem
        self.advice = advice
        self.position = position
        self.suggestion = suggestion


class BadCursorError(BadParameterError):
    """The cursor cannot be followed."""

    def __init__(self, code: CursorCode, problem: str) -> None:
        super().__init__("cursor", problem, "use `next` of an answer to this very search, as it is")
        self.code = code


class NotFoundError(NewsIntelError):
    pass


class RefusedError(NewsIntelError):
    """It lies with the request: answered, never retried. code: a shared.events.Refusal."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DependencyError(NewsIntelError):
    pass


class SourceError(NewsIntelError):
    """A source gave no usable answer.

    retryable: whether the same call may succeed later without anyone changing anything;
    retry_at: when a further try makes sense (UTC), if that is known.
    """

    code: ClassVar[str] = "source_error"
    retryable: ClassVar[bool] = False

    def __init__(self, source: str, message: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source
        self.message = message
        self.retry_at = retry_at


class NotConfiguredError(SourceError):
    code = "not_configured"


class KeyRefusedError(SourceError):
    code = "key_refused"


class GrantRefusedError(SourceError):
    code = "grant_refused"


class BudgetSpentError(SourceError):
    code = "budget_spent"
    retryable = True


class NoTurnError(BudgetSpentError):
    code = "no_turn"


class CircuitOpenError(SourceError):
    code = "circuit_open"
    retryable = True


class RateLimitedError(SourceError):
    code = "rate_limited"
    retryable = True


class PlanLimitError(SourceError):
    code = "plan_limit"


class QueryRejectedError(SourceError):
    code = "query_rejected"


class BadAnswerError(SourceError):
    code = "bad_answer"
    retryable = True


class UnreachableError(SourceError):
    code = "unreachable"
    retryable = True
