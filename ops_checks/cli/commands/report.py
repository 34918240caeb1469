"""`report`: show a saved report in any format, or what is new and gone in it since an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.command import NOTHING, Command
from ops_checks.cli.options import add_formats, path
from ops_checks.cli.report_files import plan_outputs, render_report
from ops_checks.errors import InputError, OpsError
from ops_checks.files.output_guard import OutputGuard
from ops_checks.report.saved import read_report

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.report.model import Report


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=path, help="a report that --format json wrote")
    parser.add_argument(
        "newer",
        metavar="NEWER",
        nargs="?",
        type=path,
        help="a later one: show it, with what is new and gone since FILE",
    )
    add_formats(parser)


def run(invocation: Invocation) -> Result:
    """Show a saved report, or the later of two and what is new in it.

    Raises InputError if one is no report, or if they do not fit, UsageError for an output that is an input.
    """
    names = [name for name in (invocation.args.file, invocation.args.newer) if name]

    def inputs() -> list[str]:
        return [*names, *_project_files(invocation)]

    OutputGuard(inputs).check_streams()
    outputs = plan_outputs(invocation, inputs)
    _, lines = render_report(invocation, _compared([(name, read_report(name)) for name in names]), outputs)
    return 0, lines


def _compared(reports: list[tuple[str, Report]]) -> Report:
    """Return the last of one or two reports, with what is new in it since the first. Raises InputError."""
    (name, old), (newer, report) = reports[0], reports[-1]
    if len(reports) == 1:
        return report
    from ops_checks.gate.known_report import same_file
    from ops_checks.report.fitting import misfit
    from ops_checks.rules.known import Known, compare

    why = misfit(name, old, report.inputs, report.rules, same_file(name, newer))
    if why:
        raise InputError(why)
    return compare(Known(name, old), report)


def _project_files(invocation: Invocation) -> list[str]:
    """Return the inputs of the gate here: a report is not written over them either, though none of them is read.

    A saved report can be shown whatever is wrong with the settings; then they are taken to be the default ones.
    """
    from ops_checks.gate.input_files import input_files
    from ops_checks.policy.model import Policy
    from ops_checks.settings import resolve

    given = vars(invocation.args)
    queues = {"queue": given.get("queue"), "db": given.get("db")}
    try:
        return input_files(resolve(invocation.environ, policy_path=given.get("policy"), **queues))
    except OpsError:
        return input_files(resolve({}, Policy(path=given.get("policy")), **queues))


COMMAND = Command(
    run,
    help="Show a saved report in any format, or what is new in it since an earlier one.",
    example="ops-checks report report.json -f markdown",
    needs=NOTHING,
    arguments=_add_arguments,
)
