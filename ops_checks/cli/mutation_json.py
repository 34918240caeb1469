"""What became of the items of a mutation, as published JSON. Adding a key keeps the version of the schema."""

from __future__ import annotations

from ops_checks.cli.mutation import before_and_after
from ops_checks.cli.outcomes import CHANGED, INTERRUPTED, OUTCOMES, together
from ops_checks.context import BOTH_SIDES, DB_SIDE, MARKDOWN_SIDE
from ops_checks.errors import WriteError
from ops_checks.model import FIELDS
from ops_checks.sanitize import visible
from ops_checks.transitions import held_cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ops_checks.cli.command import Invocation
    from ops_checks.cli.outcomes import ItemOutcome, Met
    from ops_checks.context import Context
    from ops_checks.stores.changes import Change

MUTATION_SCHEMA = "ops-checks/mutation/1"


def mutation_json(invocation: Invocation, side: str, met: Mapping[str, Met]) -> dict[str, Any]:
    """Return what became of each item, in the order in which they were changed; `side` is what was to be changed.

    `met` are the items that a decision was about, as it met them: of one that is refused there is no more to tell.
    """
    args, outcomes = invocation.args, told_outcomes(invocation)
    return {
        "schema": MUTATION_SCHEMA,
        "command": args.command,
        "dry_run": args.dry_run,
        "all_or_nothing": args.all_or_nothing,
        "side": side,
        "queues": _queues(invocation.context, side),
        "now_s": int(invocation.context.now_s),
        "operation": operation_id(invocation) if side != MARKDOWN_SIDE and not args.dry_run else None,
        "summary": summary_json(outcomes),
        "items": [outcome_json(each, met.get(each.item_id)) for each in outcomes],
    }


def told_outcomes(invocation: Invocation) -> Sequence[ItemOutcome]:
    """Return the outcomes of a command; a dry run decides each item by itself, whatever would be made of them all."""
    args = invocation.args
    return together(invocation.outcomes) if args.dry_run and args.all_or_nothing else invocation.outcomes


def operation_id(invocation: Invocation) -> str | None:
    """Return the id by which what was changed can be taken back, None where nothing was written."""
    return invocation.context.operation if any(map(_may_be_written, invocation.outcomes)) else None


def _may_be_written(found: ItemOutcome) -> bool:
    return found.outcome in (CHANGED, INTERRUPTED) or isinstance(found.error, WriteError)


def summary_json(outcomes: Sequence[ItemOutcome]) -> dict[str, int]:
    """Return how many items came to each outcome, those of which there is none included."""
    return {name: sum(each.outcome == name for each in outcomes) for name in OUTCOMES}


def outcome_json(found: ItemOutcome, met: Met | None = None) -> dict[str, Any]:
    """Return what became of one item, with its cells before and after, lease and attempts included."""
    change, error = found.change, found.error
    cells = {"before": _met_cells(met), "after": None} if change is None else _cells(change)
    return {
        "id": found.item_id,
        "outcome": found.outcome,
        "from": cells["before"] and cells["before"]["status"],
        "to": cells["after"] and cells["after"]["status"],
        **cells,
        "document": _cells(change.document) if change and change.document else None,
        "reason": visible(error.message) if error else None,
        "details": [visible(line) for line in error.details] if error else [],
        "warnings": list(change.warnings) if change else [],
        "notes": list(change.notes) if change else [],
    }


def _cells(change: Change) -> dict[str, Any]:
    before, after = before_and_after(change)
    return {"before": before, "after": after}


def _met_cells(met: Met | None) -> dict[str, Any] | None:
    """Return the cells of an item as they are in an event; None where nothing was met."""
    if met is None:
        return None
    item, reliability = met
    cells: dict[str, Any] = dict(zip(FIELDS, item, strict=True))
    return cells if reliability is None else cells | held_cells(reliability)


def _queues(context: Context, side: str) -> list[str]:
    """Return the locations of what is to be changed, the document first."""
    sides = {MARKDOWN_SIDE: [context.queue], DB_SIDE: [context.db], BOTH_SIDES: [context.queue, context.db]}
    return sides[side]
