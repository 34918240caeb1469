"""A snapshot of the queue: one transaction that sees one state (FORMATS section 2, SAFETY "PostgreSQL")."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.model import BLANK, FIELDS, MAX_DEFECTS, NOTHING, Item
from ops_checks.stores.cells import as_item, joined, row_defect
from ops_checks.stores.details import COLUMNS, Details
from ops_checks.stores.event import Event
from ops_checks.stores.postgres.catalog import WHOLE_NUMBERS
from ops_checks.stores.postgres.connection import Session, Translated
from ops_checks.stores.postgres.copying import Batch, cells_of, copied, plain
from ops_checks.stores.postgres.dialect import BY_CREATION, ID_IN_BYTES, POSTGRES
from ops_checks.stores.postgres.rows import NOW, as_stored, find_item
from ops_checks.stores.relational.snapshot import TableSnapshot
from ops_checks.stores.tables import EVENTS, TABLE, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Any, Self

    from ops_checks.stores.changes import Reliability, Stored
    from ops_checks.stores.postgres.location import ServerLocation
    from ops_checks.stores.protocol import Keys, Recorded
    from ops_checks.stores.query import Answer, Limits, Values
    from ops_checks.stores.relational.agreement import AgreementReader
    from ops_checks.stores.relational.copying import StoredTables

_CELLS = ", ".join(FIELDS)
_EVENT = "event_id, event_type, payload_json, created_at"
#: Clocks that differ by less are the same: so long the answer may have been under way.
_APART_S = 1
_COUNTS = ("attempt_count", "max_attempts")


class PostgresSnapshot(TableSnapshot):
    """One state of the queue: the one committed when the snapshot was entered.

    Items stream by COPY through a second connection to the same state: one that copies can do nothing else, and what
    was begun on the first before goes on beside it.
    """

    def __init__(self, location: ServerLocation, timeout_s: float) -> None:
        super().__init__(str(location))
        self._location = location
        self._timeout_s = timeout_s
        self._session: Session
        self._copying: Session | None = None
        self._busy = False

    def __enter__(self) -> Self:
        """Connect, and begin a transaction that sees one state. Raises InputError unless it is a sound queue."""
        with Translated(self._name, writing=False):
            self._session = Session(self._location, self._timeout_s)
            try:
                self._session.begin(writing=False)
            except BaseException:  # KeyboardInterrupt too: `__exit__` is not called then
                self._session.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the transaction and close the connections."""
        self._session.close()
        if self._copying is not None:
            self._copying.close()

    def items(self) -> Iterator[tuple[int, Item]]:
        """Stream number and item, in the order of the bytes of their ids. Raises InputError with all defects."""
        for batch in self._batches():
            yield from enumerate(map(Item.from_cells, batch.rows()), batch.number)

    def details(self) -> Iterator[Details]:
        """Stream the items with lease, attempts, times and last error. Raises what `items` raises."""
        return self._details(f"ORDER BY {ID_IN_BYTES}")

    def details_of(self, item_id: str) -> Details | None:
        """Return an item by its id with what `details` tells, or None. Raises InputError for a malformed row."""
        return next(iter(list(self._details("WHERE id = ?", item_id))), None)

    def items_by_creation(self) -> Iterator[Item]:
        """Stream the items in the order in which they were created. Raises InputError with all defects."""
        for batch in self._batches(BY_CREATION):
            yield from map(Item.from_cells, batch.rows())

    def find(self, item_id: str) -> tuple[Item, Reliability] | None:
        """Return an item by its id with its lease and attempts, or None. Raises InputError for a malformed row."""
        with Translated(self._name, writing=False):
            return find_item(self._session, item_id)

    def keys(self) -> Iterator[Keys]:
        """Stream the items as rows of Markdown. Raises what `items` raises."""
        for batch in self._batches():
            yield batch.number, batch.keys()

    def may_hold(self, ids: Iterable[str]) -> bool:
        """Return whether the table has an item with one of these ids, or any item whose id changes when trimmed."""
        wanted = [each for each in ids if "\0" not in each]
        odd = f"id <> btrim(id, ?) OR {ID_IN_BYTES} LIKE ? OR {ID_IN_BYTES} LIKE ? OR {ID_IN_BYTES} = ANY (?)"
        query = f"SELECT 1 FROM {TABLE} WHERE {odd} LIMIT 1"
        return bool(wanted) and any(self._rows(query, BLANK, "%\n%", "%\r%", wanted))

    def changed(self) -> bool:
        """Return whether the cells of an item are others now than in the snapshot."""
        with Translated(self._name, writing=False):
            before = self._digest(self._session)
            now = Session(self._location, self._timeout_s)
            try:
                now.begin(writing=False)
                return self._digest(now) != before
            finally:
                now.close()

    def state(self) -> str:
        """Return an identifier of the state: the digest of the cells of all items."""
        with Translated(self._name, writing=False):
            return f"items={self._digest(self._session)}"

    def _digest(self, session: Session) -> str:
        row_text = f'ROW({_CELLS})::text COLLATE "C"'
        row = session.execute(f"SELECT count(*), sum(hashtextextended({row_text}, 0)) FROM {TABLE}").fetchone()
        return ":".join(map(str, row or ()))

    def identity(self) -> str:
        """Return an identifier of the state: the newest event's id and the time of the last change of an item."""
        event = self._one(f"SELECT max(event_id) FROM {EVENTS}")
        updated = self._one(f'SELECT max(updated_at COLLATE "C") FROM {TABLE}')
        return f"event_id={event or 0} updated_at={updated or NOTHING}"

    def newest_event(self) -> str | None:
        """Return the time of the newest event, or None if there is none."""
        newest: str | None = self._one(f"SELECT created_at FROM {EVENTS} ORDER BY event_id DESC LIMIT 1")
        return newest

    def events_of(self, types: Sequence[str], operation: str = "", most: int = -1) -> Iterator[tuple[str, Event]]:
        """Stream events of some types, each with its item, the newest first; of an operation, those that name it."""
        query = (
            f"SELECT item_id, {_EVENT} FROM {EVENTS} WHERE event_type = ANY (?) AND item_id IS NOT NULL "
            "AND strpos(payload_json, ?) > 0 ORDER BY event_id DESC LIMIT ?"
        )
        rows = self._rows(query, list(types), operation, None if most < 0 else most)
        return ((str(row[0]), Event._make(row[1:])) for row in rows)

    def gone(self) -> Iterator[str]:
        """Stream the ids of items that have events and no row."""
        query = (
            f"SELECT DISTINCT item_id FROM {EVENTS} AS event WHERE item_id IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {TABLE} WHERE id = event.item_id) ORDER BY 1"
        )
        return (str(item_id) for [item_id] in self._rows(query))

    def retries(self) -> Iterator[tuple[str, int]]:
        """Stream the retried items, each with its number of `retried` events, the most retried first."""
        order = '2 DESC, item_id COLLATE "C"'
        query = f"SELECT item_id, count(*) FROM {EVENTS} WHERE event_type = ? GROUP BY 1 ORDER BY {order}"
        return ((str(item_id), count) for item_id, count in self._rows(query, "retried"))

    def agreement(self) -> AgreementReader:
        """Return what reads the last agreement of both queues in this state."""
        from ops_checks.stores.relational.agreement import AgreementReader

        return AgreementReader(self._session, self._name, POSTGRES)

    def tables(self) -> StoredTables:
        """Return what reads the rows of the tables as they are stored."""
        from ops_checks.stores.relational.copying import StoredTables

        return StoredTables(self._session, self._name, POSTGRES)

    def query(self, statement: str, values: Values, limits: Limits) -> Answer:
        """Return what a statement of somebody else's reads. Raises StatementError, LimitError, InputError."""
        from ops_checks.stores.postgres.query import run_query

        return run_query(self._session, statement, values, limits)

    def recorded(self) -> Iterator[Recorded]:
        """Stream the items with their events, texts as bytes. Raises InputError."""
        from ops_checks.stores.postgres.recorded import recorded

        return recorded(self._session, self._name)

    def absent_counts(self) -> tuple[str, ...]:
        """Return which of attempt_count and max_attempts an older database lacks. Raises InputError."""
        present = self._session.columns_of(TABLE) or set()
        return tuple(name for name in _COUNTS if name not in present)

    def pending_since(self) -> Iterator[tuple[str, str]]:
        """Stream id and creation time of the PENDING items, oldest first. Raises InputError."""
        order = f'created_at COLLATE "C", {ID_IN_BYTES}'
        query = f"SELECT id, created_at FROM {TABLE} WHERE status = ? AND created_at IS NOT NULL ORDER BY {order}"
        yield from self._rows(query, "PENDING")

    def leases_beyond(self, epoch_s: float) -> Iterator[tuple[str, Stored]]:
        """Stream id and end of the leases of IN_PROGRESS items that end later, or at no whole number of seconds."""
        kind = self._session.type_of(TABLE, "lease_expires_at")
        if kind is None:
            return
        late = "AND lease_expires_at > ? " if kind in WHOLE_NUMBERS else "AND ? > 0 "
        query = f"SELECT id, lease_expires_at FROM {TABLE} WHERE status = ? AND lease_expires_at IS NOT NULL {late}"
        for item_id, end in self._rows(query + f"ORDER BY {ID_IN_BYTES}", "IN_PROGRESS", epoch_s):
            yield item_id, as_stored(end)

    def _batches(self, clause: str = f"ORDER BY {ID_IN_BYTES}") -> Iterator[Batch]:
        """Stream the rows in batches. Raises InputError at the end with the first MAX_DEFECTS defects."""
        number = 1
        defects: list[str] = []
        with Translated(self._name, writing=False):
            for part in self._parts(f"SELECT {_CELLS} FROM {TABLE} {clause}"):
                batch = plain(number, part) if isinstance(part, str) else None
                if batch is None:
                    rows = cells_of(part) if isinstance(part, str) else part
                    defects += self._defects(rows)
                    batch = Batch(number, [] if defects else list(chain.from_iterable(map(as_item, rows))))
                if not defects:
                    yield batch
                number += len(part) if isinstance(part, list) else part.count("\n")
                if len(defects) >= MAX_DEFECTS:
                    break
        if defects:
            raise InputError(defects[0], tuple(defects[1:MAX_DEFECTS]))

    def _parts(self, query: str) -> Iterator[str | list[Any]]:
        """Stream the rows of a query: by COPY in batches of lines, in lists while another such stream is open."""
        if self._busy:
            yield from self._session.batches(query)
            return
        copying = self._copying or self._second()
        self._copying, self._busy, whole = copying, True, False
        try:
            yield from copied(copying, query)
            whole = True
        finally:
            self._busy = False
            if not whole:  # what was cut off has ended its transaction
                copying.close()
                self._copying = None

    def _second(self) -> Session:
        """Return another connection that sees the same state."""
        [(exported,)] = self._session.execute("SELECT pg_export_snapshot()").fetchall()
        session = Session(self._location, self._timeout_s)
        try:
            session.begin(writing=False, snapshot=exported)
        except BaseException as error:  # KeyboardInterrupt too: nobody else closes it then
            session.close()
            if isinstance(error, Exception):
                self._session.execute("SELECT 1")  # the state ends with the first connection: then that is the cause
            raise
        return session

    def _defects(self, rows: list[tuple[Any, ...]]) -> list[str]:
        if joined(rows) is not None:
            return []
        found = ((cells[0], row_defect(cells)) for cells in rows)
        return [f"{where(self._name, item_id)}: {defect}" for item_id, defect in found if defect]

    def _details(self, clause: str, *values: str) -> Iterator[Details]:
        present = self._session.columns_of(TABLE) or set()
        more = [name if name in present else "NULL" for name in COLUMNS]
        query = f"SELECT {', '.join((*FIELDS, *more))} FROM {TABLE} {clause}"
        ahead_s = self._one(f"SELECT {NOW}") - time.time()
        ahead_s = ahead_s if abs(ahead_s) >= _APART_S else 0.0
        first = 1
        defects: list[str] = []
        with Translated(self._name, writing=False):
            for rows in self._session.batches(query, values):
                cells = [row[: len(FIELDS)] for row in rows]
                defects += self._defects(cells)
                if not defects:
                    for number, row in enumerate(rows, first):
                        item = as_item(row[: len(FIELDS)])
                        yield Details.from_values((number, item, *map(as_stored, row[len(FIELDS) :]), ahead_s))
                first += len(rows)
                if len(defects) >= MAX_DEFECTS:
                    break
        if defects:
            raise InputError(defects[0], tuple(defects[1:MAX_DEFECTS]))

    def _rows(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - what the driver binds
        """Stream the rows of a query. Raises InputError."""
        with Translated(self._name, writing=False):
            yield from self._session.stream(query, values)

    def _one(self, query: str) -> Any:  # noqa: ANN401 - whatever the database holds
        with Translated(self._name, writing=False):
            row = self._session.execute(query).fetchone()
            return row[0] if row else None
