"""How many items had each status over time, told by their events, in memory that does not grow with them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from ops_checks.report.background import StatesAt
from ops_checks.rules.history.events import ADDED, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.rules.history.events import Event
    from ops_checks.rules.history.history import Row

    #: How many items more have a status, or fewer.
    Changes = Counter[str]

MOST_MOMENTS = 200
_MINUTE_MS = 60_000
#: What a moment may stand for, in minutes: each is a multiple of the one before.
_WIDTHS = (1, 5, 15, 30, 60, 180, 360, 720, 1440, 10_080, 20_160, 40_320, 80_640, 161_280)


class QueueStates:
    """Counts items by status from `since_ms` up to `now_ms` (epoch milliseconds), with each item's events once.

    `without`: items of which no event tells a status, so that they count as they are now all the time; `midway`: those
    whose first event is not the one that added them, which count from then on; `otherwise`: those whose row has
    another status than their newest event tells, and counts from now on; `gone`: those that are no more, and count
    nowhere.
    """

    def __init__(self, *, since_ms: int, now_ms: int) -> None:
        self.without = self.midway = self.otherwise = self.gone = 0
        self._since_ms = since_ms
        self._now_ms = now_ms
        self._before: Changes = Counter()
        self._changes: dict[int, Changes] = {}
        self._width = 0

    def add(self, row: Row | None, told: Sequence[tuple[int | None, Event]]) -> None:
        """Add an item, by its row and its events with their times (None: nobody knows how long ago)."""
        if row is None:
            self.gone += 1
            return
        moves = [(ms, event) for ms, event in told if event.status not in {None, UNKNOWN}]
        if not moves:
            self.without += 1
            self._before[str(row.status)] += 1
            return
        self.midway += moves[0][1].type != ADDED
        before = None
        for ms, event in moves:
            before = self._move(ms, before, str(event.status))
        if before != row.status:
            self.otherwise += 1
            self._move(self._now_ms, before, str(row.status))

    def _move(self, ms: int | None, before: str | None, after: str) -> str:
        if before != after:
            changes = self._at(ms)
            changes[after] += 1
            if before is not None:
                changes[before] -= 1
        return after

    def _at(self, ms: int | None) -> Changes:
        """Return the changes of the stretch of time that holds a time."""
        if ms is None or ms < self._since_ms:
            return self._before
        slot = ms // (_WIDTHS[self._width] * _MINUTE_MS)
        if slot not in self._changes:
            self._changes[slot] = Counter()
            while max(self._changes) - min(self._changes) >= MOST_MOMENTS - 1:
                self._widen()
            return self._at(ms)
        return self._changes[slot]

    def _widen(self) -> None:
        """Let each stretch be longer."""
        times = _WIDTHS[self._width + 1] // _WIDTHS[self._width]
        self._width += 1
        wider: dict[int, Changes] = {}
        for slot, changes in self._changes.items():
            wider.setdefault(slot // times, Counter()).update(changes)
        self._changes = wider

    def moments(self) -> tuple[StatesAt, ...]:
        """Return the queue at the beginning, and at the end of each stretch of time up to now; none without a change.

        At most MOST_MOMENTS.
        """
        if not self._changes:
            return ()
        while self._now_ms // self._step - min(self._changes) >= MOST_MOMENTS - 1:
            self._widen()
        counts = Counter(self._before)
        slots = range(min(self._changes), self._now_ms // self._step + 1)
        found = [StatesAt(slots[0] * self._step, _present(counts))]
        for slot in slots:
            counts.update(self._changes.get(slot, {}))
            found.append(StatesAt(min((slot + 1) * self._step, self._now_ms), _present(counts)))
        return (*(one for one, other in pairwise(found) if one.at_ms < other.at_ms), found[-1])

    @property
    def _step(self) -> int:
        return _WIDTHS[self._width] * _MINUTE_MS


def _present(counts: Changes) -> dict[str, int]:
    return {status: counts[status] for status in sorted(counts) if counts[status] > 0}
