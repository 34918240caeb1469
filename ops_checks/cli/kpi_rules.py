"""Hold what was measured to its limits, and tell on stderr what there is to say besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.kpi_options import log_warnings
from ops_checks.exit_codes import ALERT, OK
from ops_checks.findings import KPI
from ops_checks.gate.run import evaluate_group
from ops_checks.gate.verdict import conclude, decide

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ops_checks.cli.command import Invocation
    from ops_checks.context import Context
    from ops_checks.gate.inputs import Evidence
    from ops_checks.report.model import RuleResult


def concluded(invocation: Invocation, context: Context, evidence: Evidence) -> tuple[int, Sequence[RuleResult]]:
    """Return the exit code of `kpi` for what was measured, and the result of each rule; remarks go to stderr."""
    results = [conclude(each, context.policy, "error") for each in evaluate_group(context.policy, KPI.id, evidence)]
    decision = decide((KPI.id,), results, ())
    invocation.warn((*log_warnings(invocation.args), *context.warnings, *evidence.remarks, *decision.notes))
    invocation.remarks += [f"error: {error}" for error in decision.errors]
    code = decision.exit_code
    return (OK if code == ALERT and not invocation.args.fail_on_alert else code), results


def rule_json(rule: RuleResult) -> dict[str, Any]:
    """Return the result of a rule as the published JSON of groups and of changes has it."""
    return {
        "id": rule.id,
        "verdict": rule.verdict.value,
        "value": rule.value,
        "operator": rule.operator,
        "limit": rule.limit,
        "samples": rule.samples,
    }
