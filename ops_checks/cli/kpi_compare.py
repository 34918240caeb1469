"""`kpi --compare`: the KPIs and alerts as ever, then how each metric has changed, in the formats asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import JSON, TEXT, Answer
from ops_checks.cli.answer_json import answer_document
from ops_checks.cli.comparison_json import COMPARISON_SCHEMA, comparison_csv, comparison_json
from ops_checks.cli.comparison_lines import comparison_lines
from ops_checks.cli.group_options import CSV
from ops_checks.cli.kpi_outputs import BEGINS_ERROR, BEGINS_TEXT, KpiOutputs
from ops_checks.cli.kpi_rules import concluded
from ops_checks.cli.lines import kpi_lines
from ops_checks.cli.output import Document
from ops_checks.gate.comparing import compare_kpis
from ops_checks.gate.input_files import input_files
from ops_checks.policy.earlier_windows import EARLIER

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.cli.command import Invocation, Result

#: How a file begins that each format may replace.
_BEGINS = {
    TEXT: (BEGINS_TEXT,),
    JSON: (f'{{"schema": "{COMPARISON_SCHEMA}"', BEGINS_ERROR),
    CSV: ('"name","unit","now","before"',),
}


def kpi_compare(invocation: Invocation) -> Result:
    """Return the exit code of `kpi`, and what is for stdout; write the rest. Raises UsageError and InputError."""
    args, context = invocation.args, invocation.context.without_exceptions()
    saved = [] if args.compare in EARLIER else [args.compare]
    outputs = KpiOutputs(invocation, _BEGINS, "--compare", lambda: [*input_files(context), *saved])
    found = compare_kpis(context, args.compare)
    code, results = concluded(invocation, context, found.evidence)
    invocation.note(found.notes)
    values = {metric.name: metric.value for metric in found.evidence.metrics}
    alerts = list(kpi_lines(values, results))
    if {name for name, _ in outputs.targets} == {CSV}:  # which has no place for them
        invocation.warn(alerts[1:])
    answer = Answer((), lambda: comparison_json(found, args.compare, results))
    ways: dict[str, Callable[[], list[str]]] = {
        TEXT: lambda: [*alerts, *comparison_lines(found, args.compare, context.zone)],
        JSON: lambda: [answer_document(answer, code, invocation.remarks, args)],
        CSV: lambda: [Document(f"{record}\r\n") for record in comparison_csv(found)],
    }
    return code, outputs.write(lambda name, _: ways[name]())
