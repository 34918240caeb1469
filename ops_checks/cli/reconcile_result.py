"""The end of every command that applies a plan: what became of it, and whether both queues agree now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.lines import consistency_lines
from ops_checks.cli.output import Document, Made, MadeDocument
from ops_checks.exit_codes import DRIFT, OK, REFUSED
from ops_checks.gate.stable_reading import compare_by
from ops_checks.reconcile.result_json import WOULD_UNDO, result_json
from ops_checks.report.serialize import json_text

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.reconcile.apply import Result as Applied
    from ops_checks.reconcile.planning import Planned
    from ops_checks.rules.drift.drift import Drift

_TEXT, _JSON = "text", "json"


def add_format(parser: ArgumentParser) -> None:
    """Add how the result is printed."""
    parser.add_argument("-f", "--format", choices=(_TEXT, _JSON), default=_TEXT, help="how to print (default: text)")


def wants_json(invocation: Invocation) -> bool:
    """Return whether JSON was asked for."""
    return bool(invocation.args.format == _JSON)


def plan_document(invocation: Invocation, planned: Planned, data: object) -> Document:
    """Return a plan as JSON, whole whatever limits the lines of text have; what it has no key for is noted."""
    invocation.note(f"{option}: nothing asks for it" for option in planned.plan.unused)
    return Document(json_text(data))


def shown(invocation: Invocation, operation: str, found: Applied | None, lines: Iterable[str]) -> Iterable[str]:
    """Return what an operation made of a plan, None for nothing: its lines, or the published JSON where asked for."""
    is_made = _is_written(found) and operation != WOULD_UNDO
    if not wants_json(invocation):
        return map(Made, lines) if is_made else lines
    return [_document(operation, found, agreement(invocation), is_made=is_made)]


def applied_result(
    invocation: Invocation, operation: str, found: Applied, lines: Iterable[str], preview: Drift | None = None
) -> Result:
    """Return the lines of an application, then those of `consistency-check`, and the exit code (RECONCILE 12).

    `preview`: what `consistency-check` would find, where nothing was written.
    """
    invocation.note(found.notes)
    drift = agreement(invocation) if preview is None else preview
    if wants_json(invocation):
        return applied_code(found), [_document(operation, found, drift, is_made=preview is None)]
    made = map(Made, lines) if preview is None else lines
    return applied_code(found), [*made, *consistency_lines(drift)]


def applied_code(found: Applied) -> int:
    """Return the exit code of an application (RECONCILE section 12)."""
    refused = any(is_refused for _, _, _, is_refused in found.plan.needs)
    return REFUSED if found.outcome.stale or refused else DRIFT if found.plan.needs else OK


def agreement(invocation: Invocation) -> Drift:
    """Return what `consistency-check` finds now."""
    context = invocation.context
    return compare_by(context.policy.consistency, context.md_store, context.db_store, settle_s=0)


def _document(operation: str, found: Applied | None, drift: Drift, *, is_made: bool) -> Document:
    text = json_text(result_json(operation, found, consistent=drift.ok))
    return MadeDocument(text, f"{operation} {found.plan.plan_id}") if found and is_made else Document(text)


def _is_written(found: Applied | None) -> bool:
    return found is not None and bool(found.outcome.applied or found.outcome.done)
