"""Change many items of the queue database one after the other, through one connection."""

from __future__ import annotations

import os
import time

from ops_checks.stores.sqlite.connection import Translated, WaitingConnection, check_table
from ops_checks.stores.sqlite.store import SqliteStore
from ops_checks.stores.tables import EVENT_COLUMNS, EVENTS, ITEM_COLUMNS, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from types import TracebackType
    from typing import Self

#: After so many seconds of changes nothing is done for longer than SQLite's own wait ever pauses: who waits for the
#: lock with that would otherwise hardly ever find it free, and give up.
_BUSY_S = 1.0
_REST_S = 0.11


class SqliteSeries(SqliteStore):
    """A store that stays open between its changes; each is a transaction of its own, as it is without.

    Opening costs more than a change does, and in WAL mode closing moves the whole log into the database.
    """

    def __init__(self, location: str, *, lock_timeout_s: float) -> None:
        super().__init__(location, lock_timeout_s=lock_timeout_s)
        self._connection: WaitingConnection | None = None
        self._opened: tuple[object, int] | None = None
        self._since_s = time.monotonic()

    def __enter__(self) -> Self:
        """Return the store; it is opened by its first change."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database. Raises WriteError."""
        with Translated(self.location, writing=True):
            self._end()

    def _open(self, begin: str, *, writing: bool) -> WaitingConnection:
        """Begin a transaction on the file that the path names now, which may be another one than before."""
        if not writing:
            return super()._open(begin, writing=writing)
        file = self._file()
        if self._opened is None or self._opened[0] != file:
            self._end()
        try:
            connection = self._begun(begin)
            schema = _schema_version(connection)
            if self._opened is None or self._opened[1] != schema:
                connection.columns = {}
                check_table(connection, self.location, TABLE, ITEM_COLUMNS)
                check_table(connection, self.location, EVENTS, EVENT_COLUMNS)
        except BaseException:  # KeyboardInterrupt too: a transaction must not stay open
            self._end()
            raise
        self._opened = (file, schema)
        return connection

    def _begun(self, begin: str) -> WaitingConnection:
        if self._connection is None:
            self._connection = super()._open(begin, writing=True)
        else:
            self._let_others_in()
            self._connection.left_s = self._lock_timeout_s
            self._connection.execute(begin)
        return self._connection

    def _close(self, connection: sqlite3.Connection) -> None:
        """Roll back what was not committed, and keep the connection."""
        if connection is not self._connection:
            connection.close()
        elif connection.in_transaction:
            connection.execute("ROLLBACK")

    def _let_others_in(self) -> None:
        if time.monotonic() - self._since_s >= _BUSY_S:
            time.sleep(_REST_S)
            self._since_s = time.monotonic()

    def _end(self) -> None:
        connection, self._connection, self._opened = self._connection, None, None
        if connection is not None:
            connection.close()

    def _file(self) -> object:
        """Return what tells the file at the path from another one; nothing where there is none."""
        try:
            state = os.stat(self.location)
        except OSError:
            return None
        return state.st_dev, state.st_ino


def _schema_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA schema_version").fetchone()[0])
