"""Exact percentiles and means of millions of durations, in little memory (FORMATS section 4)."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from itertools import accumulate, chain, repeat
from math import fsum, sqrt
from struct import Struct
from typing import TYPE_CHECKING

from ops_checks.statistics.intervals import Moments, nearest_rank

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Distinct values that are counted; a log with more (fractions of milliseconds, say) keeps the others one by one.
MOST_COUNTED = 1 << 16
#: Uncounted values that are sorted at a time: one sort of all would need four times their memory.
CHUNK = 1 << 17

#: Values that are not counted in a set that has no more: a counted one takes about as much memory as twelve others.
_FEW = 4096

#: Below this every whole number is a float.
_EXACT = 1 << 53

_AS_FLOAT = Struct("<d")
_AS_BITS = Struct("<q")


class Durations:
    """A multiset of finite numbers >= 0 with exact percentiles and mean; the order of adding makes no difference.

    Most runs take a whole number of milliseconds, and many the same, so equal values are counted in `counts`. After
    `most_counted` distinct ones, further values go to `uncounted`, eight bytes each, sorted `chunk` values at a time.
    """

    __slots__ = ("_chunk", "_cumulative", "_most_counted", "counts", "uncounted")

    def __init__(self, *, most_counted: int = MOST_COUNTED, chunk: int = CHUNK) -> None:
        self.counts: Counter[float] = Counter()
        self.uncounted = array("d")
        self._most_counted = most_counted
        self._chunk = chunk
        self._cumulative: _CumulativeCounts | None = None

    def add(self, values: Iterable[float]) -> None:
        """Add values."""
        self._cumulative = None
        if len(self.counts) < self._most_counted:
            self.counts.update(values)
        else:
            self.uncounted.extend(values)

    def append_few(self, value: float) -> None:
        """Add a value as `append`, but the first few are not counted: of many small sets each takes little memory."""
        if not self.counts:
            if len(self.uncounted) < _FEW:
                self._cumulative = None
                self.uncounted.append(value)
                return
            self.counts.update(self.uncounted)
            del self.uncounted[:]
        self.append(value)

    def append(self, value: float) -> None:
        """Add a value."""
        self._cumulative = None
        if len(self.counts) < self._most_counted:
            self.counts[value] += 1
        else:
            self.uncounted.append(value)

    def add_all(self, other: Durations) -> None:
        """Add all values of another multiset."""
        self._cumulative = None
        counts, uncounted = other.values()
        self.counts.update(counts)
        self.uncounted.extend(uncounted)

    def values(self) -> tuple[Counter[float], array[float]]:
        """Return the values that are counted, and the others. Raises InputError where an engine has not got them."""
        return self.counts, self.uncounted

    def remove_all(self, other: Durations) -> None:
        """Remove all values of another multiset that was added whole."""
        self._cumulative = None
        for value, times in other.counts.items():
            if self.counts[value] == times:
                del self.counts[value]
            else:
                self.counts[value] -= times
        if other.uncounted:
            self.uncounted = array("d", (Counter(self.uncounted) - Counter(other.uncounted)).elements())

    def __len__(self) -> int:
        return self.counts.total() + len(self.uncounted)

    def mean(self) -> float | None:
        """Return the mean, rounded once from the exact sum, or None without values."""
        count = len(self)
        if not count:
            return None
        # The sum of integers is exact, and so are the two floats that it is split into.
        whole = {value: times for value, times in self.counts.items() if value < _EXACT and value.is_integer()}
        total = sum(int(value) * times for value, times in whole.items())
        others = ((value, times) for value, times in self.counts.items() if value not in whole)
        repeated = chain.from_iterable(repeat(value, times) for value, times in others)
        try:
            return fsum(chain((high := float(total), total - int(high)), repeated, self.uncounted)) / count
        except OverflowError:
            from fractions import Fraction

            counted = sum(Fraction(value) * times for value, times in self.counts.items())
            return float((counted + sum(map(Fraction, self.uncounted))) / count)

    def moments(self) -> Moments | None:
        """Return what the interval of the mean is made from, or None without values."""
        mean, most = self.mean(), self.max()
        if mean is None or most is None:
            return None
        count, scale = len(self), most or 1.0
        squares, cubes = self.powers(mean, scale)
        skewness = cubes / count / (squares / count) ** 1.5 if squares else 0.0
        return Moments(count, mean, scale * sqrt(squares / max(1, count - 1)), skewness)

    def powers(self, mean: float, scale: float) -> tuple[float, float]:
        """Return the sums of the squares and of the cubes of how far values are from the mean, in units of `scale`.

        With the largest value as the unit no power overflows.
        """
        counted = chain(self.counts.items(), zip(self.uncounted, repeat(1)))
        apart = [((value - mean) / scale, times) for value, times in counted]
        return fsum(each * each * times for each, times in apart), fsum(each**3 * times for each, times in apart)

    def max(self) -> float | None:
        """Return the largest value, or None without values."""
        return self.ranked(len(self)) if len(self) else None

    def percentile(self, percent: int) -> float | None:
        """Return the nearest-rank percentile (FORMATS section 4), or None without values.

        It is SQL's `percentile_disc`: the smallest value that at least `percent` % of the values do not exceed.
        """
        count = len(self)
        return self.ranked(nearest_rank(percent, count)) if count else None

    def above(self, limit: float) -> int:
        """Return how many values exceed a limit."""
        return len(self) - self._cumulate().up_to(limit)

    def ranked(self, rank: int) -> float:
        """Return the value of a rank, from 1 for the smallest. Raises ValueError for a rank that no value has.

        Finite doubles >= 0 sort like their bits read as integers, so bisecting the bits finds any value in 63 steps.
        """
        if not 1 <= rank <= len(self):
            raise ValueError(f"no rank {rank} among {len(self)} values")
        cumulative = self._cumulate()
        found = cumulative.ranked(rank)
        if found is not None:
            return found
        low, high = 0, _bits(cumulative.largest)
        while low < high:
            middle = (low + high) // 2
            if cumulative.up_to(float_of(middle)) >= rank:
                high = middle
            else:
                low = middle + 1
        return float_of(low)

    def _cumulate(self) -> _CumulativeCounts:
        if self._cumulative is None:
            self._cumulative = _CumulativeCounts(self.counts, self.uncounted, self._chunk)
        return self._cumulative


class _CumulativeCounts:
    """The number of values up to any limit: cumulative counts, and the uncounted values in sorted chunks.

    Sorts the chunks of `uncounted` in place.
    """

    def __init__(self, counts: Counter[float], uncounted: array[float], chunk: int) -> None:
        self._values = sorted(counts)
        self._totals = [0, *accumulate(counts[value] for value in self._values)]
        self._uncounted = uncounted
        starts = range(0, len(uncounted), chunk)
        self._chunks = [(start, min(start + chunk, len(uncounted))) for start in starts]
        for start, end in self._chunks:
            uncounted[start:end] = array("d", sorted(uncounted[start:end]))
        self.largest = max([*self._values[-1:], *(uncounted[end - 1] for _, end in self._chunks)], default=0.0)

    def ranked(self, rank: int) -> float | None:
        """Return the value of a rank where all are counted, or all in one chunk; None where they are not."""
        if not self._chunks:
            return self._values[bisect_left(self._totals, rank) - 1] + 0.0
        return self._uncounted[rank - 1] + 0.0 if len(self._chunks) == 1 and not self._values else None

    def up_to(self, limit: float) -> int:
        """Return how many values do not exceed a limit."""
        others = sum(bisect_right(self._uncounted, limit, start, end) - start for start, end in self._chunks)
        return self._totals[bisect_right(self._values, limit)] + others


def _bits(value: float) -> int:
    bits: int = _AS_BITS.unpack(_AS_FLOAT.pack(value + 0.0))[0]
    return bits


def float_of(bits: int) -> float:
    """Return the float that has some bits, read as an integer."""
    value: float = _AS_FLOAT.unpack(_AS_BITS.pack(bits))[0]
    return value
