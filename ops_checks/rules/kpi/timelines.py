"""Metrics over time, from the runs of a log grouped by time, and how long runs took."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from ops_checks.report.background import Bin, Point, Timeline
from ops_checks.rules.kpi.evidence import evidence_of
from ops_checks.rules.kpi.run_metrics import RUN_RULES
from ops_checks.rules.registry import BY_METRIC
from ops_checks.runlog.filter import valid_times
from ops_checks.runlog.grouping import BY_DAY, BY_TIME, Grouping, GroupStats
from ops_checks.timestamps import plain_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ops_checks.report.model import RuleResult
    from ops_checks.rules.kpi.evidence import KpiEvidence
    from ops_checks.runlog.grouping import Groups
    from ops_checks.runlog.percentiles import Durations
    from ops_checks.timestamps import Zone

    #: The first time of a window and the first behind it, epoch milliseconds; None where it is open.
    Window = tuple[int | None, int | None]

MOST_POINTS = 100
MOST_BINS = 60
#: The metrics that are shown over time, besides the number of runs: all that are measured from ends of runs.
METRICS = tuple(rule.metric for rule in RUN_RULES)
#: So many times as long as the window is what is shown, so that it can be compared with what was before.
WINDOWS = 10
_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000
#: Runs of so many days are grouped by the hour, older ones by the day: of more days no hours are shown.
_DAYS_BY_HOUR = 60
#: What a point may stand for, in hours of a day, and in days; each is a number of the groups that are read.
_HOURS = (1, 2, 3, 4, 6, 8, 12)
_DAYS = (1, 2, 7, 14, 28, 91, 182)
_BINS_A_DECADE = 10


class Times:
    """The times between which runs are grouped: whole hours of the latest days, and whole days before.

    `zone` is that of the days; `now_ms` epoch milliseconds. Every time that a record may have lies in one of them.
    """

    def __init__(self, now_s: float, zone: Zone) -> None:
        self.now_ms = int(now_s * 1000)
        least, greatest = valid_times(now_s)
        reach = Grouping(BY_DAY, zone=plain_zone(zone)).reach()
        days: list[int] = []
        ms = greatest
        while ms >= least and (found := reach(ms)) is not None:
            days += [found[0]] if days else [found[1], found[0]]
            ms = found[0] - 1
        self._days = days[::-1]
        self._by_hour = self._days[-_DAYS_BY_HOUR:]
        hours = _hours(self._by_hour, 1)
        self.grouping = Grouping(BY_TIME, bounds=(*self._days[: -len(self._by_hour)], *hours))

    def since(self, window: Window) -> int:
        """Return from when on runs are shown, epoch milliseconds: WINDOWS times as long as a window lasts."""
        start, end = window
        return self._days[0] if start is None else start - (WINDOWS - 1) * ((end or self.now_ms) - start)

    def points(self, first: int, last: int) -> tuple[int, list[int]]:
        """Return the step and the bounds of at most MOST_POINTS equal stretches that hold two groups, by their keys.

        Both are in milliseconds. A stretch of days ends when the newest day does.
        """
        for hours in _HOURS if first >= self._by_hour[0] else ():
            found = _around(_hours(self._by_hour, hours), first, last)
            if len(found) <= MOST_POINTS + 1:
                return hours * _HOUR_MS, found
        for days in _DAYS:
            found = _around(self._days[::-days][::-1], first, last)
            if len(found) <= MOST_POINTS + 1:
                break
        return days * _DAY_MS, found


def _hours(days: Sequence[int], hours: int) -> list[int]:
    """Return the bounds of stretches of so many hours; the last one of a day may be shorter or longer than others."""
    starts = (ms for day, end in pairwise(days) for ms in range(day, end, hours * _HOUR_MS))
    return [*starts, days[-1]]


def _around(bounds: Sequence[int], first: int, last: int) -> list[int]:
    """Return the bounds from the one at or before `first` to the one behind `last`."""
    return [*bounds[max(0, bisect_right(bounds, first) - 1) : bisect_right(bounds, last) + 1]]


def timelines(times: Times, groups: Groups, window: Window, results: Sequence[RuleResult]) -> tuple[Timeline, ...]:
    """Return the metrics over time, from the groups of `times`, and what the rules demand of them; none without runs.

    Of a log with a window it is ten times as long as that.
    """
    since = times.since(window)
    keys = sorted(key for key in groups if isinstance(key, int) and key >= since)
    if not keys:
        return ()
    step, bounds = times.points(keys[0], keys[-1])
    stretches = [GroupStats() for _ in bounds[1:]]
    for key in keys:
        stretches[bisect_right(bounds, key) - 1].add(groups[key])
    named = [*zip(bounds, stretches, strict=False)]
    known = [(at, evidence_of(each)) for at, each in named]
    measured = (timeline(name, step, (_point(name, *each) for each in known), window, results) for name in METRICS)
    runs = tuple(Point(at, each.runs, samples=each.runs) for at, each in named)
    return (*measured, Timeline("runs", "count", "Runs", step, runs, None, None, *window))


def timeline(
    metric: str, step_ms: int, points: Iterable[Point], window: Window, results: Sequence[RuleResult]
) -> Timeline:
    """Return a metric over time with what the results demand of it; one of the queue as it is now has no window."""
    rule = BY_METRIC[metric]
    limits = ((each.operator, each.limit) for each in results if each.id == rule.id and each.limit is not None)
    operator, limit = next(limits, (None, None))
    bounds = (None, None) if rule.of_now else window
    return Timeline(metric, rule.unit, rule.title, step_ms, tuple(points), operator, limit, *bounds)


def _point(metric: str, at_ms: int, evidence: KpiEvidence) -> Point:
    found = BY_METRIC[metric].measure(evidence)
    return Point(at_ms, found.value, found.low, found.high, found.samples)


def latency_bins(durations: Durations) -> tuple[Bin, ...]:
    """Return how many runs took how long, by bins of equal width on a logarithmic scale; a bin holds its upper end.

    The first one begins at 0 where runs took less than a hundredth of a millisecond.
    """
    if not len(durations):
        return ()
    edges = _edges(durations.ranked(1), durations.ranked(len(durations)))
    above = [len(durations), *(durations.above(edge) for edge in edges[1:])]
    pairs = zip(edges, edges[1:], above, above[1:], strict=False)
    return tuple(Bin(low, high, more - less) for low, high, more, less in pairs)


#: What is less is in the first bin; the greatest power of ten that a number can be.
_LEAST_MS = 0.01
_GREATEST = 308


def _edges(least: float, greatest: float) -> list[float]:
    """Return the bounds of at most MOST_BINS bins that hold two durations, in milliseconds."""
    below = max(least, _LEAST_MS)
    top = max(greatest, below)
    width = next(
        number
        for number in (_BINS_A_DECADE, 5, 2, 1, 0.5, 0.1)
        if ceil(log10(top) * number) - floor(log10(below) * number) < MOST_BINS
    )
    first, last = ceil(log10(below) * width) - 1, ceil(log10(top) * width)
    edges = [10 ** min(number / width, _GREATEST) for number in range(first, max(last, first + 1) + 1)]
    edges[-1] = max(edges[-1], top)  # a power of ten need not be one to the last bit
    if least < edges[0] or least < _LEAST_MS:
        edges[0] = 0.0
    return edges
