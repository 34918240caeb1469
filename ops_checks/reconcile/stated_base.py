"""Record a base that somebody states, in a test for instance, instead of what both queues agree on now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.reconcile.agreement import header
from ops_checks.reconcile.reading import database, read_states
from ops_checks.stores.baseline import AgreedRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.context import Context
    from ops_checks.model import Item


def record_items(context: Context, agreed: Iterable[Item]) -> None:
    """Record items as what both queues agreed on last, whatever these hold now; the document counts as newer.

    Raises InputError for queues that cannot be read or an id that stands twice, WriteError; then nothing was recorded.
    """
    items = list(agreed)
    rows = {item.id: AgreedRow(tuple(item), ordinal) for ordinal, item in enumerate(items, 1)}
    if len(rows) != len(items):
        raise InputError("base: an id stands twice in it")
    with database(context).transaction() as transaction:
        new = transaction.new_baseline()
        there = [item.id for _, item in transaction.snapshot().items()]
        new.save(
            differing={item_id: rows.get(item_id) for item_id in (*rows, *there)},
            ordinals=(),
            header=header(context, read_states(context, settle_s=0), whole=True, md_commit=None),
        )
        transaction.commit()
