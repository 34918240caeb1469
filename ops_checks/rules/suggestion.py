"""Propose a limit of a metric from its past, and say how often it would be a false alarm.

The past counts as a time in which nothing was wrong: each run beyond the limit is a false alarm. Of n independent runs,
the share of later ones that lie beyond the (k + 1)th most extreme has the distribution Beta(k + 1, n - k), whatever
that of the metric is: H. A. David and H. N. Nagaraja, "Order Statistics", 3rd edition (2003), section 7.3. So it is
taken into account that the limit was chosen by the same runs. The mean is (k + 1) / (n + 1). Where values are equal,
later runs lie beyond more rarely still.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ops_checks.findings import Verdict
from ops_checks.rules.rule import Limit
from ops_checks.statistics.distributions import binomial, tail_of
from ops_checks.statistics.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TAIL = tail_of(CONFIDENCE)
_HALVINGS = 52  # of the interval from 0 to 1: to the last digit of a double
#: From here on doubles have no digits behind the point.
_WHOLE = 2**53
#: The digits of a proposed limit behind its point, by unit; of others none.
_DIGITS = {"ratio": 4, "ms": 2, "minutes": 1}


class PastValue(NamedTuple):
    """The value of a metric at a moment, and when the window began that it was measured in, None for no window."""

    at_ms: int
    value: float
    since_ms: int | None


class Suggestion(Struct, frozen=True):
    """A proposed limit: `metric` `operator` `limit` has to hold.

    `wanted` is the rate of false alarms that was asked for. `alarms` of the `runs` lie beyond the limit. `expected` is
    the rate among later runs, and `low` and `high` bound it (95 %): all three by the `independent` runs of which no two
    windows share a run of the log (`alarms_apart` of them lie beyond). `needed`: so many runs a promise of `wanted`
    takes.
    """

    metric: str
    operator: str
    limit: float
    wanted: float
    runs: int
    alarms: int
    expected: float
    low: float
    high: float
    independent: int
    alarms_apart: int
    needed: int


def suggest(metric: str, unit: str, operator: str, values: Sequence[PastValue], wanted: float) -> Suggestion:
    """Return a limit that at most a share `wanted` of later runs is expected to lie beyond, if there are enough runs.

    With fewer than `needed` it is the most extreme value. It is rounded so that it becomes no tighter. `values` are in
    the order of their times, at least one.
    """
    away = sorted((each.value for each in values), reverse=operator == "<=")
    beyond = max(0, min(len(away) - 1, math.floor(wanted * (len(away) + 1) + 1e-9) - 1))
    limit = _rounded(away[beyond], unit, operator)
    is_beyond = Limit(operator, limit, Verdict.FAIL).violated_by
    apart = _apart(values)
    alarms, alarms_apart = (sum(is_beyond(each.value) for each in some) for some in (values, apart))
    low, high = alarm_interval(alarms_apart, len(apart))
    return Suggestion(
        metric=metric,
        operator=operator,
        limit=limit,
        wanted=wanted,
        runs=len(away),
        alarms=alarms,
        expected=(alarms_apart + 1) / (len(apart) + 1),
        low=low,
        high=high,
        independent=len(apart),
        alarms_apart=alarms_apart,
        needed=math.ceil(1 / wanted - 1e-9) - 1,
    )


def alarm_interval(alarms: int, runs: int) -> tuple[float, float]:
    """Return the 95 % interval of the rate of false alarms, where `alarms` of some independent runs were some."""
    low = _share_where(lambda share: binomial(runs, share).reaching(min(alarms + 1, runs)) < _TAIL)
    high = 1.0 if alarms >= runs else _share_where(lambda share: binomial(runs, share).reaching(alarms + 1) < 1 - _TAIL)
    return low, high


def _share_where(holds: Callable[[float], bool]) -> float:
    """Return the largest share for which something holds that holds for all smaller ones."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _apart(values: Sequence[PastValue]) -> list[PastValue]:
    """Return runs of which no two windows share a run of the log: each begins when the one before has ended.

    Without a window each run counts all of the log, so that only one of them says something of its own.
    """
    chosen: list[PastValue] = []
    for each in values:
        if not chosen or (each.since_ms is not None and each.since_ms >= chosen[-1].at_ms):
            chosen.append(each)
    return chosen


def _rounded(value: float, unit: str, operator: str) -> float:
    """Return a value with few digits, at which the value itself is not beyond the limit."""
    if abs(value) >= _WHOLE:
        return value
    scale = int(10 ** _DIGITS.get(unit, 0))
    step, whole = (1, math.ceil(value * scale)) if operator == "<=" else (-1, math.floor(value * scale))
    is_tighter = Limit(operator, whole / scale, Verdict.FAIL).violated_by(value)
    return (whole + step * is_tighter) / scale
