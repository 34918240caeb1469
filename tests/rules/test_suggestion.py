"""A limit from the past: how many would have been beyond it, and how many later ones are expected to be."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from ops_checks.rules.suggestion import PastValue, alarm_interval, suggest

HOUR_MS = 3_600_000


def values(*numbers: float, window: int | None = 1) -> list[PastValue]:
    """Return the values of runs an hour apart, each with a window of so many hours."""
    return [
        PastValue(hour * HOUR_MS, number, None if window is None else (hour - window) * HOUR_MS)
        for hour, number in enumerate(numbers)
    ]


@pytest.mark.parametrize(
    ("numbers", "unit", "operator", "wanted", "limit", "alarms"),
    [
        (range(100), "count", "<=", 0.05, 95, 4),  # (4 + 1) / 101 is at most 5 %, (5 + 1) / 101 is not
        (range(19), "count", "<=", 0.05, 18, 0),
        (range(39), "count", "<=", 0.05, 37, 1),
        (range(100), "count", ">=", 0.05, 4, 4),
        ([7], "count", "<=", 0.05, 7, 0),
        ([3] * 50, "count", "<=", 0.5, 3, 0),
        ([1 / 3] * 20, "ratio", "<=", 0.05, 0.3334, 0),
        ([1 / 3] * 20, "ratio", ">=", 0.05, 0.3333, 0),
        ([0.1 + 0.2] * 20, "ratio", "<=", 0.05, 0.3001, 0),  # 0.3 would be tighter
        ([100.001] * 20, "ms", "<=", 0.05, 100.01, 0),
        ([100.25] * 20, "ms", "<=", 0.05, 100.25, 0),
        ([1e308] * 20, "ratio", "<=", 0.05, 1e308, 0),  # anybody may write a line: with more digits it is no double
    ],
)
def test_limits(numbers: list[float], unit: str, operator: str, wanted: float, limit: float, alarms: int) -> None:
    """The tightest that keeps the promise; with too few runs the most extreme value."""
    found = suggest("m", unit, operator, values(*numbers), wanted)
    assert (found.limit, found.alarms, found.runs) == (limit, alarms, len(numbers))


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=60),
    st.sampled_from(["<=", ">="]),
    st.sampled_from([0.01, 0.05, 0.5]),
    st.sampled_from(["ratio", "ms", "count"]),
)
def test_the_promise(numbers: list[float], operator: str, wanted: float, unit: str) -> None:
    """No more runs are beyond it than were asked for; the expected rate is at most that, if there are enough runs."""
    found = suggest("m", unit, operator, values(*numbers), wanted)
    assert found.alarms <= wanted * len(numbers)
    assert found.expected <= wanted or found.runs < found.needed
    assert 0 <= found.low <= found.expected <= found.high <= 1


@pytest.mark.parametrize("window", [1, 7, 60, 200, None])
def test_the_rate_lies_in_its_interval(window: int | None) -> None:
    """Of runs that overlap, however much, it is promised by those alone that say something of their own."""
    found = suggest("m", "count", "<=", values(*range(114), window=window), 0.05)
    assert found.low <= found.expected <= found.high
    assert found.expected == (found.alarms_apart + 1) / (found.independent + 1)


@pytest.mark.parametrize(("window", "independent"), [(0, 12), (1, 12), (2, 6), (5, 3), (12, 1), (None, 1)])
def test_windows_that_overlap(window: int | None, independent: int) -> None:
    """The interval rests on the runs of which no two windows have an hour in common."""
    found = suggest("m", "count", "<=", values(*range(12), window=window), 0.2)
    assert (found.independent, found.runs) == (independent, 12)
    assert (found.low, found.high) == alarm_interval(found.alarms_apart, independent)


@pytest.mark.parametrize("runs", [1, 2, 10, 100, 3000])
def test_the_interval_is_that_of_an_order_statistic(runs: int) -> None:
    """Computed a second time: the quantiles of Beta(k + 1, n - k)."""
    for alarms in {0, runs // 20, runs // 2, runs - 1}:
        expected = beta.ppf([0.025, 0.975], alarms + 1, runs - alarms)
        assert alarm_interval(alarms, runs) == pytest.approx(tuple(expected), abs=1e-9)
    assert alarm_interval(runs, runs)[1] == 1


def test_the_interval_covers() -> None:
    """Of 500 pasts of 60 runs: the true rate of false alarms of the limit lies in the interval as often as promised.

    The values are uniform, so that the rate is known; by an exact binomial test at 0.001. It is on average what is
    expected.
    """
    random = Random(7)
    covered, rates = 0, []
    for _ in range(500):
        numbers = sorted(random.random() for _ in range(60))
        found = suggest("m", "exact", "<=", values(*(number * 1e9 for number in numbers)), 0.05)
        rate = 1 - found.limit / 1e9
        rates.append(rate)
        covered += found.low <= rate <= found.high
    assert covered >= binom.ppf(0.001, 500, 0.95)
    assert sum(rates) / 500 == pytest.approx(3 / 61, rel=0.05)
