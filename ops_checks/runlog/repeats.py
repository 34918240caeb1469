"""Find the ends of runs that stand in a log more than once, in bounded memory (FORMATS section 4)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.runlog.columns import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from ops_checks.runlog.columns import Columns

#: Equal ends count once if they are at most so many lines apart; nothing farther away is looked for.
WINDOW = 65_536

#: Blocks that have times of one block: of more, all keys of the window are in one index, which takes more memory.
_MOST_OVERLAPPING = 8
#: The index is made anew so often while the lines of a window pass, or it would grow for ever.
_PER_WINDOW = 4


class Ends(NamedTuple):
    """The ends of some lines: the first and the last line, each end's from the first on, its key; and their times."""

    first: int
    last_line: int
    numbers: Sequence[int]
    keys: Sequence[int]
    times: tuple[int, int]

    def lines(self) -> Iterator[tuple[int, int]]:
        """Yield the key and the line of each end."""
        return ((key, self.first + number) for key, number in zip(self.keys, self.numbers, strict=True))


class Repeats:
    """Finds the ends that equal an earlier one at most WINDOW lines before, by their keys (see `columns.keys_of`).

    Nearly no log has any, and equal ends have equal times: most blocks are passed by the range of theirs.
    `head` are the ends of the first WINDOW lines, and some more.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self.head: list[Ends] = []
        self._window = window
        self._lines = 0
        self._blocks: deque[Ends] = deque()
        self._latest = NO_TIME[1]
        #: By key the last line of an end, where it is needed; and the line from which on it is made anew.
        self._index: dict[int, int] | None = None
        self._until = 0

    @property
    def tail(self) -> list[Ends]:
        """The ends of the last WINDOW lines, and some more."""
        return list(self._blocks)

    def skip(self, count: int) -> None:
        """Count lines that are no ends."""
        self._lines += count

    def find(self, columns: Columns) -> AbstractSet[int]:
        """Return the positions of the repeated ends among those of consecutive lines."""
        first = self._lines + 1
        self._lines += columns.lines
        ends = Ends(first, self._lines, columns.numbers, columns.keys, columns.key_times)
        repeated = frozenset() if columns.distinct and self._are_new(ends) else self._repeated(ends)
        self._keep(ends)
        return repeated

    def _are_new(self, ends: Ends) -> bool:
        if ends.times[0] > self._latest:
            return True
        overlapping = [block for block in self._blocks if _overlap(block.times, ends.times)]
        if not overlapping:
            return True
        distinct = set(ends.keys) - {0}
        if len(overlapping) > _MOST_OVERLAPPING:
            return distinct.isdisjoint(self._lines_of())
        return all(distinct.isdisjoint(block.keys) for block in overlapping)

    def _repeated(self, ends: Ends) -> AbstractSet[int]:
        latest = self._lines_of()
        found = set()
        for position, (key, line) in enumerate(ends.lines()):
            before = latest.get(key)
            if key and before is not None and line - before <= self._window:
                found.add(position)
            latest[key] = line
        return found

    def _lines_of(self) -> dict[int, int]:
        if self._index is None:
            self._index = {}
            for block in self._blocks:
                self._index.update(block.lines())
            self._until = self._lines + self._window // _PER_WINDOW
        return self._index

    def _keep(self, ends: Ends) -> None:
        if self._index is not None:
            self._index.update(ends.lines())
            if ends.last_line > self._until:
                self._index = None
        self._blocks.append(ends)
        self._latest = max(self._latest, ends.times[1])
        if not self.head or self.head[-1].last_line <= self._window:
            self.head.append(ends)
        while self._blocks[0].last_line <= ends.last_line - self._window:
            self._blocks.popleft()


def may_repeat(tail: Sequence[Ends], head: Sequence[Ends]) -> bool:
    """Return whether an end of a part of a log equals one of a part before it."""
    return any(not distinct.isdisjoint(block.keys) for distinct, block in _overlapping(tail, head))


def _overlapping(tail: Sequence[Ends], head: Sequence[Ends]) -> Iterator[tuple[AbstractSet[int], Ends]]:
    for ends in head:
        distinct: set[int] = set()
        for block in tail:
            if _overlap(block.times, ends.times):
                distinct = distinct or set(ends.keys) - {0}
                yield distinct, block


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
