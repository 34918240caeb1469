"""Write items and their events inside a transaction, and read each back (FORMATS section 2, SAFETY "SQLite")."""

from __future__ import annotations

from functools import lru_cache

from ops_checks.errors import WriteError
from ops_checks.model import DASHED, FIELDS
from ops_checks.stores.relational.columns import new_columns
from ops_checks.stores.sqlite.connection import columns_of
from ops_checks.stores.tables import EVENTS, TABLE, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change
    from ops_checks.stores.sqlite.rows import StoredRow

    #: A whole row by column, of every column that the table has.
    Row = Mapping[str, Any]


def write_change(connection: sqlite3.Connection, path: str, change: Change, row: StoredRow) -> None:
    """Write a change of an item together with its event, if the item still is as it was seen.

    Raises WriteError if it does not read back as it was made: then the transaction must be rolled back.
    """
    columns = new_columns(change, row.absent)
    same, seen = row.unchanged()
    statement = _update(tuple(columns), same)
    updated = connection.execute(statement, (*columns.values(), change.before.id, *seen)).rowcount
    _must_have_written(connection, path, change.before.id, columns, updated)
    write_event(connection, path, change.before.id, change.event, change.payload, change.changed_at)


def insert_row(connection: sqlite3.Connection, path: str, row: Row) -> None:
    """Insert an item, given as its columns. Raises WriteError if it does not read back, or names another column."""
    names = _names(connection, path, TABLE, row)
    marks = ", ".join("?" * len(row))
    added = connection.execute(f"INSERT INTO {TABLE} ({names}) VALUES ({marks})", tuple(row.values())).rowcount
    _must_have_written(connection, path, row["id"], row, added)


def delete_row(connection: sqlite3.Connection, path: str, item: Item) -> None:
    """Delete an item that still is as it was seen, and its events with it. Raises WriteError."""
    seen = {name: value for name, value in zip(FIELDS, item, strict=True) if name not in DASHED}
    same = " AND ".join(f"{name} IS ?" for name in seen)
    deleted = connection.execute(f"DELETE FROM {TABLE} WHERE {same}", tuple(seen.values())).rowcount
    left = connection.execute(f"SELECT count(*) FROM {TABLE} WHERE id = ?", (item.id,)).fetchone()[0]
    if (deleted, left) != (1, 0):
        raise _not_as_made(path, item.id)


def write_event(
    connection: sqlite3.Connection, path: str, item_id: str | None, event_type: str, payload: str, created_at: str
) -> None:
    """Write an event of an item, or of the whole queue. Raises WriteError if it does not read back."""
    event = connection.execute(
        f"INSERT INTO {EVENTS} (item_id, event_type, payload_json, created_at) VALUES (?, ?, ?, ?)",
        (item_id, event_type, payload, created_at),
    ).lastrowid
    query = f"SELECT item_id, event_type, payload_json FROM {EVENTS} WHERE event_id = ?"
    if connection.execute(query, (event,)).fetchall() != [(item_id, event_type, payload)]:
        raise _not_as_made(path, item_id)


def insert_events(connection: sqlite3.Connection, path: str, events: Iterable[Row]) -> None:
    """Insert events that were removed with their item, as they were. Raises WriteError if one does not read back."""
    for event in events:
        names, marks = _names(connection, path, EVENTS, event), ", ".join("?" * len(event))
        connection.execute(f"INSERT INTO {EVENTS} ({names}) VALUES ({marks})", tuple(event.values()))
        found = connection.execute(f"SELECT {names} FROM {EVENTS} WHERE event_id = ?", (event["event_id"],)).fetchall()
        if found != [tuple(event.values())]:
            raise _not_as_made(path, event["item_id"])


def row_with_events(connection: sqlite3.Connection, item_id: str) -> tuple[Row, Sequence[Row]]:
    """Return every column of an item, and of its events the oldest first."""
    [row] = _rows(connection, TABLE, "id = ?", item_id)
    return row, _rows(connection, EVENTS, "item_id = ? ORDER BY event_id", item_id)


def _rows(connection: sqlite3.Connection, table: str, condition: str, item_id: str) -> list[Row]:
    """Return rows with the columns that can be written, which a generated one cannot."""
    columns = sorted(columns_of(connection, table))
    query = f"SELECT {', '.join(map(_quoted, columns))} FROM {table} WHERE {condition}"
    return [dict(zip(columns, row, strict=True)) for row in connection.execute(query, (item_id,)).fetchall()]


def _names(connection: sqlite3.Connection, path: str, table: str, row: Row) -> str:
    """Return the names of a row's columns for SQL. Raises WriteError for one that the table does not have.

    A row that is put back comes from a record in the database: its names are text from outside.
    """
    unknown = row.keys() - columns_of(connection, table)
    if unknown:
        raise WriteError(
            f"{where(path, row.get('id'))}: not written, because {table} has no column "
            f"{', '.join(map(ascii, sorted(unknown)))}: the record of the plan is damaged, or the table was changed"
        )
    return ", ".join(map(_quoted, row))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _must_have_written(connection: sqlite3.Connection, path: str, item_id: str, columns: Row, written: int) -> None:
    after = connection.execute(_select(tuple(columns)), (item_id,)).fetchall()
    if (written, after) != (1, [tuple(columns.values())]):
        raise _not_as_made(path, item_id)


@lru_cache(maxsize=16)
def _update(names: tuple[str, ...], same: str) -> str:
    """Return the statement that sets columns of an item on a condition."""
    return f"UPDATE {TABLE} SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ? AND {same}"


@lru_cache(maxsize=16)
def _select(names: tuple[str, ...]) -> str:
    """Return the query for columns of an item."""
    return f"SELECT {', '.join(map(_quoted, names))} FROM {TABLE} WHERE id = ?"


def _not_as_made(path: str, item_id: object) -> WriteError:
    return WriteError(
        f"{where(path, item_id)}: not written, because the change did not read back as it was made: look for a trigger "
        "on the queue's tables"
    )
