"""One event of an item."""

from __future__ import annotations

from collections import namedtuple


class Event(namedtuple("Event", ("event_id", "event_type", "payload", "created_at"))):  # noqa: PYI024 - imported faster
    """One event of an item (FORMATS section 2): its id, type, payload (JSON text) and queue time."""

    __slots__ = ()
    event_id: int
    event_type: str
    payload: str
    created_at: str
