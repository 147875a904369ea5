"""What the command line says of a plan."""

from datetime import UTC, datetime, timedelta

from ingest.cli.backfill import _show_plan, show
from ingest.store.backfills import Backfill, Progress
from shared.events import BackfillPlan, SourcePlan
from shared.pace import Pace

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_plan_that_waits_for_live_work_says_whose_budget_that_needs(capsys):
    waits = SourcePlan(source="newsapi", slices=2, calls=4, calls_per_day=0, days=None)
    goes_on = SourcePlan(source="guardian", slices=1, calls=1, calls_per_day=64, days=0.1)
    _show_plan(BackfillPlan(sources=[waits, goes_on], slices=3, calls=5, days=None, left_out=[]))
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "3 slices, about 5 calls, live work needs the whole budget of newsapi"


def test_one_slice_is_not_one_slices(capsys):
    one = SourcePlan(source="guardian", slices=1, calls=1, calls_per_day=1, days=1.0)
    _show_plan(BackfillPlan(sources=[one], slices=1, calls=1, days=1.0, left_out=[]))
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "1 slice, about 1 call, about 1 day within the budgets"


def test_what_may_be_more_is_said_so_of_calls_and_days(capsys):
    words = SourcePlan(source="guardian", slices=4, calls=4, calls_per_day=64, days=0.1)
    _show_plan(BackfillPlan(sources=[words], slices=4, calls=4, days=0.1, left_out=[], at_least=True))
    _, line, last = capsys.readouterr().out.splitlines()
    assert line.split() == ["guardian", "4", "at", "least", "4", "64", "0.1"]
    assert last == "4 slices, at least 4 calls, at least 0.1 days within the budgets"


def shown(capsys, *, paces, **changes):
    running = Backfill(
        id=4, requested_by="cli:me", sources=["guardian"], query="storm", gaps=False, window_from=NOW, window_to=NOW,
        state="running", created_at=NOW, changed_at=NOW, finished_at=None,
    )  # fmt: skip
    fields = {"retry_at": None, "reason": None, "failed_reason": None, "failed": 0, **changes}
    progress = Progress(
        source="guardian", slices=10, done=1, pages=3, expected=9, fetched=45, stored=30, **fields
    )
    show(running, [progress], paces, NOW)
    return [line.strip() for line in capsys.readouterr().out.splitlines()[1:]]


def test_why_slices_failed_and_why_the_rest_waits_are_both_told(capsys):
    _, failed, waits = shown(
        capsys,
        paces={},
        failed=2,
        failed_reason="it answered 503",
        retry_at=NOW + timedelta(hours=11),
        reason="the 64 calls of today are made",
    )
    assert failed == "2 failed: it answered 503; `backfill resume 4` tries them again"
    assert waits == "waits until 2026-03-01 23:00 UTC: the 64 calls of today are made"


def test_the_rate_and_the_time_left_are_those_of_the_pace(capsys):
    [line] = shown(capsys, paces={"guardian": Pace(pages_per_hour=28.5, seconds_left=39_600)})
    assert line.endswith("1/10 slices, 3 pages (28.5/h), 30 new of 45, left 11.0 h")


def test_of_what_does_not_run_there_is_no_rate(capsys):
    [line] = shown(capsys, paces={})
    assert line.endswith("1/10 slices, 3 pages, 30 new of 45, left -")
