"""Exact percentiles and the mean of durations that are too many to fetch: Spark counts them, and never approximates.

`percentile_disc` would do for few distinct values, but it keeps all of them in the memory of one worker, and those few
are fetched anyway (see `fetch`). A rank is found by counting: how many durations begin with each of the highest bits,
then with each of the next ones. Finite floats >= 0 sort as their bits do.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from ops_checks.runlog.engines.spark.worker import bits_of
from ops_checks.runlog.percentiles import Durations, float_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

#: So many distinct durations are fetched, with how often there is each: 16 MB.
MOST_DISTINCT = 1 << 20
#: The bits that a step of counting leaves to the next one; no step has more than 2^23 kinds.
_SHIFTS = (40, 20, 0)
_STEP = 20


class Asked(NamedTuple):
    """A table of durations in Spark (`key`: their bits, `n`: how many), and what asks it.

    `sums` is what a worker adds them up with; in `guard()` what Spark raises becomes an InputError.
    """

    table: Any
    sums: Callable[[Iterable[Any]], Iterable[Any]]
    guard: Callable[[], AbstractContextManager[None]]

    def rows(self, frame: Any) -> list[Any]:  # noqa: ANN401 - of Spark
        """Return the rows of a frame. Raises InputError."""
        with self.guard():
            found: list[Any] = frame.collect()
        return found


def fetch(asked: Asked) -> Durations:
    """Return the durations of a table: all of them where few differ, else what asks Spark. Raises InputError."""
    with asked.guard():
        counted = asked.table.groupBy("key").sum("n").limit(MOST_DISTINCT + 1).toArrow()
    if counted.num_rows > MOST_DISTINCT:
        return CountedDurations(asked)
    durations = Durations()
    bits, counts = (column.to_pylist() for column in counted.columns)
    durations.counts.update(dict(zip(map(float_of, bits), counts, strict=True)))
    return durations


class CountedDurations(Durations):
    """Durations that stay where Spark has them; nothing is added to them here."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._asked = asked
        self._known: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._count = self._total(asked.table)

    def __len__(self) -> int:
        return self._count

    def mean(self) -> float | None:
        """Return the mean, from the exact sum, as `Durations` does."""
        with self._asked.guard():
            sums = self._asked.table.select("key", "n").mapInArrow(self._asked.sums, "total string")
        total = Fraction(sum(int(row.total, 16) for row in self._asked.rows(sums)), 1 << 1074)
        try:
            return float(total) / self._count
        except OverflowError:
            return float(total / self._count)

    def above(self, limit: float) -> int:
        """Return how many values exceed a limit."""
        return self._count if limit < 0 else self._total(self._asked.table.where(f"key > {bits_of([limit])[0]}"))

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
            table = self._asked.table
            among = table if shift == _SHIFTS[0] else table.where(f"shiftright(key, {shift + _STEP}) = {prefix}")
            frame = among.selectExpr(f"shiftright(key, {shift}) AS kind", "n").groupBy("kind").sum("n")
            known = self._known[shift, prefix] = sorted((row[0], row[1]) for row in self._asked.rows(frame))
        return known

    def _total(self, table: Any) -> int:  # noqa: ANN401 - of Spark
        return self._asked.rows(table.groupBy().sum("n"))[0][0] or 0
