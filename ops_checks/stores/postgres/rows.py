"""Read the row of an item as it is stored, with the server's time (FORMATS section 5)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.model import FIELDS
from ops_checks.stores.cells import as_item, row_defect
from ops_checks.stores.changes import RELIABILITY, Reliability
from ops_checks.stores.postgres.dialect import ID_IN_BYTES
from ops_checks.stores.tables import TABLE, where

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ops_checks.model import Item
    from ops_checks.stores.changes import Stored
    from ops_checks.stores.postgres.connection import Session

#: The server's time, in epoch seconds.
NOW = "extract(epoch FROM clock_timestamp())::float8"


class StoredRow:
    """The row of an item as the server returned it at `now_s`, the server's own time in epoch seconds."""

    __slots__ = ("absent", "columns", "now_s", "place")

    def __init__(self, columns: dict[str, Any], now_s: float, place: str) -> None:
        self.columns = columns
        self.absent = tuple(name for name in RELIABILITY if name not in columns)
        self.now_s = now_s
        self.place = place

    def item(self) -> Item:
        """Return the item. Raises InputError for a malformed row."""
        cells = [self.columns[name] for name in FIELDS]
        defect = row_defect(cells)
        if defect:
            raise InputError(f"{self.place}: {defect}")
        return as_item(cells)

    def reliability(self) -> Reliability:
        """Return what is there of lease and attempts."""
        held: dict[str, Any] = {name: as_stored(self.columns.get(name)) for name in RELIABILITY}
        return Reliability(**held, absent=self.absent, place=self.place, now_s=self.now_s)

    def unchanged(self) -> tuple[str, list[Any]]:
        """Return the condition that every column still holds the same value, and the values."""
        return " AND ".join(f"{name} IS NOT DISTINCT FROM ?" for name in self.columns), list(self.columns.values())


def stored_rows(session: Session, ids: Sequence[str], *, lock: bool = False) -> dict[str, StoredRow]:
    """Return the rows of items by id, those that are there; `lock`: nobody else changes them until the end.

    They are locked in the order of their ids: two who lock several wait for each other, and not in a circle.
    """
    present = session.columns_of(TABLE) or set()
    names = [name for name in (*FIELDS, *RELIABILITY) if name in present]
    wanted = [each for each in ids if "\0" not in each]  # no text of PostgreSQL holds one
    query = (
        f"SELECT {', '.join(names)}, {NOW} FROM {TABLE} WHERE id = ANY (?) ORDER BY {ID_IN_BYTES}"
        f"{' FOR UPDATE' if lock else ''}"
    )
    rows = session.execute(query, (wanted,)).fetchall()
    found = (StoredRow(dict(zip(names, row, strict=False)), row[-1], where(session.name, row[0])) for row in rows)
    return {row.columns["id"]: row for row in found}


def find_item(session: Session, item_id: str) -> tuple[Item, Reliability] | None:
    """Return an item by its id with its lease and attempts, or None. Raises InputError for a malformed row."""
    row = stored_rows(session, [item_id]).get(item_id)
    return None if row is None else (row.item(), row.reliability())


def stored_ids(session: Session) -> Iterator[str]:
    """Stream the ids."""
    return (item_id for (item_id,) in session.stream(f"SELECT id FROM {TABLE}"))


def as_stored(value: object) -> Stored:
    """Return a value of any type as what a column of a queue may hold."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if value is None or isinstance(value, str | int | float | bytes) else str(value)
