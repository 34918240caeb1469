"""The runs that lie in stretches of time, from one grouping of all of them."""

from __future__ import annotations

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from ops_checks.runlog.grouping import GroupStats
from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.windows import Stretch, counts_within, grouping_of, runs_within

stretches = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: Stretch(*sorted(pair)))


@given(st.lists(stretches, min_size=1, max_size=6), st.lists(st.integers(0, 40), max_size=30))
def test_every_stretch_has_its_runs(wanted, times):
    """However they overlap, each has the runs from its begin on and before its end, from one grouping of all."""
    grouping = grouping_of(wanted)
    reach = grouping.reach()
    groups: dict[int, GroupStats] = {None: GroupStats(runs=9)}
    for ms in times:
        if (found := reach(ms)) is not None:
            groups.setdefault(found[0], GroupStats()).runs += 1
    for each in wanted:
        assert counts_within(groups, each).runs == runs_within(groups, each).runs
        assert runs_within(groups, each).runs == sum(each.begin <= ms < each.end for ms in times)


def test_numbers_need_no_durations():
    """Where an engine has not got the durations of groups, an error budget is measured all the same."""
    elsewhere = mock.Mock(spec=Durations)
    found = counts_within({5: GroupStats(4, 2, 1, 1, elsewhere)}, Stretch(5, 6))
    assert (found.runs, found.done, found.failed, found.errors) == (4, 2, 1, 1)
    assert elsewhere.method_calls == []
