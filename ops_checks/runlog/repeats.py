"""Find the ends of runs that stand in a log more than once, in bounded memory (FORMATS section 4).

Nearly no log has any, so a Screen passes by their times alone what certainly has none; where it cannot, the part of
the log is read again with Repeats, which knows each end of the last WINDOW lines.
"""

from __future__ import annotations

from array import array
from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from ops_checks.runlog.decoder import RunEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from ops_checks.runlog.decoder import Row

#: Equal ends count once if they are at most so many lines apart; nothing farther away is looked for.
WINDOW = 65_536

#: So many blocks may have times as late as those of a block that comes after them, and so many of all blocks may be
#: read once more for equal times; a log in more disorder takes less time with Repeats.
_MOST_OVERLAPPING = 8
_MOST_READ_AGAIN = 8
_READ_AGAIN_OF = 16


_TIME = attrgetter("ts_epoch_ms")


class MayRepeatError(Exception):
    """An end may equal an earlier one. Read the part again with Repeats."""


class Block(NamedTuple):
    """Where the bytes of a block end and how many they are, and its least and greatest time (None: not known)."""

    end: int = 0
    size: int = 0
    span: tuple[int, int] | None = None


class _Times(NamedTuple):
    """The times of the ends of a block, and where it is; `highest` is the latest time up to its end."""

    last_line: int
    end: int
    size: int
    times: array[int]
    low: int
    high: int
    highest: int


class Screen:
    """Passes blocks of which no end equals one of the last WINDOW lines; equal ends have equal times.

    `ends_of` returns the ends of a block again, given where it ends and how many bytes it has.
    """

    def __init__(self, ends_of: Callable[[int, int], list[RunEnd]], window: int = WINDOW) -> None:
        self._ends_of = ends_of
        self._window = window
        self._lines = 0
        self._number = self._read_again = 0
        self._head: list[array[int]] = []
        self._blocks: deque[_Times] = deque()

    def skip(self, count: int) -> None:
        """Count lines that are no ends."""
        self._lines += count

    def find(self, rows: Sequence[Row], ends: Sequence[RunEnd], block: Block) -> AbstractSet[int]:
        """Return the positions of repeated ends, which are none. Raises MayRepeatError if there may be some."""
        times: list[Any] = list(map(_TIME, ends))
        distinct = set(times)
        if len(distinct) < len(times) or UNSET in distinct:
            ends = identified(ends)
            times = list(map(_TIME, ends))
            distinct = set(times)
            if UNSET in distinct or len(set(map(hash, ends))) < len(ends):
                raise MayRepeatError
        self._lines += len(rows)
        self._number += 1
        if times:
            self._keep(ends, distinct, array("q", times), block)
        return frozenset()

    def _keep(self, ends: Sequence[RunEnd], distinct: AbstractSet[int], times: array[int], block: Block) -> None:
        blocks = self._blocks
        low, high = block.span or (min(times), max(times))
        highest = blocks[-1].highest if blocks else low - 1
        if low <= highest:
            self._check(ends, distinct, low, high)
        blocks.append(_Times(self._lines, block.end, block.size, times, low, high, max(highest, high)))
        while blocks[0].last_line < self._lines - self._window:
            blocks.popleft()
        if self._lines <= self._window or not self._head:
            self._head.append(times)

    def _check(self, ends: Sequence[RunEnd], times: AbstractSet[int], low: int, high: int) -> None:
        """Raise MayRepeatError if an end may equal one of the blocks before, or that takes too long to find out."""
        overlapping = 0
        for block in reversed(self._blocks):
            if block.highest < low:
                return
            if block.high < low or block.low > high:
                continue
            overlapping += 1
            if overlapping > _MOST_OVERLAPPING or not (times.isdisjoint(block.times) or self._differ(ends, block)):
                raise MayRepeatError

    def _differ(self, ends: Sequence[RunEnd], block: _Times) -> bool:
        """Return whether none of the ends is in a block that has some of their times."""
        self._read_again += 1
        if self._read_again > _MOST_READ_AGAIN + self._number // _READ_AGAIN_OF:
            return False
        return set(map(hash, self._ends_of(block.end, block.size))).isdisjoint(map(hash, ends))

    def head(self) -> array[int]:
        """Return the times of the ends of the first WINDOW lines, and some more."""
        return _joined(self._head)

    def tail(self) -> array[int]:
        """Return the times of the ends of the last WINDOW lines, and some more."""
        return _joined(block.times for block in self._blocks)


class _Kept(NamedTuple):
    """The ends of a block: the number of its first line, the keys of the ends, and the type of each row."""

    first: int
    keys: list[int]
    distinct: AbstractSet[int]
    types: list[type]
    times: AbstractSet[int]


class Repeats:
    """Finds the ends that equal an earlier one at most WINDOW lines before, by a hash of all their known keys.

    Only an end with a trace id and a time can be the same run as another one: writers that log the minimum write
    equal lines of different runs (FORMATS section 3).
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._lines = 0
        self._blocks: deque[_Kept] = deque()
        self._recent: set[int] = set()
        self._older: set[int] = set()
        self._rotated = 0  # the line after which `recent` was begun
        #: By key the last line of an end, once one was repeated: most logs never need it.
        self._lines_of: dict[int, int] | None = None

    def skip(self, count: int) -> None:
        """Count lines that are no ends."""
        self._lines += count

    def find(
        self,
        rows: Sequence[Row],
        ends: Sequence[RunEnd],
        block: Block | None = None,  # noqa: ARG002 - as a Screen is asked
    ) -> AbstractSet[int]:
        """Return the positions of the repeated ends among those of consecutive lines."""
        first = self._lines + 1
        self._lines += len(rows)
        named = set(map(id, identified(ends)))
        keys = [hash(end) if id(end) in named else 0 for end in ends]
        times = {end.ts_epoch_ms for end in ends if id(end) in named and end.ts_epoch_ms is not UNSET}
        kept = _Kept(first, keys, set(keys) - {0}, list(map(type, rows)), times)
        repeated = self._repeated(kept) if self._may_repeat(kept, len(named)) else frozenset()
        self._keep(kept)
        return repeated

    def tail(self) -> array[int]:
        """Return the times of the ends of the last WINDOW lines, and some more."""
        return _joined(array("q", block.times) for block in self._blocks)

    def _may_repeat(self, block: _Kept, ends: int) -> bool:
        known = self._recent.isdisjoint(block.distinct) and self._older.isdisjoint(block.distinct)
        return len(block.distinct) < ends or not known

    def _repeated(self, block: _Kept) -> set[int]:
        known = {key for key in block.distinct if key in self._recent or key in self._older}
        latest: dict[int, int] = {}
        found = set()
        for position, (key, line) in enumerate(zip(block.keys, _end_lines(block), strict=True)):
            before = latest.get(key) or (self._line_before(key) if key in known else None)
            if key and before is not None and line - before <= self._window:
                found.add(position)
            latest[key] = line
        return found

    def _line_before(self, key: int) -> int | None:
        """Return the last line of a key in the blocks before."""
        if self._lines_of is None:
            self._lines_of = {}
            for block in self._blocks:
                self._lines_of.update(zip(block.keys, _end_lines(block), strict=True))
        return self._lines_of.get(key)

    def _keep(self, block: _Kept) -> None:
        self._blocks.append(block)
        if self._lines_of is not None:
            self._lines_of.update(zip(block.keys, _end_lines(block), strict=True))
        self._recent |= block.distinct
        while self._blocks[0].first + len(self._blocks[0].types) <= self._lines - self._window:
            self._blocks.popleft()
        if self._lines - self._rotated >= self._window:
            self._rotated = self._lines
            self._older, self._recent = self._recent, set()
            self._lines_of = None  # it would grow for ever


def may_repeat(tail: array[int], head: array[int]) -> bool:
    """Return whether an end of a part may equal one of the part before, by the times of both."""
    return bool(tail and head) and min(head) <= max(tail) and not set(tail).isdisjoint(head)


def _joined(parts: Iterable[array[int]]) -> array[int]:
    whole = array("q")
    for part in parts:
        whole.extend(part)
    return whole


def identified(ends: Iterable[RunEnd]) -> list[RunEnd]:
    """Return the ends that can be the same run as another one: those with a trace id and a time."""
    return [end for end in ends if end.trace_id and not (end.ts_epoch_ms is UNSET and end.ts_kst is UNSET)]


def _end_lines(block: _Kept) -> Iterator[int]:
    return (line for line, kind in enumerate(block.types, block.first) if kind is RunEnd)
