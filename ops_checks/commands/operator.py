"""What an operator needs in an incident: status, workers, cancel, replan, retry."""

from __future__ import annotations

import os

from ops_checks.errors import RefusedError
from ops_checks.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.commands import Call
    from ops_checks.overview import Summary
    from ops_checks.queues import Decide, Queue, View
    from ops_checks.settings import Settings


def status(call: Call) -> tuple[int, Iterable[str]]:
    """Return the lines of `status`."""
    from ops_checks.lines import status_lines

    return 0, status_lines(_summary(call))


def workers(call: Call) -> tuple[int, Iterable[str]]:
    """Return the lines of `workers`."""
    from ops_checks.lines import workers_lines
    from ops_checks.overview import workers as grouped

    in_progress = _summary(call).in_progress
    return 0, workers_lines(grouped(in_progress), len(in_progress))


def mutate(call: Call) -> tuple[int, Iterable[str]]:
    """Carry out `cancel`, `replan` or `retry`, or with --dry-run only decide, and return its line."""
    queue = _writable(call, call.settings(only_places=True))
    change = (queue.preview if call.args.dry_run else queue.change)(call.args.id, _decision(call))
    if call.args.dry_run:
        call.remarks.append("dry run: nothing was written")
    return 0, [f"{change.after.id} -> {change.after.status}"]


def _decision(call: Call) -> Decide:
    from ops_checks import operations
    from ops_checks.settings import retry_backoff

    stamp = operations.Stamp(
        actor=call.args.actor or _login_name(), now_s=call.now_s, tz_minutes=call.settings(only_places=True).tz_minutes
    )
    if call.args.command == "cancel":
        return operations.cancel(stamp)
    if call.args.command == "replan":
        return operations.replan(stamp, call.args.notes)
    return operations.retry(stamp, retry_backoff(call.environ))


def _summary(call: Call) -> Summary:
    from ops_checks.gate import look
    from ops_checks.overview import summarise

    def take(view: View) -> tuple[Summary, list[str]]:
        return summarise(view.items()), view.remarks()

    summary, remarks = look(call.backend(call.settings(only_places=True)), take)
    call.warn(remarks)
    return summary


def _writable(call: Call, settings: Settings) -> Queue:
    """Return the queue to change, or refuse if it is only to be read."""
    from ops_checks.settings import markdown_read_only

    queue = call.backend(settings)
    if queue.kind != "md":
        return queue
    if settings.source_of_truth == "db":
        raise RefusedError(f"{visible(queue.path)}: is a view of the database, by the policy: change it with --db")
    if markdown_read_only(call.environ):
        raise RefusedError(
            f"{visible(queue.path)}: read-only by ORCH_QUEUE_MD_READ_ONLY: change the database with --db"
        )
    return queue


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return f"uid:{os.getuid()}"
