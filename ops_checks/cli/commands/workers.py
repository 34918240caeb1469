"""`workers`: who works on what, since when (OPS_COMMANDS `workers`)."""

from __future__ import annotations

from ops_checks.cli.answer import FORMAT, Answer
from ops_checks.cli.command import QUEUES, Command
from ops_checks.cli.lines import workers_lines
from ops_checks.cli.marks import COLOR, marks_of
from ops_checks.cli.queue_summary import summary
from ops_checks.overview import workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ops_checks.cli.command import Invocation, Result


def run(invocation: Invocation) -> Result:
    """Return the lines of `workers`."""
    found = summary(invocation)

    def json() -> dict[str, Any]:
        from ops_checks.cli.status_json import workers_json

        return workers_json(found, invocation.context)

    lines = workers_lines(workers(found.in_progress), len(found.in_progress), marks_of(invocation))
    return 0, Answer(lines, json)


COMMAND = Command(
    run,
    help="Show who works on what.",
    example="ops-checks --db queue.db workers",
    needs=QUEUES,
    options=(FORMAT, COLOR),
)
