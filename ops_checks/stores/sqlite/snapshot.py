"""A snapshot of the queue database: one read transaction (FORMATS section 2)."""

from __future__ import annotations

from ops_checks.errors import ChangingError, InputError
from ops_checks.model import BLANK, FIELDS, MAX_DEFECTS, NOTHING, Item
from ops_checks.stores.cells import as_item, as_rows, joined, row_defect
from ops_checks.stores.relational.snapshot import TableSnapshot
from ops_checks.stores.sqlite.connection import (
    MADE_AT,
    Translated,
    check_health,
    check_table,
    columns_of,
    connect,
    data_version,
)
from ops_checks.stores.tables import EVENT_COLUMNS, EVENTS, ITEM_COLUMNS, TABLE, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Any, Self

    from ops_checks.stores.changes import Reliability, Stored
    from ops_checks.stores.details import Details
    from ops_checks.stores.event import Event
    from ops_checks.stores.protocol import Keys, Recorded
    from ops_checks.stores.query import Answer, Limits, Values
    from ops_checks.stores.relational.agreement import AgreementReader
    from ops_checks.stores.relational.copying import StoredTables

#: Rows fetched at a time: few, so that most batches contain no row that must be validated alone.
_BATCH = 64
_IN_MEMORY = 2  # of PRAGMA temp_store
_CELLS = ", ".join(FIELDS)


class SqliteSnapshot(TableSnapshot):
    """One state of the database: the one committed when the snapshot was entered."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__(path)
        self._path = path
        self._timeout_s = timeout_s
        self._version = 0
        self._has_events = False  # checked, once: no table changes inside of a transaction
        self._connection: sqlite3.Connection

    def __enter__(self) -> Self:
        """Open the database and begin a read transaction. Raises InputError unless it is a sound queue database."""
        with Translated(self._path, writing=False):
            self._connection = connect(self._path, self._timeout_s)
            try:
                self._connection.execute("BEGIN")
                self._version = data_version(self._connection)  # the first reading: from here on the state is held
                check_health(self._connection, self._path)
                check_table(self._connection, self._path, TABLE, ITEM_COLUMNS)
            except BaseException:  # KeyboardInterrupt too: `__exit__` is not called then
                self._connection.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the transaction and close the database."""
        self._connection.close()

    def items(self) -> Iterator[tuple[int, Item]]:
        """Stream number and item, in the order in which rows were added. Raises InputError with all defects."""
        for first, rows, _ in self._batches():
            yield from enumerate(map(Item.from_cells, rows), first)

    def details(self) -> Iterator[Details]:
        """Stream the items with lease, attempts, times and last error. Raises what `items` raises."""
        from ops_checks.stores.sqlite.details import detail_columns, read_details

        query = self._query(by_creation=False).replace(_CELLS, detail_columns(self._connection), 1)
        return read_details(self._connection, self._path, query)

    def details_of(self, item_id: str) -> Details | None:
        """Return an item by its id with what `details` tells, or None. Raises InputError for a malformed row."""
        from ops_checks.stores.sqlite.details import detail_columns, read_details

        query = f"SELECT {detail_columns(self._connection)} FROM {TABLE} WHERE id = ?"
        return next(iter(list(read_details(self._connection, self._path, query, item_id))), None)

    def items_by_creation(self) -> Iterator[Item]:
        """Stream the items in the order in which they were created. Raises InputError with all defects."""
        for _, rows, _ in self._batches(by_creation=True):
            yield from map(Item.from_cells, rows)

    def find(self, item_id: str) -> tuple[Item, Reliability] | None:
        """Return an item by its id with its lease and attempts, or None. Raises InputError for a malformed row."""
        from ops_checks.stores.sqlite.rows import find_item

        with Translated(self._path, writing=False):
            return find_item(self._connection, self._path, item_id)

    def keys(self) -> Iterator[Keys]:
        """Stream the items as rows of Markdown. Raises what `items` raises."""
        for first, rows, lines in self._batches():
            yield first, as_rows(rows, lines)

    def copy_to(self, path: str) -> None:
        """Write the state into a new database file. Raises InputError."""
        from sqlite3 import connect as made

        copy = made(path)
        try:
            with Translated(self._path, writing=False):
                self._connection.backup(copy)
        finally:
            copy.close()

    def may_hold(self, ids: Iterable[str]) -> bool:
        """Return whether the table has an item with one of these ids, or any item whose id changes when trimmed."""
        odd = f"SELECT 1 FROM {TABLE} WHERE id <> trim(id, ?) OR instr(id, char(10)) OR instr(id, char(13)) LIMIT 1"
        same = f"SELECT 1 FROM {TABLE} WHERE id = ?"
        with Translated(self._path, writing=False):
            wanted = list(ids)
            run = self._connection.execute
            return bool(wanted) and (
                run(odd, (BLANK,)).fetchone() is not None or any(run(same, (each,)).fetchone() for each in wanted)
            )

    def _batches(self, *, by_creation: bool = False) -> Iterator[tuple[int, list[tuple[Any, ...]], list[str]]]:
        """Stream the rows in batches: the number of the first, the cells of each, and the cells joined.

        Raises InputError at the end with the first MAX_DEFECTS defects.
        """
        first = 1
        defects: list[str] = []
        with Translated(self._path, writing=False):
            cursor = self._connection.execute(self._query(by_creation=by_creation))
            while len(defects) < MAX_DEFECTS and (rows := cursor.fetchmany(_BATCH)):
                lines = joined(rows)
                if lines is None:
                    found = ((cells[0], row_defect(cells)) for cells in rows)
                    defects += [f"{where(self._path, item_id)}: {defect}" for item_id, defect in found if defect]
                if lines is None and not defects:
                    rows = list(map(as_item, rows))
                    lines = list(map(" | ".join, rows))
                if lines and not defects:
                    yield first, rows, lines
                first += len(rows)
        if defects:
            raise InputError(defects[0], tuple(defects[1:MAX_DEFECTS]))

    def changed(self) -> bool:
        """Return whether another program has committed since the snapshot was entered."""
        with Translated(self._path, writing=False):
            self._connection.execute("COMMIT")
            changed = data_version(self._connection) != self._version
            self._connection.execute("BEGIN")
        return changed

    def state(self) -> str:
        """Return an identifier of the state: the data version, which changes with every commit of another program."""
        return f"data_version={self._version}"

    def identity(self) -> str:
        """Return an identifier of the state: the newest event's id and the time of the last change of an item."""
        event = self._one(f"SELECT max(event_id) FROM {EVENTS}")
        updated = self._one(f"SELECT max(updated_at) FROM {TABLE}")
        return f"event_id={event or 0} updated_at={updated or NOTHING}"

    def newest_event(self) -> str | None:
        """Return the time of the newest event, or None if there is none."""
        query = f"SELECT created_at FROM {EVENTS} ORDER BY event_id DESC LIMIT 1"
        return _text_or_none(self._one(query))

    def events_of(self, types: Sequence[str], operation: str = "", most: int = -1) -> Iterator[tuple[str, Event]]:
        """Stream events of some types, each with its item, the newest first; of an operation, those that name it."""
        from ops_checks.stores.event import Event

        query = (
            f"SELECT item_id, event_id, event_type, payload_json, created_at FROM {EVENTS} "
            f"WHERE event_type IN ({', '.join('?' * len(types))}) AND item_id IS NOT NULL "
            "AND instr(payload_json, ?) > 0 ORDER BY event_id DESC LIMIT ?"
        )
        return ((str(row[0]), Event._make(row[1:])) for row in self._rows(query, *types, operation, most))

    def gone(self) -> Iterator[str]:
        """Stream the ids of items that have events and no row."""
        query = (
            f"SELECT DISTINCT item_id FROM {EVENTS} AS event WHERE item_id IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {TABLE} WHERE id = event.item_id) ORDER BY 1"
        )
        return (str(item_id) for [item_id] in self._rows(query))

    def retries(self) -> Iterator[tuple[str, int]]:
        """Stream the retried items, each with its number of `retried` events, the most retried first."""
        query = f"SELECT item_id, count(*) FROM {EVENTS} WHERE event_type = ? GROUP BY 1 ORDER BY 2 DESC, 1"
        return ((str(item_id), count) for item_id, count in self._rows(query, "retried"))

    def agreement(self) -> AgreementReader:
        """Return what reads the last agreement of both queues in this state."""
        from ops_checks.stores.relational.agreement import AgreementReader
        from ops_checks.stores.sqlite.dialect import SQLITE

        return AgreementReader(self._connection, self._path, SQLITE)

    def tables(self) -> StoredTables:
        """Return what reads the rows of the tables as they are stored. Raises InputError."""
        from ops_checks.stores.relational.copying import StoredTables
        from ops_checks.stores.sqlite.dialect import SQLITE

        self._check_events()
        return StoredTables(self._connection, self._path, SQLITE)

    def query(self, statement: str, values: Values, limits: Limits) -> Answer:
        """Return what a statement of somebody else's reads. Raises StatementError, LimitError, InputError."""
        from ops_checks.stores.sqlite.query import run_query

        with Translated(self._path, writing=False):
            self._sort_in_memory()
        return run_query(self._connection, self._path, statement, values, limits)

    def _sort_in_memory(self) -> None:
        """Let what a statement sorts or keeps aside be no file, so that its growth is seen. Raises ChangingError."""
        run = self._connection.execute
        if run("PRAGMA temp_store").fetchone() == (_IN_MEMORY,):
            return
        run("COMMIT")  # it cannot be changed inside of a transaction
        run(f"PRAGMA temp_store = {_IN_MEMORY}")
        run("BEGIN")
        if data_version(self._connection) != self._version:
            raise ChangingError(f"{self._path}: changed while it was read: run the command again")

    def recorded(self) -> Iterator[Recorded]:
        """Stream the items with their events. Raises InputError."""
        from ops_checks.stores.sqlite.recorded import recorded

        return recorded(self._connection, self._path)

    def absent_counts(self) -> tuple[str, ...]:
        """Return which of attempt_count and max_attempts an older database lacks. Raises InputError."""
        from ops_checks.stores.sqlite.recorded import absent_counts

        return absent_counts(self._connection, self._path)

    def pending_since(self) -> Iterator[tuple[str, str]]:
        """Stream id and creation time of the PENDING items, oldest first. Raises InputError."""
        query = f"SELECT id, {MADE_AT} FROM {TABLE} WHERE status = ? AND created_at NOT NULL ORDER BY created_at, id"
        yield from self._rows(query, "PENDING")

    def leases_beyond(self, epoch_s: float) -> Iterator[tuple[str, Stored]]:
        """Stream id and end of the leases of IN_PROGRESS items that end later, or at no whole number of seconds."""
        if "lease_expires_at" not in columns_of(self._connection, TABLE):
            return
        query = f"SELECT id, lease_expires_at FROM {TABLE} WHERE status = ? AND lease_expires_at NOT NULL "
        odd = "AND (typeof(lease_expires_at) <> 'integer' OR lease_expires_at > ?) ORDER BY id"
        yield from self._rows(query + odd, "IN_PROGRESS", epoch_s)

    def _rows(self, query: str, *values: str | float) -> Iterator[tuple[Any, ...]]:
        """Stream the rows of a query on the events or on both tables. Raises InputError."""
        with Translated(self._path, writing=False):
            self._check_events()
            # Not `yield from` the cursor: an abandoned generator would close it late, after the connection.
            yield from self._fetched(self._connection.execute(query, values))

    def _fetched(self, cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
        while (row := self._fetch(cursor)) is not None:
            yield row

    def _one(self, query: str) -> Any:  # noqa: ANN401 - whatever the database holds
        with Translated(self._path, writing=False):
            self._check_events()
            row = self._fetch(self._connection.execute(query))
            return row[0] if row else None

    def _check_events(self) -> None:
        """Raise InputError unless there is a table of events."""
        if not self._has_events:
            check_table(self._connection, self._path, EVENTS, EVENT_COLUMNS)
            self._has_events = True

    def _fetch(self, cursor: sqlite3.Cursor) -> Any:  # noqa: ANN401 - whatever the database holds
        """Return the next row. What is no UTF-8 is escaped: no cell of an item is read here, and the others can be."""
        self._connection.text_factory = _escaped
        try:
            return cursor.fetchone()
        finally:
            self._connection.text_factory = str

    def _query(self, *, by_creation: bool) -> str:
        # A table WITHOUT ROWID has no order of insertion, only that of its key.
        keyed = self._connection.execute("SELECT wr FROM pragma_table_list(?)", (TABLE,)).fetchone()[0]
        if not by_creation:
            return f"SELECT {_CELLS} FROM {TABLE} ORDER BY {'id' if keyed else 'rowid'}"
        if not keyed:
            return f"SELECT {_CELLS} FROM {TABLE} ORDER BY created_at, rowid"
        first = f"SELECT item_id AS of_item, min(event_id) AS first_event FROM {EVENTS} GROUP BY 1"
        return f"SELECT {_CELLS} FROM {TABLE} LEFT JOIN ({first}) ON of_item = id ORDER BY created_at, first_event, id"


def _escaped(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
