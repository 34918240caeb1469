"""The statistics of a queue that the KPI rules measure: items by status, and the items behind each number."""

from __future__ import annotations

from array import array
from functools import partial
from heapq import nsmallest
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ops_checks.model import NOTHING, PRIORITIES, STATUSES, Item, last_note
from ops_checks.rules.rule import LISTED, RECORDED
from ops_checks.timestamps import MOST_AHEAD_S, is_overdue, reading_of, start_epoch, zone_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops_checks.findings import Place
    from ops_checks.timestamps import Zone

    Locate = Callable[[int, str], Place]

_NEVER = float("inf")
_MANY = 8  # times as many candidates as are kept are collected

#: A sort key ("worst first": rank of the priority, then time), then number, id and a text of an item, and the item.
_Candidate = tuple[tuple[int, float], int, str, str, Item | None]


class ListedItem(Struct, frozen=True):
    """An item behind a number: `value` is its own part of it, `reason` why it counts, `cells` what the queue says."""

    item: str
    place: Place
    value: float | None = None
    reason: str | None = None
    cells: Item | None = None


class Listed(Struct, frozen=True):
    """The items behind a number: the worst of them, how many there are in all, and ids of the others.

    RECORDED ids at most.
    """

    kept: tuple[ListedItem, ...] = ()
    total: int = 0
    others: tuple[str, ...] = ()


class QueueStatistics(Struct, frozen=True):
    """What was counted in one pass over a queue.

    `counts` holds every status. `stale`: the highest priority first, then the longest in progress, then those whose
    start is ahead or cannot be read; `blocked` and `pending`: the highest priority first; `retried`: the most retried
    first. `retry_count` is None for a store that keeps no events (for `retries_outside` and `retries_unread` see
    Retries), and `oldest_pending_minutes` where items are pending but none has a time.
    `waiting`: the pending items that have waited longest first; `waits` are the minutes of all that were given.
    `undated`: pending items of which nobody can tell how long they have waited; `waits_unread` is their number, those
    that are not even listed included.
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
    undated: Listed = Listed()
    waits_unread: int = 0
    retries_outside: int = 0
    retries_unread: int = 0


def queue_statistics(  # noqa: PLR0913 - what one pass takes, by name
    items: Iterable[tuple[int, Item]],
    place: Locate,
    *,
    now_s: float,
    zone: Zone,
    stale_minutes: float,
    retry_count: int | None = None,
    retries: Iterable[tuple[str, int]] = (),
    retries_outside: int = 0,
    retries_unread: int = 0,
    pending_since: Iterable[tuple[str, str]] = (),
    all_waits: bool = True,
    offered: frozenset[str] = frozenset(),
    get: Callable[[str], Item | None] = lambda _: None,
    most: int = LISTED,
) -> QueueStatistics:
    """Count items, each given with its number (a line, or a row), in one pass (FORMATS section 4).

    Stale is an IN_PROGRESS item whose start lies more than `stale_minutes` before `now_s` (epoch seconds), and one
    whose start cannot be read or lies ahead: it cannot be shown to be fresh. `place` is called only for items that
    are kept: the `most` worst, and those of `offered` (ids); so is `get`, for an item of which only the id is given.
    `retries` are the retried items, the most retried first; `pending_since` ids and times of making of PENDING items,
    oldest first, where the store keeps them: all (`all_waits`), or those up to the first that can be read. The table
    has no such column, so its items show a wait only if they are pending again with their old start.
    """
    found = _Accumulator(now_s, zone, stale_minutes * 60, partial(_Worst, offered, most))
    for number, item in items:
        found.add(number, item)
    found.add_made(pending_since)
    oldest = found.waiting.first()

    def listed(worst: _Worst, make: Callable[[Locate, _Candidate], ListedItem]) -> Listed:
        return worst.listed(lambda each: _with_cells(make(place, each), each[4], get))

    return QueueStatistics(
        items=sum(found.counts.values()),
        counts=found.counts,
        stale=listed(found.stale, partial(_stale, now_s, zone)),
        blocked=listed(found.blocked, _listed),
        pending=listed(found.pending, _listed),
        retried=_retried(place, retries, get, most),
        retry_count=retry_count,
        retries_outside=retries_outside,
        retries_unread=retries_unread,
        oldest_pending_minutes=_oldest_wait(found.counts["PENDING"], now_s, oldest),
        waiting=listed(found.waiting, partial(_waiting, now_s)),
        waits=found.waits,
        undated=listed(found.undated, _undated),
        waits_unread=found.counts["PENDING"] - len(found.waits) if all_waits else found.undated.total,
    )


class _Accumulator:
    """What one pass over a queue counts and keeps."""

    def __init__(self, now_s: float, zone: Zone, stale_s: float, worst: Callable[[], _Worst]) -> None:
        self._now_s = now_s
        self._zone = zone
        self._stale_s = stale_s
        self.counts = dict.fromkeys(STATUSES, 0)
        self._worst = worst
        self.stale, self.blocked, self.pending = (worst() for _ in range(3))
        self._forget_waits()

    def add(self, number: int, item: Item) -> None:
        """Count an item, and keep it where it is one of the worst."""
        status = item[1]
        self.counts[status] += 1
        if status == "IN_PROGRESS":
            started = start_epoch(item[6], self._zone)
            if is_overdue(started, self._now_s, self._stale_s):
                self.stale.add((_urgency(item, started), number, item[0], item[6], item))
        elif status == "BLOCKED":
            self.blocked.add((_urgency(item), number, item[0], item[8], item))
        elif status == "PENDING":
            self.pending.add((_urgency(item), number, item[0], "", item))
            if item[6] != NOTHING:
                self.add_wait(number, item[0], item[6], item)

    def add_made(self, pending_since: Iterable[tuple[str, str]]) -> None:
        """Count the waits since times of making; if there are any, the cells' starts say nothing more."""
        for given, (item_id, text) in enumerate(pending_since):
            if not given:
                self._forget_waits()
            self.add_wait(0, item_id, text)

    def _forget_waits(self) -> None:
        self.waiting, self.undated = self._worst(), self._worst()
        self.waits = array("d")

    def add_wait(self, number: int, item_id: str, text: str, item: Item | None = None) -> None:
        """Count the wait of a PENDING item since a time of the queue, if that says how long it is."""
        since = start_epoch(text, self._zone)
        if since is None or self._is_ahead(since):
            self.undated.add(((0, _NEVER if since is None else since), number, item_id, text, item))
        else:
            self.waiting.add(((0, since), number, item_id, text, item))
            self.waits.append(_minutes(self._now_s, since))

    def _is_ahead(self, since: float) -> bool:
        return since - self._now_s > MOST_AHEAD_S


class _Worst:
    """Keeps the `most` least of many candidates beside those of the offered items, and counts all of them."""

    __slots__ = ("_ids", "_kept", "_most", "_of_offered", "_offered", "total")

    def __init__(self, offered: frozenset[str], most: int) -> None:
        self._offered = offered
        self._most = most
        self._kept: list[_Candidate] = []
        self._of_offered: list[_Candidate] = []
        self._ids: list[str] = []
        self.total = 0

    def add(self, candidate: _Candidate) -> None:
        """Add a candidate."""
        self.total += 1
        if candidate[2] in self._offered:
            self._of_offered.append(candidate)
            return
        self._kept.append(candidate)
        if len(self._kept) > _MANY * self._most:
            self._kept = nsmallest(self._most, self._kept)
        if len(self._ids) < RECORDED + self._most:  # of which so many at most are listed
            self._ids.append(candidate[2])

    def first(self) -> _Candidate | None:
        """Return the least of all."""
        return min((*self._kept, *self._of_offered), default=None)

    def listed(self, make: Callable[[_Candidate], ListedItem]) -> Listed:
        """Return the offered ones and the least of the others as items, the least first."""
        worst = nsmallest(self._most, self._kept)
        listed = {candidate[2] for candidate in worst}
        others = tuple(item_id for item_id in self._ids if item_id not in listed)
        return Listed(tuple(map(make, sorted((*worst, *self._of_offered)))), self.total, others)


def _minutes(now_s: float, then_s: float) -> float:
    return max(0.0, (now_s - then_s) / 60)


def _oldest_wait(pending: int, now_s: float, oldest: _Candidate | None) -> float | None:
    """Return the longest wait in minutes: 0 if nothing is pending, None if no time can be read."""
    if not pending:
        return 0.0
    return None if oldest is None else _minutes(now_s, oldest[0][1])


def _urgency(item: Item, since: float | None = _NEVER) -> tuple[int, float]:
    """Return the sort key of triage: the highest priority, then the oldest (FORMATS section 6)."""
    return PRIORITIES.index(item[2]), _NEVER if since is None else since


def _with_cells(listed: ListedItem, item: Item | None, get: Callable[[str], Item | None]) -> ListedItem:
    return replace(listed, cells=item or get(listed.item))


def _stale(now_s: float, zone: Zone, place: Locate, found: _Candidate) -> ListedItem:
    (_, started), number, item_id, text, _ = found
    at = place(number, item_id)
    if started == _NEVER:
        what = "no start" if text in {"", NOTHING} else "a start that is no time"
        return ListedItem(item_id, at, reason=f"{what}: cannot be shown to be fresh")
    minutes = (now_s - started) / 60
    if minutes < 0:
        return ListedItem(item_id, at, reason=_ahead(-minutes, text, zone))
    how = reading_of(text, zone)
    since = f"{text} ({how})" if how else text
    return ListedItem(item_id, at, minutes, f"in progress since {since}, {int(minutes)} minutes")


def _ahead(minutes: float, text: str, zone: Zone) -> str:
    """Return why a start that lies ahead counts as stale: most often the zone is another one."""
    where = f"UTC{zone_text(zone)}" if isinstance(zone, int) else zone_text(zone)
    return (
        f"starts {int(minutes)} minutes ahead, {text} in {where}: cannot be shown to be fresh: "
        "check the zone (ORCH_TZ_OFFSET, or the policy's timezone)"
    )


def _undated(place: Locate, found: _Candidate) -> ListedItem:
    (_, since), number, item_id, text, _ = found
    what = f"pending since what is no time ({text})" if since == _NEVER else f"pending since {text}, which lies ahead"
    return ListedItem(item_id, place(number, item_id), reason=f"{what}: cannot be shown to wait for less")


def _waiting(now_s: float, place: Locate, found: _Candidate) -> ListedItem:
    (_, since), number, item_id, text, _ = found
    minutes = _minutes(now_s, since)
    return ListedItem(item_id, place(number, item_id), minutes, f"pending since {text}, {int(minutes)} minutes")


def _listed(place: Locate, found: _Candidate) -> ListedItem:
    """Return an item with the newest of its notes as the reason."""
    _, number, item_id, notes, _ = found
    return ListedItem(item_id, place(number, item_id), reason=last_note(notes) or None)


def _retried(place: Locate, retries: Iterable[tuple[str, int]], get: Callable[[str], Item | None], most: int) -> Listed:
    kept: list[ListedItem] = []
    total = 0
    for item_id, count in retries:
        total += 1
        if len(kept) < most:
            times = "once" if count == 1 else f"{count} times"
            kept.append(ListedItem(item_id, place(0, item_id), count, times, get(item_id)))
    return Listed(tuple(kept), total)
