"""`status`: items by status, and the top items in progress (OPS_COMMANDS `status`)."""

from __future__ import annotations

from ops_checks.cli.command import QUEUES, Command
from ops_checks.cli.lines import status_lines
from ops_checks.cli.marks import COLOR, marks_of
from ops_checks.cli.queue_summary import summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result


def run(invocation: Invocation) -> Result:
    """Return the lines of `status`."""
    return 0, status_lines(summary(invocation), marks_of(invocation))


COMMAND = Command(
    run,
    help="Show items by status, and the top items in progress.",
    example="ops-checks status",
    needs=QUEUES,
    options=(COLOR,),
)
