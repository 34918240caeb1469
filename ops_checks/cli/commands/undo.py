"""`undo`: take a change back: of an item, of one command, or an applied plan (RECONCILE section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import wants_json
from ops_checks.cli.bulk import Chosen, chosen_items
from ops_checks.cli.command import POLICY, Command, add_options
from ops_checks.cli.mutation import DRY_RUN, cell_lines, change_all, change_each, change_together
from ops_checks.cli.options import add_queues, name
from ops_checks.cli.other_side import other_side_notes
from ops_checks.cli.outcomes import decided
from ops_checks.cli.output import About, Made
from ops_checks.cli.reconcile_lines import undone_lines
from ops_checks.cli.reconcile_result import add_format, shown
from ops_checks.cli.selection_options import ACTOR, BULK, selected, selector_of
from ops_checks.context import DB_SIDE
from ops_checks.errors import RefusedError, UsageError, about
from ops_checks.exit_codes import OK, REFUSED
from ops_checks.reconcile.application import Outcome
from ops_checks.reconcile.apply import Result as Applied
from ops_checks.reconcile.made_change import CHANGES, made_change
from ops_checks.reconcile.plan_file import is_plan_id, read_plan, unplanned
from ops_checks.reconcile.reading import database
from ops_checks.reconcile.result_json import UNDONE, WOULD_UNDO
from ops_checks.reconcile.undo import preview_undo, undo_plan
from ops_checks.reconcile.undo_change import Undoing, changes_of, must_keep_events, newest_changes
from ops_checks.sanitize import visible
from ops_checks.stores.changes import all_decided

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable, Mapping

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.model import Item
    from ops_checks.reconcile.made_change import MadeChange
    from ops_checks.stores.changes import Change
    from ops_checks.stores.event import Event

_LISTED = 5
_EVENTS_LISTED = 500


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--plan", metavar="ID|FILE", type=name, help="an applied plan, by its id or its file")
    parser.add_argument("--operation", metavar="ID", type=name, help="all that one command changed, by its id")
    add_options(parser, (*selected("the newest change of an item, or of those that a glob means; repeatable"), *BULK))
    add_queues(parser)
    ACTOR.add_to(parser)
    add_format(parser)


def run(invocation: Invocation) -> Result:
    """Take back what was named. Raises UsageError, with what could be meant, where nothing was."""
    args = invocation.args
    must_keep_events(invocation.context)
    plan = args.operation if args.operation and is_plan_id(args.operation) else args.plan
    selects = not selector_of(args, invocation.context).empty
    if (args.plan is not None) + (args.operation is not None) + selects > 1:
        raise UsageError("name what to take back with --id and the options that select, or --operation, or --plan")
    if plan is not None:
        return _undo_plan(invocation, plan)
    if args.operation is not None:
        changes = {made.item_id: made for made in changes_of(invocation.context, args.operation)}
        return _undo_changes(invocation, Chosen(list(changes)), changes)
    if selects:
        return _undo_changes(invocation, chosen_items(invocation, database(invocation.context), "undo"))
    raise UsageError("name what to take back with --id, --operation or --plan", tuple(_candidates(invocation)))


def _undo_plan(invocation: Invocation, plan: str) -> Result:
    """Take an applied plan back, or tell what that would do."""
    args, context = invocation.args, invocation.context
    plan_id = plan if is_plan_id(plan) else read_plan(plan).plan_id
    carry_out, operation = (preview_undo, WOULD_UNDO) if args.dry_run else (undo_plan, UNDONE)
    found = carry_out(context, plan_id, all_or_nothing=args.all_or_nothing)
    invocation.note(found.notes)
    if args.dry_run:
        invocation.remarks.append(DRY_RUN)
    code = REFUSED if found.outcome.stale else OK
    return code, shown(invocation, operation, found, undone_lines(found, operation))


def _undo_changes(invocation: Invocation, chosen: Chosen, changes: Mapping[str, MadeChange] | None = None) -> Result:
    """Take changes back, each by itself, so that one that is refused stops no other; or all of them or none.

    `changes` are those by item; without them the newest change of each item is taken back.
    """
    args = invocation.args
    refused: dict[str, RefusedError] = {}
    if changes is None:
        changes, refused = newest_changes(invocation.context, chosen.ids, chosen.must_be_as_shown)
    undone = _Undone(invocation, changes, refused)
    if args.all_or_nothing and not args.dry_run:
        code, lines = change_together(invocation, chosen, lambda: undone.change_together(chosen.ids), undone.told)
    else:
        each = change_each if chosen.shown is None else change_all
        code, lines = each(invocation, chosen.ids, undone.change)
    invocation.note(other_side_notes(invocation.context, DB_SIDE, undone.one_sided))
    if chosen.shown is not None or args.all_or_nothing:
        invocation.remarks.append(f"changed={undone.count} refused={len(chosen.ids) - undone.count}")
    if args.dry_run:
        invocation.remarks.append(DRY_RUN)
    if not wants_json(invocation.args):
        return code, lines
    operation = undone.operations.pop() if len(undone.operations) == 1 else ""
    word = WOULD_UNDO if args.dry_run else UNDONE
    return code, shown(invocation, word, Applied(unplanned(operation), undone.outcome), lines)


class _Undone:
    """What becomes of changes that are taken back."""

    def __init__(
        self, invocation: Invocation, changes: Mapping[str, MadeChange], refused: Mapping[str, RefusedError]
    ) -> None:
        self._invocation = invocation
        self._changes = changes
        self._refused = refused
        self._undoing = Undoing(invocation.context, changes)
        self.outcome = Outcome()
        self.operations: set[str] = set()
        self.one_sided: list[Item] = []
        self.count = 0

    def change(self, item_id: str) -> list[str]:
        """Take the change of an item back, or only decide, and return its lines."""
        made, undoing = self._made(item_id), self._undoing
        try:
            with about(made.rows[1].task):
                return self.told((undoing.preview if self._invocation.args.dry_run else undoing.change)(item_id))
        except RefusedError:
            self.outcome.stale += made.actions_back
            raise

    def change_together(self, ids: list[str]) -> list[Change]:
        """Take the changes of all items back, or of none. Raises RefusedTogetherError."""
        every = all_decided(ids, self._made)
        try:
            return self._undoing.change_together(ids)
        except RefusedError:
            self.outcome.stale += [action for made in every for action in made.actions_back]
            raise

    def told(self, changed: Change) -> list[str]:
        """Return the lines of a change that was made, or would be."""
        made, dry_run = self._changes[changed.before.id], self._invocation.args.dry_run
        self._invocation.outcomes.append(decided(changed, dry_run=dry_run))
        self.count += 1
        self.operations.add(made.operation)
        self.outcome.applied += made.actions_back
        self._invocation.note(changed.notes)
        if made.lease_owner:
            holder, name = visible(made.lease_owner), visible(made.item_id)
            self._invocation.note([About(f"{name}: the lease of {holder} is not given back", changed.after.task)])
        if dry_run:
            word = f"{WOULD_UNDO} {made.operation} {changed.after.id} -> {changed.after.status}"
            return [About(word, changed.after.task), *cell_lines(changed)]
        if changed.document is None:
            self.one_sided.append(changed.after)
        word = f"{UNDONE} {made.operation} {changed.after.id} -> {changed.after.status}"
        return [Made(word, changed.after.task)]

    def _made(self, item_id: str) -> MadeChange:
        if item_id in self._refused:
            raise self._refused[item_id]
        return self._changes[item_id]


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
