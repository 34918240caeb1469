"""Tell cheaply whether a database has changed: by SQLite's data version, and by the file that the path leads to."""

from __future__ import annotations

import sqlite3

from ops_checks.errors import InputError
from ops_checks.files.safe_open import written_state
from ops_checks.stores.sqlite.connection import connect, data_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

#: Of a file's state, what another file in its place differs in: device and inode.
_IDENTITY = slice(2)


class SqliteWatch:
    """Watches the database at `path` through one connection, outside of any transaction.

    A data version means something on its own connection only, so that each connection has a number.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, ...] = ()
        self._number = 0

    def __enter__(self) -> Self:
        """Begin to watch."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._close()

    def version(self) -> object:
        """Return the state of the file and its data version, None while it is not there.

        What equals nothing while it cannot be asked.
        """
        state = written_state(self._path)
        if state is None:
            self._close()
            return None
        try:
            version = data_version(self._connected(state[_IDENTITY]))
        except (sqlite3.Error, InputError):
            self._close()
            return object()
        return (state, self._number, version)

    def _connected(self, identity: tuple[int, ...]) -> sqlite3.Connection:
        """Return the connection to the file that is there now."""
        if self._connection is None or self._opened != identity:
            self._close()
            self._connection, self._opened = connect(self._path, 0), identity
            self._number += 1
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
