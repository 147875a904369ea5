"""The SQL twin of a block of time says the same as Python's, at every border."""

import random
from datetime import UTC, datetime, timedelta

import psycopg

from api.queries import windows


def test_postgresql_files_an_article_where_python_looks_for_it(database):
    chance = random.Random(5)
    times = [
        datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.random() * 1.6e9) for _ in range(2_000)
    ]
    borders = [
        windows.EPOCH + chance.randrange(1, 300) * windows.SMALLEST * windows.GROWTH**size
        for size in range(windows.SIZES)
        for _ in range(20)
    ]
    times += [border + offset * windows.MICROSECOND for border in borders for offset in (-1, 0, 1)]
    with psycopg.connect(database.api) as reader:
        rows = reader.execute(
            "SELECT at, news_blocks(at) FROM unnest(%s::timestamptz[]) AS x (at)", (times,)
        ).fetchall()
    assert len(rows) == len(times)
    for at, blocks in rows:
        assert blocks == [windows.block(at, size) for size in range(windows.SIZES)], at
