"""What the snapshots of all databases read in one way."""

from __future__ import annotations

from ops_checks.errors import InputError
from ops_checks.stores.tables import EVENTS, TABLE, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.stores.changes import Reliability
    from ops_checks.stores.event import Event


class TableSnapshot:
    """One state of a database, which people know by `name`; each kind of database has its own ways to its rows."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find(self, item_id: str) -> tuple[Item, Reliability] | None:
        """Return an item by its id with its lease and attempts, or None. Raises InputError for a malformed row."""
        raise NotImplementedError

    def _batches(self) -> Iterator[object]:
        """Stream all items in batches. Raises InputError with all defects."""
        raise NotImplementedError

    def _rows(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - what the driver binds
        """Stream the rows of a query on the events or on both tables. Raises InputError."""
        raise NotImplementedError

    def get(self, item_id: str) -> Item | None:
        """Return an item by its id, None if there is none; see `find`."""
        found = self.find(item_id)
        return found[0] if found else None

    def reliability(self, item_id: str) -> Reliability | None:
        """Return lease and attempts of an item, or None if there is no such item. Raises InputError."""
        found = self.find(item_id)
        return found[1] if found else None

    def item_id(self, number: int, key: str) -> str:
        """Return the id of the item of a key."""
        from ops_checks.stores.markdown.table import plain_id  # most commands compare no rows

        return plain_id(key) or self.item(number, key).id

    def item(self, number: int, key: str) -> Item:
        """Return the item of a key. Raises InputError for a row that cannot be parsed, which `keys` never yields."""
        from ops_checks.stores.markdown.table import parse_row

        item = parse_row(key)
        if item is None:
            raise InputError(f"{where(self._name, number)}: the row cannot be read back: check its cells")
        return item

    def check(self) -> None:
        """Raise what `items` raises."""
        for _ in self._batches():
            pass

    def place(self, number: int, item_id: str) -> Place:  # noqa: ARG002 - a key needs no number
        """Return the table and key of an item."""
        from ops_checks.findings import Place

        return Place(self._name, table=TABLE, key=item_id)

    def events(self, item_id: str) -> Iterator[Event]:
        """Stream the events of an item, oldest first. Raises InputError."""
        from ops_checks.stores.event import Event

        columns = "event_id, event_type, payload_json, created_at"
        yield from map(Event._make, self._rows(f"SELECT {columns} FROM {EVENTS} WHERE item_id = ? ORDER BY 1", item_id))

    def event_time(self, event_id: int) -> str | None:
        """Return the time of an event as stored, None if there is no such event. Raises InputError."""
        rows = list(self._rows(f"SELECT created_at FROM {EVENTS} WHERE event_id = ?", event_id))
        return str(rows[0][0]) if rows and rows[0][0] is not None else None

    def retry_count(self) -> int | None:
        """Count the `retried` events. Raises InputError."""
        [(count,)] = self._rows(f"SELECT count(*) FROM {EVENTS} WHERE event_type = ?", "retried")
        return int(count)

    def retry_times(self) -> Iterator[tuple[str, object, int]]:
        """Stream item, time and number of the `retried` events, those of one time together. Raises InputError."""
        query = f"SELECT item_id, created_at, count(*) FROM {EVENTS} WHERE event_type = ? GROUP BY 1, 2"
        return ((str(item_id), time, count) for item_id, time, count in self._rows(query, "retried"))

    def remarks(self) -> list[str]:
        """Return nothing: a database has no rows outside of its table."""
        return []
