"""`replan`: record why an item is replanned (OPS_COMMANDS `replan`)."""

from __future__ import annotations

from ops_checks.cli.command import QUEUES, Command
from ops_checks.cli.mutation import mutate
from ops_checks.cli.options import add_mutation, text
from ops_checks.transitions import replan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    add_mutation(parser)
    parser.add_argument("--notes", metavar="TEXT", required=True, type=text, help="why the item is replanned")


def run(invocation: Invocation) -> Result:
    """Replan the item and return its line."""
    return mutate(invocation, lambda stamp: replan(stamp, invocation.args.notes))


COMMAND = Command(
    run,
    help="Note why an item is replanned: to BLOCKED or PENDING.",
    example='ops-checks replan --id ORCH-013 --notes "scope split into W1/W2"',
    needs=QUEUES,
    arguments=_add_arguments,
)
