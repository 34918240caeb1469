"""Millions of durations in little memory, and their exact order statistics."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from itertools import accumulate, chain, repeat
from math import fsum
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: So many distinct values are counted; a log with more (fractions of milliseconds, say) keeps the rest as they are.
MOST_COUNTED = 1 << 16
#: The values that are not counted are sorted in stretches of this many, because one sort of all needs four times
#: their memory.
STRETCH = 1 << 17

#: Below this every whole number is a float.
_EXACT = 1 << 53

_AS_FLOAT = Struct("<d")
_AS_BITS = Struct("<q")


class Durations:
    """A multiset of finite numbers >= 0 with exact percentiles and mean; order of arrival makes no difference.

    Most runs take a whole number of milliseconds and few different ones, so equal values are
    counted in `counts`; what comes after MOST_COUNTED distinct ones goes to `rest`, eight bytes each.
    """

    __slots__ = ("_most_counted", "_steps", "_stretch", "counts", "rest")

    def __init__(self, *, most_counted: int = MOST_COUNTED, stretch: int = STRETCH) -> None:
        """Start empty; both sizes exist so that tests reach the far paths with few values."""
        self.counts: Counter[float] = Counter()
        self.rest = array("d")
        self._most_counted = most_counted
        self._stretch = stretch
        self._steps: _Steps | None = None

    def add(self, values: Iterable[float]) -> None:
        """Take in more values."""
        self._steps = None
        if len(self.counts) < self._most_counted:
            self.counts.update(values)
        else:
            self.rest.extend(values)

    def add_all(self, other: Durations) -> None:
        """Take in all values of another multiset."""
        self._steps = None
        self.counts.update(other.counts)
        self.rest.extend(other.rest)

    def __len__(self) -> int:
        return self.counts.total() + len(self.rest)

    def mean(self) -> float | None:
        """Return the mean, rounded once from the exact sum, or None without values."""
        count = len(self)
        if not count:
            return None
        # As integers their sum is exact, and so are the two floats that it is split into.
        whole = {value: times for value, times in self.counts.items() if value < _EXACT and value.is_integer()}
        total = sum(int(value) * times for value, times in whole.items())
        others = ((value, times) for value, times in self.counts.items() if value not in whole)
        repeated = chain.from_iterable(repeat(value, times) for value, times in others)
        try:
            return fsum(chain((high := float(total), total - int(high)), repeated, self.rest)) / count
        except OverflowError:
            from fractions import Fraction

            counted = sum(Fraction(value) * times for value, times in self.counts.items())
            return float((counted + sum(map(Fraction, self.rest))) / count)

    def max(self) -> float | None:
        """Return the largest value, or None without values."""
        return self.ranked(len(self)) if len(self) else None

    def percentile(self, percent: int) -> float | None:
        """Return the nearest-rank percentile (SQL's `percentile_disc`; FORMATS section 4), or None without values.

        It is the smallest value that at least `percent` % of the values do not exceed.
        """
        count = len(self)
        return self.ranked(max(1, -(-percent * count // 100))) if count else None

    def above(self, limit: float) -> int:
        """Return how many values exceed a limit."""
        return len(self) - self._sorted().up_to(limit)

    def ranked(self, rank: int) -> float:
        """Return the value of a rank, the smallest having rank 1. Raises ValueError where there is none such.

        Finite doubles >= 0 order as their bits do when read as integers, so halving the range of
        bits finds the value in 63 steps, whatever the values are.
        """
        if not 1 <= rank <= len(self):
            raise ValueError(f"no rank {rank} among {len(self)} values")
        steps = self._sorted()
        low, high = 0, _bits(steps.largest)
        while low < high:
            middle = (low + high) // 2
            if steps.up_to(_float(middle)) >= rank:
                high = middle
            else:
                low = middle + 1
        return _float(low)

    def _sorted(self) -> _Steps:
        if self._steps is None:
            self._steps = _Steps(self.counts, self.rest, self._stretch)
        return self._steps


class _Steps:
    """How many values are no larger than a number: the counted ones as a running total, the others sorted in stretches.

    Sorts `rest` where it lies.
    """

    def __init__(self, counts: Counter[float], rest: array[float], stretch: int) -> None:
        self._values = sorted(counts)
        self._totals = [0, *accumulate(counts[value] for value in self._values)]
        self._rest = rest
        self._ends = [(start, min(start + stretch, len(rest))) for start in range(0, len(rest), stretch)]
        for start, end in self._ends:
            rest[start:end] = array("d", sorted(rest[start:end]))
        self.largest = max([*self._values[-1:], *(rest[end - 1] for _, end in self._ends)], default=0.0)

    def up_to(self, limit: float) -> int:
        """Return how many values are no larger than the limit."""
        others = sum(bisect_right(self._rest, limit, start, end) - start for start, end in self._ends)
        return self._totals[bisect_right(self._values, limit)] + others


def _bits(value: float) -> int:
    bits: int = _AS_BITS.unpack(_AS_FLOAT.pack(value + 0.0))[0]
    return bits


def _float(bits: int) -> float:
    value: float = _AS_FLOAT.unpack(_AS_BITS.pack(bits))[0]
    return value
