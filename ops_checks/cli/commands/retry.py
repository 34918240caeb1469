"""`retry`: return failed or blocked work to the queue (OPS_COMMANDS `retry`)."""

from __future__ import annotations

from ops_checks.cli.command import QUEUES, Command
from ops_checks.cli.mutation import mutate
from ops_checks.cli.selection_options import MUTATION
from ops_checks.transitions import retry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result


def run(invocation: Invocation) -> Result:
    """Retry the item and return its line."""
    return mutate(invocation, lambda stamp: retry(stamp, invocation.context.retry_backoff_s))


COMMAND = Command(
    run,
    help="Give failed or blocked work another try: to PENDING.",
    example="ops-checks retry --id ORCH-013",
    needs=QUEUES,
    options=MUTATION,
)
