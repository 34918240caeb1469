"""How sure a rate or a percentile is: its 95 % interval from the number of samples."""

from __future__ import annotations

from math import sqrt

#: The standard normal's 97.5 % quantile: 95 % lie within so many standard deviations on both sides.
Z = 1.959963984540054
_TAIL = 0.025
#: Probabilities below this share of the largest change no quantile that is asked for.
_NEGLIGIBLE = 1e-17


def rate_interval(hits: int, samples: int) -> tuple[float, float] | None:
    """Return the Wilson score interval of a rate (95 %), or None without samples.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927), 209-212. Unlike the usual
    p ± z·s it stays within 0 and 1 and holds for small samples and rates near 0.
    """
    if not samples:
        return None
    rate = hits / samples
    spread = Z * Z / samples
    centre = rate + spread / 2
    reach = sqrt(spread * (rate * (1 - rate) + spread / 4))
    low = 0.0 if hits == 0 else max(0.0, (centre - reach) / (1 + spread))
    high = 1.0 if hits == samples else min(1.0, (centre + reach) / (1 + spread))
    return low, high


def percentile_ranks(percent: int, samples: int) -> tuple[int | None, int | None]:
    """Return the ranks between whose values a percentile lies with 95 % confidence; None where no value bounds it.

    The number of values below the percentile is binomial, whatever the distribution, so the
    interval between two order statistics covers it with a binomial probability: W. J. Conover,
    "Practical Nonparametric Statistics", 3rd edition (1999), section 3.2; H. A. David and
    H. N. Nagaraja, "Order Statistics", 3rd edition (2003), section 7.1. At most 2.5 % are left
    on either side. Ranks count from 1.
    """
    if not samples:
        return None, None
    first, chances = _binomial(samples, percent / 100)
    total = sum(chances)
    low = _passing(chances, _TAIL * total) + first
    high = first + len(chances) - _passing(chances[::-1], _TAIL * total)
    return (low if low >= 1 else None), (high if high <= samples else None)


def _passing(chances: list[float], share: float) -> int:
    """Return the index at which the running sum first exceeds a share."""
    reached = 0.0
    for index, chance in enumerate(chances):
        reached += chance
        if reached > share:
            return index
    return len(chances)


def _binomial(samples: int, share: float) -> tuple[int, list[float]]:
    """Return the binomial probabilities that matter, up to a common factor, and the count that the first stands for.

    Walks from the most likely count outwards by the ratio of neighbours, so that nothing
    overflows and about nine standard deviations a side are visited, not all counts.
    """
    mode = int((samples + 1) * share)
    odds = share / (1 - share)
    above: list[float] = []
    chance, count = 1.0, mode
    while count < samples and chance > _NEGLIGIBLE:
        chance *= (samples - count) / (count + 1) * odds
        above.append(chance)
        count += 1
    below: list[float] = []
    chance, count = 1.0, mode
    while count > 0 and chance > _NEGLIGIBLE:
        chance *= count / ((samples - count + 1) * odds)
        below.append(chance)
        count -= 1
    return count, [*below[::-1], 1.0, *above]
