"""Searches of every shape over a large archive, beside the textbook's SQL and the embedded engine tantivy.

A search is what the api asks of PostgreSQL for the stories of one page - list, count, articles, who else tells the
story - in its own snapshot, with its answer as JSON. Left out are the freshness of the sources, highlights and
explanations, and all that is not PostgreSQL: HTTP, cache, Redis. The textbook ranks every match with ts_rank over the
same stored vector and the same kind of index, orders and limits; it neither counts nor knows stories.
"""

import argparse
import asyncio
import itertools
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg

from api import question
from api.cursor import Cursor, Cursors
from api.queries import search as queries
from api.queries.matching import Wanted
from api.queries.search import Place
from deploy.local.servers import postgres
from tests.bench import archive
from tests.bench.engine import Engine
from tests.bench.report import Figure, percentile, report

AIM_P50_MS, AIM_P99_MS, AIM_TIMES_TEXTBOOK, AIM_GROWTH = 8.0, 25.0, 50, 1.5
SMALLER = 5  # how much smaller the other archive is
QUERIES = 10  # different ones of each shape
ROUNDS = 8
DEEP_PAGES = 30  # 600 stories: beyond what is ranked
TEXTBOOK_ROUNDS = 2
# Shares of all articles that have a word.
RARE, MIDDLING, COMMON = (0.00005, 0.0005), (0.002, 0.02), (0.08, 0.6)
# Of those that stand most often between two words; the index knows no pair of the words around them.
STOP_WORDS = {"the", "of", "to", "and", "in", "for", "on", "with", "as", "at", "by"}
CURSORS = Cursors("bench")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a benchmark may use; its servers keep their data in `directory`."""

    articles: int = 1_000_000
    directory: Path = archive.CACHE


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One search for all three: ours, the textbook's condition, and tantivy's query."""

    parameters: dict[str, str]
    textbook: str
    values: dict[str, str]
    tantivy: str


class Words(msgspec.Struct, frozen=True, kw_only=True):
    rare: list[str]
    middling: list[str]
    common: list[str]
    phrases: list[str]
    around: list[str]


def run(context: Context) -> list[Figure]:
    with postgres(context.directory / "postgres") as server:
        figures, p99 = _archive(context, server, context.articles)
        _, smaller = _archive(context, server, context.articles // SMALLER, alone=True)
    grown = p99 / smaller
    return [
        *figures,
        Figure(
            name=f"largest p99 of a shape, beside that of {context.articles // SMALLER:,} articles",
            value=p99, unit="ms", baseline=smaller, ratio=grown, aim=f"<= {AIM_GROWTH} x", met=grown <= AIM_GROWTH,
        ),
    ]  # fmt: skip


def _archive(
    context: Context, server: Any, articles: int, *, alone: bool = False
) -> tuple[list[Figure], float]:
    """The figures of one archive, and the largest p99 of a shape. alone: without the baselines."""
    name = archive.template(server, articles)
    url = server.url("newsintel_worker", name)  # the api's role has a time limit that the textbook exceeds
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT count(*) FROM articles"
        )  # reads it once, so that the disk is not what is measured
        words = words_of(connection)
        shapes = _shapes(words)
        ours = asyncio.run(_ours(server.url("newsintel_api", name), shapes))
        p99 = max(percentile(times, 99) for times in ours.values())
        if alone:
            return [], p99
        book = _textbook(connection, shapes)
    engine = Engine(context.directory / f"tantivy_{name}", url)
    theirs = _tantivy(engine, shapes)
    return [figure for key in ours for figure in _figures(key, ours[key], book, theirs[key])], p99


def _figures(
    key: tuple[str, str], times: list[float], book: dict[tuple[str, str], float], theirs: float
) -> list[Figure]:
    shape, way = key
    half, most = statistics.median(times), percentile(times, 99)
    textbook = book.get(key)
    faster = textbook / half if textbook else None
    aim, met = f"< {AIM_P50_MS:g} ms", half < AIM_P50_MS
    if textbook and faster and shape == "common word" and way == "relevance":
        aim, met = f"{aim}, textbook / value >= {AIM_TIMES_TEXTBOOK}", met and faster >= AIM_TIMES_TEXTBOOK
    return [
        Figure(
            name=f"{shape}, {way}: p50, textbook / value", value=half, unit="ms", baseline=textbook, ratio=faster,
            aim=aim, met=met,
        ),
        Figure(
            name=f"{shape}, {way}: p99, beside tantivy's p50", value=most, unit="ms", baseline=theirs,
            ratio=most / theirs, aim=f"< {AIM_P99_MS:g} ms", met=most < AIM_P99_MS,
        ),
    ]  # fmt: skip


def words_of(connection: psycopg.Connection[Any]) -> Words:
    """Stems by how many articles have them, and pairs of words that stand side by side."""
    [total] = connection.execute("SELECT max(id) FROM articles").fetchone() or (0,)
    sample = max(1, total // 20_000)
    counted = connection.execute(
        f"SELECT word, ndoc::float8 * {sample} / {total} "
        f"FROM ts_stat('SELECT search FROM articles WHERE id % {sample} = 0') "
        "WHERE word ~ '^[a-z]{3,}$' ORDER BY word"
    ).fetchall()
    dice = random.Random(3)

    def some(low: float, high: float) -> list[str]:
        found = [word for word, share in counted if low <= share <= high]
        return [dice.choice(found) for _ in range(QUERIES)]

    texts = connection.execute(
        f"SELECT lower(description) FROM articles WHERE id % {max(1, total // 200)} = 0 AND description IS NOT NULL"
    ).fetchall()
    told = [text.rstrip(".").split() for (text,) in texts]
    pairs = [
        f"{one} {other}"
        for words in told
        for one, other in itertools.pairwise(words)
        if min(len(one), len(other)) > 4 and one.isalpha() and other.isalpha()
    ]
    around = [
        f"{one} {stop} {other}"
        for words in told
        for one, stop, other in zip(words, words[1:], words[2:], strict=False)
        if min(len(one), len(other)) > 4 and stop in STOP_WORDS
    ]
    return Words(
        rare=some(*RARE),
        middling=some(*MIDDLING),
        common=some(*COMMON),
        phrases=dice.sample(pairs, QUERIES),
        around=dice.sample(around, QUERIES),
    )


def _shapes(words: Words) -> dict[str, list[Asked]]:
    rare, middling, common = words.rare, words.middling, words.common
    others = common[1:] + common[:1]
    month = {"from": "2025-03-01", "to": "2025-03-31"}
    in_month = "published_at >= '2025-03-01' AND published_at < '2025-04-01'"
    seconds = f"at:[{_unix(2025, 3)} TO {_unix(2025, 4) - 1}]"
    return {
        "rare word": [_plain(word, word, word) for word in rare],
        "middling word": [_plain(word, word, word) for word in middling],
        "common word": [_plain(word, word, word) for word in common],
        "AND": [_plain(f"{a} {b}", f"{a} & {b}", f"+{a} +{b}") for a, b in zip(common, middling, strict=True)],
        "AND of common": [_plain(f"{a} {b}", f"{a} & {b}", f"+{a} +{b}") for a, b in zip(common, others, strict=True)],
        "OR": [_plain(f"{a} OR {b}", f"{a} | {b}", f"{a} {b}") for a, b in zip(common, rare, strict=True)],
        "NOT": [_plain(f"{a} -{b}", f"{a} & !{b}", f"+{a} -{b}") for a, b in zip(common, others, strict=True)],
        "phrase": [_phrase(pair) for pair in words.phrases],
        "phrase around a stop word": [_phrase(three) for three in words.around],
        "title:": [_title(word) for word in middling],
        "source": [_filtered(word, _GUARDIAN, "sources @> '{guardian}'", "+source:guardian") for word in middling],
        "outlet": [_filtered(word, _OUTLET, _HARBOUR, '+outlet:"Harbour Post"') for word in common],
        "sentiment": [_filtered(word, {"sentiment": "negative"}, _NEGATIVE, "") for word in common],
        "a month": [_filtered(word, month, in_month, f"+{seconds}") for word in middling],
        "no words": [Asked(parameters={}, textbook="true", values={}, tantivy="*")],
    }  # fmt: skip


_GUARDIAN, _OUTLET = {"source": "guardian"}, {"outlet": "Harbour Post"}
_HARBOUR = "source_name = 'Harbour Post'"
_NEGATIVE = (
    "EXISTS (SELECT FROM article_sentiments s WHERE s.article_id = articles.id AND s.label = 'negative')"
)


def _unix(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp())


def _plain(ours: str, book: str, theirs: str) -> Asked:
    return Asked(
        parameters={"q": ours}, textbook="search @@ %(q)s::tsquery", values={"q": book}, tantivy=theirs
    )


def _phrase(pair: str) -> Asked:
    condition = "search @@ phraseto_tsquery('english', news_text(%(q)s))"
    return Asked(parameters={"q": f'"{pair}"'}, textbook=condition, values={"q": pair}, tantivy=f'"{pair}"')


def _title(word: str) -> Asked:
    return Asked(
        parameters={"q": f"title:{word}"}, textbook="search @@ %(q)s::tsquery", values={"q": f"{word}:A"},
        tantivy=f"title:{word}",
    )  # fmt: skip


def _filtered(word: str, parameters: dict[str, str], condition: str, theirs: str) -> Asked:
    plain = _plain(word, word, f"+{word} {theirs}")
    return msgspec.structs.replace(
        plain, parameters=plain.parameters | parameters, textbook=f"{plain.textbook} AND {condition}"
    )


Times = dict[tuple[str, str], list[float]]


async def _ours(url: str, shapes: dict[str, list[Asked]]) -> Times:
    """Milliseconds by shape and way: each first page, and the page after thirty."""
    times: Times = {}
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, options="-c timezone=UTC")
    await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
    async with connection:
        places = {
            (shape, nth, way): await _deep(connection, _wanted(asked), way)
            for shape, listed in shapes.items()
            for nth, asked in enumerate(listed)
            for way in _ways(shape)
        }
        for _ in range(ROUNDS):
            for (shape, nth, way), deep in places.items():
                wanted = _wanted(shapes[shape][nth])
                took, _ = await _timed(connection, wanted, way, None)
                times.setdefault((shape, way), []).append(took)
                if deep:
                    took, _ = await _timed(connection, wanted, way, deep)
                    times.setdefault((shape, f"{way}, deep"), []).append(took)
    return times


def _wanted(asked: Asked) -> Wanted:
    return question.of(urlencode(asked.parameters).encode(), CURSORS).asked.wanted


def _ways(shape: str) -> tuple[str, ...]:
    return ("newest",) if shape == "no words" else ("relevance", "newest")


async def _deep(connection: Any, wanted: Wanted, way: str) -> Cursor | None:
    """The cursor after thirty pages, or the last one there is."""
    _, cursor = await _timed(connection, wanted, way, None)
    after = cursor
    for _ in range(DEEP_PAGES):
        if after is None:
            break
        cursor = after
        _, after = await _timed(connection, wanted, way, cursor)
    return cursor


_NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def _timed(
    connection: Any, wanted: Wanted, way: str, after: Cursor | None
) -> tuple[float, Cursor | None]:
    started = time.perf_counter()
    async with connection.transaction():
        found = await queries.find(connection, wanted, way, Place(page=1, limit=20, after=after), _NOW)
    msgspec.json.encode(found.articles)
    return (time.perf_counter() - started) * 1000, found.next


_BOOK = {
    "relevance": "SELECT * FROM articles WHERE {} ORDER BY ts_rank(search, {}) DESC LIMIT 20",
    "newest": "SELECT * FROM articles WHERE {} ORDER BY published_at DESC LIMIT 20",
}


def _textbook(
    connection: psycopg.Connection[Any], shapes: dict[str, list[Asked]]
) -> dict[tuple[str, str], float]:
    """Median milliseconds."""
    medians = {}
    for shape, listed in shapes.items():
        for way, statement in _BOOK.items():
            times = []
            for asked in listed[:4]:
                query = (
                    "phraseto_tsquery('english', news_text(%(q)s))"
                    if shape.startswith("phrase")
                    else "%(q)s::tsquery"
                )
                if "q" in asked.values:
                    text = statement.format(asked.textbook, query)
                    times += [_clock(lambda t=text, v=asked.values: connection.execute(t, v).fetchall())
                              for _ in range(TEXTBOOK_ROUNDS)]  # fmt: skip
            if times:
                medians[shape, way] = statistics.median(times)
    return medians


def _tantivy(engine: Engine, shapes: dict[str, list[Asked]]) -> dict[tuple[str, str], float]:
    """Median milliseconds."""
    medians = {}
    for shape, listed in shapes.items():
        for way in ("relevance", "newest"):
            for deep in (0, DEEP_PAGES * 20):
                times = [
                    _clock(
                        lambda a=asked, n=way == "newest", d=deep: engine.search(a.tantivy, newest=n, deep=d)
                    )
                    for _ in range(ROUNDS)
                    for asked in listed
                ]
                medians[shape, way + (", deep" if deep else "")] = statistics.median(times)
    return medians


def _clock(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--articles", type=int, default=int(os.environ.get("NEWSINTEL_BENCH_ARTICLES", "1000000"))
    )
    parser.add_argument("--json", action="store_true", help="also print one JSON object on the last line")
    report("search", run(Context(articles=parser.parse_args(argv).articles)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
