"""What every request passes on its way in: who is asking, and whether they asked too often."""

import functools
from typing import Any, Final

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api import hops, outgoing
from api.answers import Headers
from api.auth import principal
from api.auth.principal import NOBODY, Principal
from api.deps import Deps
from api.harden import answer_problem
from api.rate_limit import Verdict
from api.refusals import Refusal
from api.windows import Left, Policy, tightest

# The load balancer asks often; the documentation is a handful of files.
_FREE: Final = ("/health", "/docs")
# A request without any of them is nobody's; most searches are.
_CREDENTIALS: Final = frozenset({b"authorization", b"cookie", b"x-api-key"})
_UNCHANGED: Final = 304
_SERVERS_FAULT: Final = 500


class Gate:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith(_FREE):
            await self._app(scope, receive, send)
            return
        deps: Deps = scope["litestar_app"].state.deps
        asking, error = NOBODY, None
        if not _CREDENTIALS.isdisjoint(dict(scope["headers"])):
            asking, error = await _identified(deps, Request(scope, receive, send))
        principal.remember(scope, asking)
        address = hops.client(scope, deps.people.trusted)
        hops.remember(scope, address)
        who, policies = deps.people.counted_as(asking, address)
        verdict = await deps.people.limiter.take(who, policies)
        if not verdict.allowed:
            error = Refusal("too_many_requests", f"The limit of {_words(verdict)} is used up.")
        answer = outgoing.of(scope)
        answer.added += _headers(verdict)
        try:
            if error:
                await answer_problem(scope, receive, send, error)
            else:
                await self._app(scope, receive, send)
        finally:
            if verdict.allowed and (answer.status == _UNCHANGED or answer.status >= _SERVERS_FAULT):
                deps.people.limiter.give_back(who)


async def _identified(deps: Deps, request: Request[Any, Any, Any]) -> tuple[Principal, Exception | None]:
    """Who it is, or NOBODY and the reason why the request ends here: wrong credentials cost like any request."""
    try:
        asking = await deps.people.identify(request)
    except Exception as error:  # noqa: BLE001 - the one table knows what to answer, also to a lost database
        return NOBODY, error
    if asking.key_id is not None:
        deps.people.outbox.used(asking.key_id)
    return asking, None


def _headers(verdict: Verdict) -> Headers:
    """draft-ietf-httpapi-ratelimit-headers, the older fields for the policy that ends first, and when to come back."""
    first = tightest(verdict.left)
    left = ", ".join(f'"{each.policy.name}";r={each.remaining};t={each.reset}' for each in verdict.left)
    headers = [
        (b"ratelimit-policy", _policies(tuple(each.policy for each in verdict.left))),
        (b"ratelimit", left.encode()),
        (b"x-ratelimit-limit", b"%d" % first.policy.quota),
        (b"x-ratelimit-remaining", b"%d" % first.remaining),
        (b"x-ratelimit-reset", b"%d" % first.reset),
    ]
    if not verdict.allowed:
        headers.append((b"retry-after", b"%d" % verdict.retry_after))
    return headers


@functools.cache
def _policies(policies: tuple[Policy, ...]) -> bytes:
    """There are no more than the settings make."""
    return ", ".join(f'"{each.name}";q={each.quota};w={each.seconds}' for each in policies).encode()


def _words(verdict: Verdict) -> str:
    first: Left = tightest(verdict.left)
    return f"{first.policy.quota} requests in {first.policy.seconds} seconds"
