"""The summary of the queue that `status` and `workers` show."""

from __future__ import annotations

import os

from ops_checks.gate.stable_reading import read_stable
from ops_checks.overview import summarise
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation
    from ops_checks.overview import Summary
    from ops_checks.stores.protocol import Snapshot


def summary(invocation: Invocation) -> Summary:
    """Return the summary of the working store; keep its remarks. Raises InputError."""

    def read(snapshot: Snapshot) -> tuple[Summary, list[str]]:
        return summarise(snapshot.items()), snapshot.remarks()

    context = invocation.context
    found, remarks = read_stable(context.working_store, read)
    invocation.warn(remarks)
    note_unread_queue(invocation)
    return found


def note_unread_queue(invocation: Invocation) -> None:
    """Note which of two queues was read, and which was not (FORMATS section 6)."""
    context = invocation.context
    queues = [context.db, context.queue] if context.works_on_db else [context.queue, context.db]
    if all(map(os.path.lexists, queues)):
        invocation.note([f"{visible(queues[0])} was read, {visible(queues[1])} was not"])
