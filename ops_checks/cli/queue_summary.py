"""The summary of the queue that `status` and `workers` show."""

from __future__ import annotations

from ops_checks.gate.stable_reading import read_stable
from ops_checks.overview import summarise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation
    from ops_checks.overview import Summary
    from ops_checks.stores.protocol import Snapshot


def summary(invocation: Invocation) -> Summary:
    """Return the summary of the working store; keep its remarks. Raises InputError."""

    def read(snapshot: Snapshot) -> tuple[Summary, list[str]]:
        return summarise(snapshot.items()), snapshot.remarks()

    found, remarks = read_stable(invocation.context.working_store, read)
    invocation.warn(remarks)
    return found
