"""Parser and SQL find exactly what a brute-force evaluator finds, for thousands of generated queries."""

import random
import re

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from shared.errors import BadQueryError
from shared.query.canonical import cache_text
from shared.query.compile import compile_query
from shared.query.lexemes import ENGLISH_TAILS, RESOLVE, lookups, resolve_values
from shared.query.parser import parse
from shared.query.tree import And, Equal, Node, Not, Or, Polarity, Text, all_of, any_of, negation
from tests.factories import Archive
from tests.integration.query.brute_force import BruteForce, Row

ROWS = 300

# Whole families of words, so that every ending that a prefix may stand for is there.
PLAIN = re.findall(
    r"\w+",
    "run runs running runner war wars warring warm peace elect elects elected election elections electing economy "
    "economic economies economist universe universes universal university universities happy happily happiness "
    "climate change changes changed the of and is not die der wahl wahlen regierung élection élections le café straße",
)
ODD = [
    "covid-19",
    "state-of-the-art",
    "o'neill",
    "u.s.",
    "10:30",
    "c++",
    "naïve",
    "3.5%",
    "example.com/war",
    "don't",
    "24/7",
    "war/peace",
    "2024-05-01",
    "/the",
]
AUTHORS = [None, "John Smith", "Jane Smith-Jones", "Smith/Reuters", "José Müller"]
OUTLETS = ["BBC News", "The Guardian", "bbc.co.uk", "r/worldnews", "News 24", "G-7 News"]
NAMES = [
    "smith",
    "jones",
    "john",
    "müller",
    "reuters",
    "bbc",
    "news",
    "guardian",
    "bbc.co.uk",
    "r/worldnews",
    "worldnews",
    "24",
    "g-7",
    "7",
]
NAME_PHRASES = [
    "john smith",
    "smith john",
    "bbc news",
    "news 24",
    "smith jones",
    "the guardian",
    "smith reuters",
    "7 news",
]
LANGUAGES = ["en", "en", "en", "de", "fr", "ja", None]
CONFIGS = ["english", "simple", "german", "french"]
POLARITIES = [-1.0, -0.5, -0.3, 0.0, 0.3, 0.5, 1.0]
LABELS = ["positive", "neutral", "negative"]
SOURCES = ["newsapi", "guardian", "reddit"]
# Few, so that phrases are found: two to four words as they may stand side by side.
_CHANCE = random.Random(5)
_PHRASES = [" ".join(_CHANCE.choices(PLAIN[:24] + ODD[:4], k=2 + number % 3)) for number in range(40)]
PHRASES = [*_PHRASES, "war of the", "state of the war", "the of", "climate change", "run runs", "change"]
PREFIXES = sorted({word[:length] for word in PLAIN if word.isalpha() for length in range(3, len(word) + 1)})


def _text(chance: random.Random, least: int, most: int) -> str:
    parts = [
        chance.choice(PHRASES) if chance.random() < 0.15 else chance.choice(PLAIN + ODD)
        for _ in range(chance.randint(least, most))
    ]
    return " ".join(part.title() if chance.random() < 0.2 else part for part in parts)


@pytest.fixture
def connection(database):
    with psycopg.connect(database.worker, autocommit=True) as worker:
        chance, archive = random.Random(11), Archive(worker)
        story = archive.story()
        for _ in range(ROWS):
            title, description = _text(chance, 1, 6), _text(chance, 0, 8)
            if (
                chance.random() < 0.2
            ):  # A phrase that begins in the title and ends in the description is none.
                first, _, rest = chance.choice(PHRASES).partition(" ")
                title, description = f"{title} {first}", f"{rest} {description}"
            archive.article(
                title,
                tone=chance.choice([None, "no_text", *LABELS]),
                polarity=chance.choice(POLARITIES),
                description=chance.choice([None, description, description]),
                content=chance.choice([None, _text(chance, 0, 30)]),
                author=chance.choice(AUTHORS),
                source_name=chance.choice(OUTLETS),
                language=chance.choice(LANGUAGES),
                sources=chance.sample(SOURCES, chance.randint(1, 3)),
                story_id=story,
            )
        worker.execute("ANALYZE articles, article_sentiments")
        with psycopg.connect(database.api, autocommit=True) as reader:
            yield reader


def _brute_force(connection) -> BruteForce:
    rows = connection.execute("""
        SELECT a.id, a.search::text, a.author, a.source_name, a.sources, a.language, s.label, s.polarity
        FROM articles a LEFT JOIN article_sentiments s ON s.article_id = a.id
    """).fetchall()
    texts = [*PLAIN, *ODD, *PHRASES, *(odd.rstrip(".") for odd in ODD)]
    # A prefix is a word itself, and in English the beginning of all the words that the endings make, known or not.
    english = [*PLAIN, *(prefix + tail for prefix in PREFIXES for tail in ENGLISH_TAILS)]
    keys = [(config, text) for config in CONFIGS for text in {*texts, *PREFIXES}]
    keys += [("english", text) for text in {*english} - {*texts, *PREFIXES}]
    stems = connection.execute(
        "SELECT to_tsvector(c::regconfig, news_text(t))::text "
        "FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY x(c, t, n) ORDER BY n",
        ([config for config, _ in keys], [text for _, text in keys]),
    ).fetchall()
    names = Row.__struct_fields__
    return BruteForce(
        [Row(**dict(zip(names, row, strict=True))) for row in rows],
        {key: stem for key, (stem,) in zip(keys, stems, strict=True)},
        english,
    )


_ARCHIVE_FIELDS = st.sampled_from(["any", "any", "any", "title", "body"])
_NAME_FIELDS = st.sampled_from(["author", "outlet"])
_WORDS = st.sampled_from(PLAIN + [odd.rstrip(".") for odd in ODD])
_LEAVES = st.one_of(
    st.builds(Text, st.just("word"), _WORDS, _ARCHIVE_FIELDS),
    st.builds(Text, st.just("phrase"), st.sampled_from(PHRASES + ODD), _ARCHIVE_FIELDS),
    st.builds(Text, st.just("prefix"), st.sampled_from(PREFIXES), _ARCHIVE_FIELDS),
    st.builds(Text, st.just("word"), st.sampled_from(NAMES), _NAME_FIELDS),
    st.builds(Text, st.just("phrase"), st.sampled_from(NAME_PHRASES), _NAME_FIELDS),
    st.builds(Text, st.just("prefix"), st.sampled_from(["smi", "bbc", "new", "gua"]), _NAME_FIELDS),
    st.builds(Equal, st.just("source"), st.sampled_from(SOURCES)),
    st.builds(Equal, st.just("lang"), st.sampled_from(["en", "de", "fr", "ja"])),
    st.builds(Equal, st.just("sentiment"), st.sampled_from(LABELS)),
    st.builds(Polarity, low=st.sampled_from(POLARITIES), open_low=st.booleans()),
    st.builds(Polarity, high=st.sampled_from(POLARITIES), open_high=st.booleans()),
    st.sampled_from(POLARITIES).flatmap(
        lambda low: st.builds(
            Polarity, low=st.just(low), high=st.sampled_from([p for p in POLARITIES if p >= low])
        )
    ),
)
_TREES = st.recursive(
    _LEAVES,
    lambda nodes: st.one_of(
        st.lists(nodes, min_size=2, max_size=4).map(all_of),
        st.lists(nodes, min_size=2, max_size=4).map(any_of),
        nodes.map(negation),
    ),
    max_leaves=10,
)


class _Typist:
    """Types a tree as people do: redundant parentheses, either AND, either NOT, any case."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def typed(self, node: Node) -> str:
        if isinstance(node, And | Or):
            words = [" OR "] if isinstance(node, Or) else [" ", " AND ", "  "]
            parts = [self._within(child) for child in node.children]
            return "".join([parts[0], *(self.chance.choice(words) + part for part in parts[1:])])
        if isinstance(node, Not):
            return self.chance.choice(["-", "NOT "]) + self._within(node.child)
        if isinstance(node, Text):
            return self._text(node)
        text = f"{node.field}:{node.value}" if isinstance(node, Equal) else f"sentiment:{self._range(node)}"
        return text.title() if self.chance.random() < 0.2 else text

    def _within(self, node: Node) -> str:
        bare = not isinstance(node, And | Or) and self.chance.random() < 0.9
        return self.typed(node) if bare else f"({self.typed(node)})"

    def _text(self, node: Text) -> str:
        text = node.text.upper() if self.chance.random() < 0.2 and "ß" not in node.text else node.text
        text = {"word": text, "phrase": f'"{text}"', "prefix": f"{text}*"}[node.kind]
        if text in ("AND", "OR", "NOT"):
            text = text.lower()
        return text if node.field == "any" else f"{node.field}:{text}"

    def _range(self, node: Polarity) -> str:
        if node.low is not None and node.high is not None:
            return f"{node.low}..{node.high}"
        sign, bound, is_open = (
            (">", node.low, node.open_low) if node.low is not None else ("<", node.high, node.open_high)
        )
        return f"{sign}{'' if is_open else '='}{bound}"


def _ids(connection, text: str, languages: tuple[str, ...]) -> set[int] | None:
    query = parse(text)
    asked = list(lookups(query.root, languages))
    answers = connection.execute(RESOLVE, resolve_values(asked)).fetchall()
    lexemes = {lookup: answer for lookup, (answer,) in zip(asked, answers, strict=True)}
    try:
        compiled = compile_query(query, lexemes, languages)
    except BadQueryError:
        return None
    statement = sql.SQL(
        "SELECT a.id, coalesce(ts_rank(a.search, {ranking}::tsquery), 0) FROM articles a WHERE {condition}"
    ).format(
        ranking=sql.Literal(compiled.ranking),
        condition=compiled.condition.expression,
    )
    return {row[0] for row in connection.execute(statement, compiled.condition.values)}


@pytest.mark.parametrize(
    ("plan", "queries"),
    [
        ("scan of the table", 1_000),
        ("index", 1_000),
        pytest.param("index", 10_000, marks=[pytest.mark.campaign, pytest.mark.timeout(1_800)]),
    ],
)
def test_the_same_articles_as_brute_force(connection, plan, queries):
    connection.execute(f"SET enable_seqscan = {'off' if plan == 'index' else 'on'}")
    brute_force = _brute_force(connection)
    seen: list[int | None] = []

    @settings(
        max_examples=queries,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_TREES, st.sampled_from([(), (), ("en",), ("de",), ("en", "fr"), ("ja",)]), st.integers(0, 1_000))
    def compare(tree, languages, seed):
        text = _Typist(seed).typed(tree)
        expected = brute_force.find(tree, languages)
        assert _ids(connection, text, languages) == expected, text
        kept = cache_text(parse(text).root)
        assert _ids(connection, kept, languages) == expected, kept
        seen.append(None if expected is None else len(expected))

    compare()
    # The comparison means something: most queries find some articles and leave some out.
    assert sum(1 for found in seen if found and found < ROWS) > 0.5 * len(seen)
    assert None in seen
