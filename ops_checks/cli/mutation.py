"""Carry out a transition of the items that were named, or with --dry-run only decide (FORMATS section 5)."""

from __future__ import annotations

from ops_checks.cli.output import Made, error_lines
from ops_checks.errors import OpsError, RefusedError
from ops_checks.exit_codes import INTERRUPTED, NOT_EVALUATED, OK
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide, Reliability
    from ops_checks.stores.protocol import Store
    from ops_checks.transitions import Stamp


def mutate(invocation: Invocation, transition: Callable[[Stamp], Decide]) -> Result:
    """Return the line of each item's transition; none is made before the store is known to be writable.

    Each item is changed by itself, in the order given: one that is refused or fails stops no other, its error is a
    remark, and the exit code is that of a failure, else of a refusal. Raises UsageError, RefusedError, and for an
    only item InputError and WriteError too; then nothing was changed.
    """
    context, args = invocation.context, invocation.args
    store = _writable_store(context)
    transition(context.stamp)  # raises for bad arguments before anything is locked

    def decide(item: Item, reliability: Reliability | None) -> Change:
        # The time under the lock: a lease may have run out while we waited for it.
        return transition(context.at(invocation.clock()).stamp)(item, reliability)

    def change(item_id: str) -> str:
        changed = (store.preview if args.dry_run else store.change)(item_id, decide)
        invocation.warn(changed.warnings)
        invocation.note(changed.notes)
        line = f"{changed.after.id} -> {changed.after.status}"
        return line if args.dry_run else Made(line)

    ids = list(dict.fromkeys(args.id))
    code, lines = (OK, [change(ids[0])]) if len(ids) == 1 else _change_each(invocation, ids, change)
    if args.dry_run:
        invocation.remarks.append("dry run: nothing was written")
    return code, lines


def _change_each(invocation: Invocation, ids: Sequence[str], change: Callable[[str], str]) -> tuple[int, list[str]]:
    """Return exit code and lines of several changes: those that were made are told whatever becomes of the others."""
    lines: list[str] = []
    codes: set[int] = {OK}
    for at, item_id in enumerate(ids):
        try:
            lines.append(change(item_id))
        except OpsError as error:
            invocation.remarks += error_lines(error)
            codes.add(error.exit_code)
        except KeyboardInterrupt:
            left = ", ".join(map(visible, ids[at + 1 :])) or "none"
            invocation.remarks.append(f"error: interrupted at {visible(item_id)}: look at it; not begun: {left}")
            return INTERRUPTED, lines
    return (NOT_EVALUATED if NOT_EVALUATED in codes else max(codes)), lines


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
