"""`cancel`: stop work on an item (OPS_COMMANDS `cancel`)."""

from __future__ import annotations

from ops_checks.cli.command import QUEUES, Command, PlainOption
from ops_checks.cli.mutation import mutate
from ops_checks.cli.selection_options import MUTATION
from ops_checks.transitions import cancel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result


def run(invocation: Invocation) -> Result:
    """Cancel the item and return its line."""
    return mutate(invocation, lambda stamp: cancel(stamp, invocation.args.notes))


COMMAND = Command(
    run,
    help="Stop work on an item: to BLOCKED.",
    example="ops-checks cancel --id ORCH-013",
    needs=QUEUES,
    options=(*MUTATION, PlainOption("--notes", metavar="TEXT", kind="text", help="why the item is cancelled")),
)
