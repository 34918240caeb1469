"""Render a report in the formats that were asked for: to their files, and what is for stdout as documents."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ops_checks.cli.output import Document, standard_stream
from ops_checks.errors import UsageError
from ops_checks.files.output_file import write_output
from ops_checks.formats import FORMATS, RenderOptions
from ops_checks.sanitize import without_commands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.report.model import Report


def render_report(invocation: Invocation, report: Report) -> Result:
    """Return the report's exit code, and what of it is for stdout; write the rest. A format changes no exit code.

    Raises UsageError where two documents would run together, WriteError.
    """
    folder = os.getcwd()
    root = _repository_root(folder, invocation.environ)
    options = RenderOptions(color=_is_coloured(invocation), folder=folder, root=root)
    shown: list[str] = []
    for name, target in _targets(invocation):
        text = FORMATS[name].render(report, options)
        stream = "stdout" if target is None else standard_stream(target)
        if stream is not None:
            text = _for_log(invocation, name, text)
        if target is None or stream == "stdout":
            shown.append(Document(text))
        else:
            write_output(target, text, append=FORMATS[name].append)
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


def _is_coloured(invocation: Invocation) -> bool:
    """Return whether to colour the text: by --color, then NO_COLOR and FORCE_COLOR, then by what stdout is."""
    choice = invocation.args.color
    if choice != "auto":
        return bool(choice == "always")
    if invocation.environ.get("NO_COLOR"):
        return False
    if invocation.environ.get("FORCE_COLOR"):
        return True
    return invocation.terminal and invocation.environ.get("TERM") != "dumb"


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
