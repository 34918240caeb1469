"""The end of every command that applies a plan: what became of it, and whether both queues agree now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.lines import consistency_lines
from ops_checks.cli.output import Made
from ops_checks.exit_codes import DRIFT, OK, REFUSED
from ops_checks.gate.stable_reading import compare_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.reconcile.apply import Result as Applied


def applied_result(invocation: Invocation, found: Applied, lines: Iterable[str]) -> Result:
    """Return the lines of an application, then those of `consistency-check`, and the exit code (RECONCILE 12)."""
    context = invocation.context
    invocation.note(found.notes)
    drift = compare_by(context.policy.consistency, context.md_store, context.db_store, settle_s=0)
    refused = any(is_refused for _, _, _, is_refused in found.plan.needs)
    code = REFUSED if found.outcome.stale or refused else DRIFT if found.plan.needs else OK
    return code, [*map(Made, lines), *consistency_lines(drift)]
