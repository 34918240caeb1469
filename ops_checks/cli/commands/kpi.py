"""`kpi`: success rate, latency, retries and stale items against their limits (OPS_COMMANDS `kpi`), and by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.group_options import add_groups, kpi_format, unused_group_options
from ops_checks.cli.kpi_options import add_limits, add_log, log_warnings, unused_options
from ops_checks.cli.kpi_rules import concluded
from ops_checks.cli.lines import kpi_lines
from ops_checks.cli.options import add_database, add_formats, comparison
from ops_checks.cli.window_options import add_window
from ops_checks.exit_codes import ALERT, OK
from ops_checks.findings import KPI
from ops_checks.gate.inputs import read_kpis

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    add_log(parser)
    add_database(parser)
    add_window(parser)
    parser.add_argument(
        "--compare",
        metavar="WITH",
        type=comparison,
        help="what has changed since: previous (the window before), last-week, or FILE, a report of -f json",
    )
    add_limits(parser)
    parser.add_argument("--fail-on-alert", action="store_true", help="exit 2 if a KPI is past its limit")
    add_groups(parser)
    add_formats(parser, kpi_format, " (csv: with --by or --compare)")


def run(invocation: Invocation) -> Result:
    """Return the lines of `kpi`, or its report in the formats that were asked for; exit 2 only with --fail-on-alert."""
    args, context = invocation.args, invocation.context
    invocation.note(unused_options(args, context.policy.kpi.thresholds, None))
    if getattr(args, "queue", None) and context.has_database:
        invocation.note(["--queue changes nothing: where there is a database, KPIs are read from it"])
    invocation.note(unused_group_options(args))
    way = _compared if args.compare else _grouped if args.by else _formatted if args.format else _plain
    return way(invocation)


def _compared(invocation: Invocation) -> Result:
    from ops_checks.cli.kpi_compare import kpi_compare

    return kpi_compare(invocation)


def _grouped(invocation: Invocation) -> Result:
    from ops_checks.cli.kpi_by import kpi_by

    return kpi_by(invocation)


def _formatted(invocation: Invocation) -> Result:
    from ops_checks.cli.gate_report import gate_report

    invocation.warn(log_warnings(invocation.args))
    code, lines = gate_report(invocation, only=[KPI.id], plain=True)
    return (OK if code == ALERT and not invocation.args.fail_on_alert else code), lines


def _plain(invocation: Invocation) -> Result:
    context = invocation.context.without_exceptions()
    evidence = read_kpis(context, details=False)
    code, results = concluded(invocation, context, evidence)
    return code, kpi_lines({metric.name: metric.value for metric in evidence.metrics}, results)


COMMAND = Command(
    run,
    help="Show success rate, latency, retries and stale items.",
    example="ops-checks kpi --fail-on-alert",
    needs=POLICY,
    arguments=_add_arguments,
)
