"""What became of the items of a mutation, as published JSON. Adding a key keeps the version of the schema."""

from __future__ import annotations

from ops_checks.cli.mutation import before_and_after
from ops_checks.cli.outcomes import CHANGED, FAILED, INTERRUPTED, OUTCOMES
from ops_checks.context import BOTH_SIDES, DB_SIDE, MARKDOWN_SIDE
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ops_checks.cli.command import Invocation
    from ops_checks.cli.outcomes import ItemOutcome
    from ops_checks.context import Context
    from ops_checks.stores.changes import Change

MUTATION_SCHEMA = "ops-checks/mutation/1"
#: After one of these there may be an event of the operation.
_WRITTEN = (CHANGED, FAILED, INTERRUPTED)


def mutation_json(invocation: Invocation, side: str) -> dict[str, Any]:
    """Return what became of each item, in the order in which they were changed; `side` is what was to be changed."""
    args, outcomes = invocation.args, invocation.outcomes
    return {
        "schema": MUTATION_SCHEMA,
        "command": args.command,
        "dry_run": args.dry_run,
        "side": side,
        "queues": _queues(invocation.context, side),
        "now_s": int(invocation.context.now_s),
        "operation": operation_id(invocation) if side != MARKDOWN_SIDE and not args.dry_run else None,
        "summary": summary_json(outcomes),
        "items": [outcome_json(each) for each in outcomes],
    }


def operation_id(invocation: Invocation) -> str | None:
    """Return the id by which what was changed can be taken back, None where nothing was written."""
    written = any(each.outcome in _WRITTEN for each in invocation.outcomes)
    return invocation.context.operation if written else None


def summary_json(outcomes: Sequence[ItemOutcome]) -> dict[str, int]:
    """Return how many items came to each outcome, those of which there is none included."""
    return {name: sum(each.outcome == name for each in outcomes) for name in OUTCOMES}


def outcome_json(found: ItemOutcome) -> dict[str, Any]:
    """Return what became of one item, with its cells before and after, lease and attempts included."""
    change, error = found.change, found.error
    return {
        "id": found.item_id,
        "outcome": found.outcome,
        "from": change.before.status if change else None,
        "to": change.after.status if change else None,
        **_cells(change),
        "document": _cells(change.document) if change and change.document else None,
        "reason": visible(error.message) if error else None,
        "details": [visible(line) for line in error.details] if error else [],
        "warnings": list(change.warnings) if change else [],
        "notes": list(change.notes) if change else [],
    }


def _cells(change: Change | None) -> dict[str, Any]:
    before, after = before_and_after(change) if change else (None, None)
    return {"before": before, "after": after}


def _queues(context: Context, side: str) -> list[str]:
    """Return the locations of what is to be changed, the document first."""
    sides = {MARKDOWN_SIDE: [context.queue], DB_SIDE: [context.db], BOTH_SIDES: [context.queue, context.db]}
    return sides[side]
