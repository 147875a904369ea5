"""Preferences, history and its off switch."""

from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from shared.commands import (
    DeleteSearches,
    RecordSearches,
    RemovePreference,
    Searched,
    SetPreference,
)


@pytest.fixture
def prefer(do):
    return lambda user_id, key, value, **fields: do(
        SetPreference(user_id=user_id, key=key, value=value, idempotency_key=str(uuid4()), **fields)
    )


@pytest.fixture
def drop(do):
    return lambda user_id, key, **fields: do(
        RemovePreference(user_id=user_id, key=key, idempotency_key=str(uuid4()), **fields)
    )


def test_a_preference_is_set_changed_and_removed(user, prefer, drop, rows):
    one = user()
    assert prefer(one, "language", "de") == {"version": 1, "created": True}
    assert prefer(one, "language", "en") == {"version": 2, "created": False}
    assert prefer(one, "language", "fr", if_match=1) == "version_mismatch"
    assert prefer(one, "language", "fr", if_match=2) == {"version": 3, "created": False}
    assert prefer(one, "time_zone", "Europe/Berlin", if_match=1) == "not_found"
    assert rows("SELECT key, value FROM user_preferences") == [("language", "fr")]
    assert drop(one, "language", if_match=2) == "version_mismatch"
    assert drop(user("stranger"), "language") == "not_found"
    assert drop(one, "language") == {"count": 1}
    assert drop(one, "language") == "not_found"


@pytest.mark.parametrize(("key", "value"), [("theme", "dark"), ("language", "english"), ("topics", "cats")])
def test_unknown_keys_and_wrong_values_are_refused(user, prefer, rows, key, value):
    assert prefer(user(), key, value) == "bad_preference"
    assert rows("SELECT count(*) FROM user_preferences") == [(0,)]


@pytest.fixture
def record(ports, database):
    from ingest.handlers.searches import record_searches

    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("TRUNCATE search_history")

    def remember(*user_ids):
        made = [
            Searched(id=uuid4(), query="q", results_count=1, searched_at=datetime.now(UTC), user_id=user_id)
            for user_id in user_ids
        ]
        record_searches(RecordSearches(searches=made), ports, "r")
        return [each.id for each in made]

    return remember


@pytest.fixture
def forget(do):
    return lambda user_id, search_id=None: do(
        DeleteSearches(user_id=user_id, search_id=search_id, idempotency_key=str(uuid4()))
    )


def test_who_switched_history_off_is_not_remembered_but_the_search_counts(user, prefer, record, rows):
    on, off = user("on"), user("off")
    prefer(off, "search_history", False)
    record(on, off, None, 999_999)
    assert rows("SELECT count(*), count(user_id), min(user_id) FROM search_history") == [(4, 1, on)]
    prefer(off, "search_history", True)
    record(off)
    assert rows("SELECT count(user_id) FROM search_history") == [(2,)]


def test_a_user_forgets_one_search_or_all_and_only_their_own(user, record, forget, rows):
    one, stranger = user("one"), user("stranger")
    first, *_ = record(one, one, one)
    record(stranger)
    assert forget(stranger, first) == "not_found"
    assert forget(one, first) == {"count": 1}
    assert forget(one, first) == "not_found"
    assert forget(one) == {"count": 2}
    assert forget(one) == {"count": 0}
    assert rows("SELECT user_id FROM search_history") == [(stranger,)]
