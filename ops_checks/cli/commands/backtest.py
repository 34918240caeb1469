"""`backtest`: what a policy would have said of past gate runs, or of each hour of a run log."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ops_checks.cli.answer import Answer
from ops_checks.cli.backtest_lines import (
    backtest_json,
    backtest_lines,
    backtest_records,
    suggestion_json,
    suggestion_lines,
    suggestion_records,
)
from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.kpi_options import add_limits, add_log, log_warnings
from ops_checks.cli.options import check_id, completed, number, path
from ops_checks.cli.past_options import CSV, add_past, bounds, last, read_runs, records
from ops_checks.errors import UsageError
from ops_checks.exit_codes import OK
from ops_checks.gate.backtesting import backtest, propose
from ops_checks.gate.replay import replay
from ops_checks.gate.run_history import history_of
from ops_checks.rules.registry import BY_METRIC

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.gate.past_runs import PastRun

_FALSE_ALARMS = 0.05


@completed(of=lambda: BY_METRIC)
def _metric(word: str) -> str:
    """Return a metric as it is written; which there are is known when it is looked up."""
    return word


def _share(word: str) -> float:
    """Return a rate above 0 and below 1, from `5%` or `0.05`."""
    value = number(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a rate above 0 such as 5% or 0.05, found {word!a}")
    return value


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--history", metavar="FILE", type=path, action="append",
        help="a history, a report, or a folder of them; repeatable (default: the policy's, else the run log, replayed)",
    )  # fmt: skip
    parser.add_argument(
        "--only", metavar="ID", type=check_id, action="append", help="only this check or rule; repeatable"
    )
    parser.add_argument("--suggest", metavar="METRIC", type=_metric, help="propose a limit of this metric")
    parser.add_argument(
        "--false-alarms", metavar="RATE", type=_share, help="how many it may cause: 5%%, 0.05 (default: 5%%)"
    )
    add_past(parser)
    add_log(parser)
    add_limits(parser)


def run(invocation: Invocation) -> Result:
    """Show what the policy would have said, or propose a limit.

    Raises UsageError for arguments that do not go together, InputError for what cannot be read and where there is
    nothing to read.
    """
    args = invocation.args
    invocation.warn(log_warnings(args))
    if args.false_alarms is not None and args.suggest is None:
        raise UsageError("--false-alarms is for --suggest METRIC: name one, or leave it out")
    if args.suggest is not None and args.only:
        raise UsageError("--suggest is for one metric: leave out --only")
    past, is_replay = _past(invocation)
    if args.suggest is not None:
        return OK, _suggested(invocation, past, is_replay=is_replay)
    return OK, _tested(invocation, past, is_replay=is_replay)


def _past(invocation: Invocation) -> tuple[Sequence[PastRun], bool]:
    """Return the runs to test with, and whether they are hours of the run log."""
    args, context = invocation.args, invocation.context
    if args.history and args.log_path:
        raise UsageError("--history and --log-path: name one of them")
    history = None if args.log_path else history_of(context, None)
    files = args.history or ([history.path] if history else [])
    if files:
        return read_runs(invocation, files), False
    since_s, until_s = bounds(invocation)
    found = replay(context, since_s=since_s, until_s=until_s)
    invocation.note(found.remarks)
    return found.runs, True


def _tested(invocation: Invocation, past: Sequence[PastRun], *, is_replay: bool) -> Answer | list[str]:
    context = invocation.context
    found = backtest(context, past, invocation.args.only or (), is_replay=is_replay)
    invocation.note(found.remarks)
    shown = last(invocation, found.runs)
    if invocation.args.format == CSV:
        return records(invocation, backtest_records(shown))
    policy = context.policy.path or ""
    lines = backtest_lines(found, shown, policy or "-", context.zone)
    return Answer(lines, lambda: backtest_json(found, shown, policy))


def _suggested(invocation: Invocation, past: Sequence[PastRun], *, is_replay: bool) -> Answer | list[str]:
    args, context = invocation.args, invocation.context
    found = propose(context, past, args.suggest, args.false_alarms or _FALSE_ALARMS, is_replay=is_replay)
    invocation.note(found.remarks)
    if args.format == CSV:
        return records(invocation, suggestion_records(found.suggestion))
    policy = context.policy.path or ""
    return Answer(suggestion_lines(found.suggestion), lambda: suggestion_json(found.suggestion, policy))


COMMAND = Command(
    run,
    help="Show what a policy would have said of past gate runs, or of each hour of the run log.",
    example="ops-checks backtest --policy new.yaml --history gate.jsonl",
    needs=POLICY,
    arguments=_add_arguments,
)
