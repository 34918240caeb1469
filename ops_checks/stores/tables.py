"""The tables of a queue in a database (FORMATS section 2)."""

from __future__ import annotations

from ops_checks.model import FIELDS
from ops_checks.sanitize import visible

TABLE = "queue_items"
EVENTS = "queue_events"
#: What the id of a command's operation begins with: it changes an item once.
OPERATION = "op-"
ITEM_COLUMNS = frozenset({*FIELDS, "created_at", "updated_at"})
EVENT_COLUMNS = frozenset({"event_id", "item_id", "event_type", "payload_json", "created_at"})


def where(name: str, item_id: object) -> str:
    """Return the location of a row for a message: `database:table:id`."""
    key = visible(item_id) if isinstance(item_id, str) else ascii(item_id)
    return f"{visible(name)}:{TABLE}:{key}"
