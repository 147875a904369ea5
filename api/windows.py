"""Sliding windows as arithmetic: how much of a quota is used, what is left, and when more comes. No I/O."""

import math
from collections.abc import Sequence

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """At most `quota` requests in any `seconds`."""

    name: str
    quota: int
    seconds: int

    def slot(self, now: float) -> int:
        return int(now // self.seconds)

    def fraction(self, now: float) -> float:
        """How much of the present slot is over."""
        return now % self.seconds / self.seconds


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy leaves. reset: seconds until more comes (nothing left), else until the slot ends."""

    policy: Policy
    remaining: int
    reset: int


class Window(msgspec.Struct, kw_only=True):
    """Requests of the present slot and the one before, which counts by the share of it that is not yet a window ago.

    The sum is what a window that ends now holds if the earlier requests were spread evenly: two integers do the work
    of a list of time stamps, and no boundary lets twice the quota through.
    """

    policy: Policy
    slot: int = 0
    current: int = 0
    previous: int = 0

    def advance(self, now: float) -> None:
        """Move on to the slot of this moment."""
        slot = self.policy.slot(now)
        if slot > self.slot:
            self.previous = self.current if slot == self.slot + 1 else 0
            self.current = 0
            self.slot = slot

    def used(self, now: float) -> float:
        return self._used(self.policy.fraction(now))

    def left(self, now: float) -> Left:
        over = self.policy.fraction(now)
        remaining = max(0, math.floor(self.policy.quota - self._used(over)))
        seconds = (1 - over) * self.policy.seconds if remaining else self.wait(now)
        return Left(policy=self.policy, remaining=remaining, reset=max(1, math.ceil(seconds)))

    def wait(self, now: float) -> float:
        """Seconds until one more request fits, if nobody asks meanwhile."""
        room = self.policy.quota - 1
        over = self.policy.fraction(now)
        if self.current <= room:
            share = 1 - (room - self.current) / self.previous if self.previous else 0.0
            return max(0.0, share - over) * self.policy.seconds
        return (1 - over + 1 - room / self.current) * self.policy.seconds

    def _used(self, over: float) -> float:
        return max(0.0, self.current + self.previous * (1 - over))


def tightest(left: Sequence[Left]) -> Left:
    """The one that ends first: the least remaining share."""
    return min(left, key=lambda each: each.remaining / each.policy.quota)
