"""`kpi --compare`: the KPIs and alerts as ever, then how each metric has changed, in the formats asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import JSON, TEXT, Answer
from ops_checks.cli.answer_json import ERROR_SCHEMA, answer_document
from ops_checks.cli.comparison_json import COMPARISON_SCHEMA, comparison_json
from ops_checks.cli.comparison_lines import comparison_lines
from ops_checks.cli.lines import kpi_lines
from ops_checks.cli.options import log_warnings
from ops_checks.cli.output import Document, standard_stream
from ops_checks.errors import UsageError
from ops_checks.exit_codes import ALERT, OK
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.findings import KPI
from ops_checks.gate.comparing import EARLIER, compare_kpis
from ops_checks.gate.input_files import input_files
from ops_checks.gate.run import evaluate_group
from ops_checks.gate.verdict import conclude, decide

if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result

#: How a file begins that JSON may replace.
_BEGINS = (f'{{"schema": "{COMPARISON_SCHEMA}"', f'{{"schema": "{ERROR_SCHEMA}"')


def kpi_compare(invocation: Invocation) -> Result:
    """Return the exit code of `kpi`, and what is for stdout; write the rest. Raises UsageError and InputError."""
    args, context = invocation.args, invocation.context.without_exceptions()
    targets = _targets(invocation)
    saved = [] if args.compare in EARLIER else [args.compare]
    guard = OutputGuard(lambda: [*input_files(context), *saved], [output for _, output in targets if output])
    guard.check()
    found = compare_kpis(context, args.compare)
    rules = evaluate_group(context.policy, KPI.id, found.evidence)
    results = [conclude(each, context.policy, "error") for each in rules]
    decision = decide((KPI.id,), results, ())
    invocation.warn((*log_warnings(args), *context.warnings, *found.evidence.remarks, *decision.notes))
    invocation.note(found.notes)
    invocation.remarks += [f"error: {error}" for error in decision.errors]
    code = OK if decision.exit_code == ALERT and not args.fail_on_alert else decision.exit_code
    values = {metric.name: metric.value for metric in found.evidence.metrics}
    lines = [*kpi_lines(values, results), *comparison_lines(found, args.compare, context.zone)]
    answer = Answer(lines, lambda: comparison_json(found, args.compare, results))
    shown: list[str] = []
    for name, output in targets:
        text = [answer_document(answer, code, invocation.remarks, args)] if name == JSON else lines
        if output is None:
            shown += text
        else:
            write_output(output, "".join(each if isinstance(each, Document) else f"{each}\n" for each in text), guard)
    return code, shown


def _targets(invocation: Invocation) -> list[tuple[str, Output | None]]:
    """Return the formats that were asked for and their files, None for stdout. Raises UsageError."""
    chosen: list[tuple[str, str | None]] = invocation.args.format or [(TEXT, None)]
    other = next((name for name, _ in chosen if name not in {TEXT, JSON}), None)
    if other is not None:
        raise UsageError(f"--format {other}: --compare is shown as text or json: leave out the one or the other")
    targets = [
        (name, None if target is None or standard_stream(target) == "stdout" else _output(name, target))
        for name, target in chosen
    ]
    if sum(output is None for _, output in targets) > 1:
        raise UsageError("--format json is a whole document: give all but one format a file, as json=FILE")
    return targets


def _output(name: str, target: str) -> Output:
    return Output(f"--format {name}", target, _BEGINS if name == JSON else ("kpi success_rate=",))
