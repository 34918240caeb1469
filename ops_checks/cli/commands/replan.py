"""`replan`: record why an item is replanned (OPS_COMMANDS `replan`)."""

from __future__ import annotations

from ops_checks.cli.command import QUEUES, Command, PlainOption
from ops_checks.cli.mutation import mutate
from ops_checks.cli.selection_options import MUTATION
from ops_checks.transitions import replan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result


def run(invocation: Invocation) -> Result:
    """Replan the item and return its line."""
    return mutate(invocation, lambda stamp: replan(stamp, invocation.args.notes))


COMMAND = Command(
    run,
    help="Note why an item is replanned: to BLOCKED or PENDING.",
    example='ops-checks replan --id ORCH-013 --notes "scope split into W1/W2"',
    needs=QUEUES,
    options=(
        *MUTATION,
        PlainOption("--notes", metavar="TEXT", kind="text", required=True, help="why the item is replanned"),
    ),
)
