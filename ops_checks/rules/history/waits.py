"""How many items waited at many times, and the oldest of them since when, in memory that does not grow with them."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The stretch of all that is earlier than the others; it stays what it is however long they are.
BEFORE = -1


class Waiting(NamedTuple):
    """So many items wait, and since when the oldest of them does, in epoch milliseconds; None without one."""

    items: int = 0
    oldest_ms: int | None = None


class Waits:
    """Keeps how many items were pending between the same two stretches of time, and since when the oldest waits.

    Stretches have numbers, which ascend with time: of n of them there are about n² pairs.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int | None], tuple[int, int]] = {}

    def add(self, begin: int, end: int | None, since_ms: int, count: int = 1) -> None:
        """Add items that were pending from one stretch to another (None: they still are), the oldest since a time."""
        key = begin, end
        kept = self._kept.get(key)
        self._kept[key] = (kept[0] + count, min(kept[1], since_ms)) if kept else (count, since_ms)

    def widen(self, times: int) -> None:
        """Let each stretch be so many times as long."""
        narrower, self._kept = self._kept, {}
        for (begin, end), (count, since_ms) in narrower.items():
            self.add(begin // times, None if end is None else end // times, since_ms, count)

    def at_ends(self, stretches: Sequence[int]) -> Iterator[Waiting]:
        """Yield those that are pending at the end of each stretch; the stretches ascend."""
        begins = sorted(self._kept.items(), key=lambda each: each[0][0], reverse=True)
        oldest: list[tuple[int, int, int | None]] = []
        ends: list[tuple[int, int]] = []
        count = 0
        for number in stretches:
            while begins and begins[-1][0][0] <= number:
                (_, end), (more, since_ms) = begins.pop()
                count += more
                heappush(oldest, (since_ms, len(begins), end))
                if end is not None:
                    heappush(ends, (end, more))
            while ends and ends[0][0] <= number:
                count -= heappop(ends)[1]
            while oldest and (end := oldest[0][2]) is not None and end <= number:
                heappop(oldest)
            yield Waiting(count, oldest[0][0] if oldest else None)
