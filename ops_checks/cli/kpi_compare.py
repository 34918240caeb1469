"""`kpi --compare`: the KPIs and alerts as ever, then how each metric has changed, in the formats asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import JSON, TEXT, Answer
from ops_checks.cli.answer_json import answer_document
from ops_checks.cli.comparison_json import COMPARISON_SCHEMA, comparison_json
from ops_checks.cli.comparison_lines import comparison_lines
from ops_checks.cli.kpi_outputs import BEGINS_ERROR, BEGINS_TEXT, KpiOutputs
from ops_checks.cli.kpi_rules import concluded
from ops_checks.cli.lines import kpi_lines
from ops_checks.gate.comparing import EARLIER, compare_kpis
from ops_checks.gate.input_files import input_files

if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result

#: How a file begins that each format may replace.
_BEGINS = {TEXT: (BEGINS_TEXT,), JSON: (f'{{"schema": "{COMPARISON_SCHEMA}"', BEGINS_ERROR)}


def kpi_compare(invocation: Invocation) -> Result:
    """Return the exit code of `kpi`, and what is for stdout; write the rest. Raises UsageError and InputError."""
    args, context = invocation.args, invocation.context.without_exceptions()
    saved = [] if args.compare in EARLIER else [args.compare]
    outputs = KpiOutputs(invocation, _BEGINS, "--compare", lambda: [*input_files(context), *saved])
    found = compare_kpis(context, args.compare)
    code, results = concluded(invocation, context, found.evidence)
    invocation.note(found.notes)
    values = {metric.name: metric.value for metric in found.evidence.metrics}
    lines = [*kpi_lines(values, results), *comparison_lines(found, args.compare, context.zone)]
    answer = Answer(lines, lambda: comparison_json(found, args.compare, results))
    return code, outputs.write(
        lambda name, _: [answer_document(answer, code, invocation.remarks, args)] if name == JSON else lines
    )
