"""Carry out a transition of the items that were named, or with --dry-run only decide (FORMATS section 5)."""

from __future__ import annotations

from ops_checks.cli.answer import Answer, wants_json
from ops_checks.cli.bulk import chosen_items
from ops_checks.cli.other_side import other_side_notes
from ops_checks.cli.outcomes import decided, interrupted, none_decided, not_decided
from ops_checks.cli.output import Made, error_lines
from ops_checks.cli.sides import must_be_open_to_change
from ops_checks.context import BOTH_SIDES, DB_SIDE, MARKDOWN_SIDE
from ops_checks.errors import OpsError, RefusedError, RefusedTogetherError, about
from ops_checks.exit_codes import INTERRUPTED, NOT_EVALUATED, OK
from ops_checks.model import FIELDS, NOTHING
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from ops_checks.cli.bulk import Chosen
    from ops_checks.cli.command import Invocation, Result
    from ops_checks.cli.outcomes import Met
    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide, Reliability
    from ops_checks.stores.protocol import Changeable
    from ops_checks.transitions import Stamp

#: What is told of a dry run.
DRY_RUN = "dry run: nothing was written"


def mutate(invocation: Invocation, transition: Callable[[Stamp], Decide]) -> Result:
    """Return the lines of each item's transition; none is made before the store is known to be writable.

    Each item is changed by itself, in the order given: one that is refused or fails stops no other, its error is a
    remark, and the exit code is that of a failure, else of a refusal. Raises UsageError, RefusedError, and for an
    only item InputError and WriteError too; then nothing was changed.
    """
    context, args = invocation.context, invocation.args
    side = BOTH_SIDES if args.both else context.operate_on
    store = _store_to_change(context, side)
    stamp = context.stamp
    transition(stamp)  # raises for bad arguments before anything is locked
    chosen = chosen_items(invocation, context.md_store if side == MARKDOWN_SIDE else context.db_store, args.command)

    met: dict[str, Met] = {}

    def decide(item: Item, reliability: Reliability | None) -> Change:
        met[item.id] = item, reliability
        with about(item.task):
            chosen.must_be_as_shown(item)
            # The time under the lock: a lease may have run out while we waited for it.
            return transition(context.at(invocation.clock()).stamp)(item, reliability)

    made: list[Item] = []

    def told(changed: Change) -> list[str]:
        if changed.warnings or changed.notes:
            invocation.warn(changed.warnings)
            invocation.note(changed.notes)
        invocation.outcomes.append(decided(changed, dry_run=args.dry_run))
        line = f"{changed.after.id} -> {changed.after.status}"
        made.append(changed.after)
        if args.dry_run:
            return [line, *cell_lines(changed)]
        return [Made(line)]

    each = change_each if chosen.shown is None else change_all
    if args.dry_run:
        code, lines = each(invocation, chosen.ids, lambda item_id: told(store.preview(item_id, decide)))
    elif args.all_or_nothing:
        code, lines = change_together(invocation, chosen, lambda: store.change_together(chosen.ids, decide), told)
    else:
        with store.series() as series:
            code, lines = each(invocation, chosen.ids, lambda item_id: told(series.change(item_id, decide)))
    if side != BOTH_SIDES and not args.dry_run:
        invocation.note(other_side_notes(context, side, made))
    if chosen.shown is not None or args.all_or_nothing:
        invocation.remarks.append(f"changed={len(made)} refused={len(chosen.ids) - len(made)}")
    if args.dry_run:
        invocation.remarks.append(DRY_RUN)
    return code, Answer(lines, lambda: _as_json(invocation, side, met))


def _as_json(invocation: Invocation, side: str, met: Mapping[str, Met]) -> dict[str, Any]:
    from ops_checks.cli.mutation_json import mutation_json

    return mutation_json(invocation, side, met)


def cell_lines(change: Change) -> Iterator[str]:
    """Yield a line for each cell that a change changes, lease and attempts included, of both queues by side."""
    own = "" if change.document is None else "db "
    yield from _differences(own, *before_and_after(change))
    if change.document is not None:
        yield from _differences("md ", *before_and_after(change.document))


def before_and_after(change: Change) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what an item is before and after a change: the event of a database says it with lease and attempts."""
    import json

    payload = json.loads(change.payload or "{}")
    if "before" in payload:
        return payload["before"], payload["after"]
    return dict(zip(FIELDS, change.before, strict=True)), dict(zip(FIELDS, change.after, strict=True))


def _differences(side: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, old in before.items():
        if old != after[name]:
            yield f"- {side}{name}: {_shown(old)} -> {_shown(after[name])}"


def _shown(value: object) -> str:
    return NOTHING if value in (None, "") else str(value)


def change_each(
    invocation: Invocation, ids: Sequence[str], change: Callable[[str], list[str]]
) -> tuple[int, list[str]]:
    """Return exit code and lines of changes of items that were named.

    Raises what `change` raises for an only item, unless its document is to say so.
    """
    alone = len(ids) == 1 and not wants_json(invocation.args)
    return (OK, change(ids[0])) if alone else change_all(invocation, ids, change)


def change_all(invocation: Invocation, ids: Sequence[str], change: Callable[[str], list[str]]) -> tuple[int, list[str]]:
    """Return exit code and lines of changes: those that were made are told whatever becomes of the others.

    Each item is changed by itself, in the order given.
    """
    lines: list[str] = []
    codes: set[int] = {OK}
    for at, item_id in enumerate(ids):
        try:
            lines += change(item_id)
        except OpsError as error:
            invocation.remarks += error_lines(error)
            invocation.outcomes.append(not_decided(item_id, error))
            codes.add(error.exit_code)
        except KeyboardInterrupt:
            left = ", ".join(map(visible, ids[at + 1 :])) or "none"
            invocation.remarks.append(f"error: interrupted at {visible(item_id)}: look at it; not begun: {left}")
            invocation.outcomes += interrupted(invocation.outcomes, item_id, ids[at + 1 :])
            return INTERRUPTED, lines
    return (NOT_EVALUATED if NOT_EVALUATED in codes else max(codes)), lines


def change_together(
    invocation: Invocation, chosen: Chosen, change: Callable[[], list[Change]], told: Callable[[Change], list[str]]
) -> tuple[int, list[str]]:
    """Return exit code and lines of changes of which all are made or none: every refusal is told.

    Raises what else `change` raises, and the refusal of an only item that was named, unless its document is to say so.
    """
    try:
        changes = change()
    except OpsError as error:
        is_counted = isinstance(error, RefusedError) and (chosen.shown is not None or len(chosen.ids) > 1)
        if not (is_counted or wants_json(invocation.args)):
            raise
        together = error.refused if isinstance(error, RefusedTogetherError) else {}
        for refusal in (*together.values(), error):
            invocation.remarks += error_lines(refusal)
        invocation.outcomes += none_decided(chosen.ids, together or dict.fromkeys(chosen.ids, error))
        return error.exit_code, []
    return OK, [line for changed in changes for line in told(changed)]


def _store_to_change(context: Context, side: str) -> Changeable:
    """Return what to change: a store, or both. Raises RefusedError if it may only be read."""
    must_be_open_to_change(context, side)
    if side != BOTH_SIDES:
        return context.db_store if side == DB_SIDE else context.md_store
    from ops_checks.reconcile.both import BothStores

    return BothStores(context)
