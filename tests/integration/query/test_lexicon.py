"""What is remembered of the words of queries is bounded in number and in length."""

import psycopg
import pytest

from api.queries import lexicon

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def connection(database, monkeypatch):
    monkeypatch.setattr(lexicon, "_kept", type(lexicon._kept)())
    async with await psycopg.AsyncConnection.connect(database.api) as connection:
        yield connection


async def test_long_phrases_are_answered_and_not_kept(connection):
    phrase, word = ("english", " ".join(f"word{n}" for n in range(100))), ("english", "storms")
    for _ in range(2):
        found = await lexicon.lexemes(connection, [phrase, word])
        assert found[word] == "'storm'"
        assert found[phrase].startswith("'word0' <-> 'word1'")
    assert list(lexicon._kept) == [word]


async def test_the_words_of_the_longest_ago_are_forgotten(connection, monkeypatch):
    monkeypatch.setattr(lexicon, "KEPT", 2)
    for word in ("one", "two", "one", "three"):
        await lexicon.lexemes(connection, [("simple", word)])
    assert list(lexicon._kept) == [("simple", "one"), ("simple", "three")]
