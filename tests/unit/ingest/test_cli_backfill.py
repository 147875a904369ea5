"""What the command line says of a plan."""

from ingest.cli.backfill import _show_plan
from shared.events import BackfillPlan, SourcePlan


def test_a_plan_that_waits_for_live_work_says_whose_budget_that_needs(capsys):
    waits = SourcePlan(source="newsapi", slices=2, calls=4, calls_per_day=0, days=None)
    goes_on = SourcePlan(source="guardian", slices=1, calls=1, calls_per_day=64, days=0.1)
    _show_plan(BackfillPlan(sources=[waits, goes_on], slices=3, calls=5, days=None, left_out=[]), "about")
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "3 slices, about 5 calls, live work needs the whole budget of newsapi"
