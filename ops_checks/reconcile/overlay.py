"""One side as it would be after some changes: a comparison of what is planned, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ops_checks.gate.stable_reading import run_comparison
from ops_checks.rules.drift.comparison import Comparison
from ops_checks.stores.markdown.table import render_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ops_checks.model import Item
    from ops_checks.policy.model import ConsistencyPolicy
    from ops_checks.reconcile.model import ItemState
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.stores.protocol import Keys, Snapshot


class Overlay:
    """A snapshot in which some items, by id, are others: None for one that is not there, new ones at the end.

    It has the streams and the look-ups of a comparison; everything else is the snapshot's own.
    """

    def __init__(self, snapshot: Snapshot, items: Mapping[str, Item | None]) -> None:
        self._snapshot = snapshot
        self._items = items

    def keys(self) -> Iterator[Keys]:
        """Stream the comparison keys. Raises what the snapshot's `keys` raises."""
        added = dict(self._items)
        number = 0
        stream = self._snapshot.keys()
        for first, keys in stream:
            kept: list[str] = []
            for number, key in enumerate(keys, first):
                item_id = self._snapshot.item_id(number, key)
                if item_id not in self._items:
                    kept.append(key)
                    continue
                new = added.pop(item_id, None)
                if kept:
                    yield number - len(kept), kept
                kept = []
                if new is not None:
                    yield number, [render_row(new)]
            if kept:
                yield number - len(kept) + 1, kept
        rows = [render_row(item) for item in added.values() if item is not None]
        if rows:
            yield number + 1, rows

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the snapshot has
        """Return what the snapshot has."""
        return getattr(self._snapshot, name)


def comparison_after(rules: ConsistencyPolicy, md: Snapshot, db: Snapshot, after: Mapping[str, ItemState]) -> Drift:
    """Return what `consistency-check` would find, by a policy, if some items were as given on both sides."""
    left = Overlay(md, {item_id: state.md for item_id, state in after.items()})
    right = Overlay(db, {item_id: state.db for item_id, state in after.items()})
    sides = cast("Snapshot", left), cast("Snapshot", right)
    compared = Comparison(
        *sides, fields=rules.fields, ignore_statuses=rules.ignore_statuses, as_rendered=rules.as_rendered
    )
    return run_comparison(compared, *sides)
