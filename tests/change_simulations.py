"""Many pairs of windows with or without a change, drawn with a seed: how often a change is shown.

`ci/test` runs a few hundred pairs, a campaign many thousands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from ops_checks.runlog.percentiles import Durations
from ops_checks.statistics.changes import (
    HIGHER,
    Change,
    count_change,
    mean_change,
    percentile_change,
    percentile_side,
    rate_change,
)
from ops_checks.statistics.intervals import one_sided

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

#: The times of runs, in whole milliseconds: even, with a long tail, with a very long one, few values, two humps.
TIMES: dict[str, Callable[[np.random.Generator, int], NDArray[np.float64]]] = {
    "even": lambda random, samples: np.ceil(random.exponential(300, samples)),
    "long tail": lambda random, samples: np.ceil(random.lognormal(6, 1, samples)),
    "very long tail": lambda random, samples: np.ceil(100 * (random.pareto(1.2, samples) + 1)),
    "few values": lambda random, samples: random.integers(1, 11, samples).astype(float),
    "two humps": lambda random, samples: np.where(
        random.random(samples) < 0.94, random.normal(200, 20, samples), random.normal(5000, 500, samples)
    ).round(),
}
#: How many samples now and before: alike, and ten times as many on one side.
SIZES = ((100, 100), (1000, 1000), (100, 1000), (1000, 100))


class Shown(NamedTuple):
    """How often something was shown, of how many times it could have been."""

    times: int
    pairs: int

    def exceeds(self, nominal: float) -> bool:
        """Return whether it was shown more often than with a chance of `nominal`, by an exact test at 0.001."""
        return bool(stats.binomtest(self.times, self.pairs, nominal, alternative="greater").pvalue < 0.001)

    def falls_short_of(self, nominal: float) -> bool:
        """Return whether it was shown less often than that, by the same test."""
        return bool(stats.binomtest(self.times, self.pairs, nominal, alternative="less").pvalue < 0.001)


def durations(values: NDArray[np.float64]) -> Durations:
    """Return durations as a log's reader keeps them."""
    found = Durations()
    found.add(values.tolist())
    return found


def draw(metric: str, times: str, sizes: tuple[int, int], factor: float, random: np.random.Generator) -> Change:
    """Draw two windows and return what is known of a metric in them; now it is `factor` times what it was before."""
    now, before = sizes
    if metric == "rate":
        return rate_change(int(random.binomial(now, 0.05 * factor)), now, int(random.binomial(before, 0.05)), before)
    if metric == "count":
        return count_change(int(random.poisson(now / 10 * factor)), now, int(random.poisson(before / 10)), before)
    ours = durations(np.ceil(TIMES[times](random, now) * factor))
    theirs = durations(np.ceil(TIMES[times](random, before)))
    if metric == "mean":
        first, second = ours.moments(), theirs.moments()
        assert first is not None
        assert second is not None
        return mean_change(first, second)
    percent = int(metric)
    return percentile_change(percent, percentile_side(percent, ours), percentile_side(percent, theirs))


def shown_higher(
    metric: str, times: str, sizes: tuple[int, int], *, factor: float, confidence: float, pairs: int, seed: int
) -> Shown:
    """Return how often a metric is shown to be higher, on that side alone, with a confidence.

    `metric` is `rate`, `count`, `mean` or a percentile's percent; `times` a name of `TIMES`.
    """
    random = np.random.default_rng([seed, *sizes])
    level = one_sided(confidence)
    drawn = (draw(metric, times, sizes, factor, random) for _ in range(pairs))
    return Shown(sum(change.shown(level) == HIGHER for change in drawn), pairs)


def covered(percent: int, times: str, samples: int, *, confidence: float, pairs: int, seed: int) -> Shown:
    """Return how often the interval of a percentile holds the true one, of 200,000 samples."""
    random = np.random.default_rng([seed, samples])
    truth = durations(np.ceil(TIMES[times](random, 200_000))).percentile(percent)
    assert truth is not None
    found = 0
    for _ in range(pairs):
        estimate = percentile_side(percent, durations(np.ceil(TIMES[times](random, samples)))).estimate(confidence)
        found += (estimate.low is None or estimate.low <= truth) and (estimate.high is None or truth <= estimate.high)
    return Shown(found, pairs)
