from __future__ import annotations

from fractions import Fraction
from math import comb
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.rules.kpi.intervals import Z, percentile_ranks, rate_interval


def test_z() -> None:
    """The quantile is the standard library's."""
    assert NormalDist().inv_cdf(0.975) == pytest.approx(Z, abs=1e-14)


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
