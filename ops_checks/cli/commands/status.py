"""`status`: items by status, and the top items in progress (OPS_COMMANDS `status`)."""

from __future__ import annotations

from ops_checks.cli.answer import FORMAT, Answer
from ops_checks.cli.command import QUEUES, Command
from ops_checks.cli.lines import status_lines
from ops_checks.cli.marks import COLOR, marks_of
from ops_checks.cli.queue_summary import summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ops_checks.cli.command import Invocation, Result


def run(invocation: Invocation) -> Result:
    """Return the lines of `status`."""
    found = summary(invocation)

    def json() -> dict[str, Any]:
        from ops_checks.cli.status_json import status_json

        return status_json(found, invocation.context)

    return 0, Answer(status_lines(found, marks_of(invocation)), json)


COMMAND = Command(
    run,
    help="Show items by status, and the top items in progress.",
    example="ops-checks status",
    needs=QUEUES,
    options=(FORMAT, COLOR),
)
