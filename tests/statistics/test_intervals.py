from __future__ import annotations

from fractions import Fraction
from math import comb
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ops_checks.statistics.distributions import normal_quantile
from ops_checks.statistics.intervals import (
    Moments,
    count_interval,
    mean_interval,
    mean_samples,
    one_sided,
    percentile_ranks,
    percentile_samples,
    rate_interval,
)

CONFIDENCES = (0.6, 0.83, 0.9, 0.95, 0.99, 0.9937, 0.999, 0.99999)


def test_the_usual_quantile() -> None:
    """The quantile that is asked for most is the standard library's too."""
    assert NormalDist().inv_cdf(0.975) == pytest.approx(normal_quantile(0.025), abs=1e-14)


@pytest.mark.parametrize(
    ("hits", "samples", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # the same mirrored, and the smallest sample
        (20, 20, 0.8389, 1.0),
        (0, 1, 0.0, 0.7935),
    ],
)
def test_rate_interval(hits: int, samples: int, low: float, high: float) -> None:
    """Wilson's interval has the published values."""
    assert rate_interval(hits, samples) == pytest.approx((low, high), abs=5e-5)


def test_rate_interval_without_samples() -> None:
    """Without samples there is no interval."""
    assert rate_interval(0, 0) is None


@given(st.integers(1, 10**9), st.data())
def test_rate_interval_holds_the_rate(samples: int, data: st.DataObject) -> None:
    """The interval holds the rate and lies within 0 and 1, at every sample size."""
    hits = data.draw(st.integers(0, samples))
    low, high = rate_interval(hits, samples) or (1.0, 0.0)
    assert 0.0 <= low <= hits / samples <= high <= 1.0


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize(("hits", "samples"), [(0, 1), (1, 1), (1, 2), (3, 20), (20, 20), (517, 10_000), (0, 10**6)])
def test_rate_interval_by_scipy(hits: int, samples: int, confidence: float) -> None:
    """Wilson's interval is SciPy's at every confidence."""
    expected = stats.binomtest(hits, samples).proportion_ci(confidence, method="wilson")
    assert rate_interval(hits, samples, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("count", [0, 1, 2, 50, 10**6])
def test_count_interval(count: int, confidence: float) -> None:
    """The bounds of a count are the means that the score test just does not reject, 0 for none."""
    low, high = count_interval(count, confidence)
    z = stats.norm.isf((1 - confidence) / 2)
    assert (count - low) == pytest.approx(z * np.sqrt(low), abs=1e-6)
    assert (high - count) == pytest.approx(z * np.sqrt(high), abs=1e-6)
    assert low >= 0
    assert (low == 0) is (count == 0)


def exact_ranks(percent: int, samples: int) -> tuple[int | None, int | None]:
    """Follow the definition with exact fractions: ranks whose tails have no more than 2.5 % each."""
    share, tail = Fraction(percent, 100), Fraction(25, 1000)
    chances = [comb(samples, k) * share**k * (1 - share) ** (samples - k) for k in range(samples + 1)]
    low = max((rank for rank in range(1, samples + 1) if sum(chances[:rank]) <= tail), default=None)
    high = min((rank for rank in range(1, samples + 1) if sum(chances[rank:]) <= tail), default=None)
    return low, high


@pytest.mark.parametrize("percent", [50, 90, 95, 99])
@pytest.mark.parametrize("samples", [1, 2, 5, 6, 19, 20, 59, 72, 73, 100, 150])
def test_percentile_ranks(percent: int, samples: int) -> None:
    """The ranks are those of the definition, computed exactly; None where no rank bounds the percentile."""
    assert percentile_ranks(percent, samples) == exact_ranks(percent, samples)


@pytest.mark.parametrize(
    ("percent", "samples", "ranks"),
    [
        # binom.ppf(0.025) and binom.ppf(0.975) + 1 of SciPy 1.17.1
        (50, 10, (2, 9)),
        (50, 100, (40, 61)),
        (95, 1000, (936, 964)),
        (95, 1_000_000, (949_572, 950_428)),
        (99, 10_000_000, (9_899_383, 9_900_617)),
        (95, 0, (None, None)),
    ],
)
def test_percentile_ranks_of_many(percent: int, samples: int, ranks: tuple[int | None, int | None]) -> None:
    """Known values, up to ten million samples."""
    assert percentile_ranks(percent, samples) == ranks


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("percent", [50, 90, 95, 99])
@pytest.mark.parametrize("samples", [1, 2, 3, 10, 299, 5000, 123_456])
def test_percentile_ranks_by_scipy(percent: int, samples: int, confidence: float) -> None:
    """The ranks are the quantiles of SciPy's binomial at every confidence."""
    tail = (1 - confidence) / 2
    low = int(stats.binom.ppf(tail, samples, percent / 100))
    high = int(stats.binom.isf(tail, samples, percent / 100)) + 1
    expected = (low if low >= 1 else None), (high if high <= samples else None)
    assert percentile_ranks(percent, samples, confidence) == expected


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("percent", [50, 90, 95, 99])
def test_percentile_samples(percent: int, confidence: float) -> None:
    """So many samples bound a percentile on both sides, and one less does not."""
    fewest = percentile_samples(percent, confidence)
    assert None not in percentile_ranks(percent, fewest, confidence)
    assert None in percentile_ranks(percent, fewest - 1, confidence)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_mean_interval_without_skewness(confidence: float) -> None:
    """Where values spread evenly, the interval of their mean is Student's of SciPy."""
    values = np.arange(100, 161)
    error = values.std(ddof=1) / np.sqrt(len(values))
    expected = stats.t.interval(confidence, len(values) - 1, values.mean(), error)
    moments = Moments(len(values), values.mean(), values.std(ddof=1), 0.0)
    assert mean_interval(moments, confidence) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("skewness", [-2.0, -0.1, 1e-12, 0.3, 2.0, 5.0])
def test_mean_interval_with_skewness(skewness: float, confidence: float) -> None:
    """The bounds are where Hall's transformation has the quantiles of Student's t."""
    moments = Moments(1000, 500.0, 80.0, skewness)
    skew, error = skewness / np.sqrt(1000), 80 / np.sqrt(1000)
    low, high = mean_interval(moments, confidence)
    quantile = stats.t.isf((1 - confidence) / 2, 999)
    for bound, expected in ((low, quantile), (high, -quantile)):
        t = (500 - bound) / error
        assert t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6 == pytest.approx(expected, abs=1e-5)


def test_a_mean_is_not_below_zero() -> None:
    """The bound of a mean of times is not negative."""
    assert mean_interval(Moments(30, 1.0, 50.0, 0.0))[0] == 0.0


@pytest.mark.parametrize(
    ("skewness", "samples"), [((0.0,), 30), ((1.0, 0.0), 30), ((0.0, -2.0), 100), ((2.01, 1.0), 102), ((40.0,), 40_000)]
)
def test_mean_samples(skewness: tuple[float, ...], samples: int) -> None:
    """A mean takes 25 times the greatest squared skewness, and no less than 30."""
    assert mean_samples(*skewness) == samples


def test_one_sided() -> None:
    """Of the interval at 90 %, one bound alone holds with 95 %."""
    assert one_sided(0.95) == pytest.approx(0.9)
