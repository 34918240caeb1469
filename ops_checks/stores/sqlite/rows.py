"""Validate rows of the queue database, and convert them to items and to rows of Markdown."""

from __future__ import annotations

from operator import itemgetter

from ops_checks.errors import InputError
from ops_checks.model import DASHED, FIELDS, NOTHING, PRIORITIES, STATUSES, Item
from ops_checks.stores.changes import Reliability
from ops_checks.stores.markdown.table import render_row
from ops_checks.stores.sqlite.connection import TABLE, columns_of, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from typing import Any

#: The columns of lease and attempts, absent from databases that are older than the reliability layer.
RELIABILITY = ("lease_owner", "lease_expires_at", "attempt_count", "max_attempts")
_CELLS = ", ".join(FIELDS)
_STATUSES = frozenset(STATUSES)
_PRIORITIES = frozenset(PRIORITIES)
_MOST_ATTEMPTS = 1_000_000
_STATUS, _PRIORITY = map(itemgetter, (1, 2))
_NEVER_EMPTY = tuple(itemgetter(FIELDS.index(name)) for name in ("id", *DASHED))
#: The pipes of a joined row whose cells contain none.
_PIPES = len(FIELDS) - 1


def joined(rows: list[tuple[Any, ...]]) -> list[str] | None:
    """Return the cells of each row joined by ` | `, or None unless all rows surely are valid without conversion.

    Validates all rows at once: a comparison of a million rows allows nothing slower.
    """
    try:
        lines = list(map(" | ".join, rows))
    except TypeError:  # a null, a number
        return None
    valid = set(map(_STATUS, rows)) <= _STATUSES and set(map(_PRIORITY, rows)) <= _PRIORITIES
    return lines if valid and all(all(map(cell, rows)) for cell in _NEVER_EMPTY) else None


def as_rows(rows: Iterable[tuple[Any, ...]], lines: list[str]) -> list[str]:
    """Return valid rows as rows of Markdown; `lines` are their joined cells."""
    text = "".join(lines)
    if "\n" in text or "\r" in text:
        return [render_row(cells) for cells in rows]
    return [
        f"| {line} |" if line.count("|") == _PIPES else render_row(cells)
        for line, cells in zip(lines, rows, strict=True)
    ]


def as_item(cells: tuple[Any, ...] | list[Any]) -> Item:
    """Return a valid row as an item; a null or empty owner, start or due becomes `-`."""
    pairs = zip(FIELDS, cells, strict=True)
    return Item.from_cells((cell or NOTHING) if name in DASHED else cell for name, cell in pairs)


def find_item(connection: sqlite3.Connection, path: str, item_id: str) -> tuple[Item, Reliability] | None:
    """Return an item by its id with its lease and attempts, or None. Raises InputError for a malformed row."""
    present = columns_of(connection, TABLE)
    absent = tuple(name for name in RELIABILITY if name not in present)
    extra = ", ".join("NULL" if name in absent else name for name in RELIABILITY)
    query = f"SELECT {_CELLS}, {extra} FROM {TABLE} WHERE id = ?"
    rows = connection.execute(query, (item_id,)).fetchall()
    if not rows:
        return None
    cells, lease = rows[0][: len(FIELDS)], rows[0][len(FIELDS) :]
    defect = row_defect(cells) or reliability_defect(lease, absent)
    if defect:
        raise InputError(f"{where(path, item_id)}: {defect}")
    owner, expires, attempts, most = lease
    return as_item(cells), Reliability(
        lease_owner=owner,
        lease_expires_at=expires,
        attempt_count=attempts or 0,
        max_attempts=most or 0,
        absent=absent,
    )


def row_defect(cells: tuple[Any, ...] | list[Any]) -> str | None:
    """Return what is wrong with the cells of a row, and what was expected; None if they are valid."""
    for name, cell in zip(FIELDS, cells, strict=True):
        if not isinstance(cell, str) and not (cell is None and name in DASHED):
            found = "null" if cell is None else type(cell).__name__
            return f"{name} is {found}: expected text"
    if not cells[0]:
        return "the id is empty: expected one such as ORCH-001"
    if cells[1] not in _STATUSES:
        return f"status {cells[1]!a}: expected one of {', '.join(STATUSES)}"
    if cells[2] not in _PRIORITIES:
        return f"priority {cells[2]!a}: expected one of {', '.join(PRIORITIES)}"
    return None


def reliability_defect(lease: tuple[Any, ...], absent: tuple[str, ...]) -> str | None:
    """Return what is wrong with a lease or its attempts, and what was expected; None if they are valid."""
    owner, expires, attempts, most = lease
    if not isinstance(owner, str | None):
        return f"lease_owner is {type(owner).__name__}: expected text or null"
    if not isinstance(expires, int | None):
        return f"lease_expires_at {expires!a}: expected epoch seconds or null"
    for name, count in (("attempt_count", attempts), ("max_attempts", most)):
        if name not in absent and not (isinstance(count, int) and 0 <= count <= _MOST_ATTEMPTS):
            return f"{name} {count!a}: expected a whole number from 0 to {_MOST_ATTEMPTS}"
    return None
