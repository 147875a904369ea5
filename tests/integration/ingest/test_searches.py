"""What was searched is remembered once, in its month, and forgotten by the month."""

from datetime import UTC, date, datetime
from uuid import uuid4

import psycopg
import pytest

from ingest.handlers.searches import record_searches
from ingest.store import searches
from shared.commands import RecordSearches, Searched


@pytest.fixture(autouse=True)
def empty(database):
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("TRUNCATE search_history")


def searched(at):
    return Searched(id=uuid4(), query="climate", results_count=3, searched_at=at)


def test_a_repeated_command_remembers_a_search_once(ports, rows):
    one = searched(datetime(2026, 11, 23, tzinfo=UTC))
    record_searches(RecordSearches(searches=[one]), ports, "c1")
    record_searches(RecordSearches(searches=[one, searched(one.searched_at)]), ports, "c2")
    assert rows("SELECT count(*), min(query), max(user_id) FROM search_history") == [(2, "climate", None)]


def test_months_are_kept_and_dropped_by_the_worker_role(ports, rows):
    with ports.database.connection() as connection:
        for month in (date(2026, 1, 5), date(2026, 2, 1), date(2026, 2, 28)):
            searches.keep_month(connection, month)
        searches.insert(connection, [searched(datetime(2026, m, 2, tzinfo=UTC)) for m in (1, 2)])
        assert searches.drop_before(connection, date(2026, 2, 10)) == 1
        assert rows("SELECT searched_at::date::text FROM search_history") == [("2026-02-02",)]
        assert searches.drop_before(connection, date(2026, 3, 1)) == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE search_history_default")


def test_a_month_takes_in_what_came_before_it_was_made(ports, rows):
    at = datetime(2031, 4, 30, 23, 59, tzinfo=UTC)
    with ports.database.connection() as connection:
        searches.drop_before(connection, at.date())  # months of other tests
        searches.insert(connection, [searched(at), searched(at.replace(month=5))])
        searches.keep_month(connection, at.date())
        searches.insert(connection, [searched(at)])
    assert rows("SELECT tableoid::regclass::text, count(*) FROM search_history GROUP BY 1 ORDER BY 1") == [
        ("search_history_2031_04", 2),
        ("search_history_default", 1),
    ]
    with ports.database.connection() as connection:
        assert searches.drop_before(connection, date(2031, 5, 1)) == 1


def test_searches_that_never_got_a_month_are_dropped_in_time_too(ports, rows):
    with ports.database.connection() as connection:
        searches.insert(connection, [searched(datetime(2019, m, 2, tzinfo=UTC)) for m in (1, 2)])
        searches.drop_before(connection, date(2019, 2, 1))
    assert rows("SELECT searched_at::date::text FROM search_history") == [("2019-02-02",)]
