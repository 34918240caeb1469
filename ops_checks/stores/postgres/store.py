"""The PostgreSQL store: a change locks its row, decides, and compares and sets (SAFETY "PostgreSQL")."""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg

from ops_checks.errors import InputError, RefusedError
from ops_checks.sanitize import visible
from ops_checks.stores.changes import all_decided
from ops_checks.stores.postgres.committing import commit
from ops_checks.stores.postgres.connection import Session, Translated
from ops_checks.stores.postgres.location import server_location
from ops_checks.stores.postgres.rows import stored_ids, stored_rows
from ops_checks.stores.postgres.snapshot import PostgresSnapshot
from ops_checks.stores.postgres.writing import write_change
from ops_checks.stores.tables import EVENTS, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide
    from ops_checks.stores.event import Event
    from ops_checks.stores.postgres.committing import Witness
    from ops_checks.stores.postgres.rows import StoredRow
    from ops_checks.stores.postgres.series import PostgresSeries
    from ops_checks.stores.postgres.transaction import PostgresTransaction
    from ops_checks.stores.postgres.watch import PostgresWatch
    from ops_checks.stores.protocol import Store

    Result = TypeVar("Result")

_MAY = "has_any_column_privilege(?, "
#: The server gave up a transaction because of others that wrote at the same time: on the new rows it may succeed.
_AGAIN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


def open_store(location: str, *, lock_timeout_s: float, progress: object = None) -> Store:  # noqa: ARG001 - rows, not bytes
    """Return the store at a location. `progress` is never called: rows are read, and their total is not known.

    Raises UsageError for a location that cannot be read or holds a password.
    """
    return PostgresStore(location, lock_timeout_s=lock_timeout_s)


class PostgresStore:
    """The queue in the tables that a location leads to; `lock_timeout_s` bounds the wait for other writers."""

    kind = "postgres"

    def __init__(self, location: str, *, lock_timeout_s: float) -> None:
        self._location = server_location(location)
        self.location: str = self._location
        self._lock_timeout_s = lock_timeout_s
        self._activity: tuple[tuple[Any, ...], float] | None = None

    def snapshot(self) -> PostgresSnapshot:
        """Return a snapshot of the queue as it is when the snapshot is entered."""
        return PostgresSnapshot(self._location, self._lock_timeout_s)

    def watch(self) -> PostgresWatch:
        """Return what tells whether the queue has changed."""
        from ops_checks.stores.postgres.watch import PostgresWatch

        return PostgresWatch(self._location)

    def __iter__(self) -> Iterator[Item]:
        """Stream the items of one snapshot. Raises InputError."""
        with self.snapshot() as snapshot:
            yield from (item for _, item in snapshot.items())

    def get(self, item_id: str) -> Item | None:
        """Return an item by its id, None if there is none. Raises InputError."""
        with self.snapshot() as snapshot:
            return snapshot.get(item_id)

    def last_write_s(self) -> float | None:
        """Return when the queue was found to be another than before, in epoch seconds; None if it cannot be read.

        A server does not tell when it was last written to: at first that may have been now.
        """
        from ops_checks.stores.postgres.watch import activity

        try:
            with Translated(self.location, writing=False), closing(self._session()) as session:
                found = activity(session)
        except InputError:
            return None
        if self._activity is None or self._activity[0] != found:
            self._activity = (found, time.time())
        return self._activity[1]

    def events(self, item_id: str) -> list[Event]:
        """Return the events of an item, oldest first. Raises InputError."""
        with self.snapshot() as snapshot:
            return list(snapshot.events(item_id))

    def preview(self, item_id: str, decide: Decide) -> Change:
        """Return the change that `change` would write. Raises what `change` raises."""

        def work(session: Session) -> tuple[Change, None]:
            return self._decided(session, item_id, stored_rows(session, [item_id]), decide)[0], None

        return self._within(work, writing=False)

    def change(self, item_id: str, decide: Decide) -> Change:
        """Lock the row of an item, call `decide` on it, and write the change together with its event.

        Raises RefusedError (unknown id, or as `decide`), InputError (missing, malformed, another schema, no right to
        read), WriteError (lock not had in time, no right, a trigger that undoes the change). Then nothing has changed,
        unless the error says that it may have: where the connection is lost at its commit and the server does not come
        back in time.
        """

        def work(session: Session) -> tuple[Change, Witness | None]:
            rows = stored_rows(session, [item_id], lock=True)
            change, row = self._decided(session, item_id, rows, decide)
            return change, None if change.empty else write_change(session, change, row)

        return self._within(work, writing=True)

    def change_together(self, ids: Sequence[str], decide: Decide) -> list[Change]:
        """Change several items in one transaction: all of them, or none. Raises RefusedTogetherError, as `change`."""

        def work(session: Session) -> tuple[list[Change], Witness | None]:
            changes: list[Change] = []
            witness = None
            rows = stored_rows(session, ids, lock=True)
            for change, row in all_decided(ids, lambda item_id: self._decided(session, item_id, rows, decide)):
                if not change.empty:
                    witness = write_change(session, change, row)
                changes.append(change)
            return changes, witness

        return self._within(work, writing=True)

    def series(self) -> PostgresSeries:
        """Return what changes many items one after the other, each in a transaction of its own, by one connection."""
        from ops_checks.stores.postgres.series import PostgresSeries

        return PostgresSeries(self._location, lock_timeout_s=self._lock_timeout_s)

    def transaction(self) -> PostgresTransaction:
        """Return a write transaction; enter it before anything is written."""
        from ops_checks.stores.postgres.transaction import PostgresTransaction

        return PostgresTransaction(self._location, self._lock_timeout_s)

    def may_be_written(self) -> bool:
        """Return whether this user has the rights to write to the tables, and the server is no standby."""
        try:
            return self._lacking() is None
        except InputError:
            return False

    def must_be_writable(self) -> None:
        """Raise RefusedError for a queue that surely may only be read: before anything is locked for writing."""
        try:
            lacking = self._lacking()
        except InputError:
            return  # who writes says why it cannot be read
        if lacking is not None:
            raise RefusedError(f"{visible(self.location)}: not written, because {lacking}")

    def scratch_copy(self, folder: str) -> Store:
        """Return a copy of items, events and agreements in a SQLite file in a folder: a server needs no tables for it.

        Raises InputError if it cannot be copied.
        """
        from ops_checks.stores.registry import SQLITE
        from ops_checks.stores.relational.copying import copy_queue

        place = (folder, "queue.db")
        with self.snapshot() as rows:
            SQLITE.make(place, lambda new: copy_queue(rows, new, self.location), lock_timeout_s=self._lock_timeout_s)
        return SQLITE.open(os.path.join(*place), lock_timeout_s=self._lock_timeout_s)

    def _lacking(self) -> str | None:
        """Return what keeps this user from writing, None if nothing does. Raises InputError."""
        with Translated(self.location, writing=False):
            session = self._session()
            try:
                session.begin(writing=False)
                [(standby, items, events)] = session.execute(
                    f"SELECT pg_is_in_recovery(), {_MAY}'UPDATE'), {_MAY}'INSERT')", (TABLE, EVENTS)
                ).fetchall()
            finally:
                self._release(session)
        if standby:
            return "the server is a standby, which only reads: name the primary with --db"
        missing = [f"UPDATE on {TABLE}"] * (not items) + [f"INSERT on {EVENTS}"] * (not events)
        return f"this user lacks {' and '.join(missing)}: ask the owner of the tables" if missing else None

    def _within(self, work: Callable[[Session], tuple[Result, Witness | None]], *, writing: bool) -> Result:
        """Call `work` inside a transaction, commit, and return what it returned; begin again where others were faster.

        `work` returns, with its result, what tells later that it was committed.
        """
        until = time.monotonic() + self._lock_timeout_s
        while True:
            with Translated(self.location, writing=writing):
                session = self._session()
                try:
                    session.begin(writing=writing)
                    result, witness = work(session)
                    commit(session, self._location, witness, self._lock_timeout_s)
                except _AGAIN:
                    if time.monotonic() >= until:
                        raise
                else:
                    return result
                finally:
                    self._release(session)

    def _session(self) -> Session:
        return Session(self._location, self._lock_timeout_s)

    def _release(self, session: Session) -> None:
        session.close()  # what was not committed is rolled back

    def _decided(
        self, session: Session, item_id: str, rows: dict[str, StoredRow], decide: Decide
    ) -> tuple[Change, StoredRow]:
        row = rows.get(item_id)
        if row is None:
            from ops_checks.stores.unknown_item import unknown_item

            ids = lambda: stored_ids(session)  # noqa: E731 - read only where something is suggested
            raise unknown_item(visible(self.location), [item_id], f"see the ids in {TABLE}", ids)
        return decide(row.item(), row.reliability()), row
