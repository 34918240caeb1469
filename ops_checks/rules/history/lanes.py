"""Who held which item when, told by the events, as far as it is shown."""

from __future__ import annotations

from heapq import heappush, heappushpop
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.presentation.limits import shorten
from ops_checks.report.background import Lane, Span
from ops_checks.rules.history.events import ACQUIRED, RELEASED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.rules.history.events import Event
    from ops_checks.rules.history.history import Row

MOST_LANES = 30
MOST_SPANS = 50
#: Characters of an owner or an id.
NAME = 200
#: So many owners are followed; of the others the spans are counted.
_MOST_OWNERS = 1_000
#: The status of an item that somebody works on.
HELD = "IN_PROGRESS"


class _Held(NamedTuple):
    """A span while it is collected, so that those held still are the greatest, then the latest; no two are equal."""

    still: bool
    start_ms: int
    item: str
    number: int
    end_ms: int | None


class _Owner:
    """What one owner held: how many spans, the last of them, and when the last one ended (held still: infinity)."""

    __slots__ = ("count", "last", "spans")

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0
        self.spans: list[_Held] = []

    def add(self, item: str, start: int, end: int | None) -> None:
        """Add a span."""
        self.count += 1
        self.last = max(self.last, inf if end is None else end)
        held = _Held(end is None, start, shorten(item, NAME), self.count, end)
        if len(self.spans) < MOST_SPANS:
            heappush(self.spans, held)
        else:
            heappushpop(self.spans, held)


class WorkerLanes:
    """Collects what was held from `since_ms` on and before `until_ms` (epoch milliseconds).

    `nameless` counts spans of which no event says whose they are, and items in progress of which none says that;
    `cut` those that began before, and are shown from `since_ms` on; `unfollowed` those of too many owners.
    """

    def __init__(self, since_ms: int, until_ms: int) -> None:
        self.nameless = self.cut = self.unfollowed = 0
        self.since_ms = since_ms
        self._until_ms = until_ms
        self._owners: dict[str, _Owner] = {}

    def add(self, item: str, row: Row | None, told: Sequence[tuple[int | None, Event]]) -> None:
        """Add an item, by its row and its events with their times (None: nobody knows how long ago)."""
        is_held = row is not None and row.status == HELD
        end: int | None = 0
        for owner, start, end in _spans(told, still=is_held):
            self._keep(item, owner, start or 0, end)
        self.nameless += is_held and end is not None

    def _keep(self, item: str, owner: str | None, start: int, end: int | None) -> None:
        if start > self._until_ms or (end is not None and end < self.since_ms):
            return
        if owner is None:
            self.nameless += 1
            return
        if owner not in self._owners and len(self._owners) >= _MOST_OWNERS:
            self.unfollowed += 1
            return
        self.cut += start < self.since_ms
        self._owners.setdefault(owner, _Owner()).add(item, max(start, self.since_ms), end)

    def lanes(self) -> tuple[tuple[Lane, ...], int]:
        """Return the lanes, those first that hold something or held it last, and how many owners are left out."""
        ranked = sorted(self._owners.items(), key=lambda named: (-named[1].last, named[0]))
        return tuple(_lane(*named) for named in ranked[:MOST_LANES]), len(ranked[MOST_LANES:])


def _lane(name: str, owner: _Owner) -> Lane:
    ordered = sorted(owner.spans, key=lambda held: held[1:-1])
    spans = tuple(Span(held.item, held.start_ms, held.end_ms) for held in ordered)
    return Lane(shorten(name, NAME), spans, owner.count - len(spans))


def _spans(
    told: Sequence[tuple[int | None, Event]], *, still: bool
) -> Iterator[tuple[str | None, int | None, int | None]]:
    """Yield owner, start and end of each time that an item was held, as far as it is known when that ended.

    Work begins with a status or a lease, changes hands with another name, and ends with a status or the lease. `still`:
    the item is held now, and the last of them has no end.
    """
    owner, start, is_open = None, None, False
    for ms, event in told:
        begins = event.status == HELD or event.type == ACQUIRED
        who = event.payload.who if begins else None
        if is_open and begins and (who is None or owner is None or who == owner):
            owner = owner or who
        elif begins or (is_open and (event.type == RELEASED or event.status is not None)):
            if is_open and ms is not None:
                yield owner, start, ms
            owner, start, is_open = who, ms, begins
    if is_open and (still or told[-1][0] is not None):
        yield owner, start, None if still else told[-1][0]
