"""Read a row of the queue database as it is stored, whatever the types of its values."""

from __future__ import annotations

from functools import lru_cache

from ops_checks.errors import InputError
from ops_checks.model import FIELDS, PRIORITIES
from ops_checks.stores.cells import STATUS_NAMES, as_item, row_defect
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

    `names` are its columns, those of FIELDS first; `row` has the value of each, then its type, then its bytes.
    `absent` names the columns of lease and attempts that an older database lacks.
    """

    __slots__ = ("_images", "_kinds", "_names", "_values", "absent", "place")

    def __init__(self, names: tuple[str, ...], row: tuple[Any, ...], place: str) -> None:
        self._names = names
        self._values, self._kinds, self._images = row[::3], row[1::3], row[2::3]
        self.absent = () if len(names) == _MOST_COLUMNS else tuple(name for name in RELIABILITY if name not in names)
        self.place = place

    def item(self) -> Item:
        """Return the item. What is no text is shown as SQL writes it: no change needs to understand every cell.

        Raises InputError if the status or the notes are none: they are what a change works on.
        """
        cells = self._cells()
        if self._kinds[:_CELLS] == _ALL_TEXT and cells[0] and cells[1] in STATUS_NAMES:
            return as_item(cells)
        needed: list[Stored] = list(_VALID)
        for index in _NEEDED:
            needed[index] = "" if cells[index] is None else cells[index]
        defect = row_defect(needed)
        if defect:
            raise InputError(f"{self.place}: {defect}")
        return as_item([cell if isinstance(cell, str) else _literal(cell) for cell in cells])

    def reliability(self) -> Reliability:
        """Return what is there of lease and attempts."""
        held: dict[str, Any] = dict.fromkeys(self.absent)
        held |= zip(self._names[_CELLS:], self._values[_CELLS:], strict=True)
        for name, value in held.items():
            if isinstance(value, bytes) and self._kinds[self._names.index(name)] == _TEXT:
                held[name] = value.decode("utf-8", "backslashreplace")
        return Reliability(**held, absent=self.absent, place=self.place)

    def defect(self) -> str | None:
        """Return what is wrong with the cells, and what was expected; None if they are valid."""
        return row_defect(self._cells())

    def unchanged(self) -> tuple[str, list[Any]]:
        """Return the condition that every column still holds the same value of the same type, and its values."""
        columns = zip(self._values, self._kinds, self._images, strict=True)
        # An array, because sqlite3 asks bytes first whether they would rather be something else.
        seen = [bytearray(image) if kind in _BYTEWISE else value for value, kind, image in columns]
        return _condition(self._names, self._kinds), seen

    def _cells(self) -> list[Stored]:
        """Return the cells of FIELDS. Raises UnicodeDecodeError for a text that is none."""
        columns = zip(self._values[:_CELLS], self._kinds[:_CELLS], strict=True)
        return [value.decode() if kind == _TEXT else value for value, kind in columns]


_CELLS = len(FIELDS)
_MOST_COLUMNS = len(FIELDS) + len(RELIABILITY)
_TEXT = b"text"
_ALL_TEXT = (_TEXT,) * _CELLS
#: Compared byte by byte: a text may be no UTF-8, and a collation may take others for equal.
_BYTEWISE = frozenset({_TEXT, b"blob"})
#: The cells that a change works on; it carries the others over, or puts `-` in their place.
_NEEDED = tuple(map(FIELDS.index, ("id", "status", "notes")))
#: A row without a defect.
_VALID = tuple(PRIORITIES[0] if name == "priority" else "" for name in FIELDS)


@lru_cache(maxsize=16)
def _condition(names: tuple[str, ...], kinds: tuple[bytes, ...]) -> str:
    """Return the condition that columns hold a value of a type each (one of SQLite's), some compared byte by byte."""
    columns = zip(names, kinds, strict=True)
    return " AND ".join(
        f"typeof({name}) = '{kind.decode()}' AND {_image(name) if kind in _BYTEWISE else name} IS ?"
        for name, kind in columns
    )


def _image(name: str) -> str:
    return f"CAST({name} AS BLOB)"


@lru_cache(maxsize=16)
def _names(present: frozenset[str]) -> tuple[str, ...]:
    """Return the columns of an item that are there, those of FIELDS first."""
    return tuple(name for name in (*FIELDS, *RELIABILITY) if name in present)


@lru_cache(maxsize=16)
def _query(names: tuple[str, ...]) -> str:
    """Return the query for columns of an item, each with its type and its bytes."""
    columns = ", ".join(f"{name}, typeof({name}), {_image(name)}" for name in names)
    return f"SELECT {columns} FROM {TABLE} WHERE id = ?"


def stored_row(connection: sqlite3.Connection, path: str, item_id: str) -> StoredRow | None:
    """Return the row of an item by its id, None if there is none."""
    names = _names(columns_of(connection, TABLE))
    connection.text_factory = bytes  # what is no UTF-8 is read as well
    try:
        row = connection.execute(_query(names), (item_id,)).fetchone()
    finally:
        connection.text_factory = str
    return None if row is None else StoredRow(names, row, where(path, item_id))


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
