"""`workers`: who works on what, since when (OPS_COMMANDS `workers`)."""

from __future__ import annotations

from ops_checks.cli.command import QUEUES, Command
from ops_checks.cli.lines import workers_lines
from ops_checks.cli.marks import COLOR, marks_of
from ops_checks.cli.queue_summary import summary
from ops_checks.overview import workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result


def run(invocation: Invocation) -> Result:
    """Return the lines of `workers`."""
    in_progress = summary(invocation).in_progress
    return 0, workers_lines(workers(in_progress), len(in_progress), marks_of(invocation))


COMMAND = Command(
    run,
    help="Show who works on what.",
    example="ops-checks --db queue.db workers",
    needs=QUEUES,
    options=(COLOR,),
)
