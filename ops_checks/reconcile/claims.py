"""Which moves of a claim go from the document to the database (RECONCILE section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import NOTHING, STATUSES
from ops_checks.reconcile.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.model import Item
    from ops_checks.stores.changes import Reliability

    #: From the document's item to what speaks against its claim, or None.
    Check = Callable[[Item], Reason | None]


def is_held(lease: Reliability | None, now_s: float) -> bool:
    """Return whether a worker holds an item now; a lease that is no readable time counts as held."""
    if lease is None or not lease.lease_owner or lease.lease_expires_at is None:
        return False
    ends_s = lease_end_s(lease)
    return ends_s is None or ends_s > clock_s(lease, now_s)


def clock_s(lease: Reliability, now_s: float) -> float:
    """Return the time by which a lease is judged: the store's, where it has a clock of its own, else `now_s`.

    The clock of one host may be wrong, and several work on a server. Epoch seconds.
    """
    return now_s if lease.now_s is None else lease.now_s


def lease_end_s(lease: Reliability) -> float | None:
    """Return when a lease ends, in epoch seconds, or None if it does not say a whole number of them."""
    ends = lease.lease_expires_at
    whole = isinstance(ends, int) or (isinstance(ends, float) and ends.is_integer())
    return float(ends) if whole and not isinstance(ends, str | bytes | None) else None


def holder(lease: Reliability) -> str | None:
    """Return the name of who holds a lease, None for nobody; what is no text is shown as Python writes it."""
    owner = lease.lease_owner
    return owner if isinstance(owner, str | None) else ascii(owner)


def attempts(lease: Reliability | None) -> int | None:
    """Return how often an item was tried, None where that is not known."""
    count = None if lease is None else lease.attempt_count
    return count if isinstance(count, int) else None


def attempts_used_up(lease: Reliability | None) -> bool:
    """Return whether an item may not be tried again: nor where nobody can tell how often it was."""
    if lease is None or lease.absent:
        return False
    count, most = attempts(lease), lease.max_attempts
    return count is None or not isinstance(most, int) or count >= most


def objection(md: Item, db: Item, lease: Reliability | None, now_s: float) -> Reason | None:
    """Return why the document's claim does not go over by itself, or None if it does."""
    if is_held(lease, now_s):
        return Reason.HELD
    return _TABLE[db.status][md.status](md)


def refusal(md: Item, db: Item | None, lease: Reliability | None, now_s: float) -> Reason | None:
    """Return why the document's claim does not go over even if a person prefers it, or None."""
    if is_held(lease, now_s):
        return Reason.HELD
    if md.status == "IN_PROGRESS" and md.owner_session == NOTHING:
        return Reason.CLAIM_INCOMPLETE
    again = db is not None and db.status == "FAILED" and md.status in {"PENDING", "IN_PROGRESS"}
    return Reason.ATTEMPTS_USED_UP if again and attempts_used_up(lease) else None


def _always(reason: Reason | None) -> Check:
    return lambda _: reason


def _claimed(md: Item) -> Reason | None:
    return Reason.CLAIM_INCOMPLETE if NOTHING in {md.owner_session, md.started_at_kst} else None


def _unclaimed(md: Item) -> Reason | None:
    return None if md.owner_session == md.started_at_kst == NOTHING else Reason.CLAIM_INCOMPLETE


def _ended_by_somebody(md: Item) -> Reason | None:
    return Reason.DONE_UNCLAIMED if md.owner_session == NOTHING else None


_BY_ITSELF, _TERMINAL, _OWNER_CHANGED = map(_always, (None, Reason.TERMINAL, Reason.OWNER_CHANGED))

#: From the database's status to the document's: the check of a claim that moved in the document only.
_TABLE: dict[str, dict[str, Check]] = {
    "PENDING": {
        "PENDING": _unclaimed,
        "IN_PROGRESS": _claimed,
        "BLOCKED": _BY_ITSELF,
        "FAILED": _ended_by_somebody,
        "DONE": _ended_by_somebody,
    },
    "IN_PROGRESS": {
        "PENDING": _always(Reason.REQUEUE),
        "IN_PROGRESS": _OWNER_CHANGED,
        "BLOCKED": _BY_ITSELF,
        "FAILED": _BY_ITSELF,
        "DONE": _BY_ITSELF,
    },
    "BLOCKED": {
        "PENDING": _unclaimed,
        "IN_PROGRESS": _claimed,
        "BLOCKED": _OWNER_CHANGED,
        "FAILED": _ended_by_somebody,
        "DONE": _ended_by_somebody,
    },
    "FAILED": dict.fromkeys(STATUSES, _TERMINAL) | {"PENDING": _always(Reason.USE_RETRY)},
    "DONE": dict.fromkeys(STATUSES, _TERMINAL),
}
