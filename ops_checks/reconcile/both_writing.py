"""Write a change of one item inside a transaction: its rows on both sides, and what is agreed on with it (rule B3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import FIELDS
from ops_checks.reconcile.agreement import advanced
from ops_checks.reconcile.model import BaseRow
from ops_checks.stores.baseline import AgreedRow
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.stores.changes import Change
    from ops_checks.stores.protocol import Snapshot
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


def rows_of(left: Snapshot, ids: Sequence[str]) -> dict[str, Item]:
    """Return the rows of some items, by id."""
    if len(ids) == 1:  # which the document finds faster
        found = left.get(ids[0])
        return {} if found is None else {found.id: found}
    wanted = frozenset(ids)
    return {item.id: item for _, item in left.items() if item.id in wanted}
