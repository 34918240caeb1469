"""`kpi --by`: the KPIs and alerts as ever, then those of groups of runs, in the formats that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import JSON, TEXT, Answer
from ops_checks.cli.answer_json import answer_document
from ops_checks.cli.group_options import CSV, SHOWN
from ops_checks.cli.item_table import terminal_columns
from ops_checks.cli.kpi_by_json import BEGINS, csv_rows, kpi_by_json
from ops_checks.cli.kpi_by_table import table_lines
from ops_checks.cli.kpi_outputs import BEGINS_ERROR, BEGINS_TEXT, KpiOutputs
from ops_checks.cli.kpi_rules import concluded
from ops_checks.cli.lines import kpi_lines
from ops_checks.cli.output import Document
from ops_checks.gate.input_files import input_files
from ops_checks.gate.kpi_groups import read_kpis_by
from ops_checks.sanitize import without_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.gate.kpi_groups import KpisRead

#: How a file begins that each format may replace.
_BEGINS = {TEXT: (BEGINS_TEXT,), JSON: (BEGINS, BEGINS_ERROR), CSV: ('"by","name","kind"',)}


def kpi_by(invocation: Invocation) -> Result:
    """Return the exit code of `kpi`, and what is for stdout; write the rest. Raises UsageError and InputError."""
    args, context = invocation.args, invocation.context.without_exceptions()
    outputs = KpiOutputs(invocation, _BEGINS, "--by", lambda: input_files(context))
    read = read_kpis_by(context, args.by)
    code, results = concluded(invocation, context, read.evidence)
    alerts = list(kpi_lines({metric.name: metric.value for metric in read.evidence.metrics}, results))
    if {name for name, _ in outputs.targets} == {CSV}:  # which has no place for them
        invocation.warn(alerts[1:])

    def render(name: str, shown: bool) -> list[str]:  # noqa: FBT001 - as it is called
        if name == JSON:
            answer = Answer((), lambda: kpi_by_json(read, results, context))
            return [answer_document(answer, code, invocation.remarks, args)]
        if name == CSV:
            return list(_records(invocation, read))
        columns = terminal_columns(invocation.environ) if shown and invocation.terminal else None
        return [*alerts, *table_lines(read.found, most=SHOWN if args.n is None else args.n, columns=columns)]

    return code, outputs.write(render)


def _records(invocation: Invocation, read: KpisRead) -> Iterator[Document]:
    neutral = without_commands if invocation.environ.get("GITHUB_ACTIONS") else str
    return (Document(f"{neutral(record)}\r\n") for record in csv_rows(read, invocation.context.zone))
