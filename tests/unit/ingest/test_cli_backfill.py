"""What the command line says of a plan."""

from ingest.cli.backfill import _show_plan
from shared.events import BackfillPlan, SourcePlan


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
