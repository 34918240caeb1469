"""Read a row of the queue database as it is stored, whatever the types of its values."""

from __future__ import annotations

from functools import lru_cache

from ops_checks.errors import InputError
from ops_checks.model import FIELDS, PRIORITIES
from ops_checks.stores.cells import as_item, row_defect
from ops_checks.stores.changes import RELIABILITY, Reliability
from ops_checks.stores.sqlite.connection import columns_of
from ops_checks.stores.tables import TABLE, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import Any

    from ops_checks.model import Item
    from ops_checks.stores.changes import Stored


class StoredRow:
    """The row of an item as the database holds it, whatever the types of its values.

    `absent` names the columns of lease and attempts that an older database lacks.
    """

    __slots__ = ("_columns", "absent", "place")

    def __init__(self, columns: dict[str, tuple[Any, bytes, bytes]], place: str) -> None:
        self._columns = columns
        self.absent = tuple(name for name in RELIABILITY if name not in columns)
        self.place = place

    def item(self) -> Item:
        """Return the item. What is no text is shown as SQL writes it: no change needs to understand every cell.

        Raises InputError if the status or the notes are none: they are what a change works on.
        """
        cells = [self._value(name) for name in FIELDS]
        needed: dict[str, Stored] = {**dict.fromkeys(FIELDS, ""), "priority": PRIORITIES[0]}
        needed |= {name: cell for name, cell in zip(FIELDS, cells, strict=True) if name in _NEEDED and cell is not None}
        defect = row_defect(list(needed.values()))
        if defect:
            raise InputError(f"{self.place}: {defect}")
        return as_item([cell if isinstance(cell, str) else _literal(cell) for cell in cells])

    def reliability(self) -> Reliability:
        """Return what is there of lease and attempts."""
        held: dict[str, Any] = {name: None if name in self.absent else self._value(name) for name in RELIABILITY}
        return Reliability(**held, absent=self.absent, place=self.place)

    def defect(self) -> str | None:
        """Return what is wrong with the cells, and what was expected; None if they are valid."""
        return row_defect([self._value(name) for name in FIELDS])

    def unchanged(self) -> tuple[str, list[Any]]:
        """Return the condition that every column still holds the same value of the same type, and its values."""
        kinds: list[tuple[str, bool]] = []
        values: list[Any] = []
        for name, (value, kind, digits) in self._columns.items():
            bytewise = kind in (b"text", b"blob")  # a text may be no UTF-8, and a collation may take others for equal
            kinds.append((name, bytewise))
            values += (kind.decode(), digits.decode() if bytewise else value)
        return _condition(tuple(kinds)), values

    def _value(self, name: str) -> Stored:
        value, kind, _ = self._columns[name]
        if kind != b"text":
            return value  # type: ignore[no-any-return] # SQLite has no other types
        return value.decode("utf-8", "backslashreplace" if name in RELIABILITY else "strict")  # type: ignore[no-any-return]


@lru_cache(maxsize=16)
def _condition(kinds: tuple[tuple[str, bool], ...]) -> str:
    """Return the condition that columns hold a value of a type each, some compared byte by byte."""
    return " AND ".join(
        f"typeof({name}) = ? AND {f'hex({name})' if bytewise else name} IS ?" for name, bytewise in kinds
    )


@lru_cache(maxsize=16)
def _query(names: tuple[str, ...]) -> str:
    """Return the query for columns of an item, each with its type and its bytes."""
    columns = ", ".join(f"{name}, typeof({name}), hex({name})" for name in names)
    return f"SELECT {columns} FROM {TABLE} WHERE id = ?"


#: The cells that a change works on; it carries the others over, or puts `-` in their place.
_NEEDED = frozenset({"id", "status", "notes"})


def stored_row(connection: sqlite3.Connection, path: str, item_id: str) -> StoredRow | None:
    """Return the row of an item by its id, None if there is none."""
    present = columns_of(connection, TABLE)
    names = tuple(name for name in (*FIELDS, *RELIABILITY) if name in present)
    connection.text_factory = bytes  # what is no UTF-8 is read as well
    try:
        row = connection.execute(_query(names), (item_id,)).fetchone()
    finally:
        connection.text_factory = str
    if row is None:
        return None
    triples = zip(row[::3], row[1::3], row[2::3], strict=True)
    return StoredRow(dict(zip(names, triples, strict=True)), where(path, item_id))


def stored_ids(connection: sqlite3.Connection) -> Iterator[str]:
    """Stream the ids that are text; where they cannot be read, as far as they can."""
    import sqlite3

    try:
        yield from (item_id for (item_id,) in connection.execute(f"SELECT id FROM {TABLE} WHERE typeof(id) = 'text'"))
    except (sqlite3.Error, UnicodeDecodeError):
        return


def find_item(connection: sqlite3.Connection, path: str, item_id: str) -> tuple[Item, Reliability] | None:
    """Return an item by its id with its lease and attempts, or None. Raises InputError for a malformed row."""
    row = stored_row(connection, path, item_id)
    if row is None:
        return None
    defect = row.defect()
    if defect:
        raise InputError(f"{row.place}: {defect}")
    return row.item(), row.reliability()


def _literal(value: Stored) -> str:
    """Return a value that is no text as SQL writes it; null is empty."""
    if value is None:
        return ""
    return f"x'{value.hex()}'" if isinstance(value, bytes) else str(value)
