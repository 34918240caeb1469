"""How sure a rate, a percentile, a mean or a count is: its interval from the samples, at any confidence.

All intervals are two-sided: at a confidence of 0.95 they leave 2.5 % on either side. For a bound on one side alone take
`one_sided(0.95)`: of that interval, one bound holds with 95 %.
"""

from __future__ import annotations

from math import cbrt, ceil, log, sqrt
from typing import NamedTuple

from ops_checks.statistics.distributions import binomial, normal_quantile, t_quantile, tail_of

CONFIDENCE = 0.95
#: The fewest samples of which a mean has an interval, however even they are.
_FEWEST = 30
#: W. G. Cochran's multiple of the squared skewness: so many samples make the mean's distribution normal enough.
_COCHRAN = 25
#: Less skewness than this makes no difference to a bound, and dividing by it one of its own.
_NO_SKEW = 1e-9


class Interval(NamedTuple):
    """Where a value lies, with some confidence; None for a side on which nothing bounds it."""

    low: float | None
    high: float | None


def one_sided(confidence: float) -> float:
    """Return the confidence of the two-sided interval each bound of which holds with a confidence of its own."""
    return 2 * confidence - 1


def rate_interval(hits: int, samples: int, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Return the Wilson score interval of a rate, or None without samples.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927), 209-212. Unlike the usual
    p ± z·s it stays within 0 and 1 and holds for small samples and rates near 0.
    """
    if not samples:
        return None
    z = normal_quantile(tail_of(confidence))
    rate = hits / samples
    spread = z * z / samples
    centre = rate + spread / 2
    reach = sqrt(spread * (rate * (1 - rate) + spread / 4))
    low = 0.0 if hits == 0 else max(0.0, (centre - reach) / (1 + spread))
    high = 1.0 if hits == samples else min(1.0, (centre + reach) / (1 + spread))
    return low, high


def count_interval(count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the score interval of the mean number of events, of which `count` were seen and which are independent.

    N. C. Schwertman and R. A. Martinez, "Approximate Poisson confidence limits", Communications in Statistics - Theory
    and Methods 23 (1994), 1507-1529: for counts what Wilson's interval is for rates.
    """
    z = normal_quantile(tail_of(confidence))
    reach = z * sqrt(count + z * z / 4)
    return (count + z * z / 2 - reach if count else 0.0), count + z * z / 2 + reach


def nearest_rank(percent: int, samples: int) -> int:
    """Return the rank, from 1, of the value that is a percentile of some samples: at least `percent` % are up to it."""
    return max(1, -(-percent * samples // 100))


def percentile_ranks(percent: int, samples: int, confidence: float = CONFIDENCE) -> tuple[int | None, int | None]:
    """Return the ranks between whose values a percentile lies with some confidence; None where no value bounds it.

    The number of values below the percentile is binomial, whatever the distribution, so the
    interval between two order statistics covers it with a binomial probability: W. J. Conover,
    "Practical Nonparametric Statistics", 3rd edition (1999), section 3.2; H. A. David and
    H. N. Nagaraja, "Order Statistics", 3rd edition (2003), section 7.1. At most half of what the confidence leaves
    is left on either side; equal values only make it surer. Ranks count from 1.
    """
    if not samples:
        return None, None
    first, chances = binomial(samples, percent / 100)
    share = tail_of(confidence) * sum(chances)
    low = _passing(chances, share) + first
    high = first + len(chances) - _passing(chances[::-1], share)
    return (low if low >= 1 else None), (high if high <= samples else None)


def percentile_samples(percent: int, confidence: float = CONFIDENCE) -> int:
    """Return the fewest samples of which both sides of a percentile are bounded by a value."""
    rarer = max(percent, 100 - percent) / 100
    return ceil(log(tail_of(confidence)) / log(rarer))


class Moments(NamedTuple):
    """What the interval of a mean is made from: the number of samples, their mean, standard deviation and skewness.

    The deviation has n - 1 in its denominator; the skewness is the third central moment over the second to the power
    of 3/2, and 0 for equal values.
    """

    samples: int
    mean: float
    deviation: float
    skewness: float


def mean_interval(moments: Moments, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of the mean of values that are at least 0, from `mean_samples` samples.

    Student's, with the skewness taken out, as a long tail would make the bound on its side fail too often: P. Hall, "On
    the removal of skewness by transformation", Journal of the Royal Statistical Society B 54 (1992), 221-228.
    """
    tail, skew = t_quantile(tail_of(confidence), moments.samples - 1), moments.skewness / sqrt(moments.samples)
    error = moments.deviation / sqrt(moments.samples)
    return max(0.0, moments.mean - error * _unskewed(tail, skew)), moments.mean - error * _unskewed(-tail, skew)


def mean_samples(*skewness: float) -> int:
    """Return of how many samples a mean has an interval that holds, by the skewness that was seen in one set or more.

    25 times its square: W. G. Cochran, "Sampling Techniques", 3rd edition (1977), section 2.15. The times of runs have
    long tails, and a small set that has none of it by chance shows no skewness: of two sets the greater one counts.
    """
    return max(_FEWEST, ceil(_COCHRAN * max(each * each for each in skewness)))


def _unskewed(quantile: float, skew: float) -> float:
    """Return the inverse of Hall's transformation, t + skew t² / 3 + skew² t³ / 27 + skew / 6."""
    if abs(skew) < _NO_SKEW:
        return quantile
    return 3 / skew * (cbrt(1 + skew * (quantile - skew / 6)) - 1)


def _passing(chances: list[float], share: float) -> int:
    """Return the index at which the running sum first exceeds a share."""
    reached = 0.0
    for index, chance in enumerate(chances):
        reached += chance
        if reached > share:
            return index
    return len(chances)
