"""What became of a plan, as published JSON (RECONCILE section 13). Adding a key keeps the version."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ops_checks.reconcile.apply import Result
    from ops_checks.reconcile.model import Action

SCHEMA = "ops-checks/reconcile-result/1"
#: What was done; the first line of text begins with the same word.
APPLIED, WOULD_APPLY, RESUMED, UNDONE = "applied", "would-apply", "resumed", "undone"
WOULD_UNDO = "would-undo"
ALREADY_APPLIED, NOTHING_DONE = "already-applied", "nothing"


def result_schema() -> str:
    """Return the JSON Schema (2020-12) of results, as text."""
    return files("ops_checks.reconcile").joinpath("schemas", "reconcile-result-1.json").read_text(encoding="utf-8")


def result_json(operation: str, found: Result | None, *, consistent: bool | None) -> dict[str, Any]:
    """Return what an operation made of a plan; None where there was nothing to do.

    In an undo what changed since is refused; the plan's needs are none of its own, nor of a plan that was applied
    already. `consistent`: what `consistency-check` says afterwards, None where it cannot.
    """
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "operation": operation,
        "plan_id": None,
        **{name: [] for name in ("applied", "already", "stale", "refused", "needs")},
        "consistent": consistent,
    }
    if found is None:
        return data
    outcome, undone = found.outcome, operation in {UNDONE, WOULD_UNDO}
    needs = [] if undone or found.already else found.plan.needs
    refused = [_need(item_id, unit, reason) for item_id, unit, reason, is_refused in needs if is_refused]
    stale = [_action(each) for each in outcome.stale]
    return data | {
        "plan_id": found.plan.plan_id or None,
        "applied": [_action(each) for each in outcome.applied],
        "already": [_action(each) for each in outcome.done],
        "stale": [] if undone else stale,
        "refused": stale if undone else refused,
        "needs": [_need(item_id, unit, reason) for item_id, unit, reason, _ in needs],
    }


def _action(action: Action) -> dict[str, str]:
    return {"id": action.id, "unit": action.unit, "kind": action.kind, "to": action.to}


def _need(item_id: str, unit: str, reason: str) -> dict[str, str]:
    return {"id": item_id, "unit": unit, "reason": reason}
