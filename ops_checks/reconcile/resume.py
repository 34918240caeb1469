"""Finish what was interrupted between both queues: a plan, or a change of one item (RECONCILE section 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.reconcile.apply import finish_plan
from ops_checks.reconcile.operation_record import is_operation
from ops_checks.reconcile.operation_resume import finish_operation
from ops_checks.reconcile.reading import database

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.reconcile.apply import Result


def resume(context: Context) -> Result | None:
    """Finish what was interrupted, or return None if nothing was.

    Raises RefusedError for a plan that may not be applied here any more, WriteError, InputError.
    """
    with database(context).snapshot() as snapshot:
        record = snapshot.agreement().interrupted()
    if record is None:
        return None
    return (finish_operation if is_operation(record) else finish_plan)(context, record)
