"""Copy a queue from one database into a new one: items, events, agreements and applied plans, as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import FIELDS
from ops_checks.sanitize import visible
from ops_checks.stores.changes import RELIABILITY
from ops_checks.stores.relational.agreement import BASELINES, COLUMNS, HEADER, ROWS
from ops_checks.stores.relational.plan_records import PLAN_COLUMNS, PLANS
from ops_checks.stores.tables import EVENTS, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ops_checks.stores.relational.dialect import Connection, Dialect
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot, NewQueue

    #: Table and row, given as its columns.
    TableRow = tuple[str, Mapping[str, Any]]

#: The tables of a queue in the order in which a copy is made, with the columns that it has and their order.
_EVENT = ("event_id", "item_id", "event_type", "payload_json", "created_at")
_ITEM = (*FIELDS, "created_at", "updated_at", *RELIABILITY, "idempotency_key", "last_error")
_COPIED = {TABLE: _ITEM, EVENTS: _EVENT, BASELINES: HEADER, ROWS: COLUMNS, PLANS: PLAN_COLUMNS}
#: What a database of ours has besides: by them an operation is not written twice, and records have an order.
_OURS = frozenset({"operation_id", "number"})
#: Rows handed on at a time.
LOT = 5_000


def copy_queue(source: DatabaseSnapshot, target: NewQueue, name: str) -> list[str]:
    """Copy all that a queue's tables hold into a new queue, and return notes on columns that are not copied.

    `name` is how the source is shown. Raises InputError for a row that cannot be read, or that the other kind of
    database cannot hold.
    """
    left_out = []
    tables = source.tables()
    for table, columns in _COPIED.items():
        there = tables.columns(table)
        if there:
            names = [each for each in columns if each in there]
            target.load(table, names, tables.rows(table, names))
            left_out += [f"{table}.{each}" for each in sorted(there - {*names} - _OURS)]
    if not left_out:
        return []
    return [f"{visible(name)}: not copied, because no queue of ours has them: {', '.join(map(visible, left_out))}"]


def load_rows(target: NewQueue, rows: Iterable[TableRow]) -> None:
    """Load rows into a new queue, where all rows of a table have the same columns; omitted ones have their defaults.

    Items come before their events, as they do in each lot. Raises what `load` and iterating over the rows raise.
    """
    for lot in lots(rows):
        for table in (TABLE, EVENTS):
            found = [row for name, row in lot if name == table]
            if found:
                target.load(table, list(found[0]), [tuple(row.values()) for row in found])


class StoredTables:
    """See `stores.transaction_protocol.StoredTables`."""

    def __init__(self, connection: Connection, path: str, dialect: Dialect) -> None:
        self._connection = connection
        self._path = path
        self._dialect = dialect

    def columns(self, table: str) -> set[str] | None:
        """Return the columns of a table: None where there is none of that name."""
        with self._dialect.reading(self._path):
            return self._dialect.columns(self._connection, table)

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Stream some columns of the rows of a table, in the order in which they were added."""
        order = {
            TABLE: self._dialect.items_in_order,
            EVENTS: "ORDER BY event_id",
            BASELINES: "ORDER BY id",
            ROWS: "ORDER BY ordinal, item_id",
            PLANS: f"ORDER BY {self._dialect.in_order}",
        }
        with self._dialect.reading(self._path):
            query = f"SELECT {', '.join(columns)} FROM {table} {order[table]}"
            yield from self._dialect.stored(self._connection, query)


def lots(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield rows in lists of at most LOT."""
    lot: list[Any] = []
    for row in rows:
        lot.append(row)
        if len(lot) == LOT:
            yield lot
            lot = []
    if lot:
        yield lot
