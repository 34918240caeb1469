"""`kpi --by`: the KPIs and alerts as ever, then those of groups of runs, in the formats that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import JSON, TEXT, Answer
from ops_checks.cli.answer_json import ERROR_SCHEMA, answer_document
from ops_checks.cli.group_options import CSV, SHOWN
from ops_checks.cli.item_table import terminal_columns
from ops_checks.cli.kpi_by_json import BEGINS, csv_rows, kpi_by_json
from ops_checks.cli.kpi_by_table import table_lines
from ops_checks.cli.kpi_rules import concluded
from ops_checks.cli.lines import kpi_lines
from ops_checks.cli.output import Document, standard_stream
from ops_checks.errors import UsageError
from ops_checks.exit_codes import ALERT, OK
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.gate.input_files import input_files
from ops_checks.gate.kpi_groups import KpisRead, read_kpis_by
from ops_checks.sanitize import without_commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.report.model import RuleResult


class Printed:
    """What is printed: the invocation and its exit code, what was read, and the rules that limit the KPIs."""

    __slots__ = ("code", "invocation", "read", "results")

    def __init__(self, invocation: Invocation, code: int, read: KpisRead, results: Sequence[RuleResult]) -> None:
        self.invocation = invocation
        self.code = code
        self.read = read
        self.results = results

    def alerts(self) -> list[str]:
        """Return the lines of `kpi`: the values, then alerts and insufficient metrics."""
        return list(kpi_lines({metric.name: metric.value for metric in self.read.evidence.metrics}, self.results))


def kpi_by(invocation: Invocation) -> Result:
    """Return the exit code of `kpi`, and what is for stdout; write the rest. Raises UsageError and InputError."""
    context = invocation.context.without_exceptions()
    outputs = _outputs(invocation)
    guard = OutputGuard(lambda: input_files(context), [output for _, output in outputs if output])
    guard.check()
    read = read_kpis_by(context, invocation.args.by)
    code, results = concluded(invocation, context, read.evidence)
    code = OK if code == ALERT and not invocation.args.fail_on_alert else code
    printed = Printed(invocation, code, read, results)
    if {name for name, _ in outputs} == {CSV}:  # which has no place for them
        invocation.warn(printed.alerts()[1:])
    shown: list[str] = []
    for name, output in outputs:
        lines = _FORMATS[name](printed, columns=_columns(invocation) if output is None else None)
        if output is None:
            shown += lines
        else:
            write_output(output, "".join(line if isinstance(line, Document) else f"{line}\n" for line in lines), guard)
    return code, shown


def _columns(invocation: Invocation) -> int | None:
    return terminal_columns(invocation.environ) if invocation.terminal else None


def _text(printed: Printed, *, columns: int | None) -> list[str]:
    most = printed.invocation.args.n
    return [*printed.alerts(), *table_lines(printed.read.found, most=SHOWN if most is None else most, columns=columns)]


def _csv(printed: Printed, *, columns: int | None) -> list[str]:  # noqa: ARG001 - a file has no width
    records: Iterable[str] = csv_rows(printed.read, printed.invocation.context.zone)
    if printed.invocation.environ.get("GITHUB_ACTIONS"):
        records = map(without_commands, records)
    return [Document(f"{record}\r\n") for record in records]


def _json(printed: Printed, *, columns: int | None) -> list[str]:  # noqa: ARG001 - the same
    invocation = printed.invocation
    answer = Answer((), lambda: kpi_by_json(printed.read, printed.results, invocation.context))
    return [answer_document(answer, printed.code, invocation.remarks, invocation.args)]


#: How `--by` is printed.
_FORMATS: Mapping[str, Callable[..., list[str]]] = {TEXT: _text, JSON: _json, CSV: _csv}
#: How a file begins that each may replace.
_BEGINS = {
    TEXT: ("kpi success_rate=",),
    JSON: (BEGINS, f'{{"schema": "{ERROR_SCHEMA}"'),
    CSV: ('"by","name","kind"',),
}


def _outputs(invocation: Invocation) -> list[tuple[str, Output | None]]:
    """Return the formats that were asked for and their files, None for stdout. Raises UsageError."""
    chosen: list[tuple[str, str | None]] = invocation.args.format or [(TEXT, None)]
    outputs = [(name, _output(name, target)) for name, target in chosen]
    if sum(output is None for _, output in outputs) > 1:
        raise UsageError("--format: one document goes to stdout: give all but one format a file, as csv=FILE")
    return outputs


def _output(name: str, target: str | None) -> Output | None:
    if target is None or standard_stream(target) == "stdout":
        return None
    return Output(f"--format {name}", target, _BEGINS[name])
