"""Exact percentiles and the mean of durations that are too many to fetch: Spark counts them, and never approximates.

`percentile_disc` would do for few distinct values, but it keeps all of them in the memory of one worker, and those few
are fetched anyway (see `fetch`). A rank is found by counting: how many durations begin with each of the highest bits,
then with each of the next ones. Finite floats >= 0 sort as their bits do.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ops_checks.errors import InputError
from ops_checks.runlog.engines.spark.worker import bits_of
from ops_checks.runlog.percentiles import Durations, float_of
from ops_checks.statistics.intervals import nearest_rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from ops_checks.runlog.grouping import GroupStats

#: So many distinct durations are fetched, with how often there is each: 16 MB.
MOST_DISTINCT = 1 << 20
#: The bits that a step of counting leaves to the next one; no step has more than 2^23 kinds.
_SHIFTS = (40, 20, 0)
_STEP = 20


#: The percentiles of groups that are asked for at once, as many as are shown of each.
_SHOWN = (50, 95, 99)
_ALL_BEFORE = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
#: Of a table of values of groups (`payload`, `key`, `n`): how many of a group are smaller, and how many there are.
_UP_TO = (
    "payload",
    "key",
    f"COALESCE(SUM(n) OVER (PARTITION BY payload ORDER BY key {_ALL_BEFORE}), 0) AS before",
    "n",
    "SUM(n) OVER (PARTITION BY payload) AS total",
)
#: Whether a value is one of the percentiles, by nearest rank.
_IS_SHOWN = " OR ".join(
    f"(before < ({percent} * total + 99) DIV 100 AND ({percent} * total + 99) DIV 100 <= before + n)"
    for percent in _SHOWN
)


class Asked(NamedTuple):
    """A table of durations in Spark (`key`: their bits, `n`: how many), and what asks it.

    `shipped` returns what calls a function of the worker's module there; in `guard()` what Spark raises becomes an
    InputError.
    """

    table: Any
    shipped: Callable[..., Callable[[Iterable[Any]], Iterable[Any]]]
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


def fetch_groups(asked: Asked, groups: Mapping[bytes, GroupStats]) -> None:
    """Give groups their durations, by their names in the table (`payload`): all of them where few differ.

    Else they stay where Spark has them: what is shown of each group is asked for at once. Raises InputError.
    """
    with asked.guard():
        by_value = asked.table.groupBy("payload", "key").sum("n").toDF("payload", "key", "n")
        found = by_value.limit(MOST_DISTINCT + 1).toArrow()
    if found.num_rows <= MOST_DISTINCT:
        for name, bits, count in zip(*(column.to_pylist() for column in found.columns), strict=True):
            groups[name].durations.counts[float_of(bits)] += count
        return
    known: dict[bytes, dict[int, float]] = {name: {} for name in groups}
    counts = dict.fromkeys(groups, 0)
    for name, bits, before, count, total in asked.rows(by_value.selectExpr(*_UP_TO).where(_IS_SHOWN)):
        counts[name] = total
        known[name] |= {rank: float_of(bits) for rank in _ranks(total) if before < rank <= before + count}
    for name, group in groups.items():
        table = asked.table.where(f"payload = X'{name.hex()}'")
        group.durations = CountedDurations(asked._replace(table=table), counts[name], known[name])


def _ranks(count: int) -> Iterator[int]:
    """Yield the ranks of the percentiles that are shown."""
    return (nearest_rank(percent, count) for percent in _SHOWN)


class CountedDurations(Durations):
    """Durations that stay where Spark has them; nothing is added to them here, and they are added to no others.

    `count`: how many they are; `ranks`: the values of some ranks that are known already.
    """

    def __init__(self, asked: Asked, count: int | None = None, ranks: Mapping[int, float] | None = None) -> None:
        super().__init__()
        self._asked = asked
        self._known: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._count = self._total(asked.table) if count is None else count
        self._ranks = ranks or {}

    def __len__(self) -> int:
        return self._count

    def values(self) -> NoReturn:
        """Raise InputError: they are too many to be here."""
        raise InputError(
            "engine spark: the durations of groups are too many to be added up here: narrow the window (kpi.window), "
            "or group by what has fewer"
        )

    def mean(self) -> float | None:
        """Return the mean, from the exact sum, as `Durations` does."""
        (total,) = self._sums("total string", "sums")
        try:
            return float(total) / self._count
        except OverflowError:
            return float(total / self._count)

    def powers(self, mean: float, scale: float) -> tuple[float, float]:
        """Return sums of powers, as `Durations` does."""
        squares, cubes = self._sums("squares string, cubes string", "powers", mean, scale)
        return float(squares), float(cubes)

    def above(self, limit: float) -> int:
        """Return how many values exceed a limit."""
        return self._count if limit < 0 else self._total(self._asked.table.where(f"key > {bits_of([limit])[0]}"))

    def ranked(self, rank: int) -> float:
        """Return the value of a rank, from 1 for the smallest. Raises ValueError for a rank that no value has."""
        if not 1 <= rank <= self._count:
            raise ValueError(f"no rank {rank} among {self._count} values")
        if rank in self._ranks:
            return self._ranks[rank]
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

    def _sums(self, columns: str, function: str, *arguments: float) -> list[Fraction]:
        """Return the sums of what a function of the worker yields as units of 2^-1074, one for each of its columns."""
        with self._asked.guard():
            parts = self._asked.table.select("key", "n").mapInArrow(self._asked.shipped(function, *arguments), columns)
        rows = self._asked.rows(parts)
        return [Fraction(sum(int(each, 16) for each in column), 1 << 1074) for column in zip(*rows, strict=True)]

    def _total(self, table: Any) -> int:  # noqa: ANN401 - of Spark
        return self._asked.rows(table.groupBy().sum("n"))[0][0] or 0
