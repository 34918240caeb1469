from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from change_simulations import SIZES, TIMES, covered, durations, shown_higher
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ops_checks.statistics.changes import (
    HIGHER,
    LOWER,
    Change,
    count_change,
    mean_change,
    percentile_change,
    percentile_side,
    published_side,
    rate_change,
)
from ops_checks.statistics.intervals import Interval, Moments

if TYPE_CHECKING:
    from ops_checks.runlog.percentiles import Durations

PAIRS = 300


def values(*numbers: float) -> Durations:
    """Return durations."""
    return durations(np.array(numbers, dtype=float))


def percentile(percent: int, now: Durations, before: Durations) -> Change:
    """Return the change of a percentile of two sets of durations."""
    return percentile_change(percent, percentile_side(percent, now), percentile_side(percent, before))


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        ((0, 1), (0, 1), None),
        ((1, 1), (0, 1), None),
        ((1, 1), (0, 1000), HIGHER),  # by Fisher's test, one in a thousand
        ((3, 3), (0, 3), None),
        ((5, 5), (0, 5), HIGHER),
        ((0, 5), (5, 5), LOWER),
        ((5, 5), (5, 5), None),
        ((30, 100), (10, 100), HIGHER),
        ((10, 100), (30, 100), LOWER),
        ((20, 100), (14, 100), None),
        ((1, 5), (0, 100), None),  # Newcombe's interval leaves 0 out, Fisher's test has 4.8 % on that side
        ((0, 10**6), (0, 10**6), None),
        ((50_700, 10**6), (50_000, 10**6), HIGHER),
    ],
)
def test_rates(now: tuple[int, int], before: tuple[int, int], shown: str | None) -> None:
    """A rate is shown to have changed where both its interval and Fisher's test say so."""
    assert rate_change(*now, *before).shown(0.95) == shown


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        ((0, 1), (0, 1), None),
        ((5, 1), (0, 1), None),  # 3.1 % on one side
        ((6, 1), (0, 1), HIGHER),  # 1.6 %
        ((0, 1), (6, 1), LOWER),
        ((6, 1), (0, 0.5), None),  # in half the time
        ((40, 1), (20, 1), HIGHER),
        ((40, 2), (20, 1), None),
        ((1040, 1), (1000, 1), None),
    ],
)
def test_counts(now: tuple[int, float], before: tuple[int, float], shown: str | None) -> None:
    """A count is shown to have changed by the exact test, for the length of either time."""
    assert count_change(*now, *before).shown(0.95) == shown


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        (values(1), values(9), None),
        (values(1, 1), values(9, 9), None),
        (values(*[6] * 5), values(*[5] * 5), None),  # five samples bound no median
        (values(*[6] * 6), values(*[5] * 6), HIGHER),
        (values(*[5] * 6), values(*[6] * 6), LOWER),
        (values(*[5] * 99), values(*[5] * 99), None),
        (values(*[0] * 99), values(*[0] * 99), None),
        (values(*[5] * 50, *[6] * 51), values(*[5] * 51, *[6] * 50), None),
        (values(*range(150, 250)), values(*range(100)), HIGHER),
        (values(*range(110)), values(*range(100)), None),
        (values(*[1e308] * 9), values(*[1e-300] * 9), HIGHER),
    ],
)
def test_medians(now: Durations, before: Durations, shown: str | None) -> None:
    """A median is shown to have changed from six samples on, whatever the ties."""
    assert percentile(50, now, before).shown(0.95) == shown


def test_a_mean_of_few_or_skewed_samples_is_not_judged() -> None:
    """One set without the other's long tail shows nothing of it: both must be large enough for it."""
    even, tailed = values(*[5] * 40), values(*[5] * 1990, *[600] * 10)
    first, second = even.moments(), tailed.moments()
    assert first is not None
    assert second is not None
    change = mean_change(first, second)
    assert change.shown(0.95) is None
    assert change.lacking(0.95) == (4886, 2926)


def test_means() -> None:
    """The interval of the difference of two means without skewness is close to Welch's of SciPy."""
    random = np.random.default_rng(1)
    now, before = random.normal(500, 50, 400), random.normal(480, 80, 300)
    change = mean_change(*(Moments(len(each), each.mean(), each.std(ddof=1), 0.0) for each in (now, before)))
    expected = stats.ttest_ind(now, before, equal_var=False).confidence_interval(0.95)
    assert change.difference(0.95) == pytest.approx((expected.low, expected.high), rel=2e-3)
    assert change.shown(0.95) == HIGHER


def test_what_is_lacking() -> None:
    """How many samples each side lacks for an interval, by the confidence asked for."""
    change = percentile(95, values(*range(50)), values(*range(80)))
    assert change.lacking(0.95) == (22, 0)
    assert change.lacking(0.99) == (54, 24)
    assert change.shown(0.95) is None
    assert change.more_samples(0.95) is None


@pytest.mark.parametrize(("hits", "samples"), [(10, 100), (5, 50), (14, 200), (3, 10)])
def test_more_samples_would_show_it(hits: int, samples: int) -> None:
    """With so many more samples at the same rate the interval just leaves 0 out, or nearly."""
    before = (500, 10_000)
    change = rate_change(hits, samples, *before)
    more = change.more_samples(0.999)
    assert change.shown(0.999) is None
    assert more is not None
    found = rate_change(round(hits * (samples + more) / samples), samples + more, *before).difference(0.999).low
    assert found == pytest.approx(0, abs=0.3 * (hits / samples - 0.05))


def test_no_number_of_samples_would_show_it() -> None:
    """Equal values, and a window before that is itself too small, need no number of samples."""
    assert rate_change(5, 100, 50, 1000).more_samples(0.95) is None
    assert rate_change(6, 100, 1, 20).more_samples(0.95) is None


def test_published_intervals() -> None:
    """Of published intervals the next surer one serves; where none is sure enough, nothing is bounded."""
    side = published_side(5.0, 100, {0.95: Interval(4, 6), 0.99: Interval(3, 7)})
    assert side.estimate(0.95) == (5, 4, 6)
    assert side.estimate(0.9) == (5, 4, 6)
    assert side.estimate(0.96) == (5, 3, 7)
    assert side.estimate(0.995) == (5, None, None)
    assert side.estimate(1 - (1 - 0.95)) == (5, 4, 6)


sets = st.lists(st.integers(0, 50), min_size=1, max_size=150).map(lambda numbers: values(*numbers))


@given(sets, sets, st.sampled_from([50, 90]))
def test_what_is_shown_is_shown_less_surely_too(now: Durations, before: Durations, percent: int) -> None:
    """What is shown at one confidence is shown at every smaller one, and the other way round of the two sides."""
    change, opposite = percentile(percent, now, before), percentile(percent, before, now)
    found = [change.shown(confidence) for confidence in (0.999, 0.99, 0.95, 0.9, 0.8)]
    first = next((index for index, each in enumerate(found) if each), len(found))
    assert len(set(found[first:])) <= 1
    assert [{HIGHER: LOWER, LOWER: HIGHER, None: None}[each] for each in found] == [
        opposite.shown(confidence) for confidence in (0.999, 0.99, 0.95, 0.9, 0.8)
    ]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(
    ("metric", "times"),
    [("rate", ""), ("count", ""), *((metric, times) for metric in ("50", "95", "mean") for times in TIMES)],
)
def test_false_alarms(metric: str, times: str, sizes: tuple[int, int]) -> None:
    """Where nothing changed, `higher` is shown no more often than the confidence allows."""
    found = shown_higher(metric, times, sizes, factor=1, confidence=0.9, pairs=PAIRS // 4, seed=18)
    assert not found.exceeds(0.1)


@pytest.mark.parametrize(
    ("metric", "times", "factor"),
    [("rate", "", 2), ("count", "", 1.6), ("50", "long tail", 1.3), ("95", "long tail", 1.6), ("mean", "even", 1.3)],
)
def test_power(metric: str, times: str, factor: float) -> None:
    """A great change is shown in a window of a thousand samples nearly always."""
    found = shown_higher(metric, times, (1000, 1000), factor=factor, confidence=0.95, pairs=PAIRS // 4, seed=18)
    assert not found.falls_short_of(0.95)


@pytest.mark.parametrize("percent", [50, 95])
@pytest.mark.parametrize("times", TIMES)
def test_coverage(percent: int, times: str) -> None:
    """The interval of a percentile holds the true one as often as it says."""
    assert not covered(percent, times, 200, confidence=0.9, pairs=PAIRS, seed=18).falls_short_of(0.9)
