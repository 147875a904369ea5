"""Saved articles and stories: kept with what they were called, whatever becomes of the archive."""

from uuid import uuid4

import pytest

from ingest.handlers import saved as handler
from ingest.store import stories
from shared.commands import EditSaved, RemoveSaved, SaveArticle


@pytest.fixture
def save(do):
    """save(user id, article_id=1) -> the answer; each call is a request of its own."""
    return lambda user_id, **fields: do(
        SaveArticle(**{"user_id": user_id, "idempotency_key": str(uuid4()), **fields})
    )


@pytest.fixture
def edit(do):
    return lambda user_id, saved_id, **fields: do(
        EditSaved(user_id=user_id, saved_id=saved_id, idempotency_key=str(uuid4()), **fields)
    )


@pytest.fixture
def remove(do):
    return lambda user_id, saved_id, **fields: do(
        RemoveSaved(user_id=user_id, saved_id=saved_id, idempotency_key=str(uuid4()), **fields)
    )


def test_an_article_is_kept_with_notes_and_distinct_tags(user, archive, save, rows):
    one, article = user(), archive.article("Flood in the valley")
    answer = save(one, article_id=article, notes="read again ✓", tags=["water", "maps", "water"])
    assert answer == {"saved_id": answer["saved_id"], "version": 1, "created": True}
    assert rows("SELECT kind, article_id, title, source_name, notes, tags FROM saved_articles") == [
        ("article", article, "Flood in the valley", "The Guardian", "read again ✓", ["water", "maps"])
    ]


def test_saving_again_changes_nothing(user, archive, save):
    one, article = user(), archive.article()
    first = save(one, article_id=article, notes="mine")
    assert save(one, article_id=article) == {**first, "created": False}
    assert save(one, article_id=article, notes="mine") == {**first, "created": False}
    assert save(one, article_id=article, notes="other") == "already_saved"
    assert save(one, article_id=article, tags=["other"]) == "already_saved"


def test_what_is_not_there_is_not_saved(user, save, archive):
    assert save(user(), article_id=99) == "not_found"
    assert save(user("other"), story_id=99) == "not_found"
    assert save(user("third"), story_id=archive.story()) == "not_found"  # nothing in it


def test_a_story_is_kept_under_its_lead(user, archive, save, rows):
    one, story = user(), archive.story()
    lead = archive.article("The lead", story_id=story, lead=True)
    archive.article("Another", story_id=story)
    assert save(one, story_id=story)["created"]
    assert save(one, story_id=story)["created"] is False
    assert save(one, article_id=lead)["created"]  # the article by itself is another thing
    assert rows("SELECT kind, article_id, story_id, title FROM saved_articles ORDER BY id") == [
        ("story", lead, story, "The lead"),
        ("article", lead, story, "The lead"),
    ]


def test_it_survives_the_article_and_the_merge_of_its_story(user, archive, save, edit, rows, ports):
    one = user()
    older, younger = archive.story(), archive.story()
    archive.article("Older", story_id=older, lead=True)
    gone = archive.article("Younger", story_id=younger, lead=True)
    saved_id = save(one, story_id=younger)["saved_id"]
    with ports.database.connection() as conn, conn.transaction():
        stories.merge(conn, {younger: older})
        conn.execute("UPDATE stories SET lead_id = (SELECT min(id) FROM articles) WHERE id = %s", (older,))
        conn.execute("DELETE FROM articles WHERE id = %s", (gone,))
    assert rows("SELECT article_id, story_id, title, url IS NOT NULL FROM saved_articles") == [
        (None, younger, "Younger", True)
    ]
    # The merged story is saved already, by either of its ids.
    assert save(one, story_id=older) == save(one, story_id=younger)
    assert save(one, story_id=older)["saved_id"] == saved_id
    assert edit(one, saved_id, notes="still mine")["version"] == 2


def test_an_edit_says_which_version_it_saw(user, archive, save, edit, rows):
    one = user()
    saved_id = save(one, article_id=archive.article(), tags=["a"])["saved_id"]
    assert edit(one, saved_id, notes="first", if_match=1)["version"] == 2
    assert edit(one, saved_id, notes="second", if_match=1) == "version_mismatch"
    assert edit(one, saved_id, tags=[])["version"] == 3
    assert rows("SELECT notes, tags, version FROM saved_articles") == [("first", [], 3)]


def test_a_removal_says_so_too(user, archive, save, edit, remove):
    one = user()
    saved_id = save(one, article_id=archive.article())["saved_id"]
    edit(one, saved_id, notes="new")
    assert remove(one, saved_id, if_match=1) == "version_mismatch"
    assert remove(one, saved_id, if_match=2) == {"count": 1}
    assert remove(one, saved_id) == "not_found"


def test_what_others_saved_is_not_there(user, archive, save, edit, remove, rows):
    one, stranger = user("one"), user("stranger")
    saved_id = save(one, article_id=archive.article(), notes="private")["saved_id"]
    for guess in (saved_id, saved_id + 1, 2**63 - 1):
        assert edit(stranger, guess, notes="x", if_match=1) == "not_found"
        assert edit(stranger, guess, notes="x") == "not_found"
        assert remove(stranger, guess) == "not_found"
    assert rows("SELECT notes FROM saved_articles") == [("private",)]


def test_there_is_an_end_to_saving(user, archive, save, monkeypatch):
    monkeypatch.setattr(handler, "MAX_SAVED", 2)
    one = user()
    kept = [archive.article() for _ in range(2)]
    assert all(save(one, article_id=article)["created"] for article in kept)
    assert save(one, article_id=archive.article()) == "too_many"
    assert save(one, article_id=kept[0])["created"] is False
    assert save(user("other"), article_id=kept[0])["created"]


def test_all_notes_together_have_an_end(user, archive, save, edit, rows, monkeypatch):
    monkeypatch.setattr(handler, "MAX_NOTES", 10)
    one = user()
    first, second, third = (archive.article() for _ in range(3))
    saved_id = save(one, article_id=first, notes="ü" * 6)["saved_id"]
    assert save(one, article_id=second, notes="12345") == "notes_full"
    assert save(one, article_id=second, notes="1234")["created"]
    assert save(one, article_id=second, notes="1234")["created"] is False
    assert save(one, article_id=third)["created"]  # without notes there is room
    assert edit(one, saved_id, notes="1234567") == "notes_full"
    assert edit(one, saved_id, notes="123456")["version"] == 2  # its former notes do not count
    assert edit(one, saved_id, tags=["a"])["version"] == 3
    assert edit(one, saved_id, notes="")["version"] == 4
    assert rows("SELECT notes FROM saved_articles ORDER BY id") == [("",), ("1234",), ("",)]
    assert save(user("other"), article_id=first, notes="1234567")["created"]
