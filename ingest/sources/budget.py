"""The ledger of calls to one source, in Redis: no number of workers together asks it past its budget.

A source has long windows (slices of fixed length since 1970, so a day ends at midnight UTC), of which each priority
may use a share, and perhaps a pace: the least time between two calls, for which a caller waits its turn.

A Redis that is killed, or fails over, comes back without its last moments, a replaced node with nothing. Each process
therefore brings what it saw with its last call, and the larger count holds.
"""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import redis

from ingest.ports import Priority
from shared import keys
from shared.errors import BudgetSpentError, NoTurnError

_DAY: Final = 86_400
# How long a caller may be told to wait for its turn. Readers may queue one turn further back than bulk work, so
# that bulk work can never fill the queue before them (at one call a second).
PATIENCE_SECONDS: Final = {Priority.INTERACTIVE: 2.2, Priority.CADENCE: 1.1, Priority.BACKFILL: 1.1}

# KEYS: closed, pace, one hash per window. ARGV: pace in ms, patience in ms, 1 for a backfill, next turn as last seen,
# then (seconds, allowed, allowed to all backfills, slice and calls as last seen) per window.
# Returns {1, wait in ms, next turn, then (slice, calls) per window} or {0, unix ms when to try again, index of the
# window that is spent or 0}.
_CHARGE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local closed = tonumber(redis.call('GET', KEYS[1]) or '0')
if closed > now then return {0, closed, 0} end

local refused, by = 0, 0
local slices, used, backfilled = {}, {}, {}
for i = 1, #KEYS - 2 do
    local length, allowed, own = ARGV[5 * i] * 1000, tonumber(ARGV[5 * i + 1]), tonumber(ARGV[5 * i + 2])
    local stored = redis.call('HMGET', KEYS[i + 2], 'slice', 'used', 'backfill')
    slices[i] = math.floor(now / length)
    local current = tonumber(stored[1] or '-1') == slices[i]
    used[i] = current and tonumber(stored[2]) or 0
    if tonumber(ARGV[5 * i + 3]) == slices[i] then used[i] = math.max(used[i], tonumber(ARGV[5 * i + 4])) end
    backfilled[i] = current and tonumber(stored[3] or '0') or 0
    local ends = (slices[i] + 1) * length
    local spent = used[i] >= allowed or (ARGV[3] == '1' and backfilled[i] >= own)
    if spent and ends > refused then refused, by = ends, i end
end
if refused > 0 then return {0, refused, by} end

local pace, wait = tonumber(ARGV[1]), 0
local granted = {1, 0, 0}
if pace > 0 then
    local turn = math.max(now, tonumber(redis.call('GET', KEYS[2]) or '0'), tonumber(ARGV[4]))
    wait = turn - now
    if wait > tonumber(ARGV[2]) then return {0, turn, 0} end
    redis.call('SET', KEYS[2], string.format('%.0f', turn + pace), 'PX', string.format('%.0f', wait + pace))
    granted = {1, wait, turn + pace}
end
for i = 1, #KEYS - 2 do
    redis.call('HSET', KEYS[i + 2], 'slice', string.format('%.0f', slices[i]), 'used', used[i] + 1,
        'backfill', backfilled[i] + tonumber(ARGV[3]))
    redis.call('EXPIRE', KEYS[i + 2], ARGV[5 * i])
    table.insert(granted, slices[i])
    table.insert(granted, used[i] + 1)
end
return granted
"""

# KEYS: the window's hash. ARGV: seconds, calls that the source says are used. Never lowers what we counted.
_RAISE = """
local slice = math.floor(redis.call('TIME')[1] / ARGV[1])
local stored = redis.call('HMGET', KEYS[1], 'slice', 'used', 'backfill')
local current = tonumber(stored[1] or '-1') == slice
local used = current and tonumber(stored[2]) or 0
if tonumber(ARGV[2]) > used then
    redis.call('HSET', KEYS[1], 'slice', string.format('%.0f', slice), 'used', ARGV[2],
        'backfill', current and stored[3] or '0')
    redis.call('EXPIRE', KEYS[1], ARGV[1])
end
"""

# KEYS: closed. ARGV: unix ms. Never shortens.
_CLOSE = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[1])
end
"""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """At most `limit` calls in each slice of `seconds`."""

    name: str
    seconds: int
    limit: int


class WindowLeft(msgspec.Struct, frozen=True, kw_only=True):
    """For status pages: what is left of a window's current slice."""

    window: str
    limit: int
    left: int
    ends_at: datetime


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What the source's own headers say is left of a window (perhaps one that we do not keep ourselves).

    ends_at: when that window of theirs ends, if it is known.
    """

    window: str
    left: int
    ends_at: datetime | None = None


class Ledger:
    """Charges calls to one source. Every method raises redis.RedisError when Redis is away: then no call is made."""

    def __init__(
        self,
        source: str,
        client: redis.Redis,
        windows: tuple[Window, ...],
        shares: Mapping[Priority, float],
        *,
        calls_per_second: float | None = None,
    ) -> None:
        self._source = source
        self._client = client
        self._windows = windows
        self._shares = shares
        # 5 % apart from the limit: on the way two calls may come closer together.
        self._pace_ms = round(1050 / calls_per_second) if calls_per_second else 0
        self._seen_lock = threading.Lock()
        self._seen = {window.name: (0, 0) for window in windows}  # slice, calls
        self._seen_turn = 0
        self._charge = client.register_script(_CHARGE)
        self._raise = client.register_script(_RAISE)
        self._close = client.register_script(_CLOSE)

    def charge(self, priority: Priority) -> float:
        """Take one call out of every window, or none; returns the seconds to wait before making it.

        Raises BudgetSpentError with the moment when a further try makes sense.
        """
        live = self._live_calls() if priority is Priority.BACKFILL else 0.0
        spend = [
            value
            for w in self._windows
            for value in (w.seconds, self._allowed(w, priority), self._spare(w, live), *self._seen[w.name])
        ]
        granted, *rest = self._charge(
            keys=[keys.closed(self._source), keys.pace(self._source), *map(self._key, self._windows)],
            args=[
                self._pace_ms,
                round(PATIENCE_SECONDS[priority] * 1000),
                int(priority is Priority.BACKFILL),
                self._seen_turn,
                *spend,
            ],
        )
        if granted:
            wait, turn, *counts = map(int, rest)
            self._see(turn, counts)
            return wait / 1000
        raise self._refusal(priority, live, until=_moment(rest[0]), window=int(rest[1]))

    def observe(self, observed: Observed) -> None:
        """Tighten the ledger to what the source itself says is left; never loosens it."""
        window = next((w for w in self._windows if w.name == observed.window), None)
        if window and observed.left < window.limit:
            used = window.limit - max(observed.left, 0)
            self._raise(keys=[self._key(window)], args=[window.seconds, used])
        if observed.left < 1 and observed.ends_at:
            self.close(observed.ends_at)

    def close(self, until: datetime) -> None:
        """Nobody calls the source before `until`: it said so."""
        self._close(keys=[keys.closed(self._source)], args=[round(until.timestamp() * 1000)])

    def closed_until(self, now: datetime) -> datetime | None:
        """Until when the source told us to wait, for status pages; None when it may be called."""
        raw: Any = self._client.get(keys.closed(self._source))
        until = _moment(int(raw)) if raw else now
        return until if until > now else None

    @property
    def pace_seconds(self) -> float:
        """The least time between two calls."""
        return self._pace_ms / 1000

    def remaining(self) -> list[WindowLeft]:
        """What is left of every window, whatever the priority."""
        now = int(_first(self._client.time()))
        return [self._left(window, now) for window in self._windows]

    def _left(self, window: Window, now: int) -> WindowLeft:
        stored: Any = self._client.hmget(self._key(window), ["slice", "used"])
        current = now // window.seconds
        used = int(stored[1]) if stored[0] is not None and int(stored[0]) == current else 0
        return WindowLeft(
            window=window.name,
            limit=window.limit,
            left=max(window.limit - used, 0),
            ends_at=datetime.fromtimestamp((current + 1) * window.seconds, UTC),
        )

    def _see(self, turn: int, counts: list[int]) -> None:
        """counts: slice and calls of each window."""
        with self._seen_lock:
            self._seen_turn = max(self._seen_turn, turn)
            for window, seen in zip(self._windows, zip(counts[::2], counts[1::2], strict=True), strict=True):
                self._seen[window.name] = max(self._seen[window.name], seen)

    def spare_per_day(self, live_calls: float) -> int:
        """How many calls a day backfills may make beside this many of the cadence."""
        return min(self._spare(w, live_calls) * _DAY // w.seconds for w in self._windows)

    def _spare(self, window: Window, live_calls: float) -> int:
        """A window's calls for all backfills together: what the cadence, whenever its calls are due, does not need."""
        left = window.limit * self._shares[Priority.CADENCE] - live_calls * window.seconds / _DAY
        return min(self._allowed(window, Priority.BACKFILL), max(1, int(left))) if left > 0 else 0

    def _live_calls(self) -> float:
        stored: Any = self._client.hget(keys.LIVE_CALLS, self._source)
        return float(stored or 0)

    def _allowed(self, window: Window, priority: Priority) -> int:
        return max(1, int(window.limit * self._shares[priority]))

    def _key(self, window: Window) -> str:
        return keys.budget(self._source, window.name)

    def _refusal(self, priority: Priority, live: float, *, until: datetime, window: int) -> BudgetSpentError:
        if not window:
            return NoTurnError(self._source, f"no turn before {until:%H:%M:%S} UTC", retry_at=until)
        spent = self._windows[window - 1]
        backfill = priority is Priority.BACKFILL
        allowed = self._spare(spent, live) if backfill else self._allowed(spent, priority)
        why = (
            f"the {allowed} calls that {priority} work may make per {spent.name} are made"
            if allowed
            else f"the cadence needs all of its calls per {spent.name}: none is left for backfills"
        )
        return BudgetSpentError(
            self._source, f"{why}; the next slice starts at {until:%Y-%m-%d %H:%M} UTC", retry_at=until
        )


def shares(cadence: float, backfill: float) -> dict[Priority, float]:
    """How much of a long window each priority may use up."""
    return {Priority.INTERACTIVE: 1.0, Priority.CADENCE: cadence, Priority.BACKFILL: backfill}


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _first(pair: Any) -> Any:
    return pair[0]
