"""What every command would make of an item, and why it would refuse it. Pure."""

from __future__ import annotations

from ops_checks.errors import InputError, RefusedError
from ops_checks.transitions import TRANSITIONS, cancel, replan, retry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ops_checks.stores.changes import Change, Decide
    from ops_checks.transitions import Stamp

_ANY_REASON = "why"  # the decision does not depend on it


class Outlook:
    """What a command would make of an item: the status it would get (`to`), or why it is refused (`reason`).

    A reason beside a status: it would change nothing, or what it needs besides.
    """

    __slots__ = ("command", "reason", "to")

    def __init__(self, command: str, to: str | None, reason: str | None = None) -> None:
        self.command = command
        self.to = to
        self.reason = reason


def outlooks(stamp: Stamp, backoff_s: Sequence[int], attempt: Callable[[Decide], Change]) -> list[Outlook]:
    """Return what every transition would make of an item now; `attempt` calls a `decide` on it and writes nothing."""
    decides = {"cancel": cancel(stamp), "replan": replan(stamp, _ANY_REASON), "retry": retry(stamp, backoff_s)}
    return [_outlook(name, decides[name], attempt) for name in TRANSITIONS]


def _outlook(command: str, decide: Decide, attempt: Callable[[Decide], Change]) -> Outlook:
    try:
        change = attempt(decide)
    except (RefusedError, InputError) as error:
        return Outlook(command, None, error.message)
    return Outlook(command, change.after.status, "changes nothing: it is so already" if change.empty else None)
