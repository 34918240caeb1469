"""`cancel`: stop work on an item (OPS_COMMANDS `cancel`)."""

from __future__ import annotations

from ops_checks.cli.command import QUEUES, Command
from ops_checks.cli.mutation import mutate
from ops_checks.cli.options import add_mutation, text
from ops_checks.transitions import cancel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    add_mutation(parser)
    parser.add_argument("--notes", metavar="TEXT", type=text, help="why the item is cancelled")


def run(invocation: Invocation) -> Result:
    """Cancel the item and return its line."""
    return mutate(invocation, lambda stamp: cancel(stamp, invocation.args.notes))


COMMAND = Command(
    run,
    help="Stop work on an item: to BLOCKED.",
    example="ops-checks cancel --id ORCH-013",
    needs=QUEUES,
    arguments=_add_arguments,
)
