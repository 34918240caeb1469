"""Every file that a run of the gate reads, or that belongs to one: what no output may be written over."""

from __future__ import annotations

import os

from ops_checks.errors import InputError
from ops_checks.stores.registry import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.context import Context

#: What SQLite keeps beside a database, and the lock beside a document (SAFETY).
_BESIDE = ("-wal", "-shm", "-journal", ".lock")


def input_files(context: Context) -> list[str]:
    """Return the paths of the inputs: queues and what lies beside them, policy, run logs as they expand, known report.

    A path need not exist. What a context does not read in this run is listed all the same: it is an input of others.
    """
    known = [context.known.path] if context.known else []
    return [*queue_files((context.queue, context.db)), context.policy_path, *_logs(context.logs), *known]


def queue_files(locations: Iterable[str]) -> Iterator[str]:
    """Yield the paths of queues, and what lies beside the file that each of them leads to."""
    for location in locations:
        if not is_url(location):
            real = os.path.realpath(location)
            yield location
            yield from (real + suffix for suffix in _BESIDE)


def _logs(patterns: Iterable[str]) -> Iterator[str]:
    for named in patterns:
        pattern = named.removeprefix("file://")  # a URL of a file of this machine
        yield pattern
        if any(char in pattern for char in "*?["):
            from ops_checks.runlog.patterns import expand_logs

            try:
                yield from expand_logs([pattern])
            except InputError:  # the gate reports it
                continue
