"""What an application of a plan would do: decided on both queues as they are, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.errors import ChangingError
from ops_checks.reconcile.application import apply_actions
from ops_checks.reconcile.apply import Result, admits, must_be_whole
from ops_checks.reconcile.document_rows import row_edits
from ops_checks.reconcile.overlay import comparison_after
from ops_checks.reconcile.reading import database, read_inside
from ops_checks.reconcile.writing import item_finder, must_write_document, while_changing
from ops_checks.sanitize import visible
from ops_checks.stores.markdown.rewriting import edited_document
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ops_checks.context import Context
    from ops_checks.reconcile.plan_file import SavedPlan
    from ops_checks.rules.drift.drift import Drift

    #: Makes the stream of a document, as often as it is needed.
    Chunks = Callable[[], Iterable[bytes]]


class Preview(Struct, frozen=True):
    """What would become of a plan, and what `consistency-check` would find then."""

    result: Result
    drift: Drift


def preview_plan(context: Context, plan: SavedPlan, *, all_or_nothing: bool = False) -> Preview:
    """Return what `apply_plan` would do now. Raises what it would raise, but for a document that cannot be written.

    The database's lock is taken for as long as both are read, and given back with nothing committed: that shows
    whether it may be written. The document's lock is not taken, because its file would stay.
    """
    must_write_document(context, plan.actions)
    return while_changing(context, lambda: _previewed(context, plan, all_or_nothing=all_or_nothing))


def _previewed(context: Context, plan: SavedPlan, *, all_or_nothing: bool) -> Preview:
    result = Result(plan)
    store = context.md_store
    with database(context).transaction() as transaction, transaction.snapshot() as right, store.snapshot() as left:
        result.already = not admits(transaction, plan)
        if not result.already:
            transaction.records().probe()
            find = item_finder(read_inside(left, right), right)
            result.outcome = apply_actions(plan.actions, find, context.now_s)
        if all_or_nothing:
            must_be_whole(result.outcome)
        drift = comparison_after(context.policy.consistency, left, right, result.outcome.after)
        if left.changed():
            raise ChangingError(f"{visible(context.queue)}: changing while read: run the command again")
    return Preview(result, drift)


def render_elsewhere(context: Context, plan: SavedPlan, write: Callable[[Chunks], None]) -> Preview:
    """Let another document be written as a plan would change this one; both queues are only read, and no base is made.

    `write` gets what streams that document. Raises what reading both raises, and what `write` raises.
    """
    return while_changing(context, lambda: _rendered(context, plan, write), writes=False)


def _rendered(context: Context, plan: SavedPlan, write: Callable[[Chunks], None]) -> Preview:
    path, result = context.queue, Result(plan)
    with database(context).snapshot() as right, MarkdownSnapshot(path) as left:
        find = item_finder(read_inside(left, right), right)
        result.outcome = apply_actions(plan.actions, find, context.now_s)
        drift = comparison_after(context.policy.consistency, left, right, result.outcome.after)
        edits = row_edits(result.outcome.applied)
        write(lambda: edited_document(path, left, edits))
    return Preview(result, drift)
