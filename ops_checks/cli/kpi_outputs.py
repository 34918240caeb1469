"""What `kpi` prints besides a report: the alerts and a text below them, JSON or CSV, to stdout or to files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.cli.answer import JSON, TEXT, Answer
from ops_checks.cli.answer_json import ERROR_SCHEMA, answer_document
from ops_checks.cli.comparison_json import COMPARISON_SCHEMA
from ops_checks.cli.group_options import CSV
from ops_checks.cli.item_table import terminal_columns
from ops_checks.cli.kpi_by_json import KPI_BY_SCHEMA
from ops_checks.cli.lines import kpi_lines
from ops_checks.cli.output import Document, standard_stream
from ops_checks.errors import UsageError
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.sanitize import without_commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.gate.inputs import Evidence
    from ops_checks.report.model import RuleResult


def _begin_of(schema: str) -> str:
    return f'{{"schema": "{schema}"'


#: How JSON and CSV begin, by the option that asks for what they show.
BEGINS = {
    "--by": (_begin_of(KPI_BY_SCHEMA), '"by","name","kind"'),
    "--compare": (_begin_of(COMPARISON_SCHEMA), '"name","unit","now","before"'),
}


class Shown(NamedTuple):
    """What returns the same in each format: what stands below the alerts, the published JSON, the records of a CSV.

    The text takes the columns of a terminal, None where lines may be as long as they are.
    """

    text: Callable[[int | None], Iterable[str]]
    document: Callable[[], dict[str, Any]]
    records: Callable[[], Iterable[str]]


class KpiOutputs:
    """The formats that were asked for, each with its file or None for stdout.

    `option` is one of BEGINS, which they show: a file is replaced that holds such a document, or that of an error.
    `inputs` returns the files that must not be written over. Raises UsageError.
    """

    def __init__(self, invocation: Invocation, option: str, inputs: Callable[[], list[str]]) -> None:
        document, head = BEGINS[option]
        begins = {TEXT: ("kpi success_rate=",), JSON: (document, _begin_of(ERROR_SCHEMA)), CSV: (head,)}
        chosen: list[tuple[str, str | None]] = invocation.args.format or [(TEXT, None)]
        other = next((name for name, _ in chosen if name not in begins), None)
        if other is not None:
            *some, last = begins
            shown_as = f"{', '.join(some)} or {last}"
            raise UsageError(f"--format {other}: {option} is shown as {shown_as}: leave out the one or the other")
        self._invocation = invocation
        self._targets = [(name, _output(name, target, begins[name])) for name, target in chosen]
        shown = [name for name, output in self._targets if output is None]
        if len(shown) > 1:
            whole = next((name for name in shown if name != TEXT), TEXT)
            advice = f"give all but one format a file, as {whole}=FILE"
            raise UsageError(f"--format {whole} is a whole document: {advice}")
        self._guard = OutputGuard(inputs, [output for _, output in self._targets if output])
        self._guard.check()

    def write(self, evidence: Evidence, code: int, results: Sequence[RuleResult], shown: Shown) -> Result:
        """Write the files, and return the exit code with what is for stdout; where only CSV is, alerts go to stderr.

        Raises UsageError for a file that became an input or something else meanwhile, WriteError.
        """
        alerts = list(kpi_lines({metric.name: metric.value for metric in evidence.metrics}, results))
        if {name for name, _ in self._targets} == {CSV}:  # which has no place for them
            self._invocation.warn(alerts[1:])
        printed: list[str] = []
        for name, output in self._targets:
            if name == TEXT:
                lines = [*alerts, *shown.text(self._columns() if output is None else None)]
            else:
                lines = self._documents(name, code, shown)
            if output is None:
                printed += lines
            else:
                text = "".join(line if isinstance(line, Document) else f"{line}\n" for line in lines)
                write_output(output, text, self._guard)
        return code, printed

    def _columns(self) -> int | None:
        return terminal_columns(self._invocation.environ) if self._invocation.terminal else None

    def _documents(self, name: str, code: int, shown: Shown) -> list[str]:
        if name == JSON:
            answer = Answer((), shown.document)
            return [answer_document(answer, code, self._invocation.remarks, self._invocation.args)]
        neutral = without_commands if self._invocation.environ.get("GITHUB_ACTIONS") else str
        return [Document(f"{neutral(record)}\r\n") for record in shown.records()]


def _output(name: str, target: str | None, begins: tuple[str, ...]) -> Output | None:
    if target is None or standard_stream(target) == "stdout":
        return None
    return Output(f"--format {name}", target, begins)
