"""People at the door: a browser-like client that signs in through the simulator's consent page."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx

from api.auth.tokens import new_key

ORIGIN = "http://127.0.0.1:8000"
SESSION_KEYS = new_key()
MARTA, COFFEE, SUSPENDED = "marta_reads_the_news", "slow_morning_coffee", "gone_fishing_again"


def consent(upstreams: Any, address: str, user: str = MARTA, decision: str = "Allow") -> str:
    """Decide on Reddit's page; where it sends the browser then."""
    # Reddit refuses the agents of libraries.
    with httpx.Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}) as browser:
        page = browser.get(address).raise_for_status().text
        fields = {
            unescape(name): unescape(value)
            for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page)
        }
        answer = browser.post(address, data={**fields, "user": user, "authorize": decision})
        return answer.headers["location"]


class Person:
    """One browser, or one program, with its own cookies and address."""

    def __init__(self, app: Any, upstreams: Any, address: str = "203.0.113.7") -> None:
        self.upstreams = upstreams
        # Over "https", so that the client sends Secure cookies back.
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(address, 4711)),
            base_url=ORIGIN.replace("http:", "https:"),
            headers={"User-Agent": "a browser"},
        )

    async def begin(self, query: str = "") -> str:
        """The address of the consent page."""
        answer = await self.client.get(f"/auth/reddit/login{query}")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def come_back(self, address: str) -> httpx.Response:
        parts = urlsplit(address)
        return await self.client.get(f"{parts.path}?{parts.query}")

    async def sign_in(self, user: str = MARTA) -> "Person":
        answer = await self.come_back(consent(self.upstreams, await self.begin(), user))
        assert answer.status_code == 303, answer.text
        return self

    async def tokens(self, user: str = MARTA) -> dict[str, Any]:
        """Sign in as a program does; its client then sends the access token."""
        answer = await self.come_back(consent(self.upstreams, await self.begin("?answer=tokens"), user))
        assert answer.status_code == 200, answer.text
        self.client.cookies.clear()
        self.bear(answer.json()["access_token"])
        return answer.json()

    def bear(self, token: str) -> None:
        self.client.headers["Authorization"] = f"Bearer {token}"

    @property
    def csrf(self) -> dict[str, str]:
        return {"X-CSRF-Token": self.client.cookies.get("__Host-newsintel-csrf") or ""}

    async def write(self, method: str, path: str, **details: Any) -> httpx.Response:
        """As a page of the site does it."""
        headers = {
            "Origin": ORIGIN,
            "Sec-Fetch-Site": "same-origin",
            **self.csrf,
            **details.pop("headers", {}),
        }
        return await self.client.request(method, path, headers=headers, **details)
