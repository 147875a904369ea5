"""The simulator in this process, and small helpers to call its three sources."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from deploy.local.upstreams import accounts
from deploy.local.upstreams.app import Options, create_app

REDIRECT = "http://127.0.0.1:8000/auth/reddit/callback"
AGENT = "test:news:0 (by /u/nobody)"


@pytest.fixture
def client() -> Iterator[TestClient[Any]]:
    with TestClient(create_app()) as client:
        client.headers["user-agent"] = AGENT
        yield client


@pytest.fixture
def captured_client(payloads: Path) -> Iterator[TestClient[Any]]:
    app = create_app(Options(payloads=payloads))
    with TestClient(app) as client:
        client.headers["user-agent"] = AGENT
        yield client


@pytest.fixture
def settings(client: TestClient[Any]) -> Callable[..., None]:
    def change(**patch: Any) -> None:
        assert client.post("/_control/settings", json=patch).status_code == 200

    return change


@pytest.fixture
def fault(client: TestClient[Any]) -> Callable[..., dict[str, Any]]:
    def add(source: str, kind: str, **params: Any) -> dict[str, Any]:
        answer = client.post("/_control/faults", json={"source": source, "kind": kind, **params})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return add


@pytest.fixture
def newsapi(client: TestClient[Any]) -> Callable[..., httpx.Response]:
    def call(path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
        key = {"x-api-key": accounts.SIMULATOR_NEWSAPI_KEY}
        return client.get(f"/newsapi/v2/{path}", params=params, headers=key if headers is None else headers)

    return call


@pytest.fixture
def guardian(client: TestClient[Any]) -> Callable[..., httpx.Response]:
    def call(path: str, **params: Any) -> httpx.Response:
        params = {"api-key": "test", **{name.replace("_", "-"): value for name, value in params.items()}}
        return client.get(f"/guardian/{path}", params=params, follow_redirects=False)

    return call


@pytest.fixture
def basic() -> Callable[..., dict[str, str]]:
    def header(
        client_id: str = accounts.SIMULATOR_REDDIT_CLIENT_ID,
        secret: str = accounts.SIMULATOR_REDDIT_CLIENT_SECRET,
    ) -> dict[str, str]:
        return {"authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}

    return header


@pytest.fixture
def token(client: TestClient[Any], basic: Callable[..., dict[str, str]]) -> Callable[..., httpx.Response]:
    def ask(headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        return client.post("/reddit/www/api/v1/access_token", data=form, headers=headers or basic())

    return ask


@pytest.fixture
def reddit(client: TestClient[Any], token: Callable[..., httpx.Response]) -> Callable[..., httpx.Response]:
    """Call the API with an app-only token; `bearer` overrides it."""
    known: dict[str, str] = {}

    def call(path: str, bearer: str | None = None, **params: Any) -> httpx.Response:
        if bearer is None and not known:
            known["token"] = token(grant_type="client_credentials").json()["access_token"]
        headers = {"authorization": f"bearer {bearer or known['token']}"}
        return client.get(f"/reddit/oauth/{path}", params=params, headers=headers, follow_redirects=False)

    return call


@pytest.fixture
def consent(client: TestClient[Any]) -> Callable[..., httpx.Response]:
    """Answer the consent form."""

    def answer(decision: str = "Allow", user: str = "marta_reads_the_news", **fields: str) -> httpx.Response:
        form = {
            "client_id": accounts.SIMULATOR_REDDIT_CLIENT_ID,
            "response_type": "code",
            "state": "s-1",
            "redirect_uri": REDIRECT,
            "duration": "permanent",
            "scope": "identity read",
            "user": user,
            "authorize": decision,
        }
        form |= fields
        return client.post("/reddit/www/api/v1/authorize", data=form, follow_redirects=False)

    return answer
