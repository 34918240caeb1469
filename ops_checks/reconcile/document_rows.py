"""What actions do to the rows of the document: which are replaced, removed and inserted, and where those stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import FIELDS, Item
from ops_checks.reconcile.decision import ADD, REKEY, REMOVE, RESTORE
from ops_checks.reconcile.model import MD
from ops_checks.stores.markdown.rewriting import RowEdits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.reconcile.application import Outcome
    from ops_checks.reconcile.model import Action


def ordinals(items: Iterable[tuple[int, Item]], actions: Iterable[Action]) -> Iterator[tuple[str, int]]:
    """Yield the ids of the document with their places, then those of rows that the actions put there."""
    new = [action for action in actions if action.to == MD and action.kind in {ADD, REKEY, RESTORE}]
    named = {*(action.anchor for action in new), *(action.id for action in new)}
    places: dict[str, int] = {}
    last = 0
    for line, item in items:
        last = line
        if item.id in named:
            places[item.id] = line
        yield item.id, line
    for action in new:
        if action.kind == REKEY:
            yield (action.after or {})["id"], places.get(action.id, last)
        elif action.kind == RESTORE:
            yield action.id, places.get(action.anchor or "", 0)
        else:
            last += 1
            yield action.id, last


def rows_above(items: Iterable[tuple[int, Item]], outcome: Outcome) -> dict[str, str | None]:
    """Return for each row that is removed from the document the id of the nearest row above it that stays."""
    removed = {action.id for action in outcome.applied if action.kind == REMOVE and action.to == MD}
    above: dict[str, str | None] = {}
    last: str | None = None
    for _, item in items if removed else ():
        if item.id in removed:
            above[item.id] = last
        else:
            last = item.id
    return above


def row_edits(actions: Iterable[Action]) -> RowEdits:
    """Return what the actions change in the document."""
    edits = RowEdits()
    for action in actions:
        if action.to != MD:
            continue
        after = action.after or {}
        if action.kind == REMOVE:
            edits.removed.add(action.id)
        elif action.kind in {ADD, RESTORE}:
            above = RowEdits.LAST if action.kind == ADD else action.anchor or RowEdits.TOP
            edits.inserted.append((Item.from_cells(after[name] for name in FIELDS), above))
        else:
            edits.cells[action.id] += after.items()
    return edits
