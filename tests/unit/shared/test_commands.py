"""Commands: what does not fit is refused where it is decoded; each has a queue and a handler."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from ingest.handlers import HANDLERS
from shared import commands
from shared.commands import QUEUES, CreateKey, EndSession, PlanBackfill, SaveArticle, Write

WRITE = {"user_id": 1, "idempotency_key": "k"}
KEY = {**WRITE, "name": "n", "scopes": ["read"], "prefix": "nik_1", "key_hash": "0" * 64}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (SaveArticle, WRITE),
        (SaveArticle, {**WRITE, "article_id": 1, "story_id": 1}),
        (SaveArticle, {**WRITE, "article_id": 0}),
        (SaveArticle, {**WRITE, "article_id": 2**63}),
        (SaveArticle, {**WRITE, "article_id": 1, "notes": "x" * 10_001}),
        (SaveArticle, {**WRITE, "article_id": 1, "notes": "nul\x00"}),
        (SaveArticle, {**WRITE, "article_id": 1, "tags": ["x" * 51]}),
        (SaveArticle, {**WRITE, "article_id": 1, "tags": [""]}),
        (SaveArticle, {**WRITE, "article_id": 1, "tags": [str(n) for n in range(21)]}),
        (SaveArticle, {**WRITE, "article_id": 1, "idempotency_key": ""}),
        (SaveArticle, {**WRITE, "article_id": 1, "idempotency_key": "line\nbreak"}),
        (SaveArticle, {**WRITE, "article_id": 1, "idempotency_key": "x" * 201}),
        (EndSession, WRITE),
        (CreateKey, {**KEY, "scopes": []}),
        (CreateKey, {**KEY, "scopes": ["everything"]}),
        (CreateKey, {**KEY, "key_hash": "the key itself"}),
        (CreateKey, {**KEY, "name": "two\nlines"}),
    ],
)
def test_what_does_not_fit_is_refused(kind, fields):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(fields, kind)


def test_what_fits_survives_the_way_to_the_worker():
    command = SaveArticle(**WRITE, article_id=1, notes="ten thousand\n" * 700, tags=["ÄÖ ✓"])
    assert msgspec.convert(msgspec.to_builtins(command), SaveArticle) == command
    everywhere = EndSession(**WRITE, everywhere=True)
    assert msgspec.convert(msgspec.to_builtins(everywhere), EndSession) == everywhere
    one = EndSession(**WRITE, session_id=UUID(int=1))
    assert msgspec.convert(msgspec.to_builtins(one), EndSession) == one


def test_the_sources_of_a_backfill_are_the_same_in_any_order():
    asked = {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2026, 1, 2, tzinfo=UTC)}
    for sources in (["reddit", "guardian"], ["guardian", "reddit", "guardian", "guardian"]):
        assert PlanBackfill(sources=sources, **asked).sources == ["guardian", "reddit"]


def test_every_command_has_a_queue_and_a_handler():
    kinds = {
        kind
        for kind in vars(commands).values()
        if isinstance(kind, type)
        and issubclass(kind, commands.Command)
        and kind not in (commands.Command, commands.ChangeBackfill, Write)
    }
    assert set(QUEUES) == set(HANDLERS) == kinds


def test_no_command_and_no_answer_has_a_field_for_a_secret():
    """Commands and answers lie in Redis for minutes; a dead-lettered one for days."""
    fields = {(k.__name__, f.name) for k in QUEUES for f in msgspec.structs.fields(k)}
    suspicious = {(k, f) for k, f in fields if any(word in f for word in ("secret", "token", "password"))}
    assert suspicious == set()
