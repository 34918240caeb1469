"""Options of the commands that measure KPIs: the run log and the limits, and which of them change nothing."""

from __future__ import annotations

import argparse

from ops_checks.cli.options import count, engine, path, rate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def add_log(parser: argparse.ArgumentParser) -> None:
    """Add the run log, and the option of an earlier release that has no effect any more."""
    parser.add_argument("--log-path", metavar="PATH", type=path, action="append", help="run log; repeatable, may glob")
    parser.add_argument(
        "--engine", metavar="NAME[=TARGET]", type=engine, help="what reads the log: local (default), spark[=MASTER]"
    )
    parser.add_argument("--log-cache", action="store_true", help=argparse.SUPPRESS)


def log_warnings(args: argparse.Namespace) -> list[str]:
    """Return a remark on the option that has no effect any more, where it was given."""
    return ["--log-cache has no effect any more: leave it out"] if args.log_cache else []


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the limits: one option for each rule that has one."""
    from ops_checks.rules.registry import BY_METRIC

    for rule in BY_METRIC.values():
        if rule.option and rule.default is not None:
            is_rate = rule.unit == "ratio"
            metavar = "RATE" if is_rate else "MS" if rule.unit == "ms" else "N"
            shown = {"ratio": "from 0 to 1", "ms": "milliseconds"}.get(rule.unit, "items")
            text = f"{shown} (default: {rule.default.max:g})"
            parser.add_argument(rule.option, metavar=metavar, type=rate if is_rate else count, help=text)
    parser.add_argument("--stale-minutes", metavar="MINUTES", type=count, help="stale after (default: 60)")


def limits(args: argparse.Namespace) -> Mapping[str, float]:
    """Return the limits that the command line names, by metric."""
    from ops_checks.rules.registry import BY_METRIC

    named = {
        rule.metric: rule.option.removeprefix("--").replace("-", "_") for rule in BY_METRIC.values() if rule.option
    }
    given = {metric: getattr(args, name, None) for metric, name in named.items()}
    return {metric: value for metric, value in given.items() if value is not None}


def unused_options(
    args: argparse.Namespace, thresholds: Collection[str], only: str | None, *, own_runs: bool = False
) -> list[str]:
    """Return a note for each option that changes nothing in this run: its group is not asked for, or its rule is off.

    `thresholds` are the metrics that have a limit; `only` is the one group that was asked for, if it was one;
    `own_runs`: a rule of the project's own reads the run log.
    """
    from ops_checks.cli.window_options import WINDOW
    from ops_checks.rules.registry import BY_METRIC

    of_limits = (rule.option for rule in BY_METRIC.values() if rule.option)
    of_kpi = ["--log-path", "--engine", *WINDOW, "--stale-minutes", *of_limits]
    unused = {"consistency": of_kpi, "kpi": ["--fields"]}
    if own_runs:
        unused["own"] = [*of_kpi[1:], "--fields"]
    other = unused.get(only, [*of_kpi, "--fields"]) if only else []
    names = {option: WINDOW.get(option) or option[2:].replace("-", "_") for option in other}
    given = [option for option, name in names.items() if getattr(args, name, None) is not None]
    notes = [f"{option} changes nothing with --only {only}" for option in given]
    if only in {None, "kpi"} and args.stale_minutes is not None and "stale_in_progress" not in thresholds:
        notes.append("--stale-minutes fails nothing: stale_in_progress is off")
    return notes
