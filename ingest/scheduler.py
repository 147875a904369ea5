"""The scheduler process: when → which command. `python -m ingest.scheduler`; several may run, one leads.

A topic's time is cut into slots of its cadence. Whoever leads claims the current slot in Redis and sends it; the
claim outlives a change of leader, so a slot is sent once. A claim whose sender died before sending lapses.
"""

import signal
import sys
import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import dramatiq
import redis
import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ingest import bootstrap, gauges
from ingest.backfill.plan import live_calls, page_seconds
from ingest.backfill.spare import calls_per_day
from ingest.ports import Ports
from ingest.sources import status
from ingest.sources.registry import ledgers
from ingest.store import backfills, topics
from ingest.store.topics import Topic
from shared import bus, emf, inner_port, keys, log
from shared.commands import ApplyRetention, Command, FetchTopic, RunSlice, TidyPeople
from shared.config import IngestSettings, load
from shared.errors import DependencyError, NewsIntelError

# New, changed and paused topics take effect within this time.
REFRESH_SECONDS = 15
# What Reddit could not be told, it is told within this time.
TIDY_SECONDS = 600
# The finest period of the alarms is a minute.
MEASURE_SECONDS = 30
# Several ticks missed: the timer is dead.
STALE = timedelta(seconds=8 * REFRESH_SECONDS)
RETENTION_SECONDS = 86_400
# A leader that starts in the middle of a day's slot sends it within this time.
RETENTION_LOOK_SECONDS = 3_600
# Long enough to send one message, short enough that a dead sender's slot is tried again.
CLAIM_SECONDS = 60
# A page of a backfill that is not handled by then was lost on the way.
SLICE_SECONDS = 60
# What backfills may ask is told until several rounds were missed: then none are sent either.
SPARE_SECONDS = 4 * REFRESH_SECONDS

_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) and 1 or 0
"""

_log = structlog.get_logger("scheduler")


class Lease:
    """One leader at a time: a key with a lifetime that only its holder renews."""

    def __init__(self, client: redis.Redis, seconds: int) -> None:
        self.holder = str(uuid.uuid4())
        self._client = client
        self._seconds = seconds
        self._renew = client.register_script(_RENEW)

    def hold(self) -> bool:
        """Take or renew the lease; False when another process has it."""
        return bool(self._renew(keys=[keys.LEADER], args=[self.holder, self._seconds]))

    def release(self) -> None:
        """Hand over at once instead of letting the others wait for the lease to lapse."""
        try:
            if self._client.get(keys.LEADER) == self.holder.encode():
                self._client.delete(keys.LEADER)
        except redis.RedisError as error:
            _log.warning("lease_not_released", error=str(error))


class Scheduler:
    """Keeps one APScheduler job per topic and sends its slots while it leads."""

    def __init__(self, ports: Ports, through: dramatiq.Broker, lease: Lease) -> None:
        self._ports = ports
        self._broker = through
        self._lease = lease
        self._known: dict[int, Topic] = {}
        self._books = ledgers(ports.settings, ports.redis)
        self._pause = {
            source: page_seconds(ports.settings.backfill_pause_seconds, book.pace_seconds)
            for source, book in self._books.items()
        }
        self._jobs = BackgroundScheduler(timezone=UTC)
        self._refreshed = ports.clock()

    def start(self) -> None:
        self._jobs.add_job(
            self.refresh,
            IntervalTrigger(seconds=REFRESH_SECONDS, timezone=UTC),
            next_run_time=self._ports.clock(),
            max_instances=1,
            coalesce=True,
        )
        self._jobs.add_job(self.send_tidy, IntervalTrigger(seconds=TIDY_SECONDS, timezone=UTC), coalesce=True)
        self._jobs.add_job(
            self.tell_status,
            IntervalTrigger(seconds=status.SECONDS, timezone=UTC),
            next_run_time=self._ports.clock(),
            max_instances=1,
            coalesce=True,
        )
        self._jobs.add_job(
            self.measure,
            IntervalTrigger(seconds=MEASURE_SECONDS, timezone=UTC),
            next_run_time=self._ports.clock(),
            max_instances=1,
            coalesce=True,
        )
        self._jobs.add_job(
            self.send_retention, IntervalTrigger(seconds=RETENTION_LOOK_SECONDS, timezone=UTC), coalesce=True
        )
        self._jobs.add_job(
            self.send_slices,
            IntervalTrigger(seconds=self._ports.settings.backfill_pause_seconds, timezone=UTC),
            max_instances=1,
            coalesce=True,
        )
        self._jobs.start()

    def ticks(self) -> bool:
        """Whether topics were looked at lately, readable or not."""
        return self._ports.clock() - self._refreshed < STALE

    def stop(self) -> None:
        self._jobs.shutdown(wait=True)
        self._lease.release()

    def refresh(self) -> None:
        """Bring the jobs in line with the topics table, and send every current slot that nobody sent."""
        self._refreshed = self._ports.clock()
        try:
            with self._ports.database.connection() as connection:
                current = {topic.id: topic for topic in topics.active(connection)}
        except Exception as error:  # noqa: BLE001 - the database being away must not end the schedule
            _log.warning("topics_unreadable", error=str(error))
            return
        for topic_id in self._known.keys() - current.keys():
            self._jobs.remove_job(str(topic_id))
        for topic in current.values():
            if self._known.get(topic.id) != topic:
                self._schedule(topic)
        self._known = current
        self._note_live_calls(current.values())
        for topic in current.values():
            self.send_slot(topic)

    def measure(self) -> None:
        """Write the gauges while this process leads; what cannot be measured is seen by its silence."""
        try:
            if self._lease.hold():
                gauges.measure(self._ports)
        except Exception as error:  # noqa: BLE001 - measuring must not end the schedule
            _log.warning("not_measured", error=str(error))

    def send_slot(self, topic: Topic) -> bool:
        """Send the topic's current slot unless it was sent; True when this call sent it."""
        return self._send_once(f"topic-{topic.id}", topic.cadence_seconds, FetchTopic(topic_id=topic.id))

    def send_tidy(self) -> bool:
        """Send the current round of tidying up unless it was sent; True when this call sent it."""
        return self._send_once("tidy-people", TIDY_SECONDS, TidyPeople())

    def send_retention(self) -> bool:
        """Send the day's retention unless it was sent; True when this call sent it."""
        return self._send_once("retention", RETENTION_SECONDS, ApplyRetention())

    def send_slices(self) -> None:
        """Have a page fetched of every source that a backfill waits for, one at a time.

        Not a page before it is known what live work needs: backfills live on the rest.
        """
        client = self._ports.redis
        try:
            with self._ports.database.connection() as connection:
                due = backfills.due_sources(connection, self._ports.clock())
            if not due or not self._lease.hold() or not client.exists(keys.LIVE_CALLS):
                return
            for source in due:
                if not client.exists(keys.slice_sent(source), keys.slice_pause(source)):
                    self._send_slice(source)
        except Exception as error:  # noqa: BLE001 - neither server being away must end the schedule
            _log.warning("slices_not_sent", error=str(error))

    def _send_slice(self, source: str) -> None:
        # Sent before it is noted: what is lost in between is sent twice rather than never.
        bus.send(self._broker, RunSlice(source=source))
        self._ports.redis.set(keys.slice_sent(source), 1, ex=SLICE_SECONDS)
        pause = self._pause[source]
        if pause > self._ports.settings.backfill_pause_seconds:  # less often than this is looked at
            self._ports.redis.set(keys.slice_pause(source), 1, px=round(pause * 1000))

    def _note_live_calls(self, current: Iterable[Topic]) -> None:
        calls = live_calls([(topic.source, topic.cadence_seconds) for topic in current])
        pause = self._ports.settings.backfill_pause_seconds
        try:
            self._ports.redis.hset(
                keys.LIVE_CALLS, mapping={name: calls.get(name, 0.0) for name in self._ports.sources}
            )
            self._ports.redis.hset(
                keys.BACKFILL_CALLS,
                mapping={
                    name: calls_per_day(book, calls.get(name, 0.0), pause)
                    for name, book in self._books.items()
                },
            )
            self._ports.redis.expire(keys.BACKFILL_CALLS, SPARE_SECONDS)
        except redis.RedisError as error:
            _log.warning("live_calls_not_noted", error=str(error))

    def _send_once(self, name: str, cadence_seconds: int, command: Command) -> bool:
        at = int(self._ports.clock().timestamp()) // cadence_seconds * cadence_seconds
        slot = keys.slot(name, at)
        client = self._ports.redis
        try:
            if not self._lease.hold() or not client.set(slot, "claimed", nx=True, ex=CLAIM_SECONDS):
                return False
            command_id = bus.send(self._broker, command, command_id=f"{name}-{at}")
            client.set(slot, "sent", ex=2 * cadence_seconds)
        except (redis.RedisError, DependencyError) as error:
            _log.warning("slot_not_sent", slot=name, error=str(error))
            return False
        _log.info("slot_sent", slot=name, command_id=command_id, request_id=command_id)
        return True

    def tell_status(self) -> None:
        """Let readers know what is left of each source's budget. Every scheduler may: it is the same."""
        try:
            status.publish(self._ports.settings, self._ports.redis, self._ports.clock)
        except redis.RedisError as error:
            _log.warning("status_not_told", error=str(error))

    def _schedule(self, topic: Topic) -> None:
        aligned = datetime.fromtimestamp(0, UTC)
        self._jobs.add_job(
            self.send_slot,
            IntervalTrigger(seconds=topic.cadence_seconds, start_date=aligned, timezone=UTC),
            args=[topic],
            id=str(topic.id),
            replace_existing=True,
            coalesce=True,
            misfire_grace_time=topic.cadence_seconds,
        )


def main() -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load(IngestSettings)
        log.configure(settings.log_level, service="scheduler")
        ports = bootstrap.ports(settings, "scheduler")
    except NewsIntelError as error:
        print(f"scheduler: {error}", file=sys.stderr)  # noqa: T201 - before logs are configured
        return 2
    scheduler = Scheduler(ports, bus.broker(ports.redis), Lease(ports.redis, settings.leader_lease_seconds))
    scheduler.start()
    _log.info("scheduler_started")
    pages = {**inner_port.health(scheduler.ticks), **inner_port.measured(ports.metrics)}
    with (
        emf.written(ports.metrics, on=settings.metrics == "emf"),
        inner_port.answering(settings.inner_host, settings.health_port, pages),
    ):
        stop.wait()
    scheduler.stop()
    _log.info("scheduler_stopped")
    ports.database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
