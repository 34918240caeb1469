"""What the noise of a metric is known from: of runs that were read, or as a saved report publishes it."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - msgspec resolves the fields' types
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from ops_checks.errors import InputError
from ops_checks.sanitize import visible
from ops_checks.statistics.changes import (
    Change,
    count_change,
    mean_change,
    percentile_change,
    percentile_side,
    published_side,
    rate_change,
)
from ops_checks.statistics.intervals import CONFIDENCE, Interval, Moments

if TYPE_CHECKING:
    from ops_checks.report.model import Metric
    from ops_checks.runlog.percentiles import Durations
    from ops_checks.statistics.changes import Side

#: A report that counts more than this was made of no log.
_MOST_COUNTED = 10**9


class Rate(NamedTuple):
    """How many of some samples were hits."""

    hits: int
    samples: int


class Events(NamedTuple):
    """How many events there were in a time, which is in any unit."""

    events: int
    time: float


class Samples(Struct, frozen=True):
    """The samples of a window: its task outcomes, its run times, and its retries where they are known."""

    done: int
    failed: int
    durations: Durations
    retries: Events | None = None

    @property
    def outcomes(self) -> int:
        """The number of task outcomes."""
        return self.done + self.failed


class Kind(NamedTuple):
    """A metric that can be judged: what returns its samples, and its change from those of both sides.

    Of a window, and of a published metric with the time of its window (None: not known). None where there are none.
    """

    of_window: Callable[[Samples], Any]
    of_published: Callable[[Metric, float | None], Any]
    change: Callable[[Any, Any], Change]


def _rate(hits: Callable[[Samples], int]) -> Kind:
    def of_window(window: Samples) -> Rate | None:
        return Rate(hits(window), window.outcomes) if window.outcomes else None

    return Kind(of_window, _published_rate, lambda now, before: rate_change(*now, *before))


def _published_rate(metric: Metric, _time: float | None) -> Rate | None:
    if metric.value is None or not metric.samples:
        return None
    return Rate(round(metric.value * metric.samples), metric.samples)


def _percentile(percent: int) -> Kind:
    def of_window(window: Samples) -> Side | None:
        return percentile_side(percent, window.durations) if len(window.durations) else None

    return Kind(of_window, _published_percentile, partial(percentile_change, percent))


def _published_percentile(metric: Metric, _time: float | None) -> Side | None:
    """Return a percentile with its published intervals: an older report has the usual one alone."""
    if metric.value is None:
        return None
    found = {each.confidence: Interval(each.low, each.high) for each in metric.intervals}
    if not found:
        found = {CONFIDENCE: Interval(metric.low, metric.high)}
    return published_side(metric.value, metric.samples, found)


def _published_mean(metric: Metric, _time: float | None) -> Moments | None:
    if metric.value is None or metric.spread is None:
        return None
    return Moments(metric.samples, metric.value, metric.spread.deviation, metric.spread.skewness)


def _published_retries(metric: Metric, time: float | None) -> Events | None:
    return None if metric.value is None or time is None else Events(round(metric.value), time)


FAILURES, SUCCESSES = "failure_rate", "success_rate"
#: The metrics that can be judged.
KINDS = {
    FAILURES: _rate(lambda window: window.failed),
    SUCCESSES: _rate(lambda window: window.done),
    **{f"latency_p{percent}_ms": _percentile(percent) for percent in (50, 90, 95, 99)},
    "latency_avg_ms": Kind(lambda window: window.durations.moments(), _published_mean, mean_change),
    "retry_count": Kind(
        lambda window: window.retries, _published_retries, lambda now, before: count_change(*now, *before)
    ),
}
_OF_NOW = "as it is at one moment"
#: The others, and why there is no noise to judge them by.
UNJUDGED = {
    "latency_max_ms": "the longest of more runs is longer",
    "malformed_lines": "counted in the whole log",
    "unfinished_runs": _OF_NOW,
    "stale_in_progress": _OF_NOW,
    "blocked": _OF_NOW,
    "pending": _OF_NOW,
    "oldest_pending_minutes": _OF_NOW,
}


def check_published(metric: Metric, path: str) -> None:
    """Raise InputError for a metric of a saved report that no run can have measured."""
    bounds = [(metric.low, metric.high), *((each.low, each.high) for each in metric.intervals)]
    value = metric.value or 0.0
    unit = "ratio" if metric.name in {FAILURES, SUCCESSES} else metric.unit
    most = {"ratio": 1, "count": _MOST_COUNTED}.get(unit, value)
    is_held = metric.value is None or all(
        (low is None or low <= value) and (high is None or value <= high) for low, high in bounds
    )
    if not (0 <= value <= most and metric.samples <= _MOST_COUNTED and is_held and _can_spread(metric)):
        raise InputError(
            f"{visible(path)}: metrics: {visible(metric.name)}: no run measures {value:g} of {metric.samples} samples "
            "with such bounds: make the report again with `ops-checks kpi -f json=FILE`"
        )


def _can_spread(metric: Metric) -> bool:
    """Return whether so many numbers from 0 on with the published mean can spread as is published."""
    spread, root = metric.spread, sqrt(metric.samples)
    return spread is None or (abs(spread.skewness) <= root and spread.deviation <= (metric.value or 0) * root * 1.001)
