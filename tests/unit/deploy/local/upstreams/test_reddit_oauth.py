"""What clients of Reddit's sign-in stumble over, the simulator does too: errors with 200, codes, lifetimes, limits."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from litestar.testing import TestClient

from deploy.local.upstreams import accounts

Call = Callable[..., httpx.Response]
Change = Callable[..., None]
Basic = Callable[..., dict[str, str]]
REDIRECT = "http://127.0.0.1:8000/auth/reddit/callback"
INSTALLED = "https://oauth.reddit.com/grants/installed_client"


def sent_back(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302
    location = urlsplit(answer.headers["location"])
    return {name: values[0] for name, values in parse_qs(location.query or location.fragment).items()}


def exchange(token: Call, answer: httpx.Response, **more: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": sent_back(answer)["code"], "redirect_uri": REDIRECT}
    return token(**{**form, **more})


def test_the_whole_dance(client: TestClient[Any], consent: Call, token: Call, reddit: Call) -> None:
    query = {
        "client_id": accounts.SIMULATOR_REDDIT_CLIENT_ID,
        "response_type": "code",
        "state": "s-1",
        "redirect_uri": REDIRECT,
        "duration": "permanent",
        "scope": "identity",
    }
    page = client.get("/reddit/www/api/v1/authorize", params=query)
    assert page.status_code == 200
    assert "News Intelligence Platform" in page.text
    assert "marta_reads_the_news" in page.text
    assert "http" not in page.text.replace(REDIRECT, "")  # nothing from elsewhere
    back = consent()
    assert sent_back(back)["state"] == "s-1"
    body = exchange(token, back).json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert len(body["access_token"]) > 700
    me = reddit("api/v1/me", bearer=body["access_token"]).json()
    assert (me["name"], me["id"]) == ("marta_reads_the_news", "q7w3e")
    assert isinstance(me["created_utc"], float)
    assert "email" not in me


def test_deny(consent: Call) -> None:
    assert sent_back(consent("Decline")) == {"state": "s-1", "error": "access_denied"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "nobody"},
        {"redirect_uri": "https://evil.example/auth/reddit/callback"},
        {"redirect_uri": "http://127.0.0.1:8000/elsewhere"},
        {"response_type": "magic"},
        {"response_type": "token"},
        {"scope": "everything"},
        {"scope": ""},
    ],
)
def test_untrusted_requests_get_a_page_not_a_redirect(consent: Call, wrong: dict[str, str]) -> None:
    answer = consent(**wrong)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "bad request" in answer.text


def test_user_side_errors_redirect(consent: Call) -> None:
    assert sent_back(consent(duration="forever"))["error"] == "invalid_request"
    assert sent_back(consent(state=""))["error"] == "invalid_request"


def test_expired_reused_and_foreign_codes(consent: Call, token: Call, basic: Basic, settings: Change) -> None:
    first = consent()
    assert "access_token" in exchange(token, first).json()
    assert exchange(token, first).json() == {"error": "invalid_grant"}
    other = basic(accounts.SIMULATOR_REDDIT_OTHER_CLIENT_ID, accounts.SIMULATOR_REDDIT_OTHER_CLIENT_SECRET)
    form = {
        "grant_type": "authorization_code",
        "code": sent_back(consent())["code"],
        "redirect_uri": REDIRECT,
    }
    assert token(headers=other, **form).json() == {"error": "invalid_grant"}
    assert exchange(token, consent(), redirect_uri=f"{REDIRECT}/").json() == {"error": "invalid_grant"}
    late = consent()
    settings(clock_offset_seconds=601)
    answer = exchange(token, late)
    assert (answer.status_code, answer.json()) == (200, {"error": "invalid_grant"})


def test_errors_with_status_200(token: Call, basic: Basic) -> None:
    installed = basic(accounts.SIMULATOR_REDDIT_INSTALLED_CLIENT_ID, "")
    cases: list[tuple[dict[str, str] | None, dict[str, str], dict[str, str]]] = [
        (None, {"grant_type": "magic"}, {"error": "unsupported_grant_type"}),
        (None, {"grant_type": "client_credentials", "scope": "magic"}, {"error": "invalid_scope"}),
        (None, {"grant_type": "authorization_code", "code": "x"}, {"error": "invalid_grant"}),
        (
            None,
            {"grant_type": "password", "username": "a", "password": "b"},
            {"error": "unauthorized_client", "error_description": "Only script apps may use password auth"},
        ),
        (
            installed,
            {"grant_type": "client_credentials"},
            {
                "error": "unauthorized_client",
                "error_description": "Only confidential clients may use client_credentials auth",
            },
        ),
        (
            installed,
            {"grant_type": INSTALLED, "device_id": "short"},
            {"error": "invalid_request", "error_description": "bad device_id"},
        ),
    ]
    for headers, form, body in cases:
        answer = token(headers=headers, **form)
        assert (answer.status_code, answer.json()) == (200, body)


def test_other_grants(token: Call, basic: Basic, reddit: Call) -> None:
    installed = basic(accounts.SIMULATOR_REDDIT_INSTALLED_CLIENT_ID, "")
    body = token(headers=installed, grant_type=INSTALLED, device_id="d" * 24).json()
    assert body["device_id"] == "d" * 24
    script = basic(accounts.SIMULATOR_REDDIT_SCRIPT_CLIENT_ID, accounts.SIMULATOR_REDDIT_SCRIPT_CLIENT_SECRET)
    form = {"username": "tidal_flats", "password": accounts.SIMULATOR_REDDIT_PASSWORD}
    body = token(headers=script, grant_type="password", **form).json()
    assert reddit("api/v1/me", bearer=body["access_token"]).json()["name"] == "tidal_flats"


def test_lifetime_is_configurable(token: Call, reddit: Call, settings: Change) -> None:
    assert token(grant_type="client_credentials").json()["expires_in"] == 86_400
    settings(reddit_token_lifetime=3_600)
    body = token(grant_type="client_credentials").json()
    assert body["expires_in"] == 3_600
    assert reddit("new", bearer=body["access_token"]).status_code == 200
    settings(clock_offset_seconds=3_601)
    assert reddit("new", bearer=body["access_token"]).status_code == 401


def test_refresh_echoes_or_rotates(consent: Call, token: Call, settings: Change) -> None:
    refresh = exchange(token, consent()).json()["refresh_token"]
    again = token(grant_type="refresh_token", refresh_token=refresh).json()
    assert again["refresh_token"] == refresh
    settings(reddit_refresh_rotates=True)
    rotated = token(grant_type="refresh_token", refresh_token=refresh).json()["refresh_token"]
    assert rotated != refresh
    answer = token(grant_type="refresh_token", refresh_token=refresh)
    assert (answer.status_code, answer.json()) == (400, {"message": "Bad Request", "error": 400})
    temporary = exchange(token, consent(duration="temporary")).json()
    assert "refresh_token" not in temporary


def test_revoking(client: TestClient[Any], consent: Call, token: Call, reddit: Call, basic: Basic) -> None:
    def revoke(name: str, headers: dict[str, str]) -> httpx.Response:
        return client.post("/reddit/www/api/v1/revoke_token", data={"token": name}, headers=headers)

    body = exchange(token, consent()).json()
    other = basic(accounts.SIMULATOR_REDDIT_OTHER_CLIENT_ID, accounts.SIMULATOR_REDDIT_OTHER_CLIENT_SECRET)
    stranger = revoke(body["refresh_token"], other)
    assert (stranger.status_code, stranger.json()) == (400, {"error": "unauthorized_client"})
    answer = revoke(body["refresh_token"], basic())
    assert (answer.status_code, answer.content) == (200, b"")
    assert reddit("api/v1/me", bearer=body["access_token"]).status_code == 401
    assert token(grant_type="refresh_token", refresh_token=body["refresh_token"]).status_code == 400
    assert revoke("unknown", basic()).status_code == 200


def test_basic_credentials(client: TestClient[Any], token: Call, basic: Basic) -> None:
    for headers in (basic("nobody", "x"), basic(secret="wrong"), {"authorization": "Basic %%%"}):
        answer = token(headers=headers, grant_type="client_credentials")
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized", "error": 401})
        assert answer.headers["www-authenticate"] == 'Basic realm="reddit"'
    assert client.post("/reddit/www/api/v1/access_token", data={}).status_code == 401


def test_token_endpoint_429_is_json_without_retry_after(token: Call, settings: Change) -> None:
    settings(reddit_token_limit=1)
    token(grant_type="client_credentials")
    answer = token(grant_type="client_credentials")
    assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Requests", "error": 429})
    assert "retry-after" not in answer.headers


def test_anonymous_json_is_blocked(client: TestClient[Any]) -> None:
    answer = client.get("/reddit/www/r/news/new.json")
    assert answer.status_code == 403
    assert "blocked by network security" in answer.text
