"""How many articles a second go through the whole pipeline, beside COPY (the limit) and the textbook loop."""

import argparse
import difflib
import multiprocessing
import os
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from rapidfuzz import fuzz
from textblob import TextBlob

from deploy.local.servers import Postgres, postgres, valkey
from ingest.article import RawItem
from ingest.pipeline.run import run as run_pipeline
from tests import items
from tests.bench import archive
from tests.bench.generator import Made, made
from tests.bench.report import Figure, report

AIM_PER_SECOND = 800
AIM_TIMES_LOOP = 20
AIM_MEGABYTES = 200
BATCH = 4_000  # articles of one measured run
RUNS = 3
LOOP_ARTICLES = 60
PAGE = 100


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a benchmark may use; its servers keep their data in `directory`."""

    articles: int = 200_000
    directory: Path = archive.CACHE


class _Worked(msgspec.Struct, frozen=True, kw_only=True):
    begin: float
    end: float
    articles: int
    peak_bytes: int


def run(context: Context) -> list[Figure]:
    with (
        postgres(context.directory / "postgres") as server,
        valkey(context.directory / "valkey") as redis_url,
    ):
        of = archive.template(server, context.articles)
        one, _ = _pipeline(server, of, redis_url, context, workers=1)
        two, megabytes = _pipeline(server, of, redis_url, context, workers=2)
        copied = _copied(server, of, context)
        loop = _looped(server, of, context, _difflib)
        fast_loop = _looped(server, of, context, _rapidfuzz)
    return [
        _figure("pipeline, one process", one, loop),
        _figure(
            "pipeline, two processes", two, loop, aim=f">= {AIM_PER_SECOND}/s and >= {AIM_TIMES_LOOP} x the loop",
            met=two >= AIM_PER_SECOND and two >= AIM_TIMES_LOOP * loop,
        ),
        _figure("two processes beside COPY of the same rows", two, copied),
        _figure("two processes beside a loop with rapidfuzz", two, fast_loop),
        Figure(
            name="peak memory of a worker", value=megabytes, unit="MB", aim=f"< {AIM_MEGABYTES} MB",
            met=megabytes < AIM_MEGABYTES,
        ),
    ]  # fmt: skip


def _figure(name: str, value: float, baseline: float, **aim: Any) -> Figure:
    return Figure(name=name, value=value, unit="articles/s", baseline=baseline, ratio=value / baseline, **aim)


def _after(context: Context, count: int, *, skip: int = 0) -> list[Made]:
    """The articles that follow those of the archive."""
    return list(made(count, first=context.articles + skip, span_of=context.articles))


def _pipeline(
    server: Postgres, of: str, redis_url: str, context: Context, *, workers: int
) -> tuple[float, float]:
    """Median articles per second of all workers together, and the largest worker's peak memory (MB)."""
    spawn = multiprocessing.get_context("spawn")
    speeds, peaks = [], []
    with archive.copy(server, of, "bench_pipeline") as name:
        url = server.url("newsintel_worker", name)
        for nth in range(RUNS):
            gate, results = spawn.Barrier(workers), spawn.Queue()
            todo = _after(context, BATCH, skip=nth * BATCH)
            files = [
                _written(todo[worker::workers], context.directory / f"{worker}.jsonl")
                for worker in range(workers)
            ]
            processes = [
                spawn.Process(target=_work, args=(url, redis_url, file, gate, results)) for file in files
            ]
            for process in processes:
                process.start()
            done = [results.get(timeout=600) for _ in processes]
            for process in processes:
                process.join()
            seconds = max(each.end for each in done) - min(each.begin for each in done)
            speeds.append(sum(each.articles for each in done) / seconds)
            peaks.append(max(each.peak_bytes for each in done))
    return statistics.median(speeds), max(peaks) / 1e6


def _written(articles: Sequence[Made], file: Path) -> Path:
    """A page of items a line, as a source would hand them over: the worker's memory is then its own alone."""
    pages = (articles[start : start + PAGE] for start in range(0, len(articles), PAGE))
    file.write_bytes(b"\n".join(msgspec.json.encode([article.raw for article in page]) for page in pages))
    return file


def _work(url: str, redis_url: str, file: Path, gate: Any, results: Any) -> None:
    """One worker, from its first page to its last."""
    decoder = msgspec.json.Decoder(list[RawItem])
    with items.ports(url, redis_url, now=None) as ports, file.open("rb") as pages:
        run_pipeline(decoder.decode(next(pages)), "warm", ports)
        gate.wait(timeout=300)
        begin = time.time()
        done = sum(run_pipeline(decoder.decode(page), "bench", ports).fetched for page in pages)
        results.put(_Worked(begin=begin, end=time.time(), articles=done, peak_bytes=_peak_bytes()))


def _peak_bytes() -> int:
    """Of this process alone: on Linux ru_maxrss starts with what the parent had when it forked."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text()).group(1)) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _copied(server: Postgres, of: str, context: Context) -> float:
    speeds = []
    for nth in range(RUNS):
        rows = _after(context, BATCH, skip=nth * BATCH)
        with (
            archive.copy(server, of, "bench_copy") as name,
            psycopg.connect(server.url("newsintel_owner", name)) as conn,
        ):
            begin = time.perf_counter()
            archive.copy_rows(conn, rows, first_story=context.articles * 10)
            conn.commit()
            speeds.append(BATCH / (time.perf_counter() - begin))
    return statistics.median(speeds)


Likeness = Callable[[str, str], float]


def _difflib(one: str, other: str) -> float:
    return 100 * difflib.SequenceMatcher(None, one, other).ratio()


def _rapidfuzz(one: str, other: str) -> float:
    return fuzz.token_sort_ratio(one, other)


def _looped(server: Postgres, of: str, context: Context, likeness: Likeness) -> float:
    """The textbook way: article by article, compare with the recent titles, score, insert, commit."""
    rows = _after(context, LOOP_ARTICLES)
    with (
        archive.copy(server, of, "bench_loop") as name,
        psycopg.connect(server.url("newsintel_worker", name), autocommit=True) as conn,
    ):
        begin = time.perf_counter()
        for article in rows:
            _insert_one(conn, article, likeness)
        return LOOP_ARTICLES / (time.perf_counter() - begin)


def _insert_one(conn: psycopg.Connection[Any], article: Made, likeness: Likeness) -> None:
    raw, url = article.raw, (article.raw.url or "").partition("?")[0]
    recent = conn.execute(
        "SELECT story_id, title FROM articles WHERE published_at > %s", (article.at - timedelta(hours=72),)
    )
    story = next((s for s, title in recent if likeness(title.lower(), article.title.lower()) > 80), None)
    tone = TextBlob(f"{raw.title} {raw.description} {raw.content}").sentiment
    with conn.transaction():
        if story is None:
            [story] = conn.execute(
                "INSERT INTO stories (article_count) VALUES (1) RETURNING id"
            ).fetchone() or [0]
        else:
            conn.execute("UPDATE stories SET article_count = article_count + 1 WHERE id = %s", (story,))
        [id_] = conn.execute(
            """
            INSERT INTO articles (source, external_id, url, page, title, description, content, author, source_name,
                image_url, language, published_at, modified_at, fetched_at, story_id, match_method, completeness,
                digest, sources)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, now(), %s, 'first', 50, 0, %s) RETURNING id
            """,
            (
                *(
                    raw.source,
                    url,
                    url,
                    url,
                    raw.title,
                    raw.description,
                    raw.content,
                    raw.author,
                    raw.source_name,
                ),
                *(raw.image_url, "en", article.at, article.at, story, [raw.source]),
            ),
        ).fetchone() or [0]
        conn.execute(
            """
            INSERT INTO article_sentiments (article_id, polarity, subjectivity, label, confidence, text_length, method,
                method_version, analyzed_at)
            VALUES (%s, %s, %s, 'neutral', 1, 100, 'textblob', '1', now())
            """,
            (id_, tone.polarity, tone.subjectivity),
        )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--articles", type=int, default=int(os.environ.get("NEWSINTEL_BENCH_ARTICLES", "200000"))
    )
    parser.add_argument("--json", action="store_true", help="also print one JSON object on the last line")
    report("ingest", run(Context(articles=parser.parse_args(argv).articles)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
