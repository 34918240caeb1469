"""`report`: show a saved report in any format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.command import NOTHING, Command
from ops_checks.cli.options import add_formats, path
from ops_checks.cli.report_files import render_report
from ops_checks.files.safe_open import FileKind, read_regular
from ops_checks.report.parse import parse_report

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result

SAVED_REPORT = FileKind("report", "name a file that --format json wrote", most_bytes=1 << 28)


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=path, help="a report that --format json wrote")
    add_formats(parser)


def run(invocation: Invocation) -> Result:
    """Show a saved report. Raises InputError if it is none."""
    name = invocation.args.file
    _, lines = render_report(invocation, parse_report(read_regular(name, SAVED_REPORT), name))
    return 0, lines


COMMAND = Command(
    run,
    help="Show a saved report in any format.",
    example="ops-checks report report.json -f markdown",
    needs=NOTHING,
    arguments=_add_arguments,
)
