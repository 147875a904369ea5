"""A reader asks for what nobody asked before: one call to each source, an answer for everyone, reasons on failure."""

from concurrent.futures import ThreadPoolExecutor

from tests.eventually import eventually

READERS = 100


def counts(system):
    return {
        name: system.upstreams.calls()["counts"].get(name, 0) for name in ("newsapi", "guardian", "reddit")
    }


def test_a_hundred_readers_of_a_cold_query_make_one_call_to_each_source(system):
    system.worker()
    system.upstreams.faults(source="newsapi", kind="delay", min_ms=200, max_ms=250)
    first, second = (system.api() for _ in range(2))

    def read(number):
        return (first, second)[number % 2].get("/articles", params={"q": "climate"})

    with ThreadPoolExecutor(READERS) as readers:
        answers = list(readers.map(read, range(READERS)))
    assert {a.status_code for a in answers} == {200}
    assert all(a.json()["articles"] for a in answers)
    system.wait_idle()
    assert counts(system) == {"newsapi": 1, "guardian": 1, "reddit": 1}


def test_a_repeated_query_comes_from_the_cache_and_asks_nobody(system):
    system.worker()
    api = system.api()
    api.get("/articles", params={"q": "climate"})
    system.wait_idle()

    # What came in behind the first answer took it out of the cache.
    def hit():
        api.get("/articles", params={"q": "climate"})
        again = api.get("/articles", params={"q": " Climate "})
        return again if "hit" in again.headers["Cache-Status"] else None

    again = eventually(hit)
    assert again.json()["freshness"]["state"] == "fresh"
    assert counts(system) == {"newsapi": 1, "guardian": 1, "reddit": 1}


def test_with_every_source_failing_the_archive_answers_and_says_why(system):
    system.worker()
    api = system.api()
    assert api.get("/articles", params={"q": "climate"}).json()["articles"]
    system.wait_idle()
    system.redis.flushall()  # everything cached and every freshness window is over
    for source in ("newsapi", "guardian", "reddit"):
        system.upstreams.faults(source=source, kind="status", status=503)

    # The answer of before is in memory for seconds, one from while the sources are being asked is kept for a second.
    def stale():
        answer = api.get("/articles", params={"q": "climate"}).json()
        return answer if answer["freshness"]["state"] == "stale" else None

    answer = eventually(stale)
    assert answer["articles"]
    reasons = {s["source"]: (s["outcome"], s["reason"]) for s in answer["freshness"]["sources"]}
    assert {outcome for outcome, _ in reasons.values()} == {"unreachable"}
    assert all(reason for _, reason in reasons.values())


def test_one_failing_source_leaves_the_others_unaffected(system):
    system.worker()
    system.upstreams.faults(source="guardian", kind="html")
    api = system.api()
    answer = api.get("/articles", params={"q": "climate"}).json()
    assert {a["source"] for a in answer["articles"]} >= {"newsapi"}
    assert answer["freshness"]["state"] == "partial"
    outcomes = {s["source"]: s["outcome"] for s in answer["freshness"]["sources"]}
    assert outcomes == {"newsapi": "ok", "guardian": "bad_answer", "reddit": "ok"}
