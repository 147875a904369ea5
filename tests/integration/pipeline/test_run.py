"""One batch after the other into a real archive."""

import threading

import msgspec
import psycopg
import pytest

from ingest.article import Discarded, Quarantined
from ingest.pipeline.run import run
from ingest.store import fetches
from tests import items
from tests.archive_state import archive_state, inconsistencies, row_versions
from tests.items import NOW, from_newsapi, from_reddit, raw

HARBOUR = "Parliament votes for the new harbour law"


def begin(ports, fetch_id="f"):
    with ports.database.connection() as conn:
        fetches.begin(
            conn, fetch_id, source="guardian", topic_id=None, query="x", window=(None, None), at=NOW
        )


def told(n):
    """Eight words out of a row, from the n-th on: alike to n + 1, not to n + 2."""
    row = "alpha bravo delta gamma hotel india julia lorry mango nancy oscar piano queen romeo"
    return raw(" ".join(row.split()[n : n + 8]), url=f"https://outlet{n}.example/1", external_id=str(n))


def story_of(sql, page):
    return sql("SELECT story_id FROM articles WHERE page = %s", page)[0][0]


def test_an_item_becomes_a_searchable_article_with_story_and_sentiment(ports, sql, database):
    written = run([raw("A wonderful day for the harbour", content="Great news. " * 50)], "f", ports)
    assert (written.fetched, written.stored, written.merged, written.quarantined) == (1, 1, 0, 0)
    [(title, label, lead, count, sources)] = sql(
        """SELECT title, t.label, lead_id = a.id, article_count, s.sources FROM articles a
           JOIN article_sentiments t ON article_id = a.id JOIN stories s ON s.id = story_id
           WHERE search @@ websearch_to_tsquery('english', 'harbours')"""
    )
    assert (title, label, lead, count, sources) == (
        "A wonderful day for the harbour",
        "positive",
        True,
        1,
        ["guardian"],
    )
    assert inconsistencies(database.owner) == []


def test_every_item_has_a_fate_and_the_books_close(ports, sql):
    begin(ports)
    quarantined = Quarantined(source="guardian", reason="undecodable", detail="bad \0 \ud800", original=b"{")
    gone = Discarded(source="guardian", reason="withdrawn")
    one = raw(HARBOUR)
    batch = [
        one,
        one,
        raw(None),
        quarantined,
        quarantined,
        gone,
        gone,
        Discarded(source="guardian", reason="x"),
    ]
    for _ in range(2):
        run(batch, "f", ports)
    [row] = sql(
        "SELECT fetched, stored, merged, quarantined, discarded, newest_published_at FROM fetches WHERE id = 'f'"
    )
    assert row[:5] == (16, 1, 3, 6, {"withdrawn": 4, "x": 2})
    assert row[0] == sum(row[1:4]) + sum(row[4].values())
    assert sql("SELECT reason FROM quarantine ORDER BY 1") == [("no_title",), ("undecodable",)]


def test_an_item_that_is_never_twice_the_same_is_kept_once(ports, sql):
    begin(ports)
    votes = [b'{"name": "t3_1", "score": %d}' % score for score in (1, 2)]
    posts = [from_reddit("", "https://post.example/1", external_id="t3_1", original=each) for each in votes]
    others = [
        from_reddit("", "https://post.example/1", external_id="t3_2"),
        raw("", external_id="t3_1"),  # of another source
        *(from_newsapi("", "https://post.example/1", original=each) for each in votes),  # without an id
    ]
    for item in (*posts, *others):
        run([item], "f", ports)
    assert sql("SELECT original FROM quarantine WHERE original = ANY(%s) AND source = 'reddit'", votes) == [
        (votes[0],)
    ]
    assert sql("SELECT source, count(*) FROM quarantine GROUP BY 1 ORDER BY 1") == [
        ("guardian", 1),
        ("newsapi", 2),
        ("reddit", 2),
    ]
    assert sql("SELECT fetched, quarantined FROM fetches") == [(6, 6)]


def test_nothing_in_nothing_out(ports):
    assert run([], "f", ports).fetched == 0
    assert run([Discarded(source="reddit", reason="over_18")], "f", ports).discarded == {"over_18": 1}


def test_a_repeat_changes_not_one_row(ports, database):
    batch = [raw(HARBOUR, content="c" * 400), from_newsapi(HARBOUR, "https://post.example/1"), raw(None)]
    batch += [from_reddit("Look at this", "https://post.example/1")]
    run(batch, "f", ports)
    before = row_versions(database.owner)
    again = run(batch, "f", ports)
    assert (again.stored, again.merged, again.changed_articles) == (0, 3, ())
    assert row_versions(database.owner) == before


def test_one_story_from_several_outlets_and_sources(ports, sql, database):
    batch = [
        raw(HARBOUR),
        from_newsapi(f"{HARBOUR} - Example Post", "https://post.example/1", content="long " * 100),
        from_newsapi("PARLIAMENT VOTES for new harbour law", "https://gazette.example/1"),
        raw("Something quite different happened in Chile"),
    ]
    run(batch, "f", ports)
    [(lead, count, sources)] = sql(
        """SELECT a.page, article_count, s.sources FROM stories s JOIN articles a ON a.id = lead_id
           WHERE article_count > 1"""
    )
    assert (lead, count, sources) == ("post.example/1", 3, ["guardian", "newsapi"])
    assert sql("SELECT match_method, match_score > 80 FROM articles ORDER BY id") == [
        ("first", None),
        ("title", True),
        ("title", True),
        ("first", None),
    ]
    assert inconsistencies(database.owner) == []


def test_one_page_from_several_sources_keeps_the_best_version_and_the_earliest_date(ports, sql, database):
    url = "https://post.example/1"
    run([from_reddit("You have to read this", url, published_at=NOW.timestamp() - 3600)], "f", ports)
    full = from_newsapi(
        HARBOUR, f"{url}?utm_source=x", content="Text. " * 80, published_at="2026-03-01T08:00:00Z"
    )
    run([full], "f", ports)
    run([from_reddit("Interesting law", url.replace("https://", "http://www."))], "f", ports)
    [row] = sql("SELECT source, title, url, published_at::text, sources FROM articles")
    assert row[:3] == ("newsapi", HARBOUR, url)
    assert row[3].startswith("2026-03-01 08:00")
    assert row[4] == ["newsapi", "reddit"]
    assert sql("SELECT count(*) FROM sightings") == [(3,)]
    assert inconsistencies(database.owner) == []


def test_an_article_that_joins_two_stories_merges_them_and_the_older_stays(ports, sql, database):
    run([told(0)], "f", ports)
    run([told(2)], "f", ports)
    one, other = story_of(sql, "outlet0.example/1"), story_of(sql, "outlet2.example/1")
    assert one < other
    written = run([told(1)], "f", ports)
    assert {story_of(sql, f"outlet{n}.example/1") for n in range(3)} == {one}
    assert sql("SELECT merged_into, article_count FROM stories ORDER BY id") == [(None, 3), (one, 0)]
    assert len(written.changed_articles) == 3
    assert inconsistencies(database.owner) == []


def test_redirects_never_chain(ports, sql, database):
    for n in (6, 3, 0):
        run([told(n)], "f", ports)
    run([told(1), told(2)], "f", ports)
    assert sql("SELECT id, merged_into FROM stories ORDER BY id") == [(1, None), (2, None), (3, 2)]
    run([told(4), told(5)], "f", ports)
    assert sql("SELECT id, merged_into FROM stories ORDER BY id") == [(1, None), (2, 1), (3, 1)]
    assert inconsistencies(database.owner) == []


def test_a_new_title_of_a_known_page_adds_what_it_joins_and_never_splits(ports, sql, database):
    page = raw("Breaking news from the capital", content="c" * 400)
    run([page, from_newsapi(HARBOUR, "https://post.example/1")], "f", ports)
    run([msgspec.structs.replace(page, title=HARBOUR, modified_at="2026-03-01T11:00:00Z")], "f", ports)
    assert sql("SELECT count(*) FROM stories WHERE merged_into IS NULL") == [(1,)]
    assert sql("SELECT title FROM articles WHERE source = 'guardian'") == [(HARBOUR,)]
    run([page], "f", ports)
    assert sql("SELECT count(*) FROM stories WHERE merged_into IS NULL") == [(1,)]
    assert sql("SELECT title FROM articles WHERE source = 'guardian'") == [(HARBOUR,)]
    assert inconsistencies(database.owner) == []


def test_an_item_that_moved_to_another_address_stays_one_article(ports, sql, database):
    item = raw(HARBOUR, external_id="world/harbour", url="https://ex.org/old")
    moved = msgspec.structs.replace(item, url="https://ex.org/new", content="More text now. " * 40)
    run([item], "f", ports)
    run([moved], "f", ports)
    assert sql("SELECT page, url FROM articles") == [("ex.org/old", "https://ex.org/new")]
    other = raw("Quite another title for the same page", external_id="other", url="https://ex.org/elsewhere")
    run([other, msgspec.structs.replace(item, url="https://ex.org/elsewhere")], "f", ports)
    assert sql("SELECT count(*), count(DISTINCT story_id) FROM articles") == [(2, 1)]
    assert inconsistencies(database.owner) == []


def test_a_better_version_brings_its_own_sentiment(ports, sql):
    item = raw("A terrible disaster at the harbour")
    run([item], "f", ports)
    run(
        [msgspec.structs.replace(item, title="A wonderful day at the harbour", content="good " * 100)],
        "f",
        ports,
    )
    assert sql("SELECT label FROM article_sentiments") == [("positive",)]


def test_a_sighting_keeps_its_earliest_date(ports, sql):
    item = from_reddit("Look at this", "https://post.example/1", published_at="2026-03-01T09:00:00Z")
    run([item], "f", ports)
    run(
        [msgspec.structs.replace(item, published_at="2026-03-01T08:00:00Z", source_name="r/alpha")],
        "f",
        ports,
    )
    run(
        [msgspec.structs.replace(item, published_at="2026-03-01T10:00:00Z", source_name="r/zulu")], "f", ports
    )
    [(at, name)] = sql("SELECT published_at::text, source_name FROM sightings")
    assert at.startswith("2026-03-01 08")
    assert name == "r/alpha"


def test_two_workers_that_bring_one_story_at_the_same_moment_make_one(ports, sql, database):
    for attempt in range(15):
        title = f"Parliament number {attempt} votes for the harbour law"
        gate = threading.Barrier(2)

        def bring(host, *, title=title, attempt=attempt, gate=gate):
            gate.wait()
            run([from_newsapi(title, f"https://{host}.example/{attempt}")], "f", ports)

        workers = [threading.Thread(target=bring, args=(host,)) for host in ("a", "b")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert sql("SELECT count(*), count(DISTINCT story_id) FROM articles") == [(30, 15)]
    assert inconsistencies(database.owner) == []


def test_what_the_database_refuses_is_found_and_quarantined_alone(ports, sql, monkeypatch):
    def store(conn, batch, *args, original=run.__globals__["write"]):
        for settled in batch:
            if getattr(settled, "article", None) and settled.article.title == "Poison in the harbour":
                conn.execute("SELECT 1 / 0")
        return original(conn, batch, *args)

    monkeypatch.setitem(run.__globals__, "write", store)
    batch = [raw(f"Title of article number {n}") for n in range(9)] + [
        raw("Poison in the harbour"),
        raw(None),
    ]
    written = run(batch, "f", ports)
    assert (written.fetched, written.stored, written.quarantined) == (11, 9, 2)
    assert sql("SELECT reason, detail LIKE 'DivisionByZero%' FROM quarantine ORDER BY 1") == [
        ("failed", True),
        ("no_title", False),
    ]


def test_a_refusal_that_no_item_explains_is_raised(ports, monkeypatch):
    monkeypatch.setitem(run.__globals__, "write", lambda conn, *_: conn.execute("SELECT 1 / 0"))
    with pytest.raises(psycopg.errors.DivisionByZero):
        run([Discarded(source="reddit", reason="x")], "f", ports)


def test_a_lost_database_is_not_the_items_fault(ports, sql, monkeypatch):
    monkeypatch.setitem(
        run.__globals__,
        "write",
        lambda conn, *_: conn.execute("SELECT pg_terminate_backend(pg_backend_pid())"),
    )
    with pytest.raises(psycopg.OperationalError):
        run([raw(HARBOUR)], "f", ports)
    assert sql("SELECT count(*) FROM quarantine") == [(0,)]


def test_a_batch_is_stored_whole_or_not_at_all(ports, sql, monkeypatch):
    begin(ports)
    monkeypatch.setattr(fetches, "add_counts", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
    with pytest.raises(RuntimeError, match="killed"):
        run([raw(HARBOUR), raw(None)], "f", ports)
    for table in (
        "articles",
        "stories",
        "sightings",
        "titles",
        "title_words",
        "article_sentiments",
        "quarantine",
    ):
        assert sql(f"SELECT count(*) FROM {table}") == [(0,)]
    assert sql("SELECT fetched FROM fetches") == [(0,)]


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_the_size_of_batches_makes_no_difference(database, redis_url, size):
    batch = [
        raw(f"Title {n} of the harbour story", external_id=f"x/{n}", url=f"https://ex{n % 3}.org/{n}")
        for n in range(9)
    ]
    batch += [
        from_newsapi(f"{HARBOUR} today", f"https://p{n}.example/1", published_at="2026-03-01T07:00:00Z")
        for n in range(5)
    ]
    with items.ports(database.worker, redis_url, batch_size=size) as ports:
        written = run(batch, "f", ports)
    assert (written.fetched, written.stored) == (14, 14)
    stories = archive_state(database.owner)["stories"]
    assert [story[2] for story in stories].count(5) == 1
    assert len(stories) == 10
