"""What a reader types reaches PostgreSQL as values only; the pieces of `explain` count what they say."""

import re

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from shared.errors import BadQueryError
from shared.query import explain
from shared.query.compile import Compiled, compile_query
from shared.query.lexemes import RESOLVE, Lexemes, Lookup, lookups, resolve_values
from shared.query.parser import parse
from shared.query.tree import Query
from tests.factories import Archive

# All that a phrase of these words may become: lexemes with weights, side by side, in each part of the article.
LEXEMES = r"'(?:war|peac|peace|a)':(?:[ABC]+)|'(?:war)'| (?:<->|<\d+>|\|) |[()]"
SYNTAX = [
    "war",
    "peace",
    "'",
    "\\",
    "&",
    "|",
    "!",
    "(",
    ")",
    "<->",
    ":A",
    ":*",
    "--",
    ";",
    "/*",
    "%",
    "\\'",
    "''",
]
ORIGIN = sql.SQL("articles a")
STORY = sql.SQL("a.story_id")


@pytest.fixture
def archive(database):
    with psycopg.connect(database.worker, autocommit=True) as worker:
        yield Archive(worker)


@pytest.fixture
def reader(database, archive):
    with psycopg.connect(database.api, autocommit=True) as connection:
        yield connection


def resolved(reader, query: Query, languages: tuple[str, ...] = ()) -> Lexemes:
    return asked(reader, lookups(query.root, languages))


def asked(reader, wanted: set[Lookup]) -> Lexemes:
    answers = reader.execute(RESOLVE, resolve_values(wanted)).fetchall()
    return {lookup: answer for lookup, (answer,) in zip(wanted, answers, strict=True)}


def compiled(reader, text: str, languages: tuple[str, ...] = ()) -> Compiled:
    query = parse(text)
    return compile_query(query, resolved(reader, query, languages), languages)


def found(reader, text: str, languages: tuple[str, ...] = ()) -> set[int]:
    condition = compiled(reader, text, languages).condition
    statement = sql.SQL("SELECT a.id FROM {} WHERE {}").format(ORIGIN, condition.expression)
    return {row[0] for row in reader.execute(statement, condition.values)}


def test_a_phrase_does_not_reach_from_the_title_into_the_description(archive, reader):
    across = archive.article("Talks on climate", description="Change is slow")
    within = archive.article("Climate change talks")
    assert found(reader, '"climate change"') == {within}
    assert found(reader, "climate change") == {across, within}
    assert found(reader, 'body:"change is slow"') == {across}


def test_words_are_stemmed_in_the_language_that_the_query_names(archive, reader):
    english = archive.article("Elections are held")
    french = archive.article("Les élections", language="fr")
    assert found(reader, "election") == {english}
    assert found(reader, "lang:fr élection") == {french}
    assert found(reader, "(lang:en election) OR (lang:fr élection)") == {english, french}
    assert found(reader, "élection", ("fr",)) == {french}


def test_a_prefix_finds_words_whose_stem_is_shorter_than_it(archive, reader):
    university = archive.article("University opens")
    running = archive.article("A running man")
    german = archive.article("Die Universitätsstadt", language="de")
    assert found(reader, "universit*") == {university, german}
    assert found(reader, "runn*") == {running}


def test_names_are_found_by_whole_words_in_any_case(archive, reader):
    bbc = archive.article(source_name="BBC News", author="Jane Smith")
    other = archive.article(source_name="BBCX", author=None)
    assert found(reader, "outlet:bbc") == {bbc}
    assert found(reader, "outlet:bbc*") == {bbc, other}
    assert found(reader, "author:SMITH") == {bbc}
    assert found(reader, "-author:smith") == {other}


def test_what_has_no_sentiment_is_in_no_range_and_in_every_negation(archive, reader):
    good = archive.article(tone="positive")
    unknown = archive.article(tone="no_text")
    missing = archive.article(tone=None)
    assert found(reader, "sentiment:>=0.5") == {good}
    assert found(reader, "-sentiment:>=0.5") == {unknown, missing}
    assert found(reader, "-sentiment:positive") == {unknown, missing}


@pytest.mark.parametrize(
    ("text", "languages", "position"),
    [
        ("the", (), 0),
        ("-the", (), 1),
        ('"of the" AND and', (), 0),
        ("die der", ("de",), 0),
        ("source:guardian the", (), 16),
        ("the OR source:guardian", (), 0),
        ("source:guardian -title:the", (), 23),
        ("author:smith the", (), 13),
        ("war lang:de", (), 0),
    ],
)
def test_nothing_but_common_words_is_refused_whatever_stands_beside_them(
    archive, reader, text, languages, position
):
    with pytest.raises(BadQueryError) as caught:
        compiled(reader, text, languages)
    assert (caught.value.code, caught.value.position) == ("query_only_common_words", position)


def test_a_query_without_words_is_about_its_fields(archive, reader):
    german = archive.article("Der Krieg", language="de")
    assert found(reader, "source:guardian lang:de") == {german}
    assert found(reader, "(lang:de war) OR (lang:de krieg)") == {german}


def test_a_word_that_is_common_in_one_of_two_languages_is_refused(archive, reader):
    with pytest.raises(BadQueryError) as caught:
        compiled(reader, "peace lang:(en OR de) war")
    assert (caught.value.code, caught.value.position) == ("query_language_dependent", 22)
    assert found(reader, "(lang:en war) OR (lang:de frieden)") == set()


def test_languages_are_demanded_in_any_order_and_all_of_them_together(archive, reader):
    for text in ("(lang:en OR lang:de) war lang:en", "lang:en war (lang:de OR lang:en)"):
        query = parse(text)
        terms = explain.terms(query, resolved(reader, query))
        assert {each.configs for each in terms} == {("english",)}
        assert found(reader, text) == set()
    within = parse("lang:en (peace OR ((lang:de OR lang:en) war))")
    assert {each.configs for each in explain.terms(within, resolved(reader, within))} == {("english",)}
    found(reader, "(lang:en OR lang:de) war", ("en",))
    with pytest.raises(BadQueryError):
        found(reader, "lang:en lang:de war")


def test_common_words_beside_others_are_left_out_and_named(archive, reader):
    war = archive.article("War")
    archive.article("Peace")
    for text in ("the war", "war -the", "war OR the"):
        assert found(reader, text) == {war}
        assert [leaf.text for leaf in compiled(reader, text).ignored] == ["the"]


def test_a_query_about_text_alone_is_one_tsquery(archive, reader):
    condition = compiled(reader, 'war (peace OR title:truce*) -"cold war"').condition
    assert condition.expression.as_string(reader) == "a.search @@ %(q0)s::tsquery"
    assert len(condition.values) == 1


def test_text_is_found_through_the_index(archive, reader):
    archive.article("War")
    reader.execute("SET enable_seqscan = off")
    for text in ("war", '"cold war" OR peace', "title:tru* -war"):
        condition = compiled(reader, text).condition
        statement = sql.SQL("EXPLAIN SELECT FROM articles a WHERE {}").format(condition.expression)
        plan = "\n".join(line for (line,) in reader.execute(statement, condition.values))
        assert "Index Cond: (search @@" in plan


@pytest.mark.parametrize(
    ("text", "operator"),
    [("-war", "NOT a.search @@"), ("-war -peace", "NOT a.search @@"), ("war -peace", "a.search @@")],
)
def test_what_is_only_excluded_does_not_make_the_index_read_everything(archive, reader, text, operator):
    statement = compiled(reader, text).condition.expression.as_string(reader)
    assert statement == f"{operator} %(q0)s::tsquery"


@settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(text=st.lists(st.sampled_from(SYNTAX), max_size=8))
def test_nothing_within_quotation_marks_is_ever_syntax(archive, reader, text):
    inside = " ".join(text).replace('"', "").replace("*", "")
    quoted = f'"{inside} war"'
    values = compiled(reader, quoted).condition.values
    [query] = reader.execute("SELECT %(q0)s::tsquery::text", values).fetchone()
    assert re.sub(LEXEMES, "", query) == ""
    found(reader, quoted)
    found(reader, f"-author:{quoted} OR outlet:{quoted}")


@pytest.mark.parametrize(
    "word", ["o'neill", "u.s", "c++", "at/t", "x@y.com", "10:30", "हिन्दी", "中国", "20%", "w" * 100]
)
def test_any_word_is_found_where_it_stands(archive, reader, word):
    article = archive.article(f"before {word} after")
    assert found(reader, word) == {article}
    assert found(reader, f'"{word}"') == {article}
    assert found(reader, f"title:{word.upper()}") == {article}


def test_the_largest_query_runs_in_bounded_time(archive, reader):
    reader.execute("SET statement_timeout = 2000")
    archive.article("word1")
    assert len(found(reader, " OR ".join(f"word{n}*" for n in range(64)))) == 1
    assert len(found(reader, "(" * 10 + " OR ".join(f"-{'é' * 9}{n}" for n in range(60)) + ")" * 10)) == 1


def test_explain_says_what_each_term_was_understood_as(archive, reader):
    query = parse('the running OR title:"climate changes" sentiment:>0.1 Universit* author:smith -or')
    found_terms = explain.terms(query, asked(reader, explain.lookups(query)))
    assert [(each.text, each.position, each.ignored) for each in found_terms] == [
        ("the", 0, True),
        ("running", 4, False),
        ('title:"climate changes"', 21, False),
        ("sentiment:>0.1", 49, False),
        ("universit*", 54, False),
        ("author:smith", 72, False),
        ("or", 79, True),
    ]
    words = {each.text: each.words for each in found_terms}
    assert words["running"] == {"english": ["run"], "simple": ["running"]}
    assert words['title:"climate changes"'] == {
        "english": ["climat", "chang"],
        "simple": ["climate", "changes"],
    }
    assert words["universit*"]["english"] == ["universit", "univers"]
    assert words["author:smith"] == {"simple": ["smith"]}
    assert found_terms[-1].note == "or is read as a word; the operator is written OR"


def test_explain_names_the_words_of_a_phrase_that_are_not_compared(archive, reader):
    other = archive.article("Vitamin D in milk")
    assert found(reader, '"vitamin a"') == {other}
    query = parse('"vitamin a" "the state of the union" "cold war" lang:en "of the"')
    known = asked(reader, explain.lookups(query))
    assert {each.text: each.note for each in explain.terms(query, known) if each.field == "any"} == {
        '"vitamin a"': "compared without words that are too common to be indexed: a",
        '"the state of the union"': "compared without words that are too common to be indexed: the, of, the",
        '"cold war"': None,
        '"of the"': None,
    }


def test_explain_counts_hits_and_what_each_filter_removes(archive, reader):
    for outlet, tone in [
        ("BBC News", "positive"),
        ("BBC News", "negative"),
        ("CNN", "positive"),
        ("CNN", "negative"),
    ]:
        archive.article("War and peace", source_name=outlet, tone=tone)
    archive.article("Peace", source_name="BBC News", tone="positive")
    query = parse("war outlet:bbc sentiment:positive -the")
    lexemes = resolved(reader, query)
    terms = [each.condition for each in explain.terms(query, lexemes) if each.condition]
    counted = [
        len(
            reader.execute(
                sql.SQL("SELECT FROM {} WHERE {}").format(ORIGIN, each.expression), each.values
            ).fetchall()
        )
        for each in terms
    ]
    assert counted == [4, 3, 3]

    text, *filters = explain.steps(query, lexemes)
    assert (text.text, text.is_text) == ("war", True)
    named = {each.text: each.condition for each in filters}
    removed = explain.removed(text.condition, named, ORIGIN, STORY, 1_000)
    # Two are not of the BBC, two are not positive, and one of these was gone already.
    assert reader.execute(removed.expression, removed.values).fetchone() == (2, 2, 1, 2, 1, 1)


def test_explain_of_nested_parts_searches_each_in_its_language(archive, reader):
    archive.article("Elections")
    archive.article("Les élections", language="fr")
    query = parse("(lang:fr -(élection OR x)) OR (title:election -outlet:bbc)")
    lexemes = resolved(reader, query)
    words = {each.text: each.words for each in explain.terms(query, lexemes)}
    assert words["élection"] == {"french": ["élect"]}
    assert words["title:election"] == {"english": ["elect"], "simple": ["election"]}
    [step] = explain.steps(query, lexemes)
    assert not step.is_text
    removed = explain.removed(step.condition, {}, ORIGIN, STORY, 10)
    assert reader.execute(removed.expression, removed.values).fetchone() == (1, 1)
