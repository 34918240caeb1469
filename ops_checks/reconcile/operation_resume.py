"""Finish changes of single items that were interrupted between both queues (RECONCILE section 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.model import Item
from ops_checks.reconcile.agreement import checked_out
from ops_checks.reconcile.apply import Result
from ops_checks.reconcile.both_writing import rows_of, write_database
from ops_checks.reconcile.decision import SET
from ops_checks.reconcile.document_writing import DocumentWriting
from ops_checks.reconcile.model import DB, MD, Action
from ops_checks.reconcile.operation_record import STALE, WRITTEN, parse_operations
from ops_checks.reconcile.plan_file import unplanned
from ops_checks.reconcile.reading import database, document
from ops_checks.reconcile.units import cells
from ops_checks.reconcile.writing import while_changing
from ops_checks.stores.markdown.rewriting import row_edits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops_checks.context import Context
    from ops_checks.reconcile.application import Outcome
    from ops_checks.reconcile.operation_record import Operation
    from ops_checks.stores.baseline import PlanRecord
    from ops_checks.stores.changes import Change, Reliability
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot, Transaction


def finish_operation(context: Context, record: PlanRecord) -> Result:
    """Finish the changes of a record that were interrupted, where nobody has changed the item since; others are stale.

    Where the document was not written yet and one is stale, all are: they were to be made together or not at all.
    Raises InputError, WriteError.
    """
    md_commit = checked_out(context)
    return while_changing(context, lambda: _finished(context, record, md_commit))


class _Item(NamedTuple):
    """A change that was begun, and what both sides say of its item now: each a state, and the item."""

    operation: Operation
    md: Item | None
    db: tuple[Item, Reliability] | None
    states: Mapping[str, str]

    @property
    def stale(self) -> bool:
        return STALE in self.states.values()

    @property
    def is_in_document(self) -> bool:
        """Whether the document has been written."""
        return bool(self.operation.document.units) and self.states[MD] == WRITTEN


def _finished(context: Context, record: PlanRecord, md_commit: str | None) -> Result:
    operations = parse_operations(record)
    result = Result(unplanned(record.plan_id))
    with document(context).rewriting() as text, database(context).transaction() as transaction:
        transaction.begin_exclusive()
        writing = DocumentWriting(context, text)
        with text.snapshot() as left, writing.half_told():
            items = _as_they_are(operations, left, transaction.snapshot(), context.now_s)
            none = any(item.stale for item in items) and not any(item.is_in_document for item in items)
            rows = []
            for item in items:
                _tell(result.outcome, item, stale=none or item.stale)
                if not (none or item.stale):
                    rows += _finish(context, transaction, item, md_commit)
            transaction.records().delete(record.plan_id)
            writing.write(left, row_edits(rows))
            transaction.commit()
        result.notes += text.settle()
    return result


def _as_they_are(operations: Sequence[Operation], left: Snapshot, right: DatabaseSnapshot, now_s: float) -> list[_Item]:
    rows = rows_of(left, [operation.item_id for operation in operations])
    items = []
    for operation in operations:
        md, db = rows.get(operation.item_id), right.find(operation.item_id)
        states = {MD: operation.document.state(md), DB: operation.database_state(db, now_s)}
        items.append(_Item(operation, md, db, states))
    return items


def _finish(context: Context, transaction: Transaction, item: _Item, md_commit: str | None) -> list[Change]:
    """Write what is open of a change to the database, and return what is open in the document."""
    operation = item.operation
    row = None if item.md is None else operation.document_change(item.md)
    if item.states[DB] != WRITTEN and item.db is not None:
        after = None if row is None else row.after
        write_database(context, transaction, operation.database_change(item.db[0]), after, md_commit)
    return [row] if item.states[MD] != WRITTEN and row is not None else []


def _tell(outcome: Outcome, item: _Item, *, stale: bool) -> None:
    """Add what becomes of each unit on each side; what one side cannot have the other does not get."""
    operation = item.operation
    for to, side in ((MD, operation.document), (DB, operation.database)):
        where = outcome.stale if stale else outcome.done if item.states[to] == WRITTEN else outcome.applied
        before, after = Item.from_cells(side.before), Item.from_cells(side.after)
        where += [
            Action(
                id=operation.item_id,
                unit=unit,
                kind=SET,
                to=to,
                before=cells(before, unit),
                after=cells(after, unit),
                why=operation.event,
            )
            for unit in side.units
        ]
