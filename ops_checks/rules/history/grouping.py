"""Group a stream of rows and events by item; most items are told apart from the others by little."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ops_checks.rules.history.events import PLAIN, Event, details_of, owner_of, read_payloads
from ops_checks.rules.history.history import History, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ops_checks.stores.protocol import Recorded

    #: What all laws depend on but the times: attempts and the most of them, status, the types of the events, …
    Signature = tuple[object, ...]

_NOTHING_SAID = {details_of(PLAIN)}
_MOST_NAMES = 1000


class _Names(dict[object, str]):
    """The texts of what was stored, each converted once."""

    def __missing__(self, raw: object) -> str:
        if len(self) > _MOST_NAMES:
            self.clear()
        return self.setdefault(raw, as_text(raw))


class _Batch:
    """A part of the stream by column; `details` is None where no payload says more than who wrote the event."""

    __slots__ = ("attempts", "details", "event_ids", "keys", "mosts", "owners", "payloads", "times", "types")

    def __init__(self, recorded: Recorded, names: _Names) -> None:
        self.keys, self.event_ids, types, texts, self.times, self.attempts, self.mosts = recorded
        self.types = tuple(map(names.__getitem__, types))
        self.payloads = read_payloads(self.types, texts)
        self.owners = tuple(map(owner_of, self.payloads))
        details = tuple(map(details_of, self.payloads))
        self.details = None if set(details) == _NOTHING_SAID else details


class Group:
    """An item's row, if it has one, and its events: parts of the stream, each from a batch's start to end."""

    __slots__ = ("_parts", "has_events", "has_row")

    def __init__(self, batch: _Batch, start: int, end: int) -> None:
        self._parts = [(batch, start, end)]
        self.has_row = batch.event_ids[start] is None
        self.has_events = end - start > self.has_row

    def add(self, batch: _Batch, end: int) -> None:
        """Add the beginning of the next batch."""
        self._parts.append((batch, 0, end))
        self.has_events = True

    @property
    def raw_item(self) -> object:
        """The item's id as stored."""
        batch, start, _ = self._parts[0]
        return batch.keys[start]

    @property
    def item(self) -> str | None:
        """The item's id, None for events that name none."""
        return None if self.raw_item is None else as_text(self.raw_item)

    @property
    def signature(self) -> Signature | None:
        """What tells this history from others, None for one that is out of the ordinary.

        In most no payload says anything of a status, and all leases are of one owner, whoever that is.
        """
        batch, start, end = self._parts[0]
        if not self.has_row or len(self._parts) > 1:
            return None
        told = (batch.attempts[start], batch.mosts[start], *batch.types[start:end])
        if batch.details is not None:
            return (*told, *batch.details[start:end], *batch.owners[start:end])
        return told if len({None, *batch.owners[start:end]}) <= 2 else None  # noqa: PLR2004 - nobody and one owner

    def history(self) -> History:
        """Return the item's history."""
        batch, start, _ = self._parts[0]
        row = self._row(batch, start) if self.has_row else None
        events = [event for part in self._parts for event in _events(*part)]
        return History(row, events)

    @staticmethod
    def _row(batch: _Batch, at: int) -> Row:
        return Row(batch.types[at], batch.attempts[at], batch.mosts[at], as_text(batch.times[at]))


def grouped(batches: Iterable[Recorded]) -> Iterator[Group]:
    """Yield the items of a stream, each with all its events."""
    names = _Names()
    current: Group | None = None
    for recorded in batches:
        batch = _Batch(recorded, names)
        for start, end in _runs(batch.keys):
            if current is not None and start == 0 and current.raw_item == batch.keys[0]:
                current.add(batch, end)
                continue
            if current is not None:
                yield current
            current = Group(batch, start, end)
    if current is not None:
        yield current


def as_text(raw: object) -> str:
    """Return what was stored as text; nothing is empty, and what is no UTF-8 is escaped."""
    if raw is None:
        return ""
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else str(raw)


def _events(batch: _Batch, start: int, end: int) -> Iterator[Event]:
    for at in range(start, end):
        if batch.event_ids[at] is not None:
            event_id = cast("int", batch.event_ids[at])
            yield Event(event_id, batch.types[at], as_text(batch.times[at]), batch.payloads[at])


def _runs(keys: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Yield where equal keys begin and end."""
    start = 0
    first = keys[0]
    for at, key in enumerate(keys):
        if key != first:
            yield start, at
            start, first = at, key
    yield start, len(keys)
