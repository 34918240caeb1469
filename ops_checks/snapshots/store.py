"""The database of a snapshot file, as a store that may only be read and that has no events.

Its rows are in a temporary database that only this process sees; people know it by the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError, RefusedError, StatementError
from ops_checks.model import FIELDS
from ops_checks.sanitize import visible
from ops_checks.snapshots import SNAPSHOT
from ops_checks.stores.registry import is_url
from ops_checks.stores.sqlite.query import MemoryQueue, run_query
from ops_checks.stores.sqlite.snapshot import SqliteSnapshot
from ops_checks.stores.sqlite.store import SqliteStore
from ops_checks.stores.tables import TABLE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Any, NoReturn, Self

    from ops_checks.snapshots.document import DatabaseRead, Whole
    from ops_checks.stores.event import Event
    from ops_checks.stores.protocol import Recorded
    from ops_checks.stores.query import Answer, Limits, Values
    from ops_checks.stores.relational.copying import StoredTables
    from ops_checks.stores.sqlite.series import SqliteSeries
    from ops_checks.stores.sqlite.transaction import SqliteTransaction

#: What a statement may read of a snapshot; a count of rows reads a column without a name.
_RECORDED = {(TABLE, name) for name in (*FIELDS, "created_at", "updated_at", "")}


class RecordedSnapshot(SqliteSnapshot):
    """The one state that a snapshot file holds."""

    def __init__(self, path: str, connection: sqlite3.Connection, read: DatabaseRead, digest: str) -> None:
        super().__init__(path, 0.0)
        self._connection = connection
        self._digest = digest
        self._read = read

    def __enter__(self) -> Self:
        """Return it: it was read when the file was."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the rows for the next one."""

    def changed(self) -> bool:
        """Return False: nobody writes to it."""
        return False

    def state(self) -> str:
        """Return what identifies the state on the host."""
        return self._read.identity

    def identity(self) -> str:
        """Return the digest of the file."""
        return self._digest

    def newest_event(self) -> str | None:
        """Return the time of the newest event on the host, or None if there was none."""
        return self._read.newest_event

    def gone(self) -> Iterator[str]:
        """Stream the ids of items that had events and no row on the host."""
        return iter(self._read.gone)

    def pending_since(self) -> Iterator[tuple[str, str]]:
        """Stream id and creation time of the PENDING items, oldest first."""
        query = f"SELECT id, created_at FROM {TABLE} WHERE status = ? AND created_at NOT NULL ORDER BY 2, 1"  # noqa: S608 - our own name
        yield from self._fetched(self._connection.execute(query, ("PENDING",)))

    def events(self, item_id: str) -> Iterator[Event]:  # noqa: ARG002 - there are none of any item
        """Raise InputError: a snapshot has no events."""
        self._check_events()

    def recorded(self) -> Iterator[Recorded]:
        """Raise InputError: a snapshot has no events."""
        self._check_events()

    def tables(self) -> StoredTables:
        """Raise InputError: a snapshot has no events."""
        self._check_events()

    def leases_beyond(self, epoch_s: float) -> NoReturn:  # noqa: ARG002 - there are none at all
        """Raise InputError: a snapshot has no leases."""
        raise lacks(self._path, "leases")

    def query(self, text: str, values: Values, limits: Limits) -> Answer:
        """Return what a statement reads, of what is in the file. Raises InputError for one that needs more."""
        if is_url(self._read.location):
            raise InputError(
                f"{visible(self._path)}: it is of a database in PostgreSQL, whose statements run there alone: leave "
                "them out with `check --only …`"
            )
        with MemoryQueue("") as queue:
            try:
                more = {f"{table}.{column}".rstrip(".") for table, column in queue.reads(text, values) - _RECORDED}
            except StatementError as error:
                if not error.missing:
                    raise
                more = {error.message.rpartition(": ")[2].partition(" (")[0]}
        if more:
            raise lacks(self._path, ", ".join(sorted(map(visible, more))))
        return run_query(self._connection, self._path, text, values, limits)

    def _check_events(self) -> NoReturn:
        raise lacks(self._path, "events")


class SnapshotStore(SqliteStore):
    """The database of a snapshot file at `location`; `note` says of what it was made, and when."""

    kind = SNAPSHOT

    def __init__(self, location: str, connection: sqlite3.Connection, whole: Whole) -> None:
        super().__init__(location, lock_timeout_s=0.0)
        self.note = f"made {whole.made_at}, of {visible(whole.db.location)}"
        self._digest = whole.digest
        self._connection = connection
        self._read_on_host = whole.db

    def snapshot(self) -> RecordedSnapshot:
        """Return the state that the file holds."""
        return RecordedSnapshot(self.location, self._connection, self._read_on_host, self._digest)

    def last_write_s(self) -> None:
        """Return None: nobody writes to it."""

    def may_be_written(self) -> bool:
        """Return False."""
        return False

    def must_be_writable(self) -> NoReturn:
        """Raise RefusedError."""
        raise self._refused()

    def transaction(self) -> SqliteTransaction:
        """Raise RefusedError."""
        raise self._refused()

    def series(self) -> SqliteSeries:
        """Raise RefusedError."""
        raise self._refused()

    def _within(self, begin: str, work: Callable[..., Any], *, writing: bool) -> NoReturn:  # noqa: ARG002 - as there
        raise self._refused()

    def _refused(self) -> RefusedError:
        return RefusedError(f"{visible(self.location)}: a snapshot is only read: work where the database is")


def lacks(path: str, what: str) -> InputError:
    """Return the error for what a database or a log has, and the snapshot at a path has not."""
    return InputError(
        f"{visible(path)}: a snapshot has no {what}: run this where the database is, or leave it out with "
        "`check --only …`"
    )
