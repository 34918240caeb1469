"""The interval of the difference and of the ratio of two independent values, from the interval of each."""

from __future__ import annotations

from math import hypot, sqrt
from typing import NamedTuple

from ops_checks.statistics.intervals import Interval


class Estimate(NamedTuple):
    """A value of at least 0 and its interval; None for a side on which nothing bounds it."""

    value: float
    low: float | None
    high: float | None


def difference(now: Estimate, before: Estimate) -> Interval:
    """Return the interval of `now` - `before` at the confidence of the two intervals given.

    The method of variance estimates recovery (MOVER): G. Y. Zou and A. Donner, "Construction of confidence limits about
    effect measures: a general approach", Statistics in Medicine 27 (2008), 1693-1702. From the Wilson intervals of two
    rates it is the hybrid score interval, method 10 of R. G. Newcombe, "Interval estimation for the difference between
    independent proportions", Statistics in Medicine 17 (1998), 873-890.
    """
    least, opposite = _least_difference(now, before), _least_difference(before, now)
    return Interval(least, None if opposite is None else -opposite)


def _least_difference(now: Estimate, before: Estimate) -> float | None:
    if now.low is None or before.high is None:
        return None
    return now.value - before.value - hypot(now.value - now.low, before.high - before.value)


def ratio(now: Estimate, before: Estimate) -> Interval:
    """Return the interval of `now` / `before` at the confidence of the two intervals given; its low end is at least 0.

    It holds the ratios r for which 0 lies in the interval of `now` - r · `before`: A. Donner and G. Y. Zou,
    "Closed-form confidence intervals for functions of the normal mean and standard deviation", Statistical Methods in
    Medical Research 21 (2012), 347-359; for two Poisson counts H.-Q. Li, M.-L. Tang and W.-K. Wong, "Confidence
    intervals for ratio of two Poisson rates using the method of variance estimates recovery", Computational Statistics
    29 (2014), 869-889.
    """
    scale = max(now.value, now.high or 0.0, before.value, before.high or 0.0) or 1.0  # no product may overflow
    ours, theirs = _divided(now, scale), _divided(before, scale)
    return Interval(_least_ratio(ours, theirs), _greatest_ratio(ours, theirs))


def _divided(estimate: Estimate, scale: float) -> Estimate:
    value, *bounds = estimate
    return Estimate(value / scale, *(None if bound is None else bound / scale for bound in bounds))


def _least_ratio(now: Estimate, before: Estimate) -> float:
    """Return the least root of square · r² - 2 · product · r + constant, in a form without cancellation."""
    if now.low is None or before.high is None:
        return 0.0
    square = before.high * (2 * before.value - before.high)
    constant = now.low * (2 * now.value - now.low)
    product = now.value * before.value
    divisor = product + sqrt(max(0.0, product * product - square * constant))
    return constant / divisor if divisor else 0.0


def _greatest_ratio(now: Estimate, before: Estimate) -> float | None:
    """Return the greatest root of the same with the other bounds, None where any ratio is possible."""
    if now.high is None or before.low is None:
        return None
    square = before.low * (2 * before.value - before.low)
    constant = now.high * (2 * now.value - now.high)
    product = now.value * before.value
    return (product + sqrt(max(0.0, product * product - square * constant))) / square if square else None
