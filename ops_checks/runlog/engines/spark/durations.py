"""Exact percentiles and the mean of durations that are too many to fetch: Spark counts them, and never approximates.

`percentile_disc` would do for few distinct values, but it keeps all of them in the memory of one worker, and those few
are fetched anyway (see `fetch`). A rank is found by counting: how many durations begin with each of the highest bits,
then with each of the next ones. Finite floats >= 0 sort as their bits do.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ops_checks.runlog.engines.spark.worker import bits_of
from ops_checks.runlog.percentiles import Durations, float_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: So many distinct durations are fetched, with how often there is each: 16 MB.
MOST_DISTINCT = 1 << 20
#: The bits that a step of counting leaves to the next one; no step has more than 2^23 kinds.
_SHIFTS = (40, 20, 0)
_STEP = 20


def fetch(table: Any, sums: Callable[[Iterable[Any]], Iterable[Any]], most: int = MOST_DISTINCT) -> Durations:  # noqa: ANN401 - of Spark
    """Return the durations of a table (`key`: their bits, `n`: how many): all where few differ, else what asks Spark.

    `sums` is what a worker adds them up with.
    """
    counted = table.groupBy("key").sum("n").limit(most + 1).toArrow()
    if counted.num_rows > most:
        return CountedDurations(table, sums)
    durations = Durations()
    bits, counts = (column.to_pylist() for column in counted.columns)
    durations.counts.update(dict(zip(map(float_of, bits), counts, strict=True)))
    return durations


class CountedDurations(Durations):
    """Durations that stay where Spark has them; nothing is added to them here."""

    def __init__(self, table: Any, sums: Callable[[Iterable[Any]], Iterable[Any]]) -> None:  # noqa: ANN401 - of Spark
        super().__init__()
        self._table = table
        self._sums = sums
        self._known: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        return _total(self._table)

    def mean(self) -> float | None:
        """Return the mean, from the exact sum, as `Durations` does."""
        rows = self._table.select("key", "n").mapInArrow(self._sums, "total string").collect()
        total = Fraction(sum(int(row.total, 16) for row in rows), 1 << 1074)
        try:
            return float(total) / self._count
        except OverflowError:
            return float(total / self._count)

    def above(self, limit: float) -> int:
        """Return how many values exceed a limit."""
        return self._count if limit < 0 else _total(self._table.where(f"key > {bits_of([limit])[0]}"))

    def ranked(self, rank: int) -> float:
        """Return the value of a rank, from 1 for the smallest. Raises ValueError for a rank that no value has."""
        if not 1 <= rank <= self._count:
            raise ValueError(f"no rank {rank} among {self._count} values")
        prefix = 0
        for shift in _SHIFTS:
            for kind, count in self._kinds(shift, prefix):
                if rank <= count:
                    prefix = kind
                    break
                rank -= count
        return float_of(prefix)

    def _kinds(self, shift: int, prefix: int) -> list[tuple[int, int]]:
        """Return how many durations have each of the bits from `shift` on, of those whose higher ones are `prefix`."""
        known = self._known.get((shift, prefix))
        if known is None:
            among = self._table.where(f"shiftright(key, {shift + _STEP}) = {prefix}") if prefix else self._table
            rows = among.selectExpr(f"shiftright(key, {shift}) AS kind", "n").groupBy("kind").sum("n").collect()
            known = self._known[shift, prefix] = sorted((row[0], row[1]) for row in rows)
        return known


def _total(table: Any) -> int:  # noqa: ANN401 - of Spark
    return table.groupBy().sum("n").collect()[0][0] or 0
