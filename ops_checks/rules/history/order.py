"""The laws on what came after what, where an order is evidence (RECONCILE section 16.3).

The events of one worker are in order, and an event of ours is written with the status that it tells of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.rules.history.events import (
    ACQUIRED,
    CANCELLED,
    DONE,
    FAILED,
    LEASES,
    PICKED,
    RELEASED,
    RENEWED,
    REPLAN,
    UNKNOWN,
)
from ops_checks.rules.history.history import Broken

if TYPE_CHECKING:
    from ops_checks.rules.history.events import Event
    from ops_checks.rules.history.history import History

_MINUTE = len("YYYY-MM-DD HH:MM")


def lease_of_another(history: History) -> Broken | None:
    """Want a lease renewed and released by who acquired it last, unless it was cleared since.

    A worker writes an event after its release is done: by then another may have acquired the lease, and told so. A
    renewal keeps all others out for the length of a lease, so that its event is never that late.
    """
    last: Event | None = None
    unreleased: set[str] = set()
    for event in history.events:
        who = event.payload.who
        if event.clears_lease:
            last = None
        if event.type not in LEASES or who is None:
            continue
        if event.type == ACQUIRED:
            last = event
            unreleased.add(who)
            continue
        late = event.type == RELEASED and who in unreleased
        if last is not None and last.payload.who != who and not late:
            return Broken(f"had its lease of {last.payload.who} {_LEASE_WORDS[event.type]} by {who}", (last, event))
        if event.type == RELEASED:
            unreleased.discard(who)
            last = last if last is not None and last.payload.who != who else None
    return None


def ended_after_cancelled(history: History) -> Broken | None:
    """Want nothing ended that an operator cancelled or replanned, unless it was picked or decided on again since."""
    decided: Event | None = None
    for event in history.events:
        if event.type == CANCELLED or (event.type == REPLAN and event.payload.to):
            decided = event
        elif decided is None:
            continue
        elif event.type in {DONE, FAILED}:
            return Broken(f"{event.type} after it was {_DECISIONS[decided.type]}", (decided, event))
        elif event.type == PICKED or (event.moves and event.status != decided.status):
            decided = None
    return None


def changed_without_event(history: History) -> Broken | None:
    """Want the status of the newest event that tells one in the row; if the two newest share a minute, of either."""
    states = [event for event in history.events if event.status is not None]
    if not states or history.row is None:
        return None
    newest = states[-2:] if _share_a_minute(states[-2:]) else states[-1:]
    status = history.row.status
    if any(event.status in {status, UNKNOWN} for event in newest):
        return None
    return Broken(f"is {status}, its newest event says {states[-1].status}", newest)


_LEASE_WORDS = {RENEWED: "renewed", RELEASED: "released"}
_DECISIONS = {CANCELLED: "cancelled", REPLAN: "replanned"}


def _share_a_minute(events: list[Event]) -> bool:
    minutes = {event.created_at[:_MINUTE] for event in events}
    return len(minutes) == 1 and "" not in minutes
