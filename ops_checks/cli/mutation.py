"""Carry out a transition of one item, or with --dry-run only decide (FORMATS section 5)."""

from __future__ import annotations

from ops_checks.cli.output import Made
from ops_checks.errors import RefusedError
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide, Reliability
    from ops_checks.stores.protocol import Store
    from ops_checks.transitions import Stamp


def mutate(invocation: Invocation, transition: Callable[[Stamp], Decide]) -> Result:
    """Return the line of a transition, which is made only once the store is known to be writable.

    Raises UsageError, RefusedError, InputError, WriteError; then nothing was changed.
    """
    context, args = invocation.context, invocation.args
    store = _writable_store(context)
    transition(context.stamp)  # raises for bad arguments before anything is locked

    def decide(item: Item, reliability: Reliability | None) -> Change:
        # The time under the lock: a lease may have run out while we waited for it.
        return transition(context.at(invocation.clock()).stamp)(item, reliability)

    change = (store.preview if args.dry_run else store.change)(args.id, decide)
    invocation.warn(change.warnings)
    invocation.note(change.notes)
    line = f"{change.after.id} -> {change.after.status}"
    if args.dry_run:
        invocation.remarks.append("dry run: nothing was written")
        return 0, [line]
    return 0, [Made(line)]


def _writable_store(context: Context) -> Store:
    """Return the store to change. Raises RefusedError if it may only be read."""
    if context.works_on_db:
        return context.db_store
    name = visible(context.queue)
    if context.source_of_truth == "db":
        raise RefusedError(f"{name}: is a view of the database, by the policy: change it with --db")
    if context.markdown_read_only:
        raise RefusedError(f"{name}: read-only by ORCH_QUEUE_MD_READ_ONLY: change the database with --db")
    return context.md_store
