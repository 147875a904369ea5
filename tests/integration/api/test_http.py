"""Everything around the answers: errors of the framework, request ids, content negotiation, documentation."""

import re

import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "no_such_address"),
        ("GET", "/docs/assets/other.js", 404, "no_such_address"),
        ("GET", "/docs/assets/..%2f__init__.py", 404, "no_such_address"),
        ("POST", "/articles", 405, "method_not_allowed"),
        ("DELETE", "/articles/1", 405, "method_not_allowed"),
    ],
)
async def test_refusals_of_the_framework_are_problems_too(api, method, path, status, code):
    answer = await api.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert status != 405 or "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/articles/1", "/articles?limit=0", "/me", "/sources", "/sources/guardian", "/health"],
)
async def test_nobody_keeps_a_refusal_or_what_is_true_of_a_moment_only(api, path):
    assert (await api.get(path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/articles", "/articles?format=rss", "/sources", "/docs", "/health"])
async def test_head_is_get_without_its_content(api, archive, path):
    archive.article("A storm")
    shown, head = await api.get(path), await api.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "etag", "link", "vary"):
        assert head.headers.get(name) == shown.headers.get(name), name


@pytest.mark.parametrize(("path", "status"), [("/articles?limit=0", 400), ("/nothing", 404), ("/me", 401)])
async def test_head_of_what_is_refused_has_no_content_either(api, path, status):
    answer = await api.head(path)
    assert (answer.status_code, answer.content) == (status, b"")


async def test_head_is_answered_out_of_the_cache_and_with_304(api, archive):
    archive.article("A storm")
    tag = (await api.head("/articles")).headers["etag"]
    again = await api.head("/articles", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert "newsintel; hit; detail=memory" in again.headers["cache-status"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/articles", {"GET", "HEAD", "OPTIONS"}),
        ("OPTIONS", "/articles", {"GET", "HEAD", "OPTIONS"}),
        ("HEAD", "/auth/refresh", {"OPTIONS", "POST"}),
    ],
)
async def test_what_an_address_takes_is_told(api, method, path, allowed):
    assert set((await api.request(method, path)).headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml, text/*;q=0.5", "*/*;q=0", "application/json;q=0, */*"]
)
async def test_a_caller_that_reads_no_json(api, accept):
    answer = await api.get("/sources", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, application/*;q=0.9", ""])
async def test_a_caller_that_does(api, archive, accept):
    assert (await api.get("/articles", headers={"Accept": accept})).status_code == 200


async def test_a_list_may_stand_in_several_header_lines(api, archive):
    archive.article("A storm")
    lines = [("Accept", "application/xhtml+xml"), ("Accept", "application/rss+xml")]
    for _ in range(2):  # made, then out of the cache
        answer = await api.get("/articles", headers=lines)
        assert answer.headers["content-type"].startswith("application/rss+xml")
        assert (await api.get("/articles", headers=lines[:1])).status_code == 406
    for accept, status in (("application/json", 200), ("text/plain", 406)):
        answer = await api.get("/sources", headers=[("Accept", "text/html"), ("Accept", accept)])
        assert answer.status_code == status
    known = [("If-None-Match", '"x"'), ("If-None-Match", (await api.get("/articles")).headers["etag"])]
    for method in ("GET", "HEAD"):  # out of the cache before it is routed, and after
        assert (await api.request(method, "/articles", headers=known)).status_code == 304
    wishes = [("Prefer", "respond-async"), ("Prefer", "wait=0")]
    assert (await api.get("/articles?q=calm", headers=wishes)).headers["preference-applied"] == "wait=0"


@pytest.mark.parametrize(
    ("sent", "taken"), [("abc-1.2_Z", True), ("", False), ("a b", False), ("x" * 65, False), ("<x>", False)]
)
async def test_a_request_id_is_taken_over_when_it_is_harmless(api, sent, taken):
    answer = await api.get("/nothing", headers={"X-Request-ID": sent})
    assert (answer.headers["x-request-id"] == sent) is taken
    assert re.fullmatch(r"[\w.-]{1,64}", answer.headers["x-request-id"])
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_the_documentation_page_needs_nothing_but_this_process(api):
    page = (await api.get("/docs")).text
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*?(?:src|href)=[\"']([^\"']+)", page)
    assert len(loaded) == 5
    for address in loaded:
        assert address.startswith(("/docs/assets/", "data:"))
        if address.startswith("/"):
            asset = await api.get(address)
            assert asset.status_code == 200
            assert len(asset.content) > (300 if address.endswith("start.js") else 100_000)
            assert asset.headers["content-type"].startswith(("text/css", "text/javascript"))
    style = (await api.get("/docs/assets/swagger-ui.css")).text
    assert not re.search(r"@import|url\((?!\"?data:|'?data:)", style)
    assert "cdn" not in page


async def test_the_root_leads_to_the_documentation(api):
    answer = await api.get("/", follow_redirects=False)
    assert answer.headers["location"] == "/docs"
    assert answer.status_code in {301, 302, 307, 308}


async def test_openapi_describes_every_parameter_and_error(api):
    document = (await api.get("/docs/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) >= {
        "/articles", "/articles/{article_id}", "/articles/{article_id}/sentiment", "/sources", "/health",
    }  # fmt: skip
    search = document["paths"]["/articles"]["get"]
    parameters = {each["name"]: each for each in search["parameters"]}
    assert set(parameters) >= {
        "q", "source", "outlet", "exclude_outlet", "author", "sentiment", "min_polarity", "max_polarity", "from", "to",
        "language", "has_image", "sort", "limit", "page", "cursor", "fields", "highlight", "explain", "format",
        "personal", "Prefer",
    }  # fmt: skip
    assert parameters["limit"]["schema"] == {
        "type": "integer", "minimum": 1, "maximum": 100, "default": 20, "examples": [20],
    }  # fmt: skip
    for address, operation in ((a, each) for a, path in document["paths"].items() for each in path.values()):
        for parameter in operation.get("parameters", []):
            assert parameter["description"]
            needed = parameter["in"] == "path" or (address, parameter["name"]) == ("/searches/related", "q")
            assert parameter["required"] is needed
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and operation["summary"] != "Readiness":
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema["$ref"].endswith("Problem")
    assert search["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("ArticleList")
    body = document["paths"]["/me/saved"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["notes"]["maxLength"] == 10_000
