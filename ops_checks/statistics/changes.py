"""Whether a value has changed by more than noise: a rate, a count, a percentile or a mean of two sets of samples.

What is shown is shown at a confidence: the interval of the difference leaves 0 out, and where there is an exact test,
it rejects "nothing has changed" as well. Of several values at once see `holm`.
"""

from __future__ import annotations

from functools import partial
from math import ceil, comb
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ops_checks.statistics.contrasts import Estimate, difference, ratio
from ops_checks.statistics.distributions import tail_of
from ops_checks.statistics.exact_tests import more_events_by_chance, more_hits_by_chance
from ops_checks.statistics.intervals import (
    CONFIDENCE,
    Interval,
    count_interval,
    mean_interval,
    mean_samples,
    nearest_rank,
    percentile_ranks,
    percentile_samples,
    rate_interval,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ops_checks.statistics.intervals import Moments

HIGHER, LOWER = "higher", "lower"
#: Two confidences that differ by less are the same one, computed in two ways.
_ROUNDING = 1e-9


class RankedValues(Protocol):
    """Values of which each has a rank, from 1 for the smallest: `runlog.percentiles.Durations` are some."""

    def __len__(self) -> int:
        """Return how many there are."""

    def ranked(self, rank: int) -> float:
        """Return the value of a rank."""


class Side(NamedTuple):
    """One of the two sets of samples: how many there are, and what returns the value with its interval."""

    samples: int
    estimate: Callable[[float], Estimate]


class Change(NamedTuple):
    """What is known of a value now and before.

    `more` and `less` are the chances of a value at least as high, or as low, as the one now if nothing has changed, by
    an exact test; 0 where there is none. `fewest` returns how many samples either side must have for a bounded interval
    at a confidence.
    """

    now: Side
    before: Side
    fewest: Callable[[float], int]
    more: float = 0.0
    less: float = 0.0

    @property
    def value(self) -> float:
        """What the value is above the one before."""
        return self.now.estimate(CONFIDENCE).value - self.before.estimate(CONFIDENCE).value

    def difference(self, confidence: float) -> Interval:
        """Return the interval of what the value is above the one before."""
        return difference(self.now.estimate(confidence), self.before.estimate(confidence))

    def ratio(self, confidence: float) -> Interval:
        """Return the interval of how many times the one before the value is."""
        return ratio(self.now.estimate(confidence), self.before.estimate(confidence))

    def shown(self, confidence: float) -> str | None:
        """Return `higher` or `lower` if that is shown at a confidence, None if neither is."""
        low, high = self.difference(confidence)
        if low is not None and low > 0 and self.more <= tail_of(confidence):
            return HIGHER
        if high is not None and high < 0 and self.less <= tail_of(confidence):
            return LOWER
        return None

    def lacking(self, confidence: float) -> tuple[int, int]:
        """Return how many samples now and before lack for bounded intervals at a confidence."""
        fewest = self.fewest(confidence)
        return max(0, fewest - self.now.samples), max(0, fewest - self.before.samples)

    def more_samples(self, confidence: float) -> int | None:
        """Return about how many more samples now would show the difference that there is, if it stayed as it is.

        An interval's half width shrinks with the square root of the number of samples. None where no number would: the
        values are equal, or the one before is itself not known well enough.
        """
        now, before = self.now.estimate(confidence), self.before.estimate(confidence)
        gap = now.value - before.value
        ours, theirs = (now.low, before.high) if gap > 0 else (now.high, before.low)
        if ours is None or theirs is None or abs(theirs - before.value) >= abs(gap):
            return None
        known = 1 - ((theirs - before.value) / gap) ** 2
        return max(1, ceil(self.now.samples * (((ours - now.value) / gap) ** 2 / known - 1)))


def rate_change(hits: int, samples: int, hits_before: int, samples_before: int) -> Change:
    """Return the change of a rate: Newcombe's interval and Fisher's exact test. There is a sample on either side."""
    return Change(
        _rate_side(hits, samples),
        _rate_side(hits_before, samples_before),
        fewest_outcomes,
        more=more_hits_by_chance(hits, samples, hits_before, samples_before),
        less=more_hits_by_chance(hits_before, samples_before, hits, samples),
    )


def fewest_outcomes(confidence: float) -> int:
    """Return of how many samples on either side Fisher's test shows any change: from no hit at all to hits alone."""
    samples = 1
    while comb(2 * samples, samples) * tail_of(confidence) < 1:
        samples += 1
    return samples


def count_change(events: int, time: float, events_before: int, time_before: float) -> Change:
    """Return the change of a number of independent events, that before for as long a time as the one now.

    The interval is that of two Poisson counts, the test Przyborowski's and Wilenski's.
    """
    return Change(
        _count_side(events, 1.0),
        _count_side(events_before, time / time_before),
        lambda _confidence: 0,
        more=more_events_by_chance(events, time, events_before, time_before),
        less=more_events_by_chance(events_before, time_before, events, time),
    )


def percentile_change(percent: int, now: Side, before: Side) -> Change:
    """Return the change of a percentile, each side a `percentile_side` or a `published_side`."""
    return Change(now, before, partial(percentile_samples, percent))


def mean_change(now: Moments, before: Moments) -> Change:
    """Return the change of a mean. There is a sample on either side."""
    fewest = mean_samples(now.skewness, before.skewness)
    return Change(_mean_side(now, fewest), _mean_side(before, fewest), lambda _confidence: fewest)


def percentile_side(percent: int, values: RankedValues) -> Side:
    """Return a percentile of values, of which there is at least one, with its interval from order statistics."""
    count = len(values)
    value = values.ranked(nearest_rank(percent, count))

    def estimate(confidence: float) -> Estimate:
        ranks = percentile_ranks(percent, count, confidence)
        return Estimate(value, *(None if rank is None else values.ranked(rank) for rank in ranks))

    return Side(count, estimate)


def published_side(value: float, samples: int, intervals: Mapping[float, Interval]) -> Side:
    """Return a value whose intervals were published at some confidences: the next greater one serves for any other."""

    def estimate(confidence: float) -> Estimate:
        level = min((each for each in intervals if each >= confidence - _ROUNDING), default=None)
        return Estimate(value, *(Interval(None, None) if level is None else intervals[level]))

    return Side(samples, estimate)


def _rate_side(hits: int, samples: int) -> Side:
    bounds = partial(rate_interval, hits, samples)
    return Side(samples, lambda confidence: Estimate(hits / samples, *(bounds(confidence) or (None, None))))


def _count_side(events: int, scale: float) -> Side:
    def estimate(confidence: float) -> Estimate:
        low, high = count_interval(events, confidence)
        return Estimate(events * scale, low * scale, high * scale)

    return Side(events, estimate)


def _mean_side(moments: Moments, fewest: int) -> Side:
    def estimate(confidence: float) -> Estimate:
        bounded = moments.samples >= fewest
        return Estimate(moments.mean, *(mean_interval(moments, confidence) if bounded else (None, None)))

    return Side(moments.samples, estimate)
