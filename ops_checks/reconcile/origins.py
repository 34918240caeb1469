"""Find the commits that last changed cells of the document, from its newest version to the older ones. Pure.

A cell is followed from a version to a parent that has the same value in it. Where none has, the version's commit
changed it (RECONCILE section 14).
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.reconcile.blame import AT_OR_BEFORE, COMMIT, UNCOMMITTED, UNKNOWN
from ops_checks.reconcile.versions import equal, item_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ops_checks.files.git_repository import Version
    from ops_checks.model import Item
    from ops_checks.reconcile.versions import Rows

    #: The units that are still to be found, by id.
    Pending = dict[str, frozenset[str]]

#: The document as it is now, newer than every commit.
_NOW = ""


class Origin(NamedTuple):
    """Where a cell comes from: a kind of blame, and the commit, "" where there is none."""

    what: str
    commit: str = ""


class _Known(NamedTuple):
    """What is known of an item in a version: the item, None for no row, and the version to name for it."""

    item: Item | None
    name: str


class Origins:
    """The search for the origins of units; `versions` are a document's, newest first, at least one.

    `now` has the items as they are; one that is not in it has no row. `shallow` are the commits at which the history
    ends. `order` has the commits in the order in which their rows must be added. `found` has the origins.
    """

    def __init__(
        self,
        versions: Sequence[Version],
        shallow: Collection[str],
        wanted: Mapping[str, Collection[str]],
        now: Mapping[str, Item],
    ) -> None:
        self.found: dict[tuple[str, str], Origin] = {}
        self._shallow = shallow
        listed = {version.commit: version.parents for version in versions}
        self._parents: dict[str, tuple[str, ...]] = {_NOW: (versions[0].commit,), **listed}
        self._queue = deque(_children_first(self._parents))
        self.order = list(self._queue)[1:]
        self._rows: dict[str, Rows | None] = {_NOW: None}
        self._pending: dict[str, Pending] = {_NOW: {item_id: frozenset(units) for item_id, units in wanted.items()}}
        #: Of versions in which the row of an item cannot be read: what the newer one says.
        self._carried: dict[str, dict[str, _Known]] = {_NOW: {i: _Known(now.get(i), _NOW) for i in wanted}}
        #: The newest merge that left out a row which one of its parents has.
        self._left_out: dict[str, str] = {}

    @property
    def done(self) -> bool:
        """Whether all origins are found."""
        return not self._pending

    def add(self, commit: str, rows: Rows | None) -> None:
        """Add the rows of the next version in `order`, None if it cannot be read."""
        self._rows[commit] = rows
        while self._queue and all(known in self._rows for known in (self._queue[0], *self._inside(self._queue[0]))):
            self._decide(self._queue.popleft())

    def give_up(self) -> None:
        """Let the search end here: what is not found comes from the versions it was followed to, or from older ones."""
        for commit, pending in self._pending.items():
            for item_id, units in pending.items():
                self._end(item_id, units, Origin(AT_OR_BEFORE, self._known(commit, None, item_id).name))
        self._pending.clear()

    def _inside(self, commit: str) -> list[str]:
        return [parent for parent in self._parents[commit] if parent in self._parents]

    def _decide(self, commit: str) -> None:
        """Follow the units of a version to its parents, whose rows are there; all newer versions are decided."""
        rows, pending = self._rows.pop(commit), self._pending.pop(commit, {})
        inside = self._inside(commit)
        if len(inside) == len(self._parents[commit]) == 1:
            pending = self._follow_equal(commit, inside[0], rows, pending)
        for item_id, units in pending.items():
            self._follow(commit, inside, item_id, units, self._known(commit, rows, item_id))
        self._carried.pop(commit, None)

    def _follow_equal(self, commit: str, parent: str, rows: Rows | None, pending: Pending) -> Pending:
        """Follow the items whose rows are the same to the letter to the one parent; return the others."""
        older = self._rows[parent]
        if rows is None or older is None:
            return pending
        changed = {*rows.differing(older), *self._carried.get(commit, ())}
        others = {item_id: pending.pop(item_id) for item_id in changed if item_id in pending}
        if pending:
            self._add_pending(parent, pending)
        return others

    def _follow(self, commit: str, inside: list[str], item_id: str, units: frozenset[str], known: _Known) -> None:
        unreadable = None
        for parent in inside:
            readable, older = item_in(self._rows[parent], item_id)
            if not readable:
                unreadable = unreadable or parent
                continue
            same = frozenset(unit for unit in units if equal(known.item, older, unit))
            units -= same
            if same:
                self._add_pending(parent, {item_id: same})
            if older is not None and known.item is None:
                self._left_out.setdefault(item_id, known.name)
        if units and unreadable:
            self._carried.setdefault(unreadable, {}).setdefault(item_id, known)
            self._add_pending(unreadable, {item_id: units})
        elif units:
            self._end(item_id, units, self._origin(commit, item_id, known))

    def _origin(self, commit: str, item_id: str, known: _Known) -> Origin:
        """Return the origin of a value that a version has and none of its parents, as far as they are there."""
        parents = self._parents[commit]
        if len(self._inside(commit)) < len(parents) or (not parents and commit in self._shallow):
            return Origin(AT_OR_BEFORE, known.name)
        if parents:
            return Origin(COMMIT, known.name)
        if known.item is None:
            return Origin(COMMIT, self._left_out[item_id]) if item_id in self._left_out else Origin(UNKNOWN)
        return Origin(COMMIT if known.name == commit else AT_OR_BEFORE, known.name)

    def _known(self, commit: str, rows: Rows | None, item_id: str) -> _Known:
        carried = self._carried.get(commit, {}).get(item_id)
        return carried or _Known(item_in(rows, item_id)[1], commit)

    def _add_pending(self, commit: str, more: Pending) -> None:
        pending = self._pending.setdefault(commit, more)
        if pending is not more:
            for item_id, units in more.items():
                pending[item_id] = pending.get(item_id, frozenset()) | units

    def _end(self, item_id: str, units: frozenset[str], origin: Origin) -> None:
        if origin.commit == _NOW and origin.what != UNKNOWN:
            origin = Origin(UNCOMMITTED if origin.what == COMMIT else UNKNOWN)
        self.found.update(((item_id, unit), origin) for unit in units)


def _children_first(parents: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return commits so that each comes before its parents, else in the order given; _NOW is the first."""
    position = {commit: number for number, commit in enumerate(parents)}
    waiting = dict.fromkeys(parents, 0)
    for commit in parents:
        for parent in set(parents[commit]) & parents.keys():
            waiting[parent] += 1
    order: list[str] = []
    names = list(parents)
    ready = [position[commit] for commit, count in waiting.items() if not count]
    while ready:
        order.append(names[heappop(ready)])
        for parent in set(parents[order[-1]]) & parents.keys():
            waiting[parent] -= 1
            if not waiting[parent]:
                heappush(ready, position[parent])
    return order
