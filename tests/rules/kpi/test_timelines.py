"""Metrics over time: from groups of runs to at most a hundred points, whatever the range; and how long runs took."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import rate

from ops_checks.findings import Verdict
from ops_checks.report.background import Bin
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.kpi.run_metrics import RUN_RULES
from ops_checks.rules.kpi.timelines import METRICS, MOST_BINS, MOST_POINTS, Times, latency_bins, timelines
from ops_checks.rules.registry import BY_METRIC
from ops_checks.runlog.filter import valid_times
from ops_checks.runlog.grouping import BY_DAY, Grouping, Groups, GroupStats
from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.stats import RunStats
from ops_checks.timestamps import start_epoch
from ops_checks.zones import zone_of

#: 2026-01-02 00:00 in UTC+09:00.
NOW_S = 1_767_279_600
NOW_MS = NOW_S * 1000
HOUR, DAY = 3_600_000, 86_400_000
KST = 540
TIMES = Times(NOW_S, KST)
OPEN = (None, None)


class Run(NamedTuple):
    """A run of the log."""

    at_ms: int
    done: bool
    ms: float


def durations(*values: float) -> Durations:
    """Return durations."""
    found = Durations()
    found.add(map(float, values))
    return found


def grouped(runs: list[Run], times: Times = TIMES) -> Groups:
    """Return runs as the log's reader groups them."""
    groups: Groups = {}
    reach = times.grouping.reach()
    for run in runs:
        found = reach(run.at_ms)
        assert found is not None
        stats = GroupStats(1, int(run.done), int(not run.done), 0, durations(run.ms))
        groups.setdefault(found[0], GroupStats()).add(stats)
    return groups


def ago(ms: int) -> Run:
    """Return a run of so long ago."""
    return Run(NOW_MS - ms, done=True, ms=100)


@pytest.mark.parametrize(
    ("runs", "step", "points"),
    [
        ([ago(0)], HOUR, 1),
        ([ago(30 * HOUR), ago(30 * HOUR - 1)], HOUR, 1),
        ([ago(99 * HOUR), ago(0)], HOUR, 100),
        ([ago(100 * HOUR), ago(0)], 2 * HOUR, 51),
        ([ago(12 * DAY), ago(0)], 3 * HOUR, 97),
        ([ago(30 * DAY), ago(0)], 8 * HOUR, 91),
        ([ago(60 * DAY), ago(0)], DAY, 61),
        ([ago(190 * DAY), ago(0)], 2 * DAY, 96),
        ([ago(400 * DAY), ago(0)], 7 * DAY, 58),
        ([ago(1000 * DAY), ago(0)], 14 * DAY, 72),
        ([ago(2000 * DAY), ago(0)], 28 * DAY, 72),
        ([ago(9000 * DAY), ago(0)], 91 * DAY, 99),
        ([ago(1000 * DAY), ago(1000 * DAY - HOUR)], DAY, 1),  # so long ago, only days are told apart
        ([ago(-DAY), ago(0)], HOUR, 25),  # a clock that is a day ahead
    ],
)
def test_the_step_suits_the_range(runs, step, points):
    """An hour for days, a day for months, a week for a year: never more than a hundred points."""
    found = timelines(TIMES, grouped(runs), OPEN, [])
    assert {(line.step_ms, len(line.points)) for line in found} == {(step, points)}


def test_the_first_possible_time_is_shown_too():
    """Each time that a record may have is in a group."""
    least, greatest = valid_times(NOW_S)
    (*_, runs) = timelines(TIMES, grouped([Run(least, done=True, ms=1), Run(greatest, done=True, ms=1)]), OPEN, [])
    assert sum(point.samples for point in runs.points) == 2
    assert len(runs.points) <= MOST_POINTS


def test_no_runs_have_no_timeline():
    """An empty log, or one without times, is not shown over time."""
    assert timelines(TIMES, {}, OPEN, []) == ()
    assert timelines(TIMES, {None: GroupStats(3)}, OPEN, []) == ()


def test_days_begin_at_the_zone_s_midnight():
    """A point of a day holds the runs from midnight to midnight of the queue's clock."""
    midnight = NOW_MS
    runs = [ago(60 * DAY), Run(midnight - 1, done=True, ms=1), Run(midnight, done=False, ms=1)]
    found = {line.metric: line for line in timelines(TIMES, grouped(runs), OPEN, [])}
    assert [(point.at_ms, point.value) for point in found["runs"].points if point.value] == [
        (midnight - 60 * DAY, 1),
        (midnight - DAY, 1),
        (midnight, 1),
    ]
    assert found["failure_rate"].points[-1].value == 1
    assert found["failure_rate"].points[-2].value == 0
    assert found["failure_rate"].points[-3].value is None  # no data is no good day


@pytest.mark.parametrize(("when", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_the_clock_is_set_has_its_hours(when, hours):
    """Where a zone has daylight saving, a day of 23 or 25 hours is all there, and no hour twice."""
    berlin = zone_of("Europe/Berlin")
    begin = start_epoch(f"{when} 00:00", berlin) * 1000
    times = Times(begin / 1000 + 2 * 86_400, berlin)
    runs = [Run(begin + hour * HOUR, done=True, ms=1) for hour in range(hours)]
    runs += [Run(begin - 1, done=True, ms=1), Run(begin + hours * HOUR, done=True, ms=1)]
    (*_, line) = timelines(times, grouped(runs, times), OPEN, [])
    assert [(point.at_ms - begin) / HOUR for point in line.points] == list(range(-1, hours + 1))
    assert {point.value for point in line.points} == {1}


def test_limit_and_window_stand_beside_the_values():
    """What the policy demands of a metric, and from when on the report's value counts, is told with it."""
    window = (NOW_MS - DAY, None)
    found = {line.metric: line for line in timelines(TIMES, grouped([ago(0)]), window, [rate(Verdict.FAIL)])}
    limited, free = found["failure_rate"], found["latency_p95_ms"]
    assert (limited.operator, limited.limit, limited.unit) == ("<=", 0.2, "ratio")
    assert (free.operator, free.limit, free.unit) == (None, None, "ms")
    assert {(line.window_start_ms, line.window_end_ms) for line in found.values()} == {window}
    assert list(found) == [*METRICS, "runs"]
    assert tuple(rule.metric for rule in RUN_RULES) == METRICS


@pytest.mark.parametrize(
    ("window", "first"),
    [
        (OPEN, NOW_MS - 300 * DAY),
        ((NOW_MS - DAY, None), NOW_MS - 10 * DAY),
        ((NOW_MS - 100 * DAY, None), NOW_MS - 300 * DAY),
        ((NOW_MS - 3 * DAY, NOW_MS - 2 * DAY), NOW_MS - 12 * DAY),
    ],
)
def test_ten_windows_are_shown(window, first):
    """A short window is not lost in years: what is shown is ten times as long."""
    runs = [ago(days * DAY) for days in range(301)]
    (*_, line) = timelines(TIMES, grouped(runs), window, [])
    assert next(point for point in line.points if point.samples).at_ms <= first < line.points[0].at_ms + line.step_ms


def test_a_log_that_ended_long_before_the_window_is_not_shown():
    """Nothing of a short window and nine before it is left, and no error."""
    assert timelines(TIMES, grouped([ago(30 * DAY)]), (NOW_MS - DAY, None), []) == ()


RUNS = st.lists(
    st.builds(
        Run,
        st.one_of(
            st.integers(NOW_MS - 3 * DAY, NOW_MS + DAY),
            st.integers(NOW_MS - 400 * DAY, NOW_MS),
            st.integers(valid_times(NOW_S)[0], NOW_MS),
        ),
        st.booleans(),
        st.sampled_from([1, 2.5, 100, 2000]),
    ),
    min_size=1,
    max_size=30,
)


ZONES = {plain: Times(NOW_S, zone_of(plain)) for plain in (0, 540, -570, 345, "Europe/Berlin", "Pacific/Apia")}


@given(RUNS, st.sampled_from(list(ZONES)))
def test_every_run_is_in_the_point_of_its_time(runs, zone):
    """Whatever the range, each point's values are those of the runs between it and the next, and none is lost."""
    times = ZONES[zone]
    found = {line.metric: line for line in timelines(times, grouped(runs, times), OPEN, [])}
    starts = [point.at_ms for point in found["runs"].points]
    assert len(starts) <= MOST_POINTS
    assert starts == sorted(set(starts))
    if found["runs"].step_ms >= DAY:  # a group of an old day is a day
        day = Grouping(BY_DAY, zone=zone).reach()
        assert all(day(start) == (start, day(start)[1]) for start in starts)
    members: list[list[Run]] = [[] for _ in starts]
    for run in runs:
        members[bisect_right(starts, run.at_ms) - 1].append(run)
    for at, each in enumerate(members):
        stats = RunStats(done=sum(run.done for run in each), failed=sum(not run.done for run in each))
        stats.durations = durations(*(run.ms for run in each))
        assert found["runs"].points[at].value == len(each)
        for metric in METRICS:
            point, wanted = found[metric].points[at], BY_METRIC[metric].measure(KpiEvidence(stats))
            assert (point.value, point.low, point.high, point.samples) == (
                wanted.value, wanted.low, wanted.high, wanted.samples,
            )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "first", "last"),
    [
        ((100,), (79.4, 100), (79.4, 100)),
        ((0,), (0, 0.01), (0, 0.01)),
        ((0, 0, 3), (0, 0.01), (2.51, 3.16)),
        ((35, 9999), (31.6, 39.8), (7943, 10_000)),
        ((0.001, 1e300), (0, 1), (1e290, 1e300)),
        ((5e-324, 1.7e308), (0, 1), (1e300, 1.7e308)),
    ],
)
def test_bins_span_the_durations(values, first, last):
    """The bins are of equal width on a logarithmic scale, from the shortest run to the longest."""
    found = latency_bins(durations(*values))
    assert (found[0].low, found[0].high) == pytest.approx(first, rel=0.01)
    assert (found[-1].low, found[-1].high) == pytest.approx(last, rel=0.01)
    assert len(found) <= MOST_BINS


@given(st.lists(st.floats(0, 1.7e308) | st.floats(0, 1e5) | st.integers(0, 5000), max_size=40))
def test_every_duration_is_in_one_bin(values):
    """Each bin counts the runs that took more than its lower end and at most its upper one; together all of them."""
    found = latency_bins(durations(*values))
    assert sum(each.count for each in found) == len(values)
    assert len(found) <= MOST_BINS
    assert all(one.high == other.low for one, other in pairwise(found))
    for at, each in enumerate(found):
        inside = [ms for ms in values if (each.low < ms or (at == 0 and ms == each.low)) and ms <= each.high]
        assert each == Bin(each.low, each.high, len(inside))
