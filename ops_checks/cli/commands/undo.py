"""`undo`: take a change back: of an item, of one command, or an applied plan (RECONCILE section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import wants_json
from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.mutation import change_each
from ops_checks.cli.options import add_queues, item_id, name
from ops_checks.cli.other_side import other_side_notes
from ops_checks.cli.outcomes import decided
from ops_checks.cli.output import Made
from ops_checks.cli.reconcile_lines import undone_lines
from ops_checks.cli.reconcile_result import add_format, shown
from ops_checks.context import DB_SIDE
from ops_checks.errors import RefusedError, UsageError
from ops_checks.exit_codes import OK, REFUSED
from ops_checks.reconcile.application import Outcome
from ops_checks.reconcile.apply import Result as Applied
from ops_checks.reconcile.made_change import CHANGES, made_change
from ops_checks.reconcile.plan_file import is_plan_id, read_plan, unplanned
from ops_checks.reconcile.reading import database
from ops_checks.reconcile.result_json import UNDONE
from ops_checks.reconcile.undo import undo_plan
from ops_checks.reconcile.undo_change import changes_of, newest_change, undo_change
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterable

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.model import Item
    from ops_checks.reconcile.made_change import MadeChange
    from ops_checks.stores.protocol import Event

_LISTED = 5
_EVENTS_LISTED = 500


def _add_arguments(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--plan", metavar="ID|FILE", type=name, help="an applied plan, by its id or its file")
    what.add_argument(
        "--id", metavar="ID", type=item_id, action="append", help="the newest change of an item; repeatable"
    )
    what.add_argument("--operation", metavar="ID", type=name, help="all that one command changed, by its id")
    add_queues(parser)
    parser.add_argument("--actor", metavar="NAME", type=name, help="who does it (default: the login name)")
    add_format(parser)


def run(invocation: Invocation) -> Result:
    """Take back what was named. Raises UsageError, with what could be meant, where nothing was."""
    args = invocation.args
    plan = args.operation if args.operation and is_plan_id(args.operation) else args.plan
    if plan is not None:
        return _undo_plan(invocation, plan)
    if args.operation is not None:
        return _undo_changes(invocation, changes_of(invocation.context, args.operation))
    if args.id is not None:
        return _undo_newest(invocation, list(dict.fromkeys(args.id)))
    raise UsageError("name what to take back with --id, --operation or --plan", tuple(_candidates(invocation)))


def _undo_plan(invocation: Invocation, plan: str) -> Result:
    """Take an applied plan back."""
    found = undo_plan(invocation.context, plan if is_plan_id(plan) else read_plan(plan).plan_id)
    invocation.note(found.notes)
    return (REFUSED if found.outcome.stale else OK), shown(invocation, UNDONE, found, undone_lines(found))


def _undo_newest(invocation: Invocation, ids: list[str]) -> Result:
    """Take the newest change of each item back."""
    return _undo_each(invocation, ids, lambda item_id: newest_change(invocation.context, item_id))


def _undo_changes(invocation: Invocation, changes: list[MadeChange]) -> Result:
    """Take the changes of one operation back."""
    made = {change.item_id: change for change in changes}
    return _undo_each(invocation, list(made), made.__getitem__)


def _undo_each(invocation: Invocation, ids: list[str], find: Callable[[str], MadeChange]) -> Result:
    """Take a change of each item back, each by itself; what is refused stops no other."""
    outcome = Outcome()
    operations: set[str] = set()
    one_sided: list[Item] = []

    def undo(item_id: str) -> list[str]:
        made = find(item_id)
        operations.add(made.operation)
        try:
            lines = _undo(invocation, made, one_sided)
        except RefusedError:
            outcome.stale += made.actions_back
            raise
        outcome.applied += made.actions_back
        return lines

    code, lines = change_each(invocation, ids, undo)
    invocation.note(other_side_notes(invocation.context, DB_SIDE, one_sided))
    if not wants_json(invocation.args):
        return code, lines
    operation = operations.pop() if len(operations) == 1 else ""
    return code, shown(invocation, UNDONE, Applied(unplanned(operation), outcome), lines)


def _undo(invocation: Invocation, made: MadeChange, one_sided: list[Item]) -> list[str]:
    """Take one change back and return its line; note the item where the database alone was changed."""
    context = invocation.context
    changed = undo_change(context, made)
    invocation.note(changed.notes)
    invocation.outcomes.append(decided(changed))
    if made.lease_owner:
        invocation.note([f"{visible(made.item_id)}: the lease of {visible(made.lease_owner)} is not given back"])
    if changed.document is None:
        one_sided.append(changed.after)
    return [Made(f"undone {made.operation} {changed.after.id} -> {changed.after.status}")]


def _candidates(invocation: Invocation) -> list[str]:
    """Return a line for each of the plans and operations that were carried out last."""
    with database(invocation.context).snapshot() as snapshot:
        records = snapshot.agreement().plans(_LISTED)
        events = list(snapshot.events_of(CHANGES, most=_EVENTS_LISTED))
    named = [(each.made_at, f"{each.plan_id} {each.state} {each.made_at} by {visible(each.actor)}") for each in records]
    named += [(found[0].event.created_at, _operation_line(found)) for found in _operations(events)[:_LISTED]]
    named.sort(key=lambda each: each[0], reverse=True)
    return [line for _, line in named[:_LISTED]] or ["nothing to undo"]


def _operations(events: Iterable[tuple[str, Event]]) -> list[list[MadeChange]]:
    """Return the changes of each operation that can be named, the newest first."""
    found: dict[str, list[MadeChange]] = {}
    for changed, event in events:
        made = made_change(changed, event)
        if made is not None and not is_plan_id(made.operation):
            found.setdefault(made.operation, []).append(made)
    return list(found.values())


def _operation_line(changes: list[MadeChange]) -> str:
    newest = changes[0]
    items = visible(newest.item_id) if len(changes) == 1 else f"{len(changes)} items"
    return f"{visible(newest.operation)} {items} {newest.name}"


COMMAND = Command(
    run,
    help="Take a change back: of an item, of a command, or an applied plan.",
    example="ops-checks undo --id ORCH-018",
    needs=POLICY,
    arguments=_add_arguments,
)
