"""A write transaction on the queue database that is open while other things are read and written."""

from __future__ import annotations

from ops_checks.errors import ReadOnlyError, RefusedError, WriteError
from ops_checks.stores.relational.plan_records import PlanRecords
from ops_checks.stores.sqlite.baseline import SqliteBaseline
from ops_checks.stores.sqlite.connection import Translated, commit, open_queue
from ops_checks.stores.sqlite.dialect import SQLITE
from ops_checks.stores.sqlite.rows import stored_row
from ops_checks.stores.sqlite.snapshot import SqliteSnapshot
from ops_checks.stores.sqlite.writing import (
    delete_row,
    insert_events,
    insert_row,
    row_with_events,
    write_change,
    write_event,
)
from ops_checks.stores.tables import where

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change
    from ops_checks.stores.sqlite.connection import Soundness
    from ops_checks.stores.sqlite.writing import Row


class SqliteTransaction:
    """Nobody else writes to the database from entering on; what is not committed on leaving is rolled back.

    Raises InputError for what is no sound queue database, RefusedError for one that may only be read, WriteError if the
    lock is not had in time or a write fails.
    """

    def __init__(self, path: str, timeout_s: float, soundness: Soundness) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._soundness = soundness
        self._translated = _Refusing(path, writing=True)
        self._connection: sqlite3.Connection

    def __enter__(self) -> Self:
        """Open the database and begin."""
        with self._translated:
            self._connection = open_queue(self._path, self._timeout_s, "BEGIN IMMEDIATE", self._soundness, writing=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database; what was not committed is rolled back."""
        self._connection.close()
        self._translated.__exit__(kind, error, trace)

    def begin_exclusive(self) -> None:
        """Begin anew, so that no reader can fail the commit; what was not committed is gone. Raises WriteError."""
        with self._translated:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN EXCLUSIVE")

    def snapshot(self) -> SqliteSnapshot:
        """Return a snapshot of what the transaction sees."""
        return _SnapshotInside(self._path, self._connection)

    def new_baseline(self) -> SqliteBaseline:
        """Return what records an agreement. Raises InputError for a base that is damaged."""
        return SqliteBaseline(self._connection, self._path)

    def records(self) -> PlanRecords:
        """Return the applied plans."""
        return PlanRecords(self._connection, self._path, SQLITE)

    def change(self, change: Change) -> None:
        """Write a change of an item with its event, if it still is as it was seen. Raises WriteError."""
        row = stored_row(self._connection, self._path, change.before.id)
        if row is None or row.item() != change.before:
            raise WriteError(
                f"{where(self._path, change.before.id)}: not written, it is another row by now: plan again"
            )
        write_change(self._connection, self._path, change, row)

    def insert(self, row: Row) -> None:
        """Insert an item, given as its columns. Raises WriteError."""
        insert_row(self._connection, self._path, row)

    def delete(self, item: Item) -> None:
        """Delete an item that still is as it was seen, with its events. Raises WriteError."""
        delete_row(self._connection, self._path, item)

    def add_event(self, item_id: str | None, event_type: str, payload: str, created_at: str) -> None:
        """Add an event. Raises WriteError."""
        write_event(self._connection, self._path, item_id, event_type, payload, created_at)

    def insert_events(self, events: Iterable[Row]) -> None:
        """Insert events that were removed with their item, as they were. Raises WriteError."""
        insert_events(self._connection, self._path, events)

    def row_with_events(self, item_id: str) -> tuple[Row, Sequence[Row]]:
        """Return every column of an item, and of its events the oldest first."""
        return row_with_events(self._connection, item_id)

    def commit(self) -> None:
        """Commit. Raises WriteError."""
        with self._translated:  # here already: who commits must know it from an error of its own
            commit(self._connection, self._path)


class _Refusing(Translated):
    """Translates the driver's errors, and refuses to write where only reading is allowed (RECONCILE section 12)."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the translated error in place of the driver's."""
        try:
            super().__exit__(kind, error, trace)
        except ReadOnlyError as read_only:
            raise RefusedError(read_only.message) from read_only


class _SnapshotInside(SqliteSnapshot):
    """What an open transaction sees, its own writes included."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, 0)
        self._connection = connection

    def __enter__(self) -> Self:
        """Return the snapshot: the transaction is open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the transaction open."""

    def changed(self) -> bool:
        """Return False: nobody else can write."""
        return False
