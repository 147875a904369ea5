"""Saving: one effect for repeated requests, no lost update, nobody else's things."""

import asyncio
import csv
import io

import pytest

from ingest.handlers import saved as handler
from tests.eventually import eventually_async

pytestmark = pytest.mark.anyio


async def saved(person, article, **body):
    answer = await person.write("PUT", f"/me/saved/articles/{article}", json=body)
    assert answer.status_code == 201, answer.text
    return answer


async def test_a_saved_article_is_there_at_once(person, archive):
    article, marta = archive.article("A title", url="https://news.example/a"), await person().sign_in()
    answer = await saved(marta, article, notes="Read again", tags=["work", "work", "later"])
    entry = answer.json()
    assert (entry["title"], entry["notes"], entry["tags"]) == ("A title", "Read again", ["work", "later"])
    assert answer.headers["location"] == f"/me/saved/{entry['id']}"
    assert (await marta.client.get("/me/saved")).json()["saved"] == [entry]
    shown = await marta.client.get(answer.headers["location"])
    assert (shown.json(), shown.headers["etag"]) == (entry, answer.headers["etag"])
    assert shown.headers["cache-control"].startswith("private")
    again = await marta.write("PUT", f"/me/saved/articles/{article}")
    assert (again.status_code, again.json()) == (200, entry)
    other = await marta.write("PUT", f"/me/saved/articles/{article}", json={"notes": "something else"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


async def test_notes_that_are_too_many_together_are_told_so(person, archive, monkeypatch):
    monkeypatch.setattr(handler, "MAX_NOTES", 10)
    marta = await person().sign_in()
    await saved(marta, archive.article(), notes="12345678")
    answer = await marta.write("PUT", f"/me/saved/articles/{archive.article()}", json={"notes": "123"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "notes" in answer.json()["detail"]


async def test_saving_by_post_and_by_story(person, archive):
    article, story = archive.article(), archive.story()
    archive.article("Lead", story_id=story, lead=True)
    marta = await person().sign_in()
    assert (await marta.write("POST", "/me/saved", json={"article_id": article})).status_code == 201
    answer = await marta.write("POST", "/me/saved", json={"story_id": story})
    assert (answer.json()["kind"], answer.json()["title"]) == ("story", "Lead")
    assert (await marta.write("PUT", f"/me/saved/stories/{story}")).status_code == 200
    kinds = [each["kind"] for each in (await marta.client.get("/me/saved")).json()["saved"]]
    assert kinds == ["story", "article"]


async def test_what_is_not_there_or_not_right(person, archive):
    article, marta = archive.article(), await person().sign_in()
    assert (await marta.write("PUT", "/me/saved/articles/999999")).status_code == 404
    for body, field in (
        ({"notes": "x" * 10_001}, "notes"),
        ({"notes": 1}, "notes"),
        ({"notes": "a\x00b"}, "notes"),
        ({"tags": "work"}, "tags"),
        ({"tags": ["x"] * 21}, "tags"),
        ({"tags": ["a", ""]}, "tags[1]"),
        ({"colour": "red"}, "colour"),
    ):
        answer = await marta.write("PUT", f"/me/saved/articles/{article}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter"), body
        assert answer.json()["parameter"] == field
    for raw, media_type, status in (
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"notes=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
    ):
        headers = {"Content-Type": media_type}
        answer = await marta.write("PUT", f"/me/saved/articles/{article}", content=raw, headers=headers)
        assert answer.status_code == status, raw
    for body in ({}, {"article_id": 1, "story_id": 1}, {"article_id": 0}, {"article_id": 2**63}):
        assert (await marta.write("POST", "/me/saved", json=body)).status_code == 400
    assert (
        await marta.write("PUT", f"/me/saved/articles/{article}", json={"notes": "é" * 10_000})
    ).status_code == 201


async def test_a_lost_update_is_a_412(person, archive):
    marta = await person().sign_in()
    entry = await saved(marta, archive.article())
    path, seen = entry.headers["location"], {"If-Match": entry.headers["etag"]}
    first = await marta.write("PATCH", path, json={"notes": "one"}, headers=seen)
    assert (first.status_code, first.json()["notes"]) == (200, "one")
    second = await marta.write("PATCH", path, json={"notes": "two"}, headers=seen)
    assert (second.status_code, second.json()["code"]) == (412, "changed_meanwhile")
    assert (await marta.write("DELETE", path, headers=seen)).status_code == 412
    for tag in (first.headers["etag"], "*"):
        answer = await marta.write("PATCH", path, json={"tags": [tag]}, headers={"If-Match": tag})
        assert answer.status_code == 200
        assert answer.json()["notes"] == "one"
    for tag in ('"nonsense"', 'W/"v3"', "v3"):
        assert (await marta.write("PATCH", path, json={}, headers={"If-Match": tag})).status_code == 412
    assert (await marta.write("DELETE", path)).status_code == 204
    assert (await marta.client.get(path)).status_code == 404


async def test_a_hundred_writes_with_one_key_are_one(person, archive, rows):
    article, marta = archive.article(), await person().sign_in()
    headers = {"Idempotency-Key": "one and the same"}
    answers = await asyncio.gather(
        *(marta.write("PUT", f"/me/saved/articles/{article}", headers=headers) for _ in range(100))
    )
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert rows("SELECT count(*) FROM saved_articles") == [(1,)]
    other = await marta.write("PUT", f"/me/saved/articles/{archive.article()}", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    longest = await marta.write(
        "PUT", f"/me/saved/articles/{article}", headers={"Idempotency-Key": "x" * 200}
    )
    assert longest.status_code == 200
    bad = await marta.write("PUT", f"/me/saved/articles/{article}", headers={"Idempotency-Key": "x" * 201})
    assert (bad.status_code, bad.json()["parameter"]) == (400, "Idempotency-Key")


async def test_another_users_things_do_not_exist(person, archive, rows):
    marta = await person().sign_in()
    entry = (await saved(marta, archive.article())).json()
    key = (await marta.write("POST", "/me/keys", json={"name": "mine", "scopes": ["read"]})).json()
    await marta.client.get("/articles?q=secret")
    await eventually_async(lambda: rows("SELECT 1 FROM search_history WHERE query = 'secret'"))
    [search] = (await marta.client.get("/me/history")).json()["searches"]
    mallory = await person().sign_in("slow_morning_coffee")
    attempts = [
        ("GET", f"/me/saved/{entry['id']}", None),
        ("PATCH", f"/me/saved/{entry['id']}", {"notes": "x"}),
        ("DELETE", f"/me/saved/{entry['id']}", None),
        ("DELETE", f"/me/history/{search['id']}", None),
        ("DELETE", f"/me/keys/{key['id']}", None),
    ]
    for method, path, body in attempts:
        answer = await mallory.write(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert (await mallory.write("DELETE", "/me/history")).json() == {"count": 0}
    for path in ("/me/saved", "/me/history", "/me/keys"):
        [values] = [
            value for value in (await mallory.client.get(path)).json().values() if isinstance(value, list)
        ]
        assert values == []
    assert (await marta.client.get(f"/me/saved/{entry['id']}")).json() == entry
    assert rows("SELECT count(*) FROM search_history WHERE query = 'secret'") == [(1,)]


async def test_the_list_is_searched_and_turned_by_cursor(person, archive):
    marta = await person().sign_in()
    for number in range(5):
        await saved(marta, archive.article(f"Storm 100% {number}"), tags=["a" if number % 2 else "b"])
    await saved(marta, archive.article("Calm"), notes="after the STORM_")

    async def titles(query):
        answer = (await marta.client.get(f"/me/saved?{query}")).json()
        return [each["title"] for each in answer["saved"]], answer["next"]

    assert len((await titles("q=storm"))[0]) == 6
    assert (await titles("q=storm_"))[0] == ["Calm"]
    assert (await titles("q=100%25+4"))[0] == ["Storm 100% 4"]
    assert len((await titles("tag=a"))[0]) == 2
    assert (await titles("kind=story"))[0] == []
    seen, following = await titles("limit=4")
    await saved(marta, archive.article("New meanwhile"))
    rest, end = await titles(f"limit=4&cursor={following}")
    assert (len({*seen, *rest}), len(rest), end) == (6, 2, None)
    assert (await marta.client.get("/me/saved?cursor=nonsense")).json()["parameter"] == "cursor"


# A spreadsheet must not calculate what a stranger wrote.
@pytest.mark.parametrize("title", ["=HYPERLINK(1)", "\uff1dHYPERLINK(1)", "  =1"])
async def test_the_export(person, archive, title):
    marta = await person().sign_in()
    await saved(marta, archive.article(title), notes='a "quoted"\nnote, ü', tags=["x", "y"])
    answer = await marta.client.get("/me/saved/export?format=csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="saved.csv"'
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert row["title"] == f"'{title}"
    assert (row["notes"], row["tags"]) == ('a "quoted"\nnote, ü', "x, y")
    assert len((await marta.client.get("/me/saved/export")).json()["saved"]) == 1


async def test_nobody_signed_in(person):
    for method, path in (
        ("GET", "/me"),
        ("GET", "/me/saved"),
        ("PUT", "/me/saved/articles/1"),
        ("GET", "/me/usage"),
        ("DELETE", "/me"),
        ("GET", "/commands/x"),
        ("GET", "/articles?personal=true"),
        ("POST", "/auth/logout"),
    ):
        answer = await person().client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), path
        assert answer.headers["www-authenticate"].startswith("Bearer")
