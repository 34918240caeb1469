"""The runs by what they are of: the groups of `kpi --by` that failed most, and how many others there are."""

from __future__ import annotations

from ops_checks.rules.kpi.breakdown import MOST_ROWS, breakdown
from ops_checks.runlog.grouping import Groups, GroupStats
from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.stats import RunStats


def test_groups_are_listed_by_how_often_they_failed():
    """Those that failed most come first, then those that ran most; the others are counted, and long names are cut."""
    durations = Durations()
    durations.add([1, 2, 3, 9])
    groups: Groups = {f"c{number:02}": GroupStats(number) for number in range(1, 30)}
    groups |= {"x" * 500: GroupStats(4, failed=1, errors=2, durations=durations)}
    found = breakdown("command", RunStats(), groups, 0)
    assert found is not None
    assert (found.by, len(found.rows), found.more) == ("command", MOST_ROWS, 10)
    first, second = found.rows[:2]
    assert (len(first.name), first.runs, first.failed, first.failure_rate, first.p95) == (200, 4, 3, 0.75, 9)
    assert (second.name, second.runs, second.p95) == ("c29", 29, None)
    assert breakdown("command", RunStats(), {}, 0) is None
