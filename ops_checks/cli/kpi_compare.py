"""`kpi --compare`: the KPIs and alerts as ever, then how each metric has changed, in the formats asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.comparison_json import comparison_csv, comparison_json
from ops_checks.cli.comparison_lines import comparison_lines
from ops_checks.cli.kpi_outputs import KpiOutputs, Shown
from ops_checks.cli.kpi_rules import concluded
from ops_checks.gate.comparing import compare_kpis
from ops_checks.gate.input_files import input_files
from ops_checks.policy.earlier_windows import EARLIER

if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result


def kpi_compare(invocation: Invocation) -> Result:
    """Return the exit code of `kpi`, and what is for stdout; write the rest. Raises UsageError and InputError."""
    args, context = invocation.args, invocation.context.without_exceptions()
    saved = [] if args.compare in EARLIER else [args.compare]
    outputs = KpiOutputs(invocation, "--compare", lambda: [*input_files(context), *saved])
    found = compare_kpis(context, args.compare)
    code, results = concluded(invocation, context, found.evidence)
    invocation.note(found.notes)
    shown = Shown(
        lambda _: comparison_lines(found, args.compare, context.zone),
        lambda: comparison_json(found, args.compare, results),
        lambda: comparison_csv(found),
    )
    return outputs.write(found.evidence, code, results, shown)
