"""Write the session's report in the formats that were asked for, keep its run, and show it in that of pytest-html."""

from __future__ import annotations

import os
from html import escape
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ops_checks.errors import OpsError, UsageError
from ops_checks.files.output_file import write_output
from ops_checks.formats import FORMATS
from ops_checks.gate.input_files import input_files
from ops_checks.pytest_plugin.options import in_folder

if TYPE_CHECKING:
    from ops_checks.pytest_plugin.options import Inputs
    from ops_checks.report.model import Report

#: The page runs nothing, for its scripts are not allowed, and its text is the value of an attribute. A frame of another
#: origin would be drawn by a process of its own, and some browsers print nothing of that.
_FRAME = '<iframe title="queue check" sandbox="allow-same-origin" style="width: 100%; height: 80vh" srcdoc="{}">'
#: Links of the page are to its own sections; without this they lead to those of the page around it, in the frame. It
#: stands before the page's policy, which lets nothing set it.
_BASE = '<base href="about:srcdoc">'


class Written(Struct):
    """What was written: the files, the errors of those that were not, and whether one of these is one of usage.

    `warnings` are on a history that the run was appended to.
    """

    files: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_usage: bool = False


def write_reports(inputs: Inputs, report: Report) -> Written:
    """Write a report to each file that was asked for, and append its run to a history."""
    written = Written()
    _record(inputs, report, written)
    for name, output in inputs.reports.items():
        try:
            with in_folder(inputs.rootdir):
                _make_folder(os.path.dirname(output.path))
                write_output(output, FORMATS[name].render(report), inputs.guard)
        except OpsError as error:
            written.errors.append(f"error: {error.message}")
            written.is_usage |= isinstance(error, UsageError)
        else:
            written.files.append(output.path)
    return written


def _record(inputs: Inputs, report: Report, written: Written) -> None:
    """Append a run to the history of the session; where that fails, the verdict stands, and no session passes."""
    history, context = inputs.history, inputs.context
    if history is None:
        return
    from ops_checks.gate.run_history import record_run

    try:
        with in_folder(inputs.rootdir):
            told = record_run(report, history, lambda: input_files(context), wait_s=context.lock_timeout_s)
    except OpsError as error:
        written.errors.append(f"error: {error.message}; the verdict stands, and is in no history")
    else:
        written.warnings += [f"warning: {remark}" for remark in told]


def page_frame(report: Report) -> str:
    """Return the page of a report as an element of another page."""
    page = FORMATS["html"].render(report).replace("<head>", f"<head>{_BASE}", 1)
    return f"{_FRAME.format(escape(page))}</iframe>"


def _make_folder(path: str) -> None:
    """Make a report's folder, as pytest does for its own reports; a failure is reported by the write after it."""
    try:
        os.makedirs(path or os.curdir, 0o775, exist_ok=True)
    except OSError:
        return
