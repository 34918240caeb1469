"""Finish a change of one item that was interrupted between both queues (RECONCILE section 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import Item
from ops_checks.reconcile.agreement import checked_out
from ops_checks.reconcile.application import Outcome
from ops_checks.reconcile.apply import Result
from ops_checks.reconcile.both_writing import edits_of, write_database
from ops_checks.reconcile.decision import SET
from ops_checks.reconcile.document_writing import DocumentWriting
from ops_checks.reconcile.model import DB, MD, Action
from ops_checks.reconcile.operation_record import STALE, WRITTEN, parse_operation
from ops_checks.reconcile.plan_file import unplanned
from ops_checks.reconcile.reading import database, document
from ops_checks.reconcile.units import cells
from ops_checks.reconcile.writing import while_changing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.context import Context
    from ops_checks.reconcile.operation_record import Operation
    from ops_checks.stores.baseline import PlanRecord


def finish_operation(context: Context, record: PlanRecord) -> Result:
    """Finish the change of a record that was interrupted, where nobody has changed the item since; else it is stale.

    Raises InputError, WriteError.
    """
    md_commit = checked_out(context)
    return while_changing(context, lambda: _finished(context, record, md_commit))


def _finished(context: Context, record: PlanRecord, md_commit: str | None) -> Result:
    operation = parse_operation(record)
    result = Result(unplanned(record.plan_id))
    with document(context).rewriting() as text, database(context).transaction() as transaction:
        transaction.begin_exclusive()
        writing = DocumentWriting(context, text)
        with text.snapshot() as left, writing.half_told():
            md, found = left.get(operation.item_id), transaction.snapshot().find(operation.item_id)
            states = {MD: operation.document.state(md), DB: operation.database_state(found, context.now_s)}
            result.outcome = _outcome(operation, states)
            open_sides = [] if result.outcome.stale else [side for side, state in states.items() if state != WRITTEN]
            if DB in open_sides and found is not None:
                after = None if md is None else operation.document_change(md).after
                write_database(context, transaction, operation.database_change(found[0]), after, md_commit)
            transaction.records().delete(record.plan_id)
            if MD in open_sides and md is not None:
                writing.write(left, edits_of(operation.document_change(md)))
            transaction.commit()
        result.notes += text.settle()
    return result


def _outcome(operation: Operation, states: Mapping[str, str]) -> Outcome:
    """Return what becomes of each unit on each side; what one side cannot have the other does not get."""
    outcome = Outcome()
    stale = STALE in states.values()
    for to, side in ((MD, operation.document), (DB, operation.database)):
        where = outcome.stale if stale else outcome.done if states[to] == WRITTEN else outcome.applied
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
    return outcome
