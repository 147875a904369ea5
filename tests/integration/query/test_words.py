"""Every word of a text is found by itself, wherever a reader sees it: beside slashes, hyphens, quotes and apostrophes.

What is a word is decided here, by a regular expression over the texts, and not by PostgreSQL.
"""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from ingest.article import Article
from ingest.pipeline.normalise import normalise
from shared.errors import BadQueryError
from shared.query.compile import compile_query
from shared.query.lexemes import RESOLVE, lookups, resolve_values
from shared.query.parser import parse
from tests import items
from tests.factories import Archive

# Letters and digits; with what stands around a point or an @ it is one word: U.S, 3.14, bbc.co.uk, an address.
_WORD = re.compile(r"[^\W_]+(?:[.@][^\W_]+)*")
_PLAIN = re.compile(r"[a-z0-9]{2,}")
# A word and the mark before or after it.
_BESIDE = re.compile(r"(?=([/~<+’'‘“”\"-])([^\W_]+))|(?=(?<![^\W_])([^\W_]+)([/~<+’'‘“”\"-]))")
# No stop words, and none of them the other's stem.
WORDS = ["getty", "reuters", "covid", "storm", "vice", "president", "5g", "f16", "t20", "été", "中国"]
NUMBERS = ["19", "7", "2024", "05", "800"]
SEPARATORS = ["/", "-", " ", ", ", " / ", " -", "--", "/-", "+", " (", "~", " <"]


@pytest.fixture
def archive(database):
    with psycopg.connect(database.worker, autocommit=True) as worker:
        yield Archive(worker)


@pytest.fixture
def reader(database, archive):
    with psycopg.connect(database.api, autocommit=True) as connection:
        yield connection


def found(reader, text: str) -> set[int]:
    query = parse(text)
    asked = lookups(query.root)
    answers = reader.execute(RESOLVE, resolve_values(asked)).fetchall()
    lexemes = {lookup: answer for lookup, (answer,) in zip(asked, answers, strict=True)}
    condition = compile_query(query, lexemes).condition
    statement = sql.SQL("SELECT a.id FROM articles a WHERE {}").format(condition.expression)
    return {row[0] for row in reader.execute(statement, condition.values)}


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("Photograph: Nuri Vallbona/Reuters", "vallbona reuters vallbona/reuters"),
        ("Coffrini/AFP/Getty Images", 'coffrini afp getty "afp getty" "getty images" title:coff*'),
        ("The Covid-19 wave", 'covid 19 covid-19 "covid 19" "covid-19 wave" covid/19'),
        ("On 9/11 and 24/7", "9/11 11 24 24/7"),
        ("On 2024-05-01, at 10:30-11:30", "2024-05-01 2024 05 01 11:30"),
        ("Leeds won 2-1 (-7)", "2-1 1 7"),
        ("A range of 5%-10% or 8.5%-18.3%", "5 10 18.3"),
        ("In the 90+5 minute, ~30 of C++17", "90+5 5 30 17"),
        ("List<String> and /r/worldnews", "list string worldnews r/worldnews"),
        ("F-16s of the G-7 since mid-1980s", "16s f-16s 7 g-7 mid 1980s mid-1980s"),
        ("See https://t.co/abc1#WEF22-2", "t.co abc1 wef22 t.co/abc1"),
        ("The U.S./UK treaty", "u.s uk u.s."),
        ("AC/DC's 'quoted/words' and “Covid”-19", "ac dc quoted words covid 19"),
        ("The vice-president's office", 'vice president vice-president "vice president"'),
        ("An I/O error, h/t to soul/R&B, at/t", "i/o h/t at/t soul"),
        ("AT&T paid 3.14 to me@bbc.co.uk", '"AT&T paid" 3.14 me@bbc.co.uk'),
    ],
)
def test_words_and_what_they_were_typed_as(archive, reader, text, queries):
    article = archive.article(text)
    archive.article("Something else")
    for query in re.findall(r'"[^"]*"|\S+', queries):
        assert found(reader, query) == {article}, query


@pytest.mark.parametrize("query", ["covid-91", "19-covid", '"reuters vallbona"', "vallbona/getty", "9/12"])
def test_what_does_not_stand_side_by_side_is_not_found(archive, reader, query):
    archive.article("Vallbona/Reuters, Getty, covid-19, 91 and 9/11, 12")
    assert found(reader, query) == set()


def test_names_of_outlets_and_authors_are_read_in_the_same_way(archive, reader):
    article = archive.article(source_name="r/worldnews", author="Nuri Vallbona/Reuters")
    archive.article(source_name="World News", author="Nuri Vallbona")
    for query in ("outlet:worldnews", "outlet:r/worldnews", 'outlet:"r worldnews"', "author:reuters"):
        assert found(reader, query) == {article}, query
    for query in ("author:vallbona/reuters", 'author:"vallbona reuters"', "author:reut*", "outlet:worldn*"):
        assert found(reader, query) == {article}, query


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    first=st.sampled_from(WORDS),
    rest=st.lists(st.tuples(st.sampled_from(SEPARATORS), st.sampled_from(WORDS + NUMBERS)), max_size=6),
)
@example(first="covid", rest=[("-", "19"), ("-", "storm"), ("/", "getty")])
def test_each_word_of_any_text_is_found_by_itself(archive, reader, first, rest):
    text = first + "".join(separator + word for separator, word in rest)
    article = archive.article(text)
    for word in {first, *(word for _, word in rest)}:
        assert article in found(reader, word), (text, word)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(WORDS), min_size=2, max_size=4),
    st.sampled_from(["/", " ", ", ", " / ", "~"]),
    st.sampled_from(NUMBERS),
)
def test_words_that_follow_one_another_are_found_as_a_phrase_and_as_typed(
    archive, reader, parts, mark, number
):
    text = f"{mark.join(parts)}-{number}"
    article = archive.article(text)
    asked = [f'"{" ".join([*parts, number])}"', f'"{text}"', *([text] if mark == "/" else [])]
    for query in asked:
        assert article in found(reader, query), (text, query)


@pytest.fixture
def captured(payloads, archive):
    """English articles of the captured set: id → all that a reader sees of its text, in small letters."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    every = (item for some in items.captured(payloads).values() for item in some)
    fates = (normalise(item, now) for item in every if isinstance(item, items.RawItem))
    story, texts = archive.story(), {}
    with archive._connection.transaction():
        for one in fates:
            if isinstance(one, Article) and one.language == "en":
                parts = {"description": one.description, "content": one.content}
                article = archive.article(one.title, **parts, story_id=story, tone=None)
                texts[article] = "\n".join(filter(None, (one.title, *parts.values()))).lower()
    return texts


@pytest.mark.payloads
@pytest.mark.timeout(600)
def test_words_of_captured_articles_are_found_wherever_they_stand(captured, reader):
    """The words that stand most often beside each mark, and words with a number in each way of typing them."""
    having, beside, pairs = defaultdict(set), defaultdict(Counter), defaultdict(set)
    for article, text in captured.items():
        for word in _WORD.findall(text):
            having[word].add(article)
        for after, one, other, before in _BESIDE.findall(text):
            beside[after or before][one or other] += 1
        for word, number in re.findall(r"(?<![^\W_])([a-z]{3,})-(\d+)(?![\w.])", text):
            pairs[word, number].add(article)
    asked = {word for words in beside.values() for word, _ in words.most_common(80) if _PLAIN.fullmatch(word)}
    common = []
    for word in asked:
        try:
            missing = having[word] - found(reader, word)
        except BadQueryError as error:
            assert error.code == "query_only_common_words"
            common.append(word)
        else:
            assert not missing, (word, len(missing), len(having[word]))
    assert {"getty", "reuters", "ap", "19"} <= asked - {*common}
    assert len(common) < len(asked) / 3
    assert ("covid", "19") in pairs
    for (word, number), articles in pairs.items():
        for query in (f"{word}-{number}", f'"{word} {number}"', f'"{word}-{number}"'):
            assert articles <= found(reader, query), query
