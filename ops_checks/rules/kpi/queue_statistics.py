"""The statistics of a queue that the KPI rules measure: items by status, and the items behind each number."""

from __future__ import annotations

from array import array
from heapq import nsmallest
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ops_checks.model import NOTES_SEPARATOR, NOTHING, PRIORITIES, STATUSES
from ops_checks.rules.rule import LISTED
from ops_checks.timestamps import start_epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops_checks.findings import Place
    from ops_checks.model import Item

    Locate = Callable[[int, str], Place]

_NEVER = float("inf")
_MANY = 8 * LISTED

#: A sort key ("worst first"), then number, id and a text of an item.
_Candidate = tuple[float, int, str, str]


class ListedItem(Struct, frozen=True):
    """An item behind a number: `value` is its own part of it, `reason` why it counts."""

    item: str
    place: Place
    value: float | None = None
    reason: str | None = None


class Listed(Struct, frozen=True):
    """The items behind a number: the worst of them, at most LISTED, and how many there are in all."""

    kept: tuple[ListedItem, ...] = ()
    total: int = 0


class QueueStatistics(Struct, frozen=True):
    """What was counted in one pass over a queue.

    `counts` holds every status. `stale`: the longest in progress first, then those without a readable start;
    `blocked` and `pending`: the highest priority first; `retried`: the most retried first. `retry_count` is None
    for a store that keeps no events, and `oldest_pending_minutes` where items are pending but none has a time.
    `waiting`: the pending items that have waited longest first; `waits` are the minutes of all that were given.
    """

    items: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    stale: Listed = Listed()
    blocked: Listed = Listed()
    pending: Listed = Listed()
    retried: Listed = Listed()
    retry_count: int | None = None
    oldest_pending_minutes: float | None = None
    waiting: Listed = Listed()
    waits: array[float] = field(default_factory=lambda: array("d"))


def queue_statistics(
    items: Iterable[tuple[int, Item]],
    place: Locate,
    *,
    now_s: float,
    tz_minutes: int,
    stale_minutes: float,
    retry_count: int | None = None,
    retries: Iterable[tuple[str, int]] = (),
    pending_since: Iterable[tuple[str, str]] = (),
) -> QueueStatistics:
    """Count items, each given with its number (a line, or a row), in one pass (FORMATS section 4).

    Stale is an IN_PROGRESS item whose start lies more than `stale_minutes` before `now_s` (epoch seconds), and one
    whose start cannot be read: it cannot be shown to be fresh. `place` is called only for items that are kept.
    `retries` are the retried items, the most retried first; `pending_since` ids and times of making of PENDING
    items, oldest first, where the store keeps them: as many as are to be listed, at least the first. The table
    has no such column, so its items show a wait only if they are pending again with their old start.
    """
    found = _Accumulator(now_s, tz_minutes, stale_minutes * 60)
    for number, item in items:
        found.add(number, item)
    for item_id, text in pending_since:
        found.add_wait(start_epoch(text, tz_minutes), 0, item_id, text)
    oldest = found.waiting.first()
    return QueueStatistics(
        items=sum(found.counts.values()),
        counts=found.counts,
        stale=found.stale.listed(lambda each: _stale(place, now_s, each)),
        blocked=found.blocked.listed(lambda each: _listed(place, each)),
        pending=found.pending.listed(lambda each: _listed(place, each)),
        retried=_retried(place, retries),
        retry_count=retry_count,
        oldest_pending_minutes=_oldest_wait(found.counts["PENDING"], now_s, oldest),
        waiting=found.waiting.listed(lambda each: _waiting(place, now_s, each)),
        waits=found.waits,
    )


class _Accumulator:
    """What one pass over a queue counts and keeps."""

    def __init__(self, now_s: float, tz_minutes: int, stale_s: float) -> None:
        self._now_s = now_s
        self._tz_minutes = tz_minutes
        self._stale_s = stale_s
        self.counts = dict.fromkeys(STATUSES, 0)
        self.stale, self.blocked, self.pending, self.waiting = (_Worst() for _ in range(4))
        self.waits = array("d")

    def add(self, number: int, item: Item) -> None:
        """Count an item, and keep it where it is one of the worst."""
        status = item[1]
        self.counts[status] += 1
        if status == "IN_PROGRESS":
            started = start_epoch(item[6], self._tz_minutes)
            if started is None or self._now_s - started > self._stale_s:
                self.stale.add((_NEVER if started is None else started, number, item[0], item[6]))
        elif status == "BLOCKED":
            self.blocked.add((PRIORITIES.index(item[2]), number, item[0], item[8]))
        elif status == "PENDING":
            self.pending.add((PRIORITIES.index(item[2]), number, item[0], ""))
            if item[6] != NOTHING:
                self.add_wait(start_epoch(item[6], self._tz_minutes), number, item[0], item[6])

    def add_wait(self, since: float | None, number: int, item_id: str, text: str) -> None:
        """Count the wait of a PENDING item since an epoch second, None if its time cannot be read."""
        if since is not None:
            self.waiting.add((since, number, item_id, text))
            self.waits.append(_minutes(self._now_s, since))


class _Worst:
    """Keeps the least of many candidates, and counts all of them."""

    __slots__ = ("_kept", "_total")

    def __init__(self) -> None:
        self._kept: list[_Candidate] = []
        self._total = 0

    def add(self, candidate: _Candidate) -> None:
        """Add a candidate."""
        self._total += 1
        self._kept.append(candidate)
        if len(self._kept) > _MANY:
            self._kept = nsmallest(LISTED, self._kept)

    def first(self) -> _Candidate | None:
        """Return the least of all."""
        return min(self._kept, default=None)

    def listed(self, make: Callable[[_Candidate], ListedItem]) -> Listed:
        """Return the least LISTED of them as items."""
        return Listed(tuple(map(make, nsmallest(LISTED, self._kept))), self._total)


def _minutes(now_s: float, then_s: float) -> float:
    return max(0.0, (now_s - then_s) / 60)


def _oldest_wait(pending: int, now_s: float, oldest: _Candidate | None) -> float | None:
    """Return the longest wait in minutes: 0 if nothing is pending, None if no time can be read."""
    if not pending:
        return 0.0
    return None if oldest is None else _minutes(now_s, oldest[0])


def _stale(place: Locate, now_s: float, found: _Candidate) -> ListedItem:
    started, number, item_id, text = found
    at = place(number, item_id)
    if started == _NEVER:
        what = "no start" if text in {"", NOTHING} else "a start that is no time"
        return ListedItem(item_id, at, reason=f"{what}: cannot be shown to be fresh")
    minutes = (now_s - started) / 60
    return ListedItem(item_id, at, minutes, f"in progress since {text}, {int(minutes)} minutes")


def _waiting(place: Locate, now_s: float, found: _Candidate) -> ListedItem:
    since, number, item_id, text = found
    minutes = _minutes(now_s, since)
    return ListedItem(item_id, place(number, item_id), minutes, f"pending since {text}, {int(minutes)} minutes")


def _listed(place: Locate, found: _Candidate) -> ListedItem:
    """Return an item with the newest of its notes as the reason."""
    _, number, item_id, notes = found
    return ListedItem(item_id, place(number, item_id), reason=notes.rpartition(NOTES_SEPARATOR)[2] or None)


def _retried(place: Locate, retries: Iterable[tuple[str, int]]) -> Listed:
    kept: list[ListedItem] = []
    total = 0
    for item_id, count in retries:
        total += 1
        if len(kept) < LISTED:
            kept.append(ListedItem(item_id, place(0, item_id), count, "once" if count == 1 else f"{count} times"))
    return Listed(tuple(kept), total)
