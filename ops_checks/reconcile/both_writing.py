"""Write a change of one item inside a transaction: its rows on both sides, and what is agreed on with it (rule B3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import FIELDS
from ops_checks.reconcile.agreement import advanced
from ops_checks.reconcile.model import BaseRow
from ops_checks.stores.baseline import AgreedRow
from ops_checks.stores.markdown.rewriting import RowEdits
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.stores.changes import Change
    from ops_checks.stores.transaction_protocol import Transaction


def write_database(
    context: Context, transaction: Transaction, change: Change, md: Item | None, md_commit: str | None
) -> None:
    """Write the database's change with its event, and what it agrees on with a row of the document then.

    `md_commit` is what `checked_out` returned before. Nothing is committed here. Raises WriteError, InputError for a
    damaged base.
    """
    transaction.change(change)
    new = transaction.new_baseline()
    if new.before is None or md is None:
        return
    item_id = change.after.id
    old = transaction.snapshot().agreement().rows([item_id]).get(item_id)
    if old is None:
        return  # it was never recorded: `baseline` does that
    base = advanced(BaseRow(dict(zip(FIELDS, old.cells, strict=True))), md, change.after)
    stamp = context.stamp
    if base is not None:
        row = AgreedRow(tuple(base.cells[name] for name in FIELDS), old.ordinal, md_commit=md_commit)
        new.advance(row, made_at=queue_time(stamp.now_s, stamp.tz_minutes))


def edits_of(change: Change) -> RowEdits:
    """Return what a change is to the document's row."""
    edits = RowEdits()
    pairs = zip(FIELDS, change.before, change.after, strict=True)
    new = [(name, after) for name, before, after in pairs if before != after]
    if new:
        edits.cells[change.before.id] += new
    return edits
