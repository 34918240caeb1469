"""Take single changes back, as far as nobody changed the item since (RECONCILE section 10)."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ops_checks.errors import OpsError, RefusedError
from ops_checks.reconcile.agreement import checked_out
from ops_checks.reconcile.blame import bears_state, blame_words, database_blame
from ops_checks.reconcile.both import BothStores
from ops_checks.reconcile.both_writing import write_database
from ops_checks.reconcile.made_change import CHANGES, UNDONE, follow_back, made_change, operation_of, take_back
from ops_checks.reconcile.model import DB
from ops_checks.reconcile.plan_file import is_plan_id
from ops_checks.reconcile.reading import database
from ops_checks.sanitize import visible
from ops_checks.stores.unknown_item import ids_in, unknown_item

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.reconcile.made_change import MadeChange
    from ops_checks.stores.changes import Change, Decide
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot


def newest_change(context: Context, item_id: str) -> MadeChange:
    """Return the newest change of an item. Raises RefusedError if it was none of an operator's, with what it was."""
    with database(context).snapshot() as snapshot:
        if snapshot.get(item_id) is None:
            advice = "its events go with an item"
            raise unknown_item(visible(context.db), [item_id], advice, lambda: ids_in(snapshot))
        return _newest(snapshot, item_id)


def changes_of(context: Context, operation: str) -> list[MadeChange]:
    """Return the changes of an operation in the order of their ids. Raises RefusedError if there is none here."""
    with database(context).snapshot() as snapshot:
        found = [made_change(item_id, event) for item_id, event in snapshot.events_of(CHANGES, operation)]
    made = [each for each in found if each is not None and each.operation == operation]
    if not made:
        raise RefusedError(f"{visible(context.db)}: no operation {visible(operation)}: see `ops-checks undo`")
    return sorted(made, key=lambda each: each.item_id)


def undo_change(context: Context, made: MadeChange, *, dry_run: bool = False) -> Change:
    """Take a change back in the queues that it was made in, and return the change that does it.

    Raises RefusedError where somebody changed the item since, or the document may only be read; InputError,
    WriteError. Then nothing was changed, unless the error says so.
    """
    decide = take_back(context.stamp, made)
    if made.document is None:
        return _undo_in_database(context, made, decide, dry_run=dry_run)
    if context.markdown_read_only:
        raise RefusedError(f"{visible(context.queue)}: read-only by ORCH_QUEUE_MD_READ_ONLY, and both were changed")
    stores = BothStores(context, follow_back(made), lambda snapshot: _must_be_newest(snapshot, made))
    return (stores.preview if dry_run else stores.change)(made.item_id, decide)


def _undo_in_database(context: Context, made: MadeChange, decide: Decide, *, dry_run: bool) -> Change:
    store = database(context)
    if dry_run:
        with store.snapshot() as before:
            return _decided(before, made, decide)
    md_commit = checked_out(context)
    with store.transaction() as transaction:
        change = _decided(transaction.snapshot(), made, decide)
        write_database(context, transaction, change, _row(context, made.item_id), md_commit)
        transaction.commit()
    return change


def _decided(snapshot: DatabaseSnapshot, made: MadeChange, decide: Decide) -> Change:
    _must_be_newest(snapshot, made)
    found = snapshot.find(made.item_id)
    if found is None:
        raise RefusedError(f"no item {visible(made.item_id)} any more: not taken back: {made.name}")
    return decide(*found)


def _row(context: Context, item_id: str) -> Item | None:
    """Return the document's row, None where there is none to be read: then nothing is agreed on."""
    with suppress(OpsError):
        return context.md_store.get(item_id) if os.path.lexists(context.queue) else None
    return None


def _must_be_newest(snapshot: DatabaseSnapshot, made: MadeChange) -> None:
    newest = _newest(snapshot, made.item_id)
    if newest.event.event_id != made.event.event_id:
        raise RefusedError(f"{visible(made.item_id)}: was changed since, {newest.name}: not taken back: {made.name}")


def _newest(snapshot: DatabaseSnapshot, item_id: str) -> MadeChange:
    moves = [event for event in snapshot.events(item_id) if bears_state(event)]
    name = visible(item_id)
    if not moves:
        raise RefusedError(f"{name}: has no event that could be taken back: {_OF_A_DOCUMENT}")
    plan = operation_of(moves[-1])
    if is_plan_id(plan):
        way = "apply the plan again" if moves[-1].event_type == UNDONE else f"ops-checks undo --plan {plan}"
        raise RefusedError(f"{name}: its newest change is of the plan {plan}: {way}")
    made = made_change(item_id, moves[-1])
    if made is None:
        what = blame_words(DB, database_blame(moves[-1], None))
        raise RefusedError(f"{name}: its newest change is none that an operator made: {what}: {_OF_A_DOCUMENT}")
    return made


#: What else a person may have meant.
_OF_A_DOCUMENT = (
    "a change of the document alone has no event: git keeps the document's, and what is changed with --both can be "
    "taken back"
)
