"""The end of every command that applies a plan: what became of it, and whether both queues agree now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import FORMAT, Answer
from ops_checks.cli.lines import consistency_lines
from ops_checks.cli.output import Document, Made
from ops_checks.errors import OpsError
from ops_checks.exit_codes import DRIFT, OK, REFUSED
from ops_checks.gate.stable_reading import compare_by
from ops_checks.reconcile.result_json import WOULD_UNDO, result_json
from ops_checks.report.json_text import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.reconcile.apply import Result as Applied
    from ops_checks.reconcile.planning import Planned
    from ops_checks.rules.drift.drift import Drift

#: Adds how the result is printed.
add_format = FORMAT.add_to


def plan_document(invocation: Invocation, planned: Planned, data: object) -> Document:
    """Return a plan as JSON, whole whatever limits the lines of text have; what it has no key for is noted."""
    invocation.note(f"{option}: nothing asks for it" for option in planned.plan.unused)
    return Document(json_text(data))


def shown(invocation: Invocation, operation: str, found: Applied | None, lines: Iterable[str]) -> Iterable[str]:
    """Return what an operation made of a plan, None for nothing: its lines, or the published JSON where asked for."""
    is_made = _is_written(found) and operation != WOULD_UNDO
    told = map(Made, lines) if is_made else lines
    return Answer(told, lambda: result_json(operation, found, consistent=_agrees(invocation)) | _items(invocation))


def applied_result(
    invocation: Invocation, operation: str, found: Applied, lines: Iterable[str], preview: Drift | None = None
) -> Result:
    """Return the lines of an application, then those of `consistency-check`, and the exit code (RECONCILE 12).

    `preview`: what `consistency-check` would find, where nothing was written.
    """
    invocation.note(found.notes)
    drift = agreement(invocation) if preview is None else preview
    made = map(Made, lines) if preview is None else lines
    lines = [*made, *consistency_lines(drift)]
    return applied_code(found), Answer(lines, lambda: result_json(operation, found, consistent=drift.ok))


def applied_code(found: Applied) -> int:
    """Return the exit code of an application (RECONCILE section 12)."""
    refused = any(is_refused for _, _, _, is_refused in found.plan.needs)
    return REFUSED if found.outcome.stale or refused else DRIFT if found.plan.needs else OK


def agreement(invocation: Invocation) -> Drift:
    """Return what `consistency-check` finds now."""
    context = invocation.context
    return compare_by(context.policy.consistency, context.md_store, context.db_store, settle_s=0)


def _agrees(invocation: Invocation) -> bool | None:
    """Return whether both queues agree now; None where that cannot be read, which takes nothing back that was done."""
    try:
        return agreement(invocation).ok
    except OpsError as error:
        invocation.warn([f"the queues were not compared: {error.message}"])
        return None


def _items(invocation: Invocation) -> dict[str, Any]:
    """Return what became of single items, where single items were changed, and the id of that operation."""
    if not invocation.outcomes:
        return {}
    from ops_checks.cli.mutation_json import operation_id, outcome_json, summary_json, told_outcomes

    outcomes = told_outcomes(invocation)
    return {
        "operation_id": operation_id(invocation),
        "summary": summary_json(outcomes),
        "items": [outcome_json(each) for each in outcomes],
    }


def _is_written(found: Applied | None) -> bool:
    return found is not None and bool(found.outcome.applied or found.outcome.done)
