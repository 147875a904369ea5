"""People end to end, through real processes: a browser, a program with a token, one with a key; and no secret told.

Everything that the processes print during these runs is searched for every secret that was in play.
"""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright

from deploy.local import browser
from tests.eventually import eventually
from tests.people import MARTA, consent

CHROMIUM = browser.find()
# Sent by a page of the site, as its scripts would.
FETCH = """
async ([method, path, body]) => {
  const token = document.cookie.match(/__Host-newsintel-csrf=([^;]+)/)?.[1] ?? "";
  const headers = {"X-CSRF-Token": token, "Content-Type": "application/json"};
  const answer = await fetch(path, {method, headers, body: body === null ? undefined : JSON.stringify(body)});
  const text = await answer.text();
  return {status: answer.status, etag: answer.headers.get("etag"), json: text ? JSON.parse(text) : null};
}
"""


def signed_in_program(system, api):
    """A plain client keeps Secure cookies to HTTPS, so the one of the sign-in is carried by hand."""
    begun = api.get("/auth/reddit/login?answer=tokens")
    back = consent(system.upstreams, begun.headers["location"])
    cookie = begun.headers["set-cookie"].split(";")[0]
    return api.get(back, headers={"Cookie": cookie}).raise_for_status().json(), back


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)")
def test_a_person_signs_in_searches_saves_notes_and_signs_out(system):
    system.worker()
    api = system.api()
    base = str(api.base_url)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(complaint(message, base)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        session = whole_visit(page, base)
        assert not [each for each in complaints if each]
        page.goto(f"{base}/me")
        assert json.loads(page.inner_text("body"))["code"] == "not_signed_in"
        chromium.close()
    assert (
        api.get("/me", headers={"Authorization": f"Bearer {session['__Host-newsintel']}"}).status_code == 401
    )
    no_secret_told(system, session.values())


def complaint(message, base):
    """What the browser objects to in pages of ours: a policy that is broken, a script that fails."""
    ours = message.location["url"].startswith(base)
    return f"{message.text} ({message.location['url']})" if message.type == "error" and ours else ""


def whole_visit(page: Page, base: str) -> dict[str, str]:
    """Returns the cookies of the session that was ended."""
    page.goto(f"{base}/auth/reddit/login?return_to=/docs")
    page.get_by_label(f"u/{MARTA}").check()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"{base}/docs")
    page.get_by_text("Search articles").first.wait_for()  # the documentation works under its policy
    cookies = {each["name"]: each["value"] for each in page.context.cookies()}
    assert page.evaluate("document.cookie").startswith("__Host-newsintel-csrf=")

    def call(method, path, body=None):
        return page.evaluate(FETCH, [method, path, body])

    found = call("GET", "/articles?q=climate")["json"]["articles"]
    kept = call("PUT", f"/me/saved/articles/{found[0]['id']}", {"notes": "first"})
    assert kept["status"] == 201
    path = f"/me/saved/{kept['json']['id']}"
    assert call("PATCH", path, {"notes": "second", "tags": ["climate"]})["status"] == 200
    [listed] = call("GET", "/me/saved?q=second")["json"]["saved"]
    assert (listed["title"], listed["tags"]) == (found[0]["title"], ["climate"])
    assert call("POST", "/auth/logout")["status"] == 200
    assert page.evaluate("document.cookie") == ""
    return cookies


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)")
def test_a_page_of_another_origin_cannot_write(system):
    system.worker()
    api, other = system.api(), system.api()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page()
        page.goto(f"{api.base_url}/auth/reddit/login?return_to=/docs")
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url(f"{api.base_url}/docs")
        # Another port is another origin of the same site: the cookies come along, and must not be enough.
        form = f'<form method="post" action="{api.base_url}/auth/logout"><button>Win a prize</button></form>'
        page.route("**/evil", lambda route: route.fulfill(body=form, content_type="text/html"))
        for host in ("127.0.0.1", "localhost"):
            page.goto(f"http://{host}:{other.base_url.port}/evil")
            page.get_by_role("button").click()
            page.wait_for_url(f"{api.base_url}/auth/logout")
            refused = json.loads(page.inner_text("body"))
            assert refused["code"] == ("cross_site" if host == "127.0.0.1" else "not_signed_in")
        page.goto(f"{api.base_url}/me")
        assert json.loads(page.inner_text("body"))["user"]["username"] == MARTA  # still signed in
        chromium.close()


def test_a_program_with_a_token_and_one_with_a_key(system):
    system.worker()
    api = system.api()
    tokens, back = signed_in_program(system, api)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    [article, *_] = api.get("/articles?q=climate", headers=bearer).json()["articles"]
    saved = api.put(f"/me/saved/articles/{article['id']}", json={"notes": "by a program"}, headers=bearer)
    assert (saved.status_code, saved.json()["title"]) == (201, article["title"])
    body = {"name": "reader", "scopes": ["read", "me:read"]}
    key = api.post("/me/keys", json=body, headers=bearer).json()["key"]
    by_key = {"X-API-Key": key}
    assert api.get("/me/saved", headers=by_key).json()["saved"] == [saved.json()]
    assert api.put(f"/me/saved/articles/{article['id']}", headers=by_key).status_code == 403
    renewed = api.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).json()
    assert api.post("/auth/logout?everywhere", headers=bearer).json() == {"count": 1}
    assert api.get("/me", headers=bearer).status_code == 401
    assert api.post("/auth/refresh", json={"refresh_token": renewed["refresh_token"]}).status_code == 401
    # Requests that fail in every way we know, secrets in hand.
    for headers in (
        {"X-API-Key": key + "0"},
        {"Authorization": f"Basic {key}"},
        {"Cookie": f"__Host-newsintel={key}"},
    ):
        api.get("/me", headers=headers)
    api.get(back)  # the used code, once more
    api.get("/articles", params={"token": tokens["access_token"]})
    code = parse_qs(urlsplit(back).query)["code"][0]
    no_secret_told(system, [*secrets_of(tokens), *secrets_of(renewed), key, code])


def secrets_of(tokens):
    return [tokens["access_token"], tokens["refresh_token"]]


def no_secret_told(system, made):
    """Nothing that any process printed holds a secret: of the run, of the settings, or of Reddit."""
    for child in system.children:  # the access log writes a few times a second, and at the end
        child.stop()
    environments = {**system.ingest_environment, **system.api_environment}
    settings = [
        part
        for name, value in environments.items()
        if name.endswith(("_KEY", "_KEYS", "_SECRET"))
        for part in re.split("[,:]", value)
        if len(part) > 12
    ]
    assert len(settings) >= 4
    printed = "".join(path.read_text(errors="replace") for path in system.logs.glob("*.log"))
    assert '"event":"request"' in printed or '"request"' in printed
    signatures = [secret.rpartition(".")[2] for secret in made]
    for secret in {*settings, *made, *signatures}:
        assert secret not in printed, f"{secret[:6]}... was printed"


@pytest.mark.campaign
def test_limits_hold_within_two_percent_over_four_processes_and_fifty_clients(system):
    quota = {"NEWSINTEL_LIMIT_ADDRESS_HOUR": "2000", "NEWSINTEL_LIMIT_ADDRESS_BURST": "1000000"}
    processes = [system.api(**quota) for _ in range(4)]
    eventually(lambda: time.time() % 3600 < 3540, seconds=70)  # not over the turn of the hour

    def hammer(number):
        admitted = 0
        with httpx.Client(base_url=processes[number % 4].base_url, timeout=30) as client:
            for _ in range(60):
                admitted += client.get("/sources").status_code == 200
        return admitted

    with ThreadPoolExecutor(50) as clients:
        admitted = sum(clients.map(hammer, range(50)))
    assert 0.98 * 2000 <= admitted <= 1.02 * 2000
