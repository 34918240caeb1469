"""What `kpi` prints besides a report goes to stdout, or to a file of its own kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import TEXT
from ops_checks.cli.answer_json import ERROR_SCHEMA
from ops_checks.cli.output import Document, standard_stream
from ops_checks.errors import UsageError
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ops_checks.cli.command import Invocation

#: How the text and the document of an error begin, which a file that is replaced may hold too.
BEGINS_TEXT, BEGINS_ERROR = "kpi success_rate=", f'{{"schema": "{ERROR_SCHEMA}"'


class KpiOutputs:
    """The formats that were asked for, each with its file or None for stdout.

    `begins` are the formats that there are, each with how a file begins that it may replace; `option` is what they
    show; `inputs` returns the files that must not be written over. Raises UsageError.
    """

    def __init__(
        self,
        invocation: Invocation,
        begins: Mapping[str, tuple[str, ...]],
        option: str,
        inputs: Callable[[], list[str]],
    ) -> None:
        chosen: list[tuple[str, str | None]] = invocation.args.format or [(TEXT, None)]
        other = next((name for name, _ in chosen if name not in begins), None)
        if other is not None:
            *some, last = begins
            shown_as = f"{', '.join(some)} or {last}"
            raise UsageError(f"--format {other}: {option} is shown as {shown_as}: leave out the one or the other")
        self.targets = [(name, _output(name, target, begins[name])) for name, target in chosen]
        shown = [name for name, output in self.targets if output is None]
        if len(shown) > 1:
            whole = next((name for name in shown if name != TEXT), TEXT)
            advice = f"give all but one format a file, as {whole}=FILE"
            raise UsageError(f"--format {whole} is a whole document: {advice}")
        self._guard = OutputGuard(inputs, [output for _, output in self.targets if output])
        self._guard.check()

    def write(self, render: Callable[[str, bool], Iterable[str]]) -> Sequence[str]:
        """Write the files, and return what is for stdout; `render` returns the lines of a format, for stdout or not.

        Raises UsageError for a file that became an input or something else meanwhile, WriteError.
        """
        shown: list[str] = []
        for name, output in self.targets:
            lines = render(name, output is None)
            if output is None:
                shown += lines
            else:
                text = "".join(line if isinstance(line, Document) else f"{line}\n" for line in lines)
                write_output(output, text, self._guard)
        return shown


def _output(name: str, target: str | None, begins: tuple[str, ...]) -> Output | None:
    if target is None or standard_stream(target) == "stdout":
        return None
    return Output(f"--format {name}", target, begins)
