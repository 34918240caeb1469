"""Stream the rows of items together with their events, in bounded memory (RECONCILE section 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.stores.sqlite.connection import MADE_AT, Translated, check_table, columns_of
from ops_checks.stores.tables import EVENT_COLUMNS, EVENTS, TABLE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from ops_checks.stores.protocol import Recorded

#: Rows fetched at a time: a payload may be long.
_BATCH = 512
COUNTS = ("attempt_count", "max_attempts")


def absent_counts(connection: sqlite3.Connection, path: str) -> tuple[str, ...]:
    """Return the columns of attempts that an older database lacks. Raises InputError."""
    with Translated(path, writing=False):
        present = columns_of(connection, TABLE)
        return tuple(name for name in COUNTS if name not in present)


def recorded(connection: sqlite3.Connection, path: str) -> Iterator[Recorded]:
    """Yield rows and events as `Recorded`, texts as the bytes that are stored. Raises InputError."""
    with Translated(path, writing=False):
        check_table(connection, path, EVENTS, EVENT_COLUMNS)
        cursor = connection.execute(_query(columns_of(connection, TABLE)))
        while rows := _fetched(connection, cursor):
            yield tuple(zip(*rows, strict=True))


def _query(present: frozenset[str]) -> str:
    """Return the query; the payload of a row is an empty object, as all payloads of a batch are decoded at once."""
    counts = ", ".join(name if name in present else "NULL" for name in COUNTS)
    event = "item_id, event_id, event_type, payload_json, created_at, NULL, NULL"
    return (
        f"SELECT id COLLATE BINARY, NULL, status, '{{}}', {MADE_AT}, {counts} FROM {TABLE} "
        f"UNION ALL SELECT {event} FROM {EVENTS} ORDER BY 1, 2"
    )


def _fetched(connection: sqlite3.Connection, cursor: sqlite3.Cursor) -> list[tuple[object, ...]]:
    """Return the next rows, their texts as bytes: what is no UTF-8 must not hide the others."""
    connection.text_factory = bytes
    try:
        return cursor.fetchmany(_BATCH)
    finally:
        connection.text_factory = str
