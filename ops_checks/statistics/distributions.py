"""Distributions as far as intervals and tests need them: quantiles of two, and the chances of counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_TAIL, _Z = 0.025, 1.959963984540054
#: Chances below this share of the largest change no sum that is asked for.
_NEGLIGIBLE = 1e-17


def tail_of(confidence: float) -> float:
    """Return the chance that a two-sided interval leaves on either side."""
    return _TAIL if confidence == 0.95 else (1 - confidence) / 2  # noqa: PLR2004 - 1 - 0.95 is not quite 0.05


def normal_quantile(tail: float) -> float:
    """Return what a standard normal exceeds with a chance of `tail`, between 0 and 1."""
    if tail == _TAIL:  # saves plain reports the import
        return _Z
    from statistics import NormalDist

    return -NormalDist().inv_cdf(tail)


def t_quantile(tail: float, degrees: int) -> float:
    """Return what Student's t with so many degrees of freedom exceeds with a chance of `tail`.

    The expansion of Cornish and Fisher: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions" (1964),
    26.7.5. From 29 degrees on, with a tail of 1e-5 or more, it is right to four digits.
    """
    x = normal_quantile(tail)
    y, part = x * x, 1 / degrees
    first = (y + 1) / 4
    second = ((5 * y + 16) * y + 3) / 96
    third = (((3 * y + 19) * y + 17) * y - 15) / 384
    fourth = ((((79 * y + 776) * y + 1482) * y - 1920) * y - 945) / 92160
    return x * (1 + part * (first + part * (second + part * (third + part * fourth))))


class Chances(NamedTuple):
    """The chances, up to a common factor, of the counts that matter: of `first`, of `first` + 1, and so on."""

    first: int
    weights: list[float]

    def reaching(self, count: int) -> float:
        """Return the chance of `count` or more."""
        return sum(self.weights[max(0, count - self.first) :]) / sum(self.weights)


def binomial(samples: int, share: float) -> Chances:
    """Return the chances of each number of hits among independent samples, each of which is one with chance `share`."""
    odds = share / (1 - share)
    mode = min(samples, int((samples + 1) * share))
    return _around(mode, 0, samples, lambda count: (samples - count) / (count + 1) * odds)


def hypergeometric(drawn: int, hits: int, samples: int) -> Chances:
    """Return the chances of each number of hits among the samples drawn, without return, from all, `hits` of which are.

    `drawn` and `hits` are at most `samples`.
    """
    others = samples - hits - drawn
    mode = (drawn + 1) * (hits + 1) // (samples + 2)
    return _around(
        mode,
        max(0, -others),
        min(drawn, hits),
        lambda count: (hits - count) * (drawn - count) / ((count + 1) * (others + count + 1)),
    )


def _around(mode: int, least: int, most: int, ratio: Callable[[int], float]) -> Chances:
    """Return the chances of the counts around the most likely one; `ratio` is that of the next count's and a count's.

    Walks from the most likely count outwards, so that nothing overflows and about nine standard deviations a side are
    visited, not all counts.
    """
    above: list[float] = []
    chance, count = 1.0, mode
    while count < most and chance > _NEGLIGIBLE:
        chance *= ratio(count)
        above.append(chance)
        count += 1
    below: list[float] = []
    chance, count = 1.0, mode
    while count > least and chance > _NEGLIGIBLE:
        count -= 1
        chance /= ratio(count)
        below.append(chance)
    return Chances(count, [*below[::-1], 1.0, *above])
