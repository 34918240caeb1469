"""How SQLite says what other databases say otherwise."""

from __future__ import annotations

from ops_checks.stores.sqlite.connection import Translated, columns_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import Any

#: Rows fetched at a time.
_BATCH = 500


class SqliteDialect:
    """See `stores.relational.dialect.Dialect`."""

    number = "INTEGER PRIMARY KEY AUTOINCREMENT"
    key = "TEXT PRIMARY KEY NOT NULL"
    integer = "INTEGER"
    id_in_bytes = "id"
    in_bytes = "COLLATE BINARY"
    in_order = "rowid"
    numbered = ""
    items_in_order = ""  # a table is read in the order of its rows' numbers

    def reading(self, name: str) -> Translated:
        """Translate the driver's errors to InputError."""
        return Translated(name, writing=False)

    def stream(self, connection: sqlite3.Connection, query: str) -> Iterator[Any]:
        """Stream the rows of a query."""
        return connection.execute(query)

    def stored(self, connection: sqlite3.Connection, query: str) -> Iterator[Any]:
        """Stream the rows of a query as they are stored; what is no UTF-8 comes with surrogates."""
        cursor = connection.execute(query)
        while rows := self._fetched(connection, cursor):
            yield from rows

    def _fetched(self, connection: sqlite3.Connection, cursor: sqlite3.Cursor) -> list[Any]:
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        try:
            return cursor.fetchmany(_BATCH)
        finally:
            connection.text_factory = str

    def columns(self, connection: sqlite3.Connection, table: str) -> set[str] | None:
        """Return the columns of a table: None where there is none of that name, none of what is no plain table."""
        query = "SELECT type FROM pragma_table_list(?) WHERE schema = 'main'"
        found = connection.execute(query, (table,)).fetchall()
        if not found:
            return None
        return set(columns_of(connection, table)) if found == [("table",)] else set()


SQLITE = SqliteDialect()
