"""The laws that count events, in whatever order they were written (RECONCILE section 16.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.rules.history.events import ADDED, DONE, FAILED, PICKED, SKIPPED, UNREADABLE
from ops_checks.rules.history.history import Broken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.rules.history.events import Event
    from ops_checks.rules.history.history import History


def picked_twice(history: History) -> Broken | None:
    """Allow one pick, and one more for each time that the item was put back, as events or its attempts tell."""
    picked, back = history.of(PICKED), history.put_back
    if len(picked) <= 1 + len(back) + history.lost:
        return None
    return Broken(f"was picked {_times(picked)} and put back {_times(back)}", _in_order(picked, back))


def retried_beyond_max(history: History) -> Broken | None:
    """Allow as many retries as `max_attempts`; a review may send an item back beyond it."""
    most = history.most_attempts
    if not history.retries or (most is not None and history.retries <= most):
        return None
    shown = "max_attempts is no number" if most is None else f"max_attempts is {most:g}"
    return Broken(f"was retried {_times(history.retried)}, {shown}", history.retried)


def attempts_lost(history: History) -> Broken | None:
    """Want every retry counted as an attempt."""
    attempts = history.attempts
    if not history.retries or (attempts is not None and attempts >= history.retries):
        return None
    shown = "attempt_count is no number" if attempts is None else f"attempt_count is {attempts:g}"
    return Broken(f"was retried {_times(history.retried)}, {shown}", history.retried)


def retried_without_cause(history: History) -> Broken | None:
    """Allow a retry for each time that the item failed or was in progress, and one before its history begins."""
    causes = history.causes
    if history.retries <= len(causes) + (not history.starts_known):
        return None
    what = f"was retried {_times(history.retried)}, and picked or failed {_times(causes)}"
    return Broken(what, _in_order(history.retried, causes))


def added_twice(history: History) -> Broken | None:
    """Allow one `added`."""
    added = history.of(ADDED)
    return Broken(f"was added {_times(added)}", added) if len(added) > 1 else None


def ended_twice(history: History) -> Broken | None:
    """Allow one end, and one more for each time that the item was put back or reopened."""
    ended = history.of(DONE, FAILED, SKIPPED)
    back = [event for event in history.events if event.puts_back or (event.moves and event.status == "IN_PROGRESS")]
    if len(ended) <= 1 + len(back) + history.lost:
        return None
    return Broken(f"ended {_times(ended)} and was put back {_times(back)}", _in_order(ended, back))


def ended_without_picked(history: History) -> Broken | None:
    """Want what ended picked, or claimed in the other queue, unless its history does not begin with it."""
    ended = history.of(DONE, FAILED)
    claimed = any(event.type == PICKED or event.status == "IN_PROGRESS" or event.is_unclear for event in history.events)
    return Broken("ended and was never picked", ended) if ended and history.starts_known and not claimed else None


def orphan_events(history: History) -> Broken | None:
    """Want the item of events to be there."""
    if history.row is not None:
        return None
    count = len(history.events)
    return Broken(f"has {count} event{'s' * (count > 1)} and no row", history.events)


def payload_unreadable(history: History) -> Broken | None:
    """Want a JSON object for every payload."""
    unread = [event for event in history.events if event.payload is UNREADABLE]
    if not unread:
        return None
    return Broken(f"has {len(unread)} event{'s' * (len(unread) > 1)} whose payload is no JSON object", unread)


def _times(events: list[Event]) -> str:
    return f"{len(events)} time{'s' * (len(events) != 1)}"


def _in_order(*lists: Iterable[Event]) -> list[Event]:
    return sorted(event for events in lists for event in events)
