"""How many items had each status over time, told by their events, in memory that does not grow with them."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.report.background import StatesAt
from ops_checks.rules.history.events import ADDED, RETRIED, UNKNOWN
from ops_checks.rules.history.lanes import HELD
from ops_checks.rules.history.waits import BEFORE, Waiting, Waits
from ops_checks.timestamps import MOST_AHEAD_S, start_epoch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ops_checks.rules.history.events import Event
    from ops_checks.rules.history.history import Row
    from ops_checks.timestamps import Zone

    #: How many items more have a status, or fewer; and what else is counted.
    Changes = Counter[str | "Count"]
    #: The statuses of an item, each from a time on; None: nobody knows how long ago.
    _States = list[tuple[int | None, str]]

MOST_MOMENTS = 200
_MINUTE_MS = 60_000
PENDING = "PENDING"
#: What a moment may stand for, in minutes: each is a multiple of the one before.
_WIDTHS = (1, 5, 15, 30, 60, 180, 360, 720, 1440, 10_080, 20_160, 40_320, 80_640, 161_280)


class Count(Enum):
    """What is counted beside the statuses: items that are stale, and retries up to a time."""

    STALE = "stale"
    RETRIES = "retries"


class CountsAt(NamedTuple):
    """How many items have each status at a time (epoch milliseconds), and what else is counted then.

    `waiting`: the pending ones of which is known since when they wait.
    """

    at_ms: int
    counts: Changes
    waiting: Waiting = Waiting()


class QueueStates:
    """Counts items by status from `since_ms` up to `now_ms` (epoch milliseconds), with each item's events once.

    An item is stale from `stale_ms` milliseconds after it was picked on, until it has another status. A pending one
    waits since its row was created, a time in the queue's `zone`, however often it was pending.

    `without`: items of which no event tells a status, so that they count as they are now all the time; `midway`: those
    whose first event is not the one that added them, which count from then on; `otherwise`: those whose row has
    another status than their newest event tells, and counts from now on; `gone`: those that are no more, of which
    only the retries count; `unstarted`: those in progress of which no event tells since when, which are never stale;
    `unmade`: those that are or were pending whose row does not say when it was created, which never wait.
    """

    def __init__(self, *, since_ms: int, now_ms: int, stale_ms: int, zone: Zone) -> None:
        self.without = self.midway = self.otherwise = self.gone = self.unstarted = self.unmade = 0
        self._stale_ms = stale_ms
        self._since_ms = since_ms
        self._now_ms = now_ms
        self._zone = zone
        self._waits = Waits()
        self._before: Changes = Counter()
        self._changes: dict[int, Changes] = {}
        self._width = 0

    def add(self, row: Row | None, told: Sequence[tuple[int | None, Event]]) -> None:
        """Add an item, by its row and its events with their times (None: nobody knows how long ago)."""
        for ms, event in told:
            if event.type == RETRIED:
                self._at(ms)[Count.RETRIES] += 1
        if row is None:
            self.gone += 1
            return
        moves = [(ms, event) for ms, event in told if event.status not in {None, UNKNOWN}]
        self._add_stale(row, moves)
        moves_to = _changes((ms, str(event.status)) for ms, event in moves)
        if moves:
            self.midway += moves[0][1].type != ADDED
        else:
            self.without += 1
            moves_to = [(None, str(row.status))]
        if moves_to[-1][1] != row.status:
            self.otherwise += 1
            moves_to.append((self._now_ms, str(row.status)))
        before = None
        for ms, status in moves_to:
            self._move(ms, before, status)
            before = status
        self._add_waits(row, moves_to)

    def _add_stale(self, row: Row, moves: Sequence[tuple[int | None, Event]]) -> None:
        """Count an item from when it has been in progress for too long until the next event that tells a status."""
        start = None
        for ms, event in moves:
            self._stale(start, ms)
            start = ms if event.status == HELD else None
        self._stale(start, None if row.status == HELD else self._now_ms)
        self.unstarted += row.status == HELD and start is None

    def _add_waits(self, row: Row, moves_to: _States) -> None:
        """Count an item as long as it is pending, with since when it waits."""
        times = list(_pending(moves_to))
        made_s = start_epoch(row.created_at, self._zone) if times else None
        if made_s is None or made_s * 1000 > self._now_ms + MOST_AHEAD_S * 1000:
            self.unmade += bool(times)
            return
        for begin, end in times:
            self._waits.add(self._slot(begin), None if end is None else self._slot(end), made_s * 1000)

    def _stale(self, start: int | None, end: int | None) -> None:
        """Count a time in progress, by when it began, if anybody knows, and ended: None for one that lasts."""
        if start is None or start + self._stale_ms >= (self._now_ms if end is None else end):
            return
        self._at(start + self._stale_ms)[Count.STALE] += 1
        if end is not None:
            self._at(end)[Count.STALE] -= 1

    def _move(self, ms: int | None, before: str | None, after: str) -> None:
        changes = self._at(ms)
        changes[after] += 1
        if before is not None:
            changes[before] -= 1

    def _at(self, ms: int | None) -> Changes:
        """Return the changes of the stretch of time that holds a time."""
        slot = self._slot(ms)
        if slot == BEFORE:
            return self._before
        if slot not in self._changes:
            self._changes[slot] = Counter()
            while max(self._changes) - min(self._changes) >= MOST_MOMENTS - 1:
                self._widen()
            return self._at(ms)
        return self._changes[slot]

    def _slot(self, ms: int | None) -> int:
        """Return the number of the stretch of time that holds a time."""
        return BEFORE if ms is None or ms < self._since_ms else ms // self._step

    def _widen(self) -> None:
        """Let each stretch be longer."""
        times = _WIDTHS[self._width + 1] // _WIDTHS[self._width]
        self._width += 1
        wider: dict[int, Changes] = {}
        for slot, changes in self._changes.items():
            wider.setdefault(slot // times, Counter()).update(changes)
        self._changes = wider
        self._waits.widen(times)

    def moments(self) -> tuple[StatesAt, ...]:
        """Return the queue at the moments of `counts`."""
        return tuple(StatesAt(each.at_ms, _present(each.counts)) for each in self.counts())

    def counts(self) -> tuple[CountsAt, ...]:
        """Return what is counted at the beginning, and at the end of each stretch of time up to now.

        None without a change; at most MOST_MOMENTS.
        """
        if not self._changes:
            return ()
        while self._now_ms // self._step - min(self._changes) >= MOST_MOMENTS - 1:
            self._widen()
        counts = Counter(self._before)
        slots = range(min(self._changes), self._now_ms // self._step + 1)
        at_first, *waiting = self._waits.at_ends([BEFORE, *slots])
        found = [CountsAt(slots[0] * self._step, Counter(counts), at_first)]
        for slot, then in zip(slots, waiting, strict=True):
            counts.update(self._changes.get(slot, {}))
            found.append(CountsAt(min((slot + 1) * self._step, self._now_ms), Counter(counts), then))
        return (*(one for one, other in pairwise(found) if one.at_ms < other.at_ms), found[-1])

    @property
    def _step(self) -> int:
        return _WIDTHS[self._width] * _MINUTE_MS


def _changes(told: Iterable[tuple[int | None, str]]) -> _States:
    """Return the statuses that events tell, each from the first event on that tells it."""
    found: _States = []
    for ms, status in told:
        if not found or found[-1][1] != status:
            found.append((ms, status))
    return found


def _pending(moves_to: _States) -> Iterator[tuple[int | None, int | None]]:
    """Yield from when (None: nobody knows) to when (None: it still is) an item was pending."""
    for (begin, status), (end, _) in pairwise(moves_to):
        if status == PENDING and end is not None:  # else both are of times that nobody knows
            yield begin, end
    begin, status = moves_to[-1]
    if status == PENDING:
        yield begin, None


def _present(counts: Changes) -> dict[str, int]:
    return dict(sorted((each, count) for each, count in counts.items() if isinstance(each, str) and count > 0))
