"""How often intervals hold what they are of: of percentiles, of rates, and of changes, as differences and as ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ops_checks.statistics.intervals import rate_interval
from tests.change_simulations import TIMES, Shown, covered, draw

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONFIDENCE = 0.95
#: What is approximate may hold so much less often than it says; what is exact, never.
_APPROXIMATE = 0.02


class Coverage(NamedTuple):
    """How often intervals of a kind held what they are of, and how often they have to."""

    name: str
    held: Shown
    least: float


class _Change(NamedTuple):
    """A change whose size is known: of a metric (see `draw`), by a factor; `truth` is the difference or the ratio."""

    metric: str
    times: str
    factor: float
    contrast: str
    truth: float


_CHANGES = (
    _Change("rate", "", 1, "difference", 0),
    _Change("rate", "", 1.5, "difference", 0.025),
    _Change("50", "long tail", 1.3, "ratio", 1.3),
    _Change("95", "long tail", 1.3, "ratio", 1.3),
    _Change("95", "two humps", 1.3, "ratio", 1.3),
    _Change("mean", "even", 1.3, "ratio", 1.3),
)


def coverages(pairs: int, seed: int) -> Iterator[Coverage]:
    """Yield what `pairs` drawn sets of samples say of each kind of interval at 95 %."""
    for times in TIMES:
        for percent in (50, 95):
            held = covered(percent, times, 300, confidence=_CONFIDENCE, pairs=pairs, seed=seed)
            yield Coverage(f"p{percent}, {times}", held, _CONFIDENCE)
    for rate in (0.02, 0.2, 0.9):
        yield Coverage(f"a rate of {rate}", _of_rate(rate, pairs, seed), _CONFIDENCE - _APPROXIMATE)
    for change in _CHANGES:
        name = f"{change.contrast} of {change.metric} {change.times}, {change.factor} times"
        yield Coverage(name, _of_change(change, pairs, seed), _CONFIDENCE - _APPROXIMATE)


def _of_rate(rate: float, pairs: int, seed: int) -> Shown:
    hits = np.random.default_rng([seed, round(100 * rate)]).binomial(300, rate, pairs)
    bounds = [rate_interval(int(each), 300, _CONFIDENCE) or (1, 0) for each in hits]
    return Shown(sum(low <= rate <= high for low, high in bounds), pairs)


def _of_change(change: _Change, pairs: int, seed: int) -> Shown:
    random = np.random.default_rng([seed, 5])
    held = 0
    for _ in range(pairs):
        drawn = draw(change.metric, change.times, (1000, 1000), change.factor, random)
        low, high = getattr(drawn, change.contrast)(_CONFIDENCE)
        held += (low is None or low <= change.truth) and (high is None or change.truth <= high)
    return Shown(held, pairs)
