"""`report`: show a saved report in any format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.command import NOTHING, Command
from ops_checks.cli.options import add_formats, path
from ops_checks.cli.report_files import plan_outputs, render_report
from ops_checks.errors import OpsError
from ops_checks.files.output_guard import OutputGuard
from ops_checks.report.saved import read_report

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=path, help="a report that --format json wrote")
    add_formats(parser)


def run(invocation: Invocation) -> Result:
    """Show a saved report. Raises InputError if it is none, UsageError for an output that is an input."""
    name = invocation.args.file

    def inputs() -> list[str]:
        return [name, *_project_files(invocation)]

    OutputGuard(inputs).check_streams()
    outputs = plan_outputs(invocation, inputs)
    _, lines = render_report(invocation, read_report(name), outputs)
    return 0, lines


def _project_files(invocation: Invocation) -> list[str]:
    """Return the inputs of the gate here: a report is not written over them either, though none of them is read.

    A saved report can be shown whatever is wrong with the settings; then they are taken to be the default ones.
    """
    from ops_checks.context import resolve
    from ops_checks.gate.input_files import input_files
    from ops_checks.policy.model import Policy

    given = vars(invocation.args)
    queues = {"queue": given.get("queue"), "db": given.get("db")}
    try:
        return input_files(resolve(invocation.environ, policy_path=given.get("policy"), **queues))
    except OpsError:
        return input_files(resolve({}, Policy(path=given.get("policy")), **queues))


COMMAND = Command(
    run,
    help="Show a saved report in any format.",
    example="ops-checks report report.json -f markdown",
    needs=NOTHING,
    arguments=_add_arguments,
)
