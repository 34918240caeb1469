from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.statistics.contrasts import Estimate, difference, ratio
from ops_checks.statistics.intervals import rate_interval


def rate(hits: int, samples: int) -> Estimate:
    """Return a rate with Wilson's interval."""
    return Estimate(hits / samples, *(rate_interval(hits, samples) or (None, None)))


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_difference_of_rates(now: tuple[int, int], before: tuple[int, int], low: float, high: float) -> None:
    """The interval of the difference of two rates has Newcombe's published values."""
    assert difference(rate(*now), rate(*before)) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (Estimate(5, None, 7), Estimate(3, 2, 4), (None, 5 - 3 + 5**0.5)),
        (Estimate(5, 4, None), Estimate(3, 2, 4), (5 - 3 - 2**0.5, None)),
        (Estimate(5, 4, 7), Estimate(3, 2, None), (None, 5 - 3 + 5**0.5)),
        (Estimate(5, 4, 7), Estimate(3, None, 4), (5 - 3 - 2**0.5, None)),
        (Estimate(5, 5, 5), Estimate(5, 5, 5), (0, 0)),
        (Estimate(6, 6, 6), Estimate(5, 5, 5), (1, 1)),
    ],
)
def test_open_and_equal_bounds(now: Estimate, before: Estimate, expected: tuple[float | None, float | None]) -> None:
    """What is not bounded bounds no difference; equal values leave no doubt."""
    assert difference(now, before) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (Estimate(0, 0, 0.1), Estimate(0, 0, 0.2), (0, None)),
        (Estimate(0.2, 0.1, 0.3), Estimate(0, 0, 0.05), ((0.1 * 0.3) ** 0.5 / 0.05, None)),
        (Estimate(5, None, None), Estimate(5, 4, 6), (0, None)),
        (Estimate(5, 4, 6), Estimate(5, None, None), (0, None)),
        (Estimate(6, 6, 6), Estimate(5, 5, 5), (1.2, 1.2)),
        (Estimate(0, 0, 0), Estimate(0, 0, 0), (0, None)),
        (Estimate(1e308, 1e308, 1e308), Estimate(1e308, 1e308, 1e308), (1, 1)),
    ],
)
def test_ratios_at_the_edge(now: Estimate, before: Estimate, expected: tuple[float, float | None]) -> None:
    """A ratio to nothing has no upper bound, and the largest values overflow nothing."""
    assert ratio(now, before) == pytest.approx(expected)


estimates = st.builds(
    lambda value, below, above: Estimate(value, value * (1 - below), value * (1 + above)),
    st.floats(1e-3, 1e6),
    st.floats(0, 1),
    st.floats(0, 5),
)


@given(estimates, estimates)
def test_ratio_and_difference_agree(now: Estimate, before: Estimate) -> None:
    """A ratio bounds what it says: so many times the one before, the difference just holds 0 (Donner and Zou)."""
    low, high = ratio(now, before)

    def scaled(factor: float) -> Estimate:
        return Estimate(*(factor * (each or 0.0) for each in before))

    assert 0 <= low <= now.value / before.value * (1 + 1e-12)
    if low > 1e-6:
        assert difference(now, scaled(low)).low == pytest.approx(0, abs=1e-6 * now.value)
    if high is not None and high < 1e6:
        assert high >= now.value / before.value * (1 - 1e-12)
        assert difference(now, scaled(high)).high == pytest.approx(0, abs=1e-6 * high * before.value)
