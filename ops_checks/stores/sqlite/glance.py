"""Glance at a queue database for a completion: never waits long, never writes, creates no file beside it."""

from __future__ import annotations

import os

from ops_checks.files.safe_open import FileKind, open_regular, read_regular
from ops_checks.stores.sqlite.connection import DATABASE, connect_to_read
from ops_checks.stores.tables import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from ops_checks.stores.registry import Glanced

_TIMEOUT_S = 0.1
_STEPS = 5_000_000
_SMALL = FileKind("database", "name a smaller one", most_bytes=1 << 26)
_VERSIONS = slice(18, 20)  # of a database's header: 2 for a write-ahead log, 1 without
_LATER = "\U0010ffff"


def glance(path: str, prefix: str, most: int) -> Iterator[Glanced]:
    """Yield what StoreKind.glance does, but for what is no text. Raises InputError and `sqlite3.Error`."""
    connection = _opened(path)
    try:
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        connection.set_progress_handler(lambda: True, _STEPS)  # a hostile schema never comes to an end
        rows = connection.execute(
            f"SELECT id, status, task, owner_session FROM {TABLE} WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (prefix, prefix + _LATER, most),
        )
        yield from (row for row in rows.fetchall() if all(type(cell) is str for cell in row))
    finally:
        connection.close()


def _opened(path: str) -> sqlite3.Connection:
    """Return a connection that only reads.

    A database with a write-ahead log has files beside it while it is open, and a connection would create those that
    are not there. Then nobody has it open, and a copy of it in memory is read in its place.
    """
    beside = os.path.realpath(path)
    if os.path.exists(f"{beside}-wal") and os.path.exists(f"{beside}-shm"):
        return connect_to_read(path, _TIMEOUT_S)
    return _copy(path) if _has_log(path) else connect_to_read(path, _TIMEOUT_S)


def _has_log(path: str) -> bool:
    """Return whether a database keeps a write-ahead log, by its header.

    Before any connection of this process: closing the file would drop the locks of one.
    """
    descriptor, _ = open_regular(path, DATABASE)
    try:
        return 2 in os.read(descriptor, _VERSIONS.stop)[_VERSIONS]  # noqa: PLR2004 - see _VERSIONS
    finally:
        os.close(descriptor)


def _copy(path: str) -> sqlite3.Connection:
    data = bytearray(read_regular(path, _SMALL))
    data[_VERSIONS] = b"\1\1"
    from sqlite3 import connect

    connection = connect(":memory:")
    connection.deserialize(bytes(data))
    return connection
