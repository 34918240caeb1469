"""The summary of the queue that `status` and `workers` show."""

from __future__ import annotations

from ops_checks.cli.answer import wants_json
from ops_checks.gate.stable_reading import read_stable
from ops_checks.overview import summarise, summarise_details
from ops_checks.sanitize import visible
from ops_checks.stores.registry import is_there

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation
    from ops_checks.context import Context
    from ops_checks.overview import Summary
    from ops_checks.stores.protocol import Snapshot


def summary(invocation: Invocation) -> Summary:
    """Return the summary of the working store, for JSON with details; keep its remarks. Raises InputError."""
    whole = wants_json(invocation.args)

    def read(snapshot: Snapshot) -> tuple[Summary, list[str]]:
        found = summarise_details(snapshot.details()) if whole else summarise(snapshot.items())
        return found, snapshot.remarks()

    context = invocation.context
    found, remarks = read_stable(context.working_store, read)
    invocation.warn(remarks)
    note_unread_queue(invocation)
    return found


def note_unread_queue(invocation: Invocation) -> None:
    """Note which of two queues was read, and which was not (FORMATS section 6)."""
    context = invocation.context
    unread = unread_queue(context)
    if unread is not None:
        read = context.db if context.works_on_db else context.queue
        invocation.note([f"{visible(read)} was read, {visible(unread)} was not"])


def unread_queue(context: Context) -> str | None:
    """Return the other one of two queues that are both there, which commands do not read."""
    queues = (context.queue, context.db)
    return queues[not context.works_on_db] if all(map(is_there, queues)) else None
