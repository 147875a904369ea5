"""Stands in for ingest beside a benchmark: answers every FetchQuery at once, and brings articles when it is told to.

`python -m tests.bench.stand_in DATABASE_URL REDIS_URL ARTICLES`
"""

import sys
import time

import redis

from ingest.pipeline.run import run
from tests import items
from tests.bench.generator import made
from tests.fakes import FakeWorker

TOLD = "bench:ingest"
# Ten articles a second are 864,000 a day, far more than the sources give.
BATCH = 5
PAUSE_SECONDS = 0.5


def work() -> int:
    url, redis_url, articles = sys.argv[1:]
    following = made(10**9, first=int(articles), span_of=int(articles))
    with (
        FakeWorker(redis_url),
        redis.Redis.from_url(redis_url) as client,
        items.ports(url, redis_url, now=None) as ports,
    ):
        while True:
            time.sleep(PAUSE_SECONDS)
            if client.get(TOLD):
                run([next(following).raw for _ in range(BATCH)], "bench", ports)


if __name__ == "__main__":
    sys.exit(work())
