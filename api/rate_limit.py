"""Fair limits, counted over all processes, mostly without asking Redis while a request waits.

A process admits on what it knows and reports a few milliseconds later. How much it may admit before it hears from
Redis shrinks with what is left, down to nothing: far from the limit a request pays no round trip, at the limit each
one is counted exactly. P processes admit at most (P - 1) / SHARE of the quota too much, in practice none.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Self

import msgspec
import redis
import redis.asyncio
import structlog

from api.windows import Left, Policy, Window
from shared import keys, tasks
from shared.metrics import Metrics

# One process may run ahead of the others by this share of what is left.
SHARE: Final = 1 / 200
REPORT_SECONDS: Final = 0.02
# A refused caller asks Redis again after this, not with each knock.
REFUSED_SECONDS: Final = 0.5
# For so long it is left alone when it failed. The client's own time-outs are long enough that a busy process does not
# take its own slowness for a lost Redis: limits have to hold when there is much to do.
AWAY_SECONDS: Final = 1.0
# Callers that a process remembers; about 400 bytes each.
REMEMBERED: Final = 20_000

# Adds what was admitted already, and one more if it fits every policy.
# KEYS: (this slot, the one before) of each policy; ARGV: admitted, wanted, then (quota, share of the slot before that
# counts, seconds to live) of each policy. Answers: 1 or 0, then the two counts of each policy.
_TAKE: Final = """
local policies = #KEYS / 2
local admitted, wanted, fits = tonumber(ARGV[1]), tonumber(ARGV[2]), 1
local counts = {}
for i = 1, policies do
  local current = tonumber(redis.call('GET', KEYS[2 * i - 1]) or '0')
  local previous = tonumber(redis.call('GET', KEYS[2 * i]) or '0')
  counts[2 * i - 1], counts[2 * i] = current, previous
  local quota, share = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  if current + previous * share + admitted + wanted > quota then fits = 0 end
end
local cost = admitted + wanted * fits
if cost ~= 0 then
  for i = 1, policies do
    counts[2 * i - 1] = redis.call('INCRBY', KEYS[2 * i - 1], cost)
    redis.call('EXPIRE', KEYS[2 * i - 1], ARGV[3 * i + 2])
  end
end
table.insert(counts, 1, fits)
return counts
"""

_log = structlog.get_logger("rate_limit")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """left: of each policy, after this request; retry_after: seconds, when it was refused."""

    allowed: bool
    left: tuple[Left, ...]
    retry_after: int = 0


class _Tally(msgspec.Struct, kw_only=True):
    """One caller as this process knows it. free: how many it may still admit before Redis tells the counts again;
    pending: admitted (or given back) and not yet reported.
    """

    windows: list[Window]
    free: int = 0
    pending: int = 0
    refused_until: float = 0.0


class Limiter:
    """Counts callers by name. Fails open when Redis is away, and counts that."""

    def __init__(
        self, client: redis.asyncio.Redis, metrics: Metrics, now: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._script = client.register_script(_TAKE)
        self._metrics = metrics
        self._now = now
        self._tallies: OrderedDict[str, _Tally] = OrderedDict()
        self._dirty: set[str] = set()
        self._reporting: asyncio.Task[None] | None = None
        self._away_until = 0.0

    async def take(self, who: str, policies: Sequence[Policy]) -> Verdict:
        """Count one request of `who`, if it fits."""
        now = self._now()
        tally = self._tally(who, policies, now)
        if now < tally.refused_until:
            return _verdict(tally, now, allowed=False)
        if tally.free > 0:
            tally.free -= 1
            self._count(who, tally, 1)
            return _verdict(tally, now, allowed=True)
        allowed = await self._ask(who, tally, wanted=1)
        return _verdict(tally, self._now(), allowed=allowed)

    def give_back(self, who: str) -> None:
        """The request turned out to cost nothing."""
        if tally := self._tallies.get(who):
            self._count(who, tally, -1)

    def forget(self, who: str) -> None:
        """The caller is gone, and with them what was to be reported."""
        self._tallies.pop(who, None)

    async def look(self, who: str, policies: Sequence[Policy]) -> Verdict:
        """What is left, without counting anything."""
        tally = self._tally(who, policies, self._now())
        await self._ask(who, tally, wanted=0)
        return _verdict(tally, self._now(), allowed=True)

    async def stop(self) -> None:
        """Report what was not reported yet."""
        await tasks.stop(self._reporting)
        await self._report_all()

    def _tally(self, who: str, policies: Sequence[Policy], now: float) -> _Tally:
        tally = self._tallies.get(who)
        if tally is None:
            windows = [Window(policy=policy, slot=policy.slot(now)) for policy in policies]
            tally = self._tallies[who] = _Tally(windows=windows)
            self._forget()
        self._tallies.move_to_end(who)
        for window in tally.windows:
            window.advance(now)
        return tally

    def _forget(self) -> None:
        """Who was not seen for longest; what they still owe is in `_dirty` and goes first."""
        while len(self._tallies) > REMEMBERED and (oldest := next(iter(self._tallies))) not in self._dirty:
            del self._tallies[oldest]

    def _count(self, who: str, tally: _Tally, cost: int) -> None:
        tally.pending += cost
        for window in tally.windows:
            window.current += cost
        self._dirty.add(who)
        if self._reporting is None or self._reporting.done():
            self._reporting = asyncio.create_task(self._report(), name="rate-limit-report")

    async def _report(self) -> None:
        await asyncio.sleep(REPORT_SECONDS)
        await self._report_all()

    async def _report_all(self) -> None:
        """One round trip for everybody who owes something."""
        names, self._dirty = self._dirty, set()
        owing = [(who, self._tallies[who]) for who in names if who in self._tallies]
        calls = [_Call.of(who, tally, self._now(), wanted=0) for who, tally in owing if tally.pending]
        if not calls or self._now() < self._away_until:
            return
        async with self._client.pipeline(transaction=False) as pipe:
            for call in calls:
                await self._script(keys=call.keys, args=call.arguments, client=pipe)
            answers = await self._answered(pipe.execute())
        for call, answer in zip(calls, answers or (), strict=False):
            call.learn(answer, self._now())

    async def _ask(self, who: str, tally: _Tally, *, wanted: int) -> bool:
        """Report, take `wanted` more if it fits, and learn the counts; whether it fits."""
        now = self._now()
        call = _Call.of(who, tally, now, wanted=wanted)
        answer: Any = None
        if now >= self._away_until:
            answer = await self._answered(self._script(keys=call.keys, args=call.arguments))
        if answer is None:
            self._metrics.count("rate_limit_open")
            return True
        call.learn(answer, self._now())
        if wanted and not answer[0]:
            pause = max(each.wait(now) for each in tally.windows)
            tally.refused_until = now + min(REFUSED_SECONDS, pause)
        return bool(answer[0])

    async def _answered(self, call: Awaitable[Any]) -> Any:
        """What Redis says; None when it is away, and then it is left alone for a moment."""
        try:
            return await call
        except redis.RedisError as error:
            self._away_until = self._now() + AWAY_SECONDS
            _log.warning("rate_limit_away", error=type(error).__name__)
            return None


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the script. slots: for which the answer's counts hold."""

    tally: _Tally
    slots: list[int]
    keys: list[str]
    arguments: list[str]

    @classmethod
    def of(cls, who: str, tally: _Tally, now: float, *, wanted: int) -> Self:
        names, arguments = [], [str(tally.pending), str(wanted)]
        tally.pending = 0
        for window in tally.windows:
            window.advance(now)
            policy, slot = window.policy, window.slot
            names += [keys.limit(who, policy.name, slot), keys.limit(who, policy.name, slot - 1)]
            # As text: Lua and Redis agree on what a decimal is.
            arguments += [str(policy.quota), f"{1 - policy.fraction(now):.6f}", str(2 * policy.seconds)]
        slots = [window.slot for window in tally.windows]
        return cls(tally=tally, slots=slots, keys=names, arguments=arguments)

    def learn(self, answer: list[int], now: float) -> None:
        """Take over the counts; what was admitted while Redis answered is on top of them."""
        tally = self.tally
        for number, (window, slot) in enumerate(zip(tally.windows, self.slots, strict=True)):
            if window.slot == slot:
                window.current = answer[1 + 2 * number] + tally.pending
                window.previous = answer[2 + 2 * number]
        left = min(window.policy.quota - window.used(now) for window in tally.windows)
        tally.free = int(left * SHARE) - max(0, tally.pending)


def _verdict(tally: _Tally, now: float, *, allowed: bool) -> Verdict:
    left = tuple(window.left(now) for window in tally.windows)
    if allowed:
        return Verdict(allowed=True, left=left)
    retry_after = max((each.reset for each in left if not each.remaining), default=1)
    return Verdict(allowed=False, left=left, retry_after=retry_after)
