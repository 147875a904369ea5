"""Reddit's OAuth pages and tokens on the www host: authorise, exchange, refresh, revoke."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from litestar import Request, get, post

from deploy.local.upstreams import accounts, answers, consent, reddit_access
from deploy.local.upstreams.accounts import REDDIT_APPS, REDDIT_USERS, RedditApp
from deploy.local.upstreams.answers import Answer
from deploy.local.upstreams.reddit_tokens import Grant
from deploy.local.upstreams.state import Injected, Simulator

Call = Request[Any, Any, Any]
Form = dict[str, str]

INSTALLED_GRANT = "https://oauth.reddit.com/grants/installed_client"
MIN_DEVICE_ID = 20
MAX_DEVICE_ID = 30
TOKEN_WINDOW = 600
_REQUEST_FIELDS = ("client_id", "response_type", "state", "redirect_uri", "duration", "scope")
_NO_STORE = {
    "cache-control": "private, s-maxage=0, max-age=0, must-revalidate, no-store",
    "expires": "-1",
    "via": "1.1 varnish",
    "set-cookie": "edgebucket=simulated; Domain=reddit.com; Path=/; Secure",
}


@get("/reddit/www/api/v1/authorize")
async def authorize(request: Call) -> Answer:
    """Show the consent form, or Reddit's own page for a request that it does not trust."""
    if reddit_access.blocked(request.headers):
        return reddit_access.block()
    fields = {name: request.query_params.get(name, "") for name in _REQUEST_FIELDS}
    app, problem = _checked(fields)
    if app is None:
        return answers.html(consent.error_page(problem), 400)
    if problem:
        return _back(fields, error=problem)
    return answers.html(consent.consent_page(app, list(REDDIT_USERS.values()), fields))


@post("/reddit/www/api/v1/authorize", status_code=302)
async def decide(request: Call, simulator: Injected) -> Answer:
    """Take the person's answer and send the browser back to the app."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    fields = {name: form.get(name, "") for name in _REQUEST_FIELDS}
    app, problem = _checked(fields)
    if app is None or form.get("user", "") not in REDDIT_USERS:
        return answers.html(consent.error_page(problem or "no such user"), 400)
    if problem or form.get("authorize") != "Allow":
        return _back(fields, error=problem or "access_denied")
    grant = Grant(
        app.client_id, _scopes(fields["scope"]), form["user"], permanent=fields["duration"] == "permanent"
    )
    if fields["response_type"] == "token":
        token = _token(simulator, grant)
        return answers.redirect(f"{fields['redirect_uri']}#{urlencode({**token, 'state': fields['state']})}")
    expires = simulator.now() + simulator.settings.reddit_code_lifetime
    code = simulator.tokens.issue_code(grant, fields["redirect_uri"], expires)
    return _back(fields, code=code)


def _checked(fields: Form) -> tuple[RedditApp | None, str]:
    """The app and what is wrong: without an app Reddit's own page says it, with one the redirect does."""
    app = REDDIT_APPS.get(fields["client_id"])
    if app is None:
        return None, "invalid client id."
    if problem := _untrusted(fields, app):
        return None, problem
    right = fields["state"] and fields["duration"] in {"", "temporary", "permanent"}
    return app, "" if right else "invalid_request"


def _untrusted(fields: Form, app: RedditApp) -> str:
    """Why the person must not be sent to the given address, if so."""
    scopes = set(_scopes(fields["scope"]).split())
    implicit = fields["response_type"] == "token"
    if not accounts.redirect_uri_registered(fields["redirect_uri"]):
        return "invalid redirect_uri parameter."
    if fields["response_type"] not in {"code", "token"}:
        return "invalid response type."
    if implicit and (app.confidential or fields["duration"] == "permanent"):
        return "only installed apps may use the implicit grant, and only temporarily."
    return "" if scopes and scopes <= accounts.SCOPES | {"*"} else "invalid scope requested."


def _scopes(text: str) -> str:
    return " ".join(text.replace(",", " ").split())


def _back(fields: Form, **params: str) -> Answer:
    return answers.redirect(f"{fields['redirect_uri']}?{urlencode({'state': fields['state'], **params})}")


@post("/reddit/www/api/v1/access_token", status_code=200)
async def access_token(request: Call, simulator: Injected) -> Answer:
    """Give a token for a code, a refresh token, or an app's own credentials."""
    if reddit_access.blocked(request.headers):
        return reddit_access.block()
    app = reddit_access.app_of(request.headers)
    if app is None:
        return reddit_access.unauthorized('Basic realm="reddit"')
    limit = simulator.settings.reddit_token_limit
    caller = f"reddit-token:{app.client_id}"
    if not simulator.limits.take(caller, simulator.now(), limit=limit, seconds=TOKEN_WINDOW).allowed:
        return answers.json({"message": "Too Many Requests", "error": 429}, 429)
    form = {name: str(value) for name, value in (await request.form()).items()}
    grant_of = _GRANTS.get(form.get("grant_type", ""))
    if grant_of is None:
        return _refused("unsupported_grant_type")
    return grant_of(simulator, app, form)


def _refused(error: str, description: str | None = None) -> Answer:
    """Reddit answers most token errors with HTTP 200."""
    body = {"error": error} if description is None else {"error": error, "error_description": description}
    return answers.json(body, 200, _NO_STORE)


def _token(simulator: Simulator, grant: Grant, refresh_token: str | None = None) -> dict[str, Any]:
    lifetime = simulator.settings.reddit_token_lifetime
    token = simulator.tokens.issue_access(grant, simulator.now() + lifetime, refresh_token)
    body: dict[str, Any] = {"access_token": token, "token_type": "bearer", "expires_in": lifetime}
    body["scope"] = grant.scope
    if refresh_token is not None:
        body["refresh_token"] = refresh_token
    if grant.device_id is not None:
        body["device_id"] = grant.device_id
    return body


def _by_code(simulator: Simulator, app: RedditApp, form: Form) -> Answer:
    code, uri = form.get("code", ""), form.get("redirect_uri", "")
    grant = simulator.tokens.redeem_code(code, app.client_id, uri, simulator.now())
    if grant is None:
        return _refused("invalid_grant")
    refresh = simulator.tokens.issue_refresh(grant) if grant.permanent else None
    return answers.json(_token(simulator, grant, refresh), 200, _NO_STORE)


def _by_refresh(simulator: Simulator, app: RedditApp, form: Form) -> Answer:
    refresh = form.get("refresh_token", "")
    grant = simulator.tokens.refresh(refresh, app.client_id)
    if grant is None:
        return answers.json({"message": "Bad Request", "error": 400}, 400, _NO_STORE)
    if simulator.settings.reddit_refresh_rotates:
        simulator.tokens.revoke(refresh)
        refresh = simulator.tokens.issue_refresh(grant)
    return answers.json(_token(simulator, grant, refresh), 200, _NO_STORE)


def _by_credentials(simulator: Simulator, app: RedditApp, form: Form) -> Answer:
    if not app.confidential:
        return _refused("unauthorized_client", "Only confidential clients may use client_credentials auth")
    return _granted(simulator, form, Grant(app.client_id, _scopes(form.get("scope", "")) or "*"))


def _by_device(simulator: Simulator, app: RedditApp, form: Form) -> Answer:
    device = form.get("device_id", "")
    if not MIN_DEVICE_ID <= len(device) <= MAX_DEVICE_ID:
        return _refused("invalid_request", "bad device_id")
    return _granted(
        simulator, form, Grant(app.client_id, _scopes(form.get("scope", "")) or "*", device_id=device)
    )


def _by_password(simulator: Simulator, app: RedditApp, form: Form) -> Answer:
    if app.kind != "script":
        return _refused("unauthorized_client", "Only script apps may use password auth")
    user = REDDIT_USERS.get(form.get("username", ""))
    if user is None or form.get("password") != accounts.SIMULATOR_REDDIT_PASSWORD:
        return _refused("invalid_grant")
    return _granted(simulator, form, Grant(app.client_id, _scopes(form.get("scope", "")) or "*", user.name))


def _granted(simulator: Simulator, form: Form, grant: Grant) -> Answer:
    if form.get("scope") and not set(grant.scope.split()) <= accounts.SCOPES | {"*"}:
        return _refused("invalid_scope")
    return answers.json(_token(simulator, grant), 200, _NO_STORE)


_GRANTS: dict[str, Callable[[Simulator, RedditApp, Form], Answer]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh,
    "client_credentials": _by_credentials,
    INSTALLED_GRANT: _by_device,
    "password": _by_password,
}


@post("/reddit/www/api/v1/revoke_token", status_code=200)
async def revoke_token(request: Call, simulator: Injected) -> Answer:
    """End a token; an unknown one is no error."""
    if reddit_access.blocked(request.headers):
        return reddit_access.block()
    app = reddit_access.app_of(request.headers)
    if app is None:
        return reddit_access.unauthorized('Basic realm="reddit"')
    token = str((await request.form()).get("token", ""))
    if simulator.tokens.owner(token) not in {None, app.client_id}:
        return answers.json({"error": "unauthorized_client"}, 400)
    simulator.tokens.revoke(token)
    return Answer(b"", status_code=200, media_type=answers.JSON)


@get("/reddit/www/{rest:path}")
async def elsewhere() -> Answer:
    """Anonymous reading of www, `.json` included, ended in 2026."""
    return reddit_access.block()
