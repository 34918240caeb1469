"""The history of one item: what stands in its row, and its events (RECONCILE section 16)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.rules.history.events import ADDED, RECONCILED, RETRIED, REVIEW, UNKNOWN, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What other programs take for `max_attempts` where it is null or 0, and the default of the column.
_DEFAULT_ATTEMPTS = 3
#: More attempts are none that anybody made.
_MOST_ATTEMPTS = 1_000_000


class Row(NamedTuple):
    """What the laws read of an item's row, as stored: a column may hold anything."""

    status: object
    attempt_count: object = 0
    max_attempts: object = _DEFAULT_ATTEMPTS
    created_at: str = ""


class Broken(NamedTuple):
    """A law that a history breaks: what is out, to stand behind the item's id, and the events that show it."""

    what: str
    events: Sequence[Event]


class History:
    """One item with its events in the order of their ids; `row` is None if there is no such item."""

    def __init__(self, row: Row | None, events: Sequence[Event]) -> None:
        self.row = row
        self.events = events

    def of(self, *types: str) -> list[Event]:
        """Return the events of some types."""
        return [event for event in self.events if event.type in types]

    @cached_property
    def put_back(self) -> list[Event]:
        """The events after which the item could be picked once more."""
        return [event for event in self.events if event.puts_back]

    @cached_property
    def retried(self) -> list[Event]:
        """The retries, those that were undone included."""
        return self.of(RETRIED)

    @cached_property
    def retries(self) -> int:
        """The number of retries that nobody undid."""
        given_back = sum(event.payload.attempts_given_back for event in self.events)
        return max(0, len(self.retried) - given_back)

    @cached_property
    def lost(self) -> int:
        """The number of times that the item was put back and no event says so, as its attempts show.

        A watchdog changes many rows at once and writes their events afterwards: one that was killed has lost them.
        """
        told = self.retries + sum(event.puts_back and event.type in {REVIEW, RECONCILED} for event in self.events)
        attempts = self.attempts
        return 0 if attempts is None or attempts <= told else int(min(attempts, _MOST_ATTEMPTS)) - told

    @cached_property
    def starts_known(self) -> bool:
        """Whether the history begins with the item: an imported one may have been worked on before."""
        return any(not event.payload.imported for event in self.of(ADDED))

    @cached_property
    def causes(self) -> list[Event]:
        """The events after which an item could be retried: it failed, or was in progress."""
        return [event for event in self.events if event.status in {"FAILED", "IN_PROGRESS", UNKNOWN}]

    @property
    def agrees_with_newest(self) -> bool:
        """Whether the row's status is that of the newest event that tells one."""
        newest = next((status for event in reversed(self.events) if (status := event.status) is not None), None)
        return self.row is not None and newest in {None, self.row.status}

    @property
    def attempts(self) -> float | None:
        """The row's attempts, None if they are no number."""
        return _number(self.row.attempt_count if self.row else None, absent=0)

    @property
    def most_attempts(self) -> float | None:
        """The most attempts that the item may have or had once, None if the row's are no number.

        They may have been lowered since: events of ours hold what they were.
        """
        now = _number(self.row.max_attempts if self.row else None, absent=_DEFAULT_ATTEMPTS)
        counts = (each for event in self.events for each in (event.payload.before, event.payload.after) if each)
        seen = [each.max_attempts for each in counts if each.max_attempts is not None]
        return None if now is None else max([now or _DEFAULT_ATTEMPTS, *seen])


def _number(value: object, *, absent: int) -> float | None:
    """Return a column's number, `absent` for null, None for what is no number."""
    if value is None:
        return absent
    return value if isinstance(value, int | float) else None
