"""`watch`: a live view of both queues and the run log, in the terminal or as plain lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.live.plain import follow
from ops_checks.errors import UsageError, install_extra
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

    from ops_checks.cli.command import Invocation, Result

#: What a terminal calls itself on which nothing can be drawn.
_NO_SCREEN = ("", "dumb", "unknown")


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--plain", action="store_true", help="a line for each change, as without a terminal: for screen readers, logs"
    )


def run(invocation: Invocation) -> Result:
    """Show what goes on until it is ended; return the lines of the changes that were made meanwhile."""
    context = invocation.context
    invocation.warn(context.warnings)
    if invocation.args.plain or not _can_be_drawn_on(invocation.environ):
        invocation.note([f"{visible(context.working_store.location)} is watched: Ctrl-C ends it"])
        return follow(invocation), []
    try:
        from ops_checks.cli.live.app import watch
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"textual", "rich"}:
            raise
        raise UsageError(
            f"the live view needs textual, which is not installed: give --plain for lines, or {install_extra('live')}"
        ) from None
    return watch(invocation)


def _can_be_drawn_on(environ: Mapping[str, str]) -> bool:
    """Return whether there is a terminal to draw on and to take keys from: all three streams, and one that can."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return environ.get("TERM", "") not in _NO_SCREEN and all(each is not None and each.isatty() for each in streams)


COMMAND = Command(
    run,
    help="Watch the queue live: statuses, workers, failures, KPIs, drift; open, cancel and retry items.",
    example="ops-checks watch",
    needs=POLICY,
    arguments=_add_arguments,
)
