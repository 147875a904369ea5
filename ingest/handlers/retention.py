"""ApplyRetention, RecheckReddit: what is past its time goes, and what was deleted on Reddit goes everywhere."""

from datetime import date, timedelta
from typing import Final

from dramatiq.errors import Retry

from ingest.pipeline.match import title_key
from ingest.pipeline.publish import forget_all
from ingest.ports import Ports
from ingest.store import fetches, removal, searches
from shared import bus
from shared.commands import ApplyRetention, RecheckReddit
from shared.errors import SourceError

# A batch holds the matching lock.
_BATCH: Final = 200
_POSTS: Final = 100  # of one call
_PAUSE: Final = timedelta(minutes=10)
# Then the next day's begins with the first post.
_TRIES: Final = timedelta(hours=22)


def apply_retention(_command: ApplyRetention, ports: Ports, command_id: str) -> None:
    """Safe to repeat: what is gone is gone."""
    _drop_searches(ports)
    _drop_fetches(ports)
    if ports.settings.retention_days:
        _drop_articles(ports)
    recheck = RecheckReddit(until=ports.clock() + _TRIES)
    bus.send(bus.broker(ports.redis), recheck, command_id=f"{command_id}:reddit")


def recheck_reddit(command: RecheckReddit, ports: Ports, command_id: str) -> None:
    """One call; raises Retry when Reddit cannot be asked now. What cannot be asked today is left to tomorrow."""
    with ports.database.connection() as conn:
        posts = removal.posts_after(conn, command.after_id, _POSTS)
    if not posts:
        return
    try:
        gone = ports.posts.deleted([name for _, name in posts])
    except SourceError as error:
        ports.metrics.count("recheck_failed", reason=error.code)
        now = ports.clock()
        at = max(error.retry_at or now + _PAUSE, now + timedelta(seconds=1))
        if error.retryable and command.until and at < command.until:
            raise Retry(str(error), delay=round((at - now).total_seconds() * 1000)) from error
        return
    if gone:
        _purge(gone, ports)
    root = command_id.rpartition("@")[0] or command_id
    following = RecheckReddit(after_id=posts[-1][0], until=command.until)
    bus.send(bus.broker(ports.redis), following, command_id=f"{root}@{following.after_id}")


def _purge(names: set[str], ports: Ports) -> None:
    with ports.database.connection() as conn, conn.transaction():
        for trimmed in removal.remove_posts(conn, names):
            removal.keep_title(conn, trimmed.article_id, title_key(trimmed.title))
    ports.metrics.count("posts_purged", len(names))
    forget_all(ports)


def _drop_articles(ports: Ports) -> None:
    before = ports.clock() - timedelta(days=ports.settings.retention_days)
    while True:
        with ports.database.connection() as conn, conn.transaction():
            ids = removal.past(conn, before, _BATCH)
            removed = removal.remove_articles(conn, ids) if ids else 0
        ports.metrics.count("articles_dropped", removed)
        if removed:
            forget_all(ports)
        if len(ids) < _BATCH:
            return


def _drop_searches(ports: Ports) -> None:
    today = ports.clock().date()
    month = today.year * 12 + today.month - 1
    with ports.database.connection() as conn:
        for ahead in (0, 1):
            searches.keep_month(conn, _first(month + ahead))
        dropped = searches.drop_before(conn, _first(month - ports.settings.search_history_months))
    ports.metrics.count("search_months_dropped", dropped)


def _drop_fetches(ports: Ports) -> None:
    before = ports.clock() - timedelta(days=ports.settings.fetch_days)
    with ports.database.connection() as conn:
        dropped = fetches.drop_before(conn, before)
    ports.metrics.count("fetches_dropped", dropped)


def _first(month: int) -> date:
    """month: counted from the year 0."""
    return date(month // 12, month % 12 + 1, 1)
