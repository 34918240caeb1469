"""Weeks of runs, drawn with a seed: two that are alike, or of which the second is slower and fails more often."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ops_checks.rules.kpi.regression import side_of_runs
from ops_checks.rules.kpi.samples import Samples
from tests.change_simulations import TIMES, durations

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    from ops_checks.rules.kpi.regression import Side

_HOURS = np.arange(168)
#: Busy and slow hours: by day more than by night, on Saturday and Sunday little.
_BUSY = (1 + np.sin((_HOURS % 24 - 9) / 24 * 2 * np.pi)) * np.where(_HOURS // 24 < 5, 1.0, 0.3) + 0.1
_SLOW = 1 + 0.8 * _BUSY / _BUSY.max()
#: One run in so many ends a task.
_OUTCOME = 3


class Week(NamedTuple):
    """The runs of a week: how long each took in milliseconds, and which task outcomes failed."""

    times: NDArray[np.float64]
    failed: NDArray[np.bool_]

    def side(self) -> Side:
        """Return what is known of its metrics, as a reading of the log has it."""
        failed = int(self.failed.sum())
        return side_of_runs(Samples(len(self.failed) - failed, failed, durations(self.times)))


def _plain(times: str, least: int, most: int) -> Callable[[Generator, float], Week]:
    """Return what draws a week of independent runs."""

    def draw(random: Generator, worse: float) -> Week:
        samples = int(random.integers(least, most))
        took = np.ceil(TIMES[times](random, samples) * worse)
        return Week(took, random.random(samples // _OUTCOME) < 0.1 * worse)

    return draw


def _cycle(random: Generator, worse: float) -> Week:
    """Draw a week whose hours are not alike, but are those of every week."""
    hours = np.repeat(_HOURS, random.poisson(_BUSY * 2.5))
    took = np.ceil(random.lognormal(6, 0.8, len(hours)) * _SLOW[hours] * worse)
    return Week(took, random.random(len(hours[::_OUTCOME])) < 0.1 * worse * _SLOW[hours[::_OUTCOME]])


def _bursts(random: Generator, worse: float) -> Week:
    """Draw a week in which runs are slow and fail for about twenty in a row, then for about sixty are not."""
    lengths = random.geometric(np.where(np.arange(40) % 2, 1 / 20, 1 / 60))
    bad = np.repeat(np.arange(40) % 2 == 1, lengths)[:300]
    took = np.ceil(random.lognormal(6, 0.8, len(bad)) * np.where(bad, 4, 1) * worse)
    return Week(took, random.random(len(bad[::_OUTCOME])) < np.where(bad[::_OUTCOME], 0.4, 0.05) * worse)


#: Weeks of independent runs: what the rules promise is of these.
WEEKS: dict[str, Callable[[Generator, float], Week]] = {
    **{name: _plain(name, 100, 600) for name in TIMES},
    "few samples": _plain("long tail", 5, 130),
    "day and night": _cycle,
}
#: Runs that come in bursts say less than as many independent ones: no promise, only a figure.
BURSTS = _bursts
