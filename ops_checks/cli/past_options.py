"""Options of the commands on past gate runs: which runs, how many are shown, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import JSON, TEXT
from ops_checks.cli.options import count, text
from ops_checks.cli.output import Document
from ops_checks.cli.selection_options import time_bounds
from ops_checks.files.output_guard import OutputGuard
from ops_checks.gate.past_runs import read_past
from ops_checks.sanitize import without_commands

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable, Sequence
    from typing import TypeVar

    from ops_checks.cli.command import Invocation
    from ops_checks.gate.past_runs import PastRun

    Run = TypeVar("Run")

CSV = "csv"


def add_past(parser: ArgumentParser) -> None:
    """Add which runs, and how they are shown."""
    parser.add_argument(
        "--since", metavar="TIME", type=text, help="runs since then: 90s, 15m, 2h, 7d, HH:MM, a date, …"
    )
    parser.add_argument("--until", metavar="TIME", type=text, help="runs before then")
    parser.add_argument("-n", metavar="N", type=count, dest="n", help="the last N only (default: all)")
    parser.add_argument("-f", "--format", choices=(TEXT, JSON, CSV), default=TEXT, help="how to print (default: text)")


def read_runs(invocation: Invocation, paths: Sequence[str]) -> tuple[PastRun, ...]:
    """Return the runs that the arguments ask for, the newest last; what is none is noted.

    Raises InputError, and UsageError where what is printed would go into one of the paths.
    """
    OutputGuard(lambda: paths).check_streams()
    since_s, until_s = bounds(invocation)
    past = read_past(paths, since_s=since_s, until_s=until_s)
    invocation.warn(past.remarks)
    return past.runs


def bounds(invocation: Invocation) -> tuple[float | None, float | None]:
    """Return the times that the arguments name, in epoch seconds. Raises UsageError."""
    return time_bounds(invocation.args, invocation.context.now_s, invocation.context.zone)


def records(invocation: Invocation, lines: Iterable[str]) -> list[str]:
    """Return records of CSV as they are printed: in a log of GitHub none is a command."""
    safe = without_commands if invocation.environ.get("GITHUB_ACTIONS") else str
    return [Document(safe(line) + "\r\n") for line in lines]


def last(invocation: Invocation, runs: Sequence[Run]) -> Sequence[Run]:
    """Return the last of some runs, as many as are asked for; that there are others is noted."""
    most = invocation.args.n
    if most is None or most >= len(runs):
        return runs
    invocation.note([f"-n: {most} of {len(runs)} runs are shown"])
    return runs[len(runs) - most :]
