"""What a backfill takes, before anything starts: slices, calls, and days within the budgets."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from ingest.backfill.slices import Period, Slice, Target, cut, late, reach
from shared.events import BackfillPlan, SourcePlan

_DAY = 86_400
# Of a source that allows a call a second a backfill takes one turn of so many: a reader who meets it waits half a
# second, and is one in a hundred at the most. Still twice what a free budget leaves for backfills.
_SPARED_TURNS = 120
_NO_BUDGET = "{}: the cadence needs all of its calls, so that a backfill would never end"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """configured: sources that have a key; calls_per_day: what their budgets leave for backfills."""

    newsapi_plan: str
    configured: frozenset[str]
    calls_per_day: Mapping[str, int]


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """slices: in the order in which each source's are fetched; left_out: what cannot be had, in sentences."""

    slices: list[Slice]
    left_out: list[str]


def plan(wanted: Sequence[tuple[Target, Period]], limits: Limits, now: datetime) -> Planned:
    """Cut every wanted period of every target that its source can be asked for."""
    slices: list[Slice] = []
    left_out: dict[str, None] = {}  # a set that keeps its order
    for target, period in _as_asked(wanted):
        possible, why_less = _possible(target, period, limits, now)
        left_out.update(dict.fromkeys(why_less))
        if possible is not None:
            slices.extend(cut(target, possible))
    return Planned(slices=slices, left_out=list(left_out))


def summary(planned: Planned, limits: Limits) -> BackfillPlan:
    """The figures of a plan."""
    sources = [
        _source(name, planned.slices, limits) for name in sorted({s.target.source for s in planned.slices})
    ]
    days = [source.days for source in sources]
    return BackfillPlan(
        sources=sources,
        slices=len(planned.slices),
        calls=sum(source.calls for source in sources),
        days=None if None in days else max((d for d in days if d is not None), default=0.0),
        left_out=[
            *planned.left_out,
            *(_NO_BUDGET.format(each.source) for each in sources if each.days is None),
        ],
        at_least=any(not each.target.topic_id for each in planned.slices),
    )


def live_calls(cadences: Sequence[tuple[str, int]]) -> dict[str, float]:
    """Calls a day by source, from (source, cadence in seconds) of each topic: a pull that is caught up is one call."""
    calls: dict[str, float] = {}
    for source, cadence in cadences:
        calls[source] = calls.get(source, 0.0) + _DAY / cadence
    return calls


def page_seconds(pause_seconds: float, turn_seconds: float) -> float:
    """From one page of a source to the next, at least. pause: of every source; turn: of this one between two calls."""
    return max(pause_seconds, turn_seconds * _SPARED_TURNS)


def _as_asked(wanted: Sequence[tuple[Target, Period]]) -> list[tuple[Target, Period]]:
    """Reddit's listings take no dates: each is read from its newest post on, whatever the period, and so only once."""
    whole: dict[Target, Period] = {}
    for target, (since, until) in wanted:
        if target.source == "reddit":
            first, last = whole.get(target, (since, until))
            whole[target] = (min(first, since), max(last, until))
    return [*((t, p) for t, p in wanted if t.source != "reddit"), *whole.items()]


def _source(name: str, slices: Sequence[Slice], limits: Limits) -> SourcePlan:
    own = [each for each in slices if each.target.source == name]
    calls, per_day = sum(each.calls for each in own), limits.calls_per_day[name]
    days = math.ceil(10 * calls / per_day) / 10 if per_day else None
    return SourcePlan(source=name, slices=len(own), calls=calls, calls_per_day=per_day, days=days)


def _possible(
    target: Target, period: Period, limits: Limits, now: datetime
) -> tuple[Period | None, list[str]]:
    since, until = period[0], min(period[1], now)
    last = now - late(target.source, limits.newsapi_plan)
    if target.source not in limits.configured:
        return None, [f"{target.source}: it has no key"]
    if target.kind == "headlines":
        return None, ["newsapi: its headlines cannot be asked for the past, only its searches"]
    why_less = []
    if target.source == "reddit":
        why_less = [f"reddit: {target.query!r} gives its newest 1,000 posts, however far they reach"]
    if target.source == "newsapi" and since < (first := reach(limits.newsapi_plan, now)):
        since = first
        why_less = [f"newsapi: nothing before {first:%Y-%m-%d} on the plan {limits.newsapi_plan!r}"]
    if until > last:
        hours = (now - last) / timedelta(hours=1)
        why_less.append(
            f"{target.source}: nothing of the last {hours:g} hours on the plan {limits.newsapi_plan!r}"
        )
        until = last
    return ((since, until) if since < until else None), why_less
