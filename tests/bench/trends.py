"""Trends and distributions of a year in a large archive, of everything and of words, beside the textbook's SQL.

The textbook counts the same articles by day and takes the mean of their tone, in one plain statement; it knows neither
labels nor the coverage beside them, and no distribution.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg

from api import question
from api.queries import trends as queries
from api.queries.matching import Wanted
from deploy.local.servers import postgres
from tests.bench import archive
from tests.bench.report import Figure, report
from tests.bench.search import CURSORS, Context, words_of

AIM_MS = 1_000
DAYS = 365
UNTIL = datetime(2025, 12, 31, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=DAYS)
BOUNDS = [SINCE + timedelta(days=day) for day in range(DAYS + 1)]
ROUNDS = 5
TEXTBOOK_ROUNDS = 2
TEXTBOOK = """
    SELECT date_trunc('day', published_at), count(*), avg(polarity) FROM articles
    WHERE published_at >= %(since)s AND published_at < %(until)s AND {} GROUP BY 1
"""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The same for us and for the textbook."""

    parameters: dict[str, str]
    textbook: str


def run(context: Context) -> list[Figure]:
    with postgres(context.directory / "postgres") as server:
        name = archive.template(server, context.articles)
        with psycopg.connect(server.url("newsintel_worker", name), autocommit=True) as connection:
            words = words_of(connection)
        shapes = {
            "everything": Asked(parameters={}, textbook="true"),
            "a common word": _word(words.common[0]),
            "a middling word": _word(words.middling[0]),
            "a source": Asked(parameters={"source": "guardian"}, textbook="sources @> '{guardian}'"),
        }
        return asyncio.run(_figures(server.url("newsintel_api", name), shapes))


def _word(word: str) -> Asked:
    return Asked(parameters={"q": word}, textbook=f"search @@ '{word}'::tsquery")


async def _figures(url: str, shapes: dict[str, Asked]) -> list[Figure]:
    # Without the time limit, which the textbook exceeds.
    options = "-c timezone=UTC -c statement_timeout=0"
    found = []
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, options=options) as connection:
        for shape, asked in shapes.items():
            wanted = _wanted(asked.parameters)
            book = await _median(connection, partial(_textbook, asked=asked), TEXTBOOK_ROUNDS)
            works = {
                "trends": partial(queries.buckets, wanted=wanted, bounds=BOUNDS),
                "distribution": partial(queries.distribution, wanted=wanted),
            }
            for what, work in works.items():
                took = await _median(connection, work, ROUNDS)
                found.append(_figure(f"{what} of {shape} over {DAYS} days: median", took, book))
    return found


def _figure(name: str, took: float, book: float) -> Figure:
    return Figure(
        name=name, value=took, unit="ms", baseline=book, ratio=book / took, aim=f"< {AIM_MS:,} ms", met=took < AIM_MS
    )  # fmt: skip


def _wanted(parameters: dict[str, str]) -> Wanted:
    wanted = question.of(urlencode(parameters).encode(), CURSORS).asked.wanted
    return msgspec.structs.replace(wanted, since=SINCE, until=UNTIL)


async def _textbook(connection: Any, asked: Asked) -> None:
    await connection.execute(TEXTBOOK.format(asked.textbook), {"since": SINCE, "until": UNTIL})


async def _median(connection: Any, work: Callable[[Any], Awaitable[object]], rounds: int) -> float:
    """Milliseconds, each time in a transaction of its own as the api has it."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        async with connection.transaction():
            await work(connection)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--articles", type=int, default=int(os.environ.get("NEWSINTEL_BENCH_ARTICLES", "1000000"))
    )
    parser.add_argument("--json", action="store_true", help="also print one JSON object on the last line")
    report("trends", run(Context(articles=parser.parse_args(argv).articles)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
