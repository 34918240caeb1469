from __future__ import annotations

import math
from fractions import Fraction
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ops_checks.runlog import percentiles
from ops_checks.runlog.percentiles import Durations

_values = st.one_of(
    st.integers(0, 20).map(float),
    st.floats(0, 1e308),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53]),
)


def of(values: list[float], most_counted: int = 4, chunk: int = 3) -> Durations:
    """Return a multiset with small sizes, so that few values already fill its chunks."""
    durations = Durations(most_counted=most_counted, chunk=chunk)
    for value in values:
        durations.add([value])
    return durations


def percentile_disc(values: list[float], percent: int) -> float:
    """Follow the definition: the smallest value that at least so many percent of the values do not exceed."""
    return next(
        value
        for value in sorted(values)
        if Fraction(sum(other <= value for other in values), len(values)) >= Fraction(percent, 100)
    )


@given(st.lists(_values, min_size=1, max_size=40), st.integers(1, 100), st.sampled_from([0, 1, 4, 100]))
def test_percentile(values: list[float], percent: int, most_counted: int) -> None:
    """Percentiles are the nearest-rank ones, whether values are counted or kept, in whatever order they came."""
    assert of(values, most_counted).percentile(percent) == percentile_disc(values, percent)


@given(st.lists(_values, min_size=1, max_size=40), st.sampled_from([0, 2, 100]))
def test_order(values: list[float], most_counted: int) -> None:
    """Every rank, the largest value, and the count above any limit are those of the sorted list."""
    durations = of(values, most_counted)
    ranks = range(1, len(values) + 1)
    assert [durations.ranked(rank) for rank in ranks] == sorted(values)
    assert durations.max() == max(values)
    for limit in {*values, -1.0, 10.5, math.inf}:
        assert durations.above(limit) == sum(value > limit for value in values)


@given(st.lists(_values, max_size=20), st.lists(_values, max_size=20), st.sampled_from([0, 2, 100]))
def test_add_all(first: list[float], second: list[float], most_counted: int) -> None:
    """Two multisets together hold what one that took all values holds, however each keeps them."""
    together = of(first, most_counted)
    together.add_all(of(second, 3))
    assert [together.ranked(rank) for rank in range(1, len(together) + 1)] == sorted(first + second)


@given(st.lists(_values, min_size=1, max_size=40), st.sampled_from([0, 2, 100]))
@example([0.0, 1.0, 6.44695452580832e307, 8.045213399993154e307], 100)
def test_mean(values: list[float], most_counted: int) -> None:
    """The mean is the exact sum, rounded, divided by the count; order makes no difference, and nothing overflows."""
    exact = float(sum(map(Fraction, values)) / len(values))
    mean = of(values, most_counted).mean()
    assert mean is not None
    assert math.isclose(mean, exact, rel_tol=1e-15)
    assert mean == of(values[::-1], 1).mean()


def test_specified_example() -> None:
    """Two runs of 1 ms and 9,999 ms have a p95 of 9,999 and a p50 of 1 (FORMATS section 4)."""
    durations = of([9999.0, 1.0])
    assert (durations.percentile(95), durations.percentile(50), durations.mean()) == (9999.0, 1.0, 5000.0)


@pytest.mark.parametrize(("count", "value"), [(19, 19), (20, 19), (21, 20), (100, 95), (101, 96)])
def test_percentile_steps(count: int, value: float) -> None:
    """The 95th percentile of 1 … n is the smallest whole number that is at least 0.95 n."""
    assert of([float(number) for number in range(1, count + 1)]).percentile(95) == value


def test_nothing() -> None:
    """Without values there is no percentile, mean or maximum, and no rank."""
    durations = Durations()
    assert (len(durations), durations.mean(), durations.max(), durations.percentile(95)) == (0, None, None, None)
    assert durations.above(0) == 0
    for rank in (0, 1):
        with pytest.raises(ValueError, match=f"no rank {rank} among 0 values"):
            durations.ranked(rank)


def test_answers_keep_up() -> None:
    """Values added after an answer count in the next one."""
    durations = of([1.0])
    assert durations.max() == 1.0
    durations.add([2.0])
    assert durations.max() == 2.0
    durations.add_all(of([3.0]))
    assert durations.max() == 3.0


@pytest.mark.parametrize(
    "values",
    [[3.0], [5.0] * 40, [1.0, 2.0, 9.0], [0.25, 1e9, 7.0, 7.0], [1e308, 1e300, 0.0], [0.0, 0.0], [1e-300, 3e-300]],
)
@pytest.mark.parametrize("most_counted", [0, 2, 100])
def test_moments(values: list[float], most_counted: int) -> None:
    """The moments are those of the definition, computed with fractions; nothing overflows, and one value has none."""
    durations = Durations(most_counted=most_counted)
    for value in values:
        durations.add([value])
    exact, count = [Fraction(value) for value in values], len(values)
    mean = sum(exact) / count
    scale = max(exact) or 1
    squares = sum(((each - mean) / scale) ** 2 for each in exact)
    cubes = sum(((each - mean) / scale) ** 3 for each in exact)
    moments = durations.moments()
    assert moments is not None
    assert moments.samples == count
    assert moments.mean == pytest.approx(float(mean))
    assert moments.deviation == pytest.approx(float(scale) * float(squares / max(1, count - 1)) ** 0.5)
    assert moments.skewness == pytest.approx(float(cubes / count) / float(squares / count) ** 1.5 if squares else 0)


def test_no_moments() -> None:
    """Without values there are no moments."""
    assert Durations().moments() is None


@given(
    st.lists(st.floats(0, 50).map(round) | st.floats(0, 1e9), max_size=40), st.sampled_from(["append", "append_few"])
)
def test_values_one_by_one(values: list[float], way: str) -> None:
    """However few are counted, every rank is that of all values, also of two sets together."""
    one, other = Durations(most_counted=3, chunk=5), Durations(most_counted=3, chunk=5)
    with mock.patch.object(percentiles, "_FEW", 7):
        for at, value in enumerate(values):
            getattr(other if at % 3 else one, way)(value)
    one.add_all(other)
    assert [one.ranked(rank) for rank in range(1, len(one) + 1)] == sorted(values)
