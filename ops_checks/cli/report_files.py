"""Render a report in the formats that were asked for: to their files, and what is for stdout as documents.

A command makes its `Outputs` before it evaluates anything, so that an output that must not be written is refused then.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ops_checks.cli.item_table import terminal_columns
from ops_checks.cli.marks import is_coloured
from ops_checks.cli.output import Document, standard_stream
from ops_checks.errors import UsageError
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.formats import FORMATS, RenderOptions
from ops_checks.presentation.locations import rows_url
from ops_checks.sanitize import without_commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.report.model import Report


class Outputs:
    """What an invocation writes: for each format its file, or None where it is stdout. `guard` guards the files."""

    __slots__ = ("formats", "guard")

    def __init__(self, formats: list[tuple[str, Output | None]], guard: OutputGuard) -> None:
        self.formats = formats
        self.guard = guard

    @property
    def show_background(self) -> bool:
        """Whether one of the formats shows what lies behind a report."""
        return any(FORMATS[name].background for name, _ in self.formats)


def plan_outputs(invocation: Invocation, inputs: Callable[[], Iterable[str]]) -> Outputs:
    """Return what is to be written; `inputs` returns the paths that must not be written over.

    Raises UsageError where two documents would run together, where an output is an input or holds something else, and
    where what a format needs is not installed.
    """
    for name, _ in _targets(invocation):
        FORMATS[name].require()
    formats = [(name, _output(name, target)) for name, target in _targets(invocation)]
    guard = OutputGuard(inputs, [output for _, output in formats if output])
    guard.check()
    return Outputs(formats, guard)


def _output(name: str, target: str | None) -> Output | None:
    if target is None or standard_stream(target) == "stdout":
        return None
    return Output(f"--format {name}", target, FORMATS[name].begins)


def render_report(invocation: Invocation, report: Report, outputs: Outputs) -> Result:
    """Return the report's exit code, and what of it is for stdout; write the rest. A format changes no exit code.

    Raises UsageError for a file that became an input or something else meanwhile, WriteError.
    """
    folder = os.getcwd()
    root = _repository_root(folder, invocation.environ)
    rows = rows_url(invocation.environ)
    options = RenderOptions(color=is_coloured(invocation), folder=folder, root=root, rows=rows)
    shown: list[str] = []
    for name, output in outputs.formats:
        on_terminal = invocation.terminal and output is None
        columns = terminal_columns(invocation.environ) if on_terminal else None
        text = FORMATS[name].render(report, options._replace(columns=columns))
        if output is None or standard_stream(output.path):
            text = _for_log(invocation, name, text)
        if output is None:
            shown.append(Document(text))
        else:
            write_output(output, text, outputs.guard)
    return report.exit_code, shown


def _for_log(invocation: Invocation, name: str, text: str) -> str:
    """Return a rendered report as it is printed: in a log of GitHub only the format `github` gives commands."""
    if name == "github" or not invocation.environ.get("GITHUB_ACTIONS"):
        return text
    return "\n".join(without_commands(line) for line in text.split("\n"))


def _targets(invocation: Invocation) -> list[tuple[str, str | None]]:
    """Return formats and their files (None: stdout). Raises UsageError where two documents would run together."""
    chosen: list[tuple[str, str | None]] = invocation.args.format or []
    if not chosen:
        chosen = [("text", None)]
        if invocation.environ.get("GITHUB_ACTIONS"):
            chosen.append(("github", None))
        elif invocation.environ.get("GITLAB_CI"):
            chosen.append(("gitlab", "gl-code-quality-report.json"))
    on_stdout = [name for name, target in chosen if target is None or standard_stream(target) == "stdout"]
    whole = [name for name in on_stdout if not FORMATS[name].append]
    if whole and len(on_stdout) > 1:
        raise UsageError(f"--format {whole[0]} is a whole document: give all but one format a file, as {whole[0]}=FILE")
    return chosen


def _repository_root(folder: str, environ: Mapping[str, str]) -> str:
    """Return the folder that CI systems want paths relative to: the one they name, or the nearest with a `.git`.

    No tool is run: a repository of somebody else could have it run anything.
    """
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        if environ.get(name):
            return environ[name]
    here = folder
    while not os.path.lexists(os.path.join(here, ".git")):
        above = os.path.dirname(here)
        if above == here:
            return folder
        here = above
    return here
