"""Every bad parameter is a 400 that names it; nothing that anyone sends is a 500."""

import asyncio
import time
from urllib.parse import quote_from_bytes, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.question import PARAMETERS
from tests.factories import UNLIMITED

BAD = [
    ("colour=red", "colour", "there is no such parameter"),
    ("langauge=en", "langauge", "did you mean language?"),
    ("sort=foo", "sort", '"foo" is not known; use relevance, newest, oldest, coverage, positive or negative'),
    ("sort=newst", "sort", "did you mean newest?"),
    ("sort=newest&sort=oldest", "sort", "given more than once"),
    ("source=bbc", "source", "use newsapi, guardian or reddit"),
    ("source=guardian,", "source", '"" is not known'),
    ("source=", "source", '"" is not known'),
    ("sentiment=happy", "sentiment", "positive, negative or neutral"),
    ("from=yesterday", "from", "use a date such as 2026-01-31"),
    ("from=2026-02-30", "from", "is not a date or time"),
    ("to=2026-13-01T00:00:00Z", "to", "is not a date or time"),
    ("to=9999-12-32", "to", "is not a date or time"),
    ("from=0001-01-01T00:00:00%2B14:00", "from", "is not a date or time"),
    ("from=2026-02-02&to=2026-02-01", "from", "is not before `to`"),
    ("language=english", "language", "ISO 639-1"),
    ("language=xx", "language", "ISO 639-1"),
    ("language=jp", "language", "did you mean ja?"),
    ("language=Polish", "language", "did you mean pl?"),
    ("limit=0", "limit", "from 1 to 100"),
    ("limit=-1", "limit", "from 1 to 100"),
    ("limit=101", "limit", "from 1 to 100"),
    ("limit=1000000000", "limit", "from 1 to 100"),
    ("limit=1e1", "limit", "from 1 to 100"),
    ("limit=%D9%A1", "limit", "from 1 to 100"),
    ("limit=", "limit", "from 1 to 100"),
    ("page=0", "page", "from 1 to 10000"),
    ("page=99999999999999999999999", "page", "from 1 to 10000"),
    ("page=600&limit=20", "page", "page x limit must be at most 10000"),
    ("outlet=,", "outlet", "is not a list of names"),
    ("outlet=%26", "outlet", "there are no letters or digits"),
    ("outlet=%E2%91%A0", "outlet", "there are no letters or digits"),  # ①, of which nothing is indexed
    ("author=" + "a" * 101, "author", "at most 100 characters"),
    ("author=Smi*", "author", "q=author:smi*"),
    ("author=Jane+Doe,Smi*", "author", '"Smi*" has an asterisk'),
    ("outlet=Reu*", "outlet", "q=outlet:smi*"),
    ("outlet=-*", "outlet", "has an asterisk"),
    ("exclude_outlet=Daily+*", "exclude_outlet", "q=outlet:smi*"),
    ("exclude_outlet=%00", "exclude_outlet", "U+0000"),
    ("author=%1Cx", "author", "U+001C"),
    ("cursor=%1E", "cursor", "U+001E"),
    ("limit=%1C1", "limit", "from 1 to 100"),
    ("min_polarity=2", "min_polarity", "from -1 to 1"),
    ("min_polarity=0x1", "min_polarity", "from -1 to 1"),
    ("max_polarity=nan", "max_polarity", "from -1 to 1"),
    ("min_polarity=0.5&max_polarity=0.4", "min_polarity", "is not before `max_polarity`"),
    ("has_image=yes", "has_image", "neither true nor false"),
    ("fields=id,titel", "fields", "did you mean title?"),
    ("cursor=x&page=2", "page", "a cursor is given as well"),
    ("cursor=" + "A" * 7_000, "cursor", "it has 7000 characters"),
    ("q=%ED%A0%80", "q", "not UTF-8"),
    ("q=%FF", "q", "not UTF-8"),
    ("%FF=1", "parameter name", "not UTF-8"),
    ("=x", "", "there is no such parameter"),
    *(
        (f"format={form}&{name}=true", name, f"{form} cannot show it")
        for form in ("rss", "atom", "jsonfeed", "csv", "jsonl")
        for name in ("highlight", "explain")
    ),
    *((f"format={form}&fields=id", "fields", f"{form} cannot") for form in ("rss", "atom", "jsonfeed")),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("query", "name", "words"), BAD)
async def test_a_bad_parameter_is_named(api, query, name, words):
    answer = await api.get(f"/articles?{query}")
    problem = answer.json()
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["parameter"]) == ("bad_parameter", name)
    assert words in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["allowed"]


@pytest.mark.anyio
async def test_what_a_form_cannot_show_is_refused_only_where_it_is_wanted(api, archive):
    for query in (
        "format=rss&explain=false&highlight=false",
        "format=csv&fields=id",
        "format=jsonl&fields=id",
    ):
        assert (await api.get(f"/articles?{query}")).status_code == 200, query
    answer = await api.get("/articles?explain=true", headers={"Accept": "application/rss+xml"})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "explain")


# Of this process's processor, which another busy process cannot spend.
SECONDS = 1.0
BAD_QUERIES = [
    ("a" * 10_000, "query_too_long"),
    ("a" * 16_000, "query_too_long"),
    (" ".join(f"w{n}" for n in range(1_000)), "query_too_long"),
    ('"' + " ".join(["war"] * 1_000) + '"', "query_too_long"),
    (" ".join(["ab"] * 300), "query_too_many_terms"),
    ("ab " * 3_333, "query_too_long"),
    (" ".join(f"w{n}" for n in range(65)), "query_too_many_terms"),
    (" OR ".join(["ab"] * 1_000), "query_too_long"),
    ("(" * 200 + "war" + ")" * 200, "query_too_deep"),
    ("(" * 900, "query_too_deep"),
    ("-" * 400 + "war", "query_syntax"),
    ("the", "query_only_common_words"),
    ("the of and", "query_only_common_words"),
    ("*", "query_wildcard"),
    ("?", "query_wildcard"),
    ("% _", "query_wildcard"),
    ("* OR *", "query_wildcard"),
    ("title:*", "query_wildcard"),
    ('"*"', "query_wildcard"),
    ("w*r", "query_wildcard"),
    ("war\x00", "query_bad_character"),
    ("\x1c", "query_bad_character"),
    ("\x85", "query_bad_character"),
    ("war \x1b[2J", "query_bad_character"),
    ("war \x7f", "query_bad_character"),
    ("war & peace", "query_syntax"),
    ("war | peace", "query_syntax"),
    ("war <-> peace", "query_syntax"),
    ("war:*", "query_unknown_field"),
    ("!war", "query_syntax"),
    ("'; DROP TABLE articles; --", "query_syntax"),
    ("war' OR '1'='1", "query_syntax"),
    ("war) UNION SELECT password FROM users --", "query_syntax"),
    ("%s %(x)s", "query_syntax"),
    ("war <2> peace", "query_syntax"),
    ("to_tsquery('war')", "query_syntax"),
    ("titel:war", "query_unknown_field"),
    ('war author:"&amp;"', "query_bad_value"),
    ("lang:english", "query_bad_value"),
    ("sentiment:>2", "query_bad_value"),
    ("war AND", "query_syntax"),
    ("(war", "query_syntax"),
    ('"unclosed', "query_syntax"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("query", "code"), BAD_QUERIES, ids=lambda text: text[:20])
async def test_a_bad_query_is_refused_with_its_position_and_a_suggestion_that_works(api, query, code):
    started = time.process_time()
    answer = await api.get("/articles", params={"q": query}, headers={"Prefer": "wait=0"})
    assert time.process_time() - started < SECONDS
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["parameter"]) == (400, code, "q")
    assert 0 <= problem["position"] <= len(query)
    assert problem["detail"]
    assert problem["type"] == f"urn:newsintel:problem:{code}"
    if problem.get("suggestion"):
        again = await api.get("/articles", params={"q": problem["suggestion"]}, headers={"Prefer": "wait=0"})
        assert again.status_code == 200 or again.json()["code"] == "query_only_common_words"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "address",
    [
        "/articles?format=rss",
        "/articles?explain=true&highlight=true",
        "/articles/sentiment/trends?interval=week",
        "/articles/sentiment/summary?language=en",
        "/searches/related?limit=5",
    ],
)
async def test_a_bad_query_is_refused_wherever_one_can_be_asked(api, address):
    for query, code in BAD_QUERIES:
        answer = await api.get(f"{address}&{urlencode({'q': query})}", headers={"Prefer": "wait=0"})
        assert (answer.status_code, answer.json()["code"]) == (400, code), query


@pytest.mark.anyio
async def test_positions_count_from_the_first_character_that_was_sent(api, archive):
    for address in ("/articles", "/articles/sentiment/trends", "/searches/related"):
        problem = (await api.get(f"{address}?q=%20%20+war+)%20")).json()
        assert (problem["code"], problem["position"], problem["suggestion"]) == ("query_syntax", 7, "war")
    answer = await api.get("/articles?q=%20%20+war&explain=true", headers={"Prefer": "wait=0"})
    assert answer.json()["explain"]["terms"][0]["position"] == 3


@pytest.mark.anyio
@pytest.mark.parametrize("raw", ["%ED%A0%80", "%FF", "war%C3", "%ED%B0%80%ED%A0%80"])
async def test_a_query_that_is_no_text_is_refused(api, raw):
    answer = await api.get(f"/articles?q={raw}")
    assert (answer.status_code, answer.json()["code"], answer.json()["parameter"]) == (
        400,
        "bad_parameter",
        "q",
    )


@pytest.mark.anyio
async def test_the_largest_query_that_is_allowed_is_answered_in_time(api, archive):
    archive.article("word1")
    for query in (" OR ".join(f"word{n}*" for n in range(64)), "(" * 10 + "word1" + ")" * 10):
        started = time.process_time()
        answer = await api.get("/articles", params={"q": query}, headers={"Prefer": "wait=0"})
        assert time.process_time() - started < SECONDS
        assert (answer.status_code, answer.json()["total"]) == (200, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/articles/1", "/articles/1/sentiment", "/sources", "/health"])
async def test_an_address_without_parameters_refuses_them(api, path):
    answer = await api.get(f"{path}?verbose=1")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "verbose")


@pytest.mark.anyio
@pytest.mark.parametrize("number", ["abc", "0", "-1", "1.5", "9" * 30, str(2**63), "%00", "1%27%20OR%201=1"])
@pytest.mark.parametrize("tail", ["", "/sentiment"])
async def test_an_article_id_that_is_none(api, number, tail):
    answer = await api.get(f"/articles/{number}{tail}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "article_id")


@pytest.fixture
def ask(database, redis_url):
    """Ask the api from a test that is not a coroutine (Hypothesis drives it)."""
    from shared.config import ApiSettings

    settings_ = ApiSettings(
        database_url=database.api, redis_url=redis_url, log_level="error", cold_wait_seconds=0.0, **UNLIMITED
    )
    with asyncio.Runner() as runner:
        client = AsyncTestClient(create_app(settings_))
        runner.run(client.__aenter__())
        yield lambda query: runner.run(client.get(f"/articles?{query}"))
        runner.run(client.__aexit__(None, None, None))


names = st.sampled_from([p.name for p in PARAMETERS]) | st.text(max_size=10)
values = (
    st.text(max_size=30)
    | st.integers().map(str)
    | st.datetimes().map(str)
    | st.sampled_from(
        ["newest", "guardian", "en", "positive", '"', "a or", "-", "((", ":*", "a & b", "'", "\\", "%"]
    )
)
EXAMPLES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@EXAMPLES
@given(pairs=st.lists(st.tuples(names, values), max_size=4))
def test_any_text_for_any_parameter_is_an_answer_or_a_400_that_names_it(ask, pairs):
    answer = ask(urlencode(pairs, encoding="utf-8", errors="surrogatepass"))
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 400:
        assert answer.json()["code"].startswith(("bad_parameter", "query_", "cursor_"))
        assert "parameter" in answer.json()


@EXAMPLES
@given(name=st.sampled_from([p.name for p in PARAMETERS]), raw=st.binary(max_size=30))
def test_any_bytes_for_any_parameter_is_an_answer_or_a_400_that_names_it(ask, name, raw):
    answer = ask(f"{name}={quote_from_bytes(raw)}")
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 400:
        assert answer.json()["parameter"] == name
