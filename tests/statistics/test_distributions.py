from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ops_checks.statistics.distributions import normal_quantile, t_quantile, tail_of
from ops_checks.statistics.exact_tests import more_events_by_chance, more_hits_by_chance


@pytest.mark.parametrize("tail", [0.4, 0.1, 0.025, 0.0036, 1e-5, 1e-12])
def test_normal_quantile(tail: float) -> None:
    """The quantile of the normal distribution is SciPy's, far out too."""
    assert normal_quantile(tail) == pytest.approx(stats.norm.isf(tail), rel=1e-12)


@pytest.mark.parametrize("tail", [0.4, 0.1, 0.025, 0.0036, 1e-4, 1e-5])
@pytest.mark.parametrize("degrees", [29, 30, 50, 200, 10**7])
def test_t_quantile(tail: float, degrees: int) -> None:
    """Student's quantile is SciPy's to four digits and more."""
    assert t_quantile(tail, degrees) == pytest.approx(stats.t.isf(tail, degrees), rel=2e-5)


def test_tails() -> None:
    """95 % leave exactly 2.5 % on either side."""
    assert tail_of(0.95) == 0.025
    assert tail_of(0.99) == pytest.approx(0.005)


@given(samples=st.integers(1, 400), before=st.integers(0, 3000), data=st.data())
def test_more_hits_by_chance(samples: int, before: int, data: st.DataObject) -> None:
    """The chance is that of SciPy's hypergeometric distribution, which Fisher's test is made from."""
    hits, hits_before = data.draw(st.integers(0, samples)), data.draw(st.integers(0, before))
    expected = stats.hypergeom.sf(hits - 1, samples + before, hits + hits_before, samples)
    assert more_hits_by_chance(hits, samples, hits_before, before) == pytest.approx(expected, rel=1e-7, abs=1e-14)


@pytest.mark.parametrize(
    ("hits", "samples", "hits_before", "samples_before"),
    [(3, 10, 1, 12), (0, 5, 3, 5), (5, 5, 0, 5), (100, 1000, 80, 2000), (50_500, 10**6, 50_000, 10**6)],
)
def test_more_hits_by_fishers_test(hits: int, samples: int, hits_before: int, samples_before: int) -> None:
    """The chance is SciPy's Fisher test on the side of more."""
    table = [[hits, samples - hits], [hits_before, samples_before - hits_before]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert more_hits_by_chance(hits, samples, hits_before, samples_before) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("events", "time", "before", "time_before"),
    [(0, 1, 0, 1), (1, 1, 0, 1), (10, 2, 1, 3.5), (3, 1, 40, 7), (1000, 1, 900, 1), (10**6, 1, 10**6, 1)],
)
def test_more_events_by_chance(events: int, time: float, before: int, time_before: float) -> None:
    """The chance is that of SciPy's binomial test, given the number of events in both times."""
    if events + before == 0:
        assert more_events_by_chance(events, time, before, time_before) == 1.0
        return
    share = time / (time + time_before)
    expected = stats.binomtest(events, events + before, share, alternative="greater").pvalue
    assert more_events_by_chance(events, time, before, time_before) == pytest.approx(expected, rel=1e-6)
