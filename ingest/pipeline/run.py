"""Items of a source → searchable articles. The one file to read about ingestion.

    items ──▶ normalise ──▶ score ────▶ write ─────▶ publish
    RawItem   Article       Scored-     one trans-   drop the cached answers
              or a fate     Article     action       that these articles change
              └─ pure, item by item ─┘  └────── batch by batch ──────┘

A fate on the way is Quarantined (kept, with the reason) or Discarded (counted); both are written with their batch.
One bad item never stops the others.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg
import structlog

from ingest.article import Article, Outcome, RawItem, ScoredArticle, Written
from ingest.pipeline.errors import quarantined
from ingest.pipeline.normalise import normalise
from ingest.pipeline.publish import publish
from ingest.pipeline.sentiment import score
from ingest.pipeline.write import Settled, write
from ingest.ports import Ports
from shared.metrics import FATES

# What PostgreSQL says when a value, and not the connection or the load, is to blame.
_BAD_VALUE = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)

_log = structlog.get_logger("pipeline")


class _Prepared(NamedTuple):
    outcome: Outcome
    settled: Settled


def run(items: Sequence[Outcome], fetch_id: str, ports: Ports) -> Written:
    """Bring items into the archive; returns what became of them. Safe to repeat: known items change nothing.

    items: of one source, as a pull is.
    """
    total = Written()
    size = ports.settings.batch_size
    for start in range(0, len(items), size):
        now = ports.clock()
        batch = [_Prepared(item, prepare(item, now)) for item in items[start : start + size]]
        written = _write(batch, fetch_id, ports, now)
        _count(batch[0].outcome.source, written, ports)
        publish(written.changed_articles, ports, written.former_articles)
        total = _sum(total, written)
    return total


def prepare(item: Outcome, now: datetime) -> Settled:
    """Everything about an item that needs no archive."""
    if not isinstance(item, RawItem):
        return item
    article = normalise(item, now)
    if not isinstance(article, Article):
        return article
    try:
        return ScoredArticle(article=article, sentiment=score(article))
    except Exception as error:  # noqa: BLE001 - one bad item never stops the batch
        return quarantined(item, error)


def _write(batch: Sequence[_Prepared], fetch_id: str, ports: Ports, now: datetime) -> Written:
    """Write a batch; when the database refuses a value, halve it until the item that holds it is alone."""
    try:
        with ports.database.connection() as conn:
            return write(conn, [p.settled for p in batch], fetch_id, ports.settings, now)
    except _BAD_VALUE as error:
        _log.warning("batch_refused", items=len(batch), error=str(error))
        if len(batch) > 1:
            half = len(batch) // 2
            parts: list[Sequence[_Prepared]] = [batch[:half], batch[half:]]
        elif isinstance(batch[0].settled, ScoredArticle) and isinstance(batch[0].outcome, RawItem):
            parts = [[_Prepared(batch[0].outcome, quarantined(batch[0].outcome, error))]]
        else:
            raise
    written = Written()
    for part in parts:
        written = _sum(written, _write(part, fetch_id, ports, now))
    return written


def _count(source: str, written: Written, ports: Ports) -> None:
    fates = (written.stored, written.merged, written.quarantined, sum(written.discarded.values()))
    for fate, items in zip(FATES, fates, strict=True):
        ports.metrics.count("articles", items, source=source, fate=fate)


def _sum(one: Written, other: Written) -> Written:
    return Written(
        fetched=one.fetched + other.fetched,
        stored=one.stored + other.stored,
        merged=one.merged + other.merged,
        quarantined=one.quarantined + other.quarantined,
        discarded=dict(Counter(one.discarded) + Counter(other.discarded)),
        changed_articles=one.changed_articles + other.changed_articles,
        former_articles=one.former_articles + other.former_articles,
    )
