"""A write transaction on the queue that is open while other things are read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import ReadOnlyError, RefusedError, WriteError
from ops_checks.stores.postgres.baseline import PostgresBaseline
from ops_checks.stores.postgres.committing import commit
from ops_checks.stores.postgres.connection import Session, Translated
from ops_checks.stores.postgres.dialect import POSTGRES
from ops_checks.stores.postgres.rows import stored_rows
from ops_checks.stores.postgres.snapshot import PostgresSnapshot
from ops_checks.stores.postgres.writing import (
    delete_row,
    insert_events,
    insert_row,
    row_with_events,
    transaction_witness,
    write_change,
    write_event,
)
from ops_checks.stores.relational.plan_records import PlanRecords
from ops_checks.stores.tables import TABLE, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change
    from ops_checks.stores.postgres.committing import Witness
    from ops_checks.stores.postgres.location import ServerLocation
    from ops_checks.stores.postgres.writing import Row


class PostgresTransaction:
    """Nobody else changes an item from entering on; what is not committed on leaving is rolled back.

    Readers are not kept waiting. Raises InputError for what is no sound queue, RefusedError for one that may only be
    read, WriteError if the lock is not had in time or a write fails.
    """

    def __init__(self, location: ServerLocation, timeout_s: float) -> None:
        self._location = location
        self._name = str(location)
        self._timeout_s = timeout_s
        self._translated = _Refusing(self._name, writing=True)
        self._session: Session
        self._witness: Witness | None = None

    def __enter__(self) -> Self:
        """Connect, begin, and lock the items."""
        with self._translated:
            self._session = Session(self._location, self._timeout_s)
            try:
                self._begin()
            except BaseException:  # KeyboardInterrupt too: `__exit__` is not called then
                self._session.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; what was not committed is rolled back."""
        self._session.close()
        self._translated.__exit__(kind, error, trace)

    def begin_exclusive(self) -> None:
        """Begin anew; what was not committed is gone. Raises WriteError."""
        with self._translated:
            if self._session.lost():  # after a commit, as a rule, of which the server had to be asked
                self._session = Session(self._location, self._timeout_s)
            self._session.end()
            self._begin()

    def _begin(self) -> None:
        self._witness = None
        self._session.begin(writing=True)
        # Locking the events would need a right to change them, which nobody should have.
        self._session.execute(f"LOCK TABLE {TABLE} IN SHARE ROW EXCLUSIVE MODE")

    def snapshot(self) -> PostgresSnapshot:
        """Return a snapshot of what the transaction sees."""
        return _SnapshotInside(self._location, self._session)

    def new_baseline(self) -> PostgresBaseline:
        """Return what records an agreement. Raises InputError for a base that is damaged."""
        return PostgresBaseline(self._session, self._name)

    def records(self) -> PlanRecords:
        """Return the applied plans."""
        return PlanRecords(self._session, self._name, POSTGRES)

    def change(self, change: Change) -> None:
        """Write a change of an item with its event, if it still is as it was seen. Raises WriteError."""
        row = stored_rows(self._session, [change.before.id]).get(change.before.id)
        if row is None or row.item() != change.before:
            raise WriteError(
                f"{where(self._name, change.before.id)}: not written, it is another row by now: plan again"
            )
        self._witness = write_change(self._session, change, row)

    def insert(self, row: Row) -> None:
        """Insert an item, given as its columns. Raises WriteError."""
        insert_row(self._session, row)

    def delete(self, item: Item) -> None:
        """Delete an item that still is as it was seen, with its events. Raises WriteError."""
        delete_row(self._session, item)

    def add_event(self, item_id: str | None, event_type: str, payload: str, created_at: str) -> None:
        """Add an event. Raises WriteError."""
        self._witness = write_event(self._session, item_id, event_type, payload, created_at)

    def insert_events(self, events: Iterable[Row]) -> None:
        """Insert events that were removed with their item, as they were. Raises WriteError."""
        insert_events(self._session, events)

    def row_with_events(self, item_id: str) -> tuple[Row, Sequence[Row]]:
        """Return every column of an item, and of its events the oldest first."""
        return row_with_events(self._session, item_id)

    def commit(self) -> None:
        """Commit. Raises WriteError."""
        with self._translated:  # here already: who commits must know it from an error of its own
            witness = self._witness or transaction_witness(self._session)
            commit(self._session, self._location, witness, self._timeout_s)


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


class _SnapshotInside(PostgresSnapshot):
    """What an open transaction sees, its own writes included."""

    def __init__(self, location: ServerLocation, session: Session) -> None:
        super().__init__(location, 0)
        self._session = session
        self._busy = True  # by cursors, which may be many: no other connection sees what is not committed

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
