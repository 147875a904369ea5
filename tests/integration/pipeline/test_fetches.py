"""The books of one pull: opened, counted, closed, and opened again when its command is repeated."""

from datetime import timedelta

from ingest.article import Written
from ingest.store import fetches
from tests.items import NOW


def test_a_pull_that_is_repeated_goes_on_with_its_counts(ports, sql):
    with ports.database.connection() as conn:
        for _ in range(2):
            fetches.begin(conn, "f", source="guardian", topic_id=1, query="x", window=(NOW, None), at=NOW)
            assert sql("SELECT outcome, reason, finished_at FROM fetches") == [("running", None, None)]
            fetches.add_page(conn, "f")
            counts = Written(fetched=3, stored=1, merged=1, discarded={"over_18": 1})
            fetches.add_counts(conn, "f", counts, NOW - timedelta(hours=1))
            fetches.add_counts(conn, "f", Written(), None)
            fetches.finish(conn, "f", outcome="rate_limited", reason="too many", at=NOW)
    assert sql(
        "SELECT pages, fetched, stored, merged, quarantined, discarded, outcome, reason FROM fetches"
    ) == [(2, 6, 2, 2, 0, {"over_18": 2}, "rate_limited", "too many")]
    assert sql("SELECT newest_published_at, started_at, finished_at FROM fetches") == [
        (NOW - timedelta(hours=1), NOW, NOW)
    ]
