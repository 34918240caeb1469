"""The SQLite store: a change is a compare-and-set in one transaction (FORMATS section 2, SAFETY "SQLite")."""

from __future__ import annotations

import os

from ops_checks.errors import RefusedError
from ops_checks.files.safe_open import last_write_s
from ops_checks.sanitize import visible
from ops_checks.stores.sqlite.connection import Soundness, Translated, commit, open_queue, stop_runaways
from ops_checks.stores.sqlite.snapshot import SqliteSnapshot
from ops_checks.stores.tables import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide
    from ops_checks.stores.event import Event
    from ops_checks.stores.protocol import Store
    from ops_checks.stores.sqlite.connection import WaitingConnection
    from ops_checks.stores.sqlite.rows import StoredRow
    from ops_checks.stores.sqlite.series import SqliteSeries
    from ops_checks.stores.sqlite.transaction import SqliteTransaction
    from ops_checks.stores.sqlite.watch import SqliteWatch

    Result = TypeVar("Result")

#: Begins a transaction in which the decision and the write see the same rows.
_WRITING = "BEGIN IMMEDIATE"


def open_store(location: str, *, lock_timeout_s: float, progress: object = None) -> Store:  # noqa: ARG001 - rows, not bytes
    """Return the SQLite store at a path. `progress` is never called: rows are read, and their total is not known."""
    return SqliteStore(location, lock_timeout_s=lock_timeout_s)


class SqliteStore:
    """The queue in a SQLite file at `location`; `lock_timeout_s` bounds the wait for other writers."""

    kind = "sqlite"

    def __init__(self, location: str, *, lock_timeout_s: float) -> None:
        self.location = location
        self._lock_timeout_s = lock_timeout_s
        self._soundness = Soundness()

    def snapshot(self) -> SqliteSnapshot:
        """Return a snapshot of the database as it is when the snapshot is entered."""
        return SqliteSnapshot(self.location, self._lock_timeout_s)

    def watch(self) -> SqliteWatch:
        """Return what tells whether the database has changed."""
        from ops_checks.stores.sqlite.watch import SqliteWatch

        return SqliteWatch(self.location)

    def __iter__(self) -> Iterator[Item]:
        """Stream the items of one snapshot. Raises InputError."""
        with self.snapshot() as snapshot:
            yield from (item for _, item in snapshot.items())

    def get(self, item_id: str) -> Item | None:
        """Return an item by its id, None if there is none. Raises InputError."""
        with self.snapshot() as snapshot:
            return snapshot.get(item_id)

    def last_write_s(self) -> float | None:
        """Return when the database or its write-ahead log was last written to, in epoch seconds; None without one."""
        return last_write_s(self.location, os.path.realpath(self.location) + "-wal")

    def events(self, item_id: str) -> list[Event]:
        """Return the events of an item, oldest first. Raises InputError."""
        with self.snapshot() as snapshot:
            return list(snapshot.events(item_id))

    def preview(self, item_id: str, decide: Decide) -> Change:
        """Return the change that `change` would write. Raises what `change` raises."""

        def work(connection: sqlite3.Connection) -> Change:
            return self._decided(connection, item_id, decide)[0]

        return self._within("BEGIN", work, writing=False)

    def change(self, item_id: str, decide: Decide) -> Change:
        """Call `decide` on an item inside a write transaction, and write the change together with its event.

        Raises RefusedError (unknown id, or as `decide`), InputError (missing, malformed, another
        schema), WriteError (lock not acquired in time, disk, a trigger that undoes the change). Then
        nothing has changed.
        """
        from ops_checks.stores.sqlite.writing import write_change

        def work(connection: sqlite3.Connection) -> Change:
            change, row = self._decided(connection, item_id, decide)
            if not change.empty:
                write_change(connection, self.location, change, row)
            return change

        return self._within(_WRITING, work, writing=True)

    def change_together(self, ids: Sequence[str], decide: Decide) -> list[Change]:
        """Change several items in one transaction: all of them, or none. Raises RefusedTogetherError, as `change`."""
        from ops_checks.stores.changes import all_decided
        from ops_checks.stores.sqlite.writing import write_change

        def work(connection: sqlite3.Connection) -> list[Change]:
            changes: list[Change] = []
            for change, row in all_decided(ids, lambda item_id: self._decided(connection, item_id, decide)):
                if not change.empty:
                    stop_runaways(connection)
                    write_change(connection, self.location, change, row)
                changes.append(change)
            return changes

        return self._within(_WRITING, work, writing=True)

    def series(self) -> SqliteSeries:
        """Return what changes many items one after the other, each in a transaction of its own, by one connection."""
        from ops_checks.stores.sqlite.series import SqliteSeries

        return SqliteSeries(self.location, lock_timeout_s=self._lock_timeout_s)

    def transaction(self) -> SqliteTransaction:
        """Return a write transaction; enter it before anything is written."""
        from ops_checks.stores.sqlite.transaction import SqliteTransaction

        return SqliteTransaction(self.location, self._lock_timeout_s, self._soundness)

    def may_be_written(self) -> bool:
        """Return whether the file and its folder give this user the right to write; SQLite needs both as a rule."""
        folder = os.path.dirname(os.path.realpath(self.location))
        return os.access(self.location, os.W_OK) and os.access(folder, os.W_OK | os.X_OK)

    def must_be_writable(self) -> None:
        """Raise RefusedError for a database that surely may only be read: before anything is locked for writing."""
        from ops_checks.stores.sqlite.causes import read_only

        error = read_only(self.location)
        if error is not None:
            raise RefusedError(error.message)

    def scratch_copy(self, folder: str) -> SqliteStore:
        """Return a copy, in a folder, of the committed state of the database, its write-ahead log included.

        Raises InputError if it cannot be copied.
        """
        path = os.path.join(folder, "queue.db")
        with self.snapshot() as snapshot:
            snapshot.copy_to(path)
        return SqliteStore(path, lock_timeout_s=self._lock_timeout_s)

    def _within(self, begin: str, work: Callable[[sqlite3.Connection], Result], *, writing: bool) -> Result:
        """Call `work` inside a transaction on a checked database, commit, and return what `work` returned."""
        with Translated(self.location, writing=writing):
            connection = self._open(begin, writing=writing)
            try:
                stop_runaways(connection)
                result = work(connection)
                commit(connection, self.location)
                return result
            finally:
                self._close(connection)

    def _open(self, begin: str, *, writing: bool) -> WaitingConnection:
        return open_queue(self.location, self._lock_timeout_s, begin, self._soundness, writing=writing)

    def _close(self, connection: sqlite3.Connection) -> None:
        connection.close()  # what was not committed is rolled back

    def _decided(self, connection: sqlite3.Connection, item_id: str, decide: Decide) -> tuple[Change, StoredRow]:
        row = self._read(connection, item_id)
        return decide(row.item(), row.reliability()), row

    def _read(self, connection: sqlite3.Connection, item_id: str) -> StoredRow:
        from ops_checks.stores.sqlite.rows import stored_ids, stored_row

        found = stored_row(connection, self.location, item_id)
        if found is None:
            from ops_checks.stores.unknown_item import unknown_item

            raise unknown_item(
                visible(self.location), [item_id], f"see the ids in {TABLE}", lambda: stored_ids(connection)
            )
        return found
