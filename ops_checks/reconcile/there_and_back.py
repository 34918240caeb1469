"""Find the units that left their base and came back, from the oldest version of the document on (rule B4). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.reconcile.versions import equal, item_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ops_checks.files.git_repository import Version
    from ops_checks.model import Item
    from ops_checks.reconcile.versions import Rows


class ThereAndBack:
    """The search for units that had their base's value in a version, and another one in a later one.

    `base` has by id the item with its base's values and the units to look at; `versions` are the document's, newest
    first. Later is what has the other before it in the history: a branch that began earlier, and never had the base's
    value, moves nothing. A row that is not there has no value. `order` has the commits in the order in which their
    rows must be added: parents first, those before the range included. `found` has pairs of id and unit.
    """

    def __init__(self, versions: Sequence[Version], base: Mapping[str, tuple[Item, Collection[str]]]) -> None:
        self.found: set[tuple[str, str]] = set()
        self._base = base
        self._parents = {version.commit: version.parents for version in reversed(versions)}
        self.order = list(
            dict.fromkeys(name for commit, parents in self._parents.items() for name in (*parents, commit))
        )
        self._children: dict[str, int] = {}
        for parents in self._parents.values():
            for parent in parents:
                self._children[parent] = self._children.get(parent, 0) + 1
        #: By commit: the units that had the base's value there or before, and the rows.
        self._seen: dict[str, frozenset[tuple[str, str]]] = {}
        self._rows: dict[str, Rows | None] = {}

    def add(self, commit: str, rows: Rows | None) -> None:
        """Add the rows of the next version in `order`, None if it cannot be read: it counts for nothing."""
        parents = self._parents.get(commit, ())
        seen = frozenset[tuple[str, str]]().union(*(self._seen[parent] for parent in parents))
        older = self._rows[parents[0]] if len(parents) == 1 else None
        if rows is None:
            rows = older
        else:
            changed = rows.by_id if older is None else rows.differing(older)
            seen = self._compare(rows, changed, seen)
        self._seen[commit], self._rows[commit] = seen, rows
        for parent in parents:
            self._release(parent)

    def _compare(
        self, rows: Rows, changed: Iterable[str], seen: frozenset[tuple[str, str]]
    ) -> frozenset[tuple[str, str]]:
        based = set()
        for item_id in changed:
            item = item_in(rows, item_id)[1]
            if item is None:
                continue
            base, units = self._base[item_id]
            for unit in units:
                if equal(base, item, unit):
                    based.add((item_id, unit))
                elif (item_id, unit) in seen:
                    self.found.add((item_id, unit))
        return seen if based <= seen else seen | based

    def _release(self, parent: str) -> None:
        self._children[parent] -= 1
        if not self._children[parent]:
            del self._seen[parent], self._rows[parent]
