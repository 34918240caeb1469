"""`check`: the gate, all groups of rules by one policy, one report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.gate_report import gate_report
from ops_checks.cli.kpi_options import add_limits, add_log, log_warnings, unused_options
from ops_checks.cli.options import add_details, add_fields, add_formats, add_queues, check_id, path, text
from ops_checks.cli.window_options import add_window, unused_window
from ops_checks.exit_codes import NOT_EVALUATED, OK
from ops_checks.findings import FAIL_LEVELS, GROUPS, QUEUE
from ops_checks.gate.run_history import history_of
from ops_checks.rules.own.model import RUNS

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    groups = ", ".join(group.id for group in GROUPS.values() if group.selectable)
    parser.add_argument(
        "--only", metavar="ID", type=check_id, action="append", help=f"only {groups}, or this rule; repeatable"
    )
    parser.add_argument(
        "--fail-level", choices=FAIL_LEVELS, default="error", help="what fails the gate (default: error)"
    )
    parser.add_argument(
        "--known", metavar="FILE", type=path, help="a saved JSON report: what it has too is known and fails nothing"
    )
    parser.add_argument(
        "--history",
        metavar="FILE",
        type=path,
        help="append this run to a history, a line of JSON",
    )
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 for drift and alerts; still 3 and above")
    add_queues(parser)
    parser.add_argument(
        "--snapshot", metavar="FILE", type=path, help="read this in place of database and log (`ops-checks snapshot`)"
    )
    parser.add_argument(
        "--max-age", metavar="TIME", type=text, help="how old the snapshot may be: 15m, 2h, HH:MM, … (default: 1h)"
    )
    add_log(parser)
    add_fields(parser)
    add_details(parser)
    add_window(parser)
    add_limits(parser)
    add_formats(parser)


def run(invocation: Invocation) -> Result:
    """Run the gate and show its report; with --exit-zero only what could not be evaluated has an exit code."""
    args = invocation.args
    invocation.warn(log_warnings(args))
    policy = invocation.context.policy
    rules = policy.rules
    asked = {rules[name].group if name in rules else name for name in args.only or ()}
    only = asked.pop() if len(asked) == 1 else None
    if args.snapshot is not None and set(args.only or ()) == {QUEUE.id}:
        invocation.note([f"--snapshot changes nothing with --only {QUEUE.id}"])
    if args.snapshot is not None and args.engine is not None:
        invocation.note(["--engine changes nothing with --snapshot: no log is read"])
    own_runs = any(RUNS in own.needs for own in policy.own)
    invocation.note(unused_options(args, policy.kpi.thresholds, only, own_runs=own_runs))
    invocation.note(unused_window(args, rules))
    history = history_of(invocation.context, args.history)
    code, lines = gate_report(invocation, only=args.only or (), fail_level=args.fail_level, history=history)
    return (OK if args.exit_zero and code < NOT_EVALUATED else code), lines


COMMAND = Command(
    run,
    help="Run the gate: all checks, one report.",
    example="ops-checks check -f text -f json=report.json",
    needs=POLICY,
    arguments=_add_arguments,
)
