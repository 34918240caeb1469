"""Write items and their events inside a transaction, and read each back (FORMATS section 2, SAFETY "PostgreSQL")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ops_checks.errors import WriteError
from ops_checks.model import DASHED, FIELDS
from ops_checks.stores.postgres.catalog import TEXTS, WHOLE_NUMBERS
from ops_checks.stores.postgres.committing import Witness
from ops_checks.stores.postgres.connection import quoted
from ops_checks.stores.postgres.triggers import OnlyOnce, not_as_made
from ops_checks.stores.relational.columns import new_columns
from ops_checks.stores.tables import EVENTS, OPERATION, TABLE, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change
    from ops_checks.stores.postgres.connection import Session
    from ops_checks.stores.postgres.rows import StoredRow

    #: A whole row by column, of every column that the table has.
    Row = Mapping[str, Any]

#: The channel on which every event is announced, as its transaction is committed.
CHANNEL = "queue_events"


def write_change(session: Session, change: Change, row: StoredRow) -> Witness:
    """Write a change of an item together with its event, if the item still is as it was seen; see `write_event`.

    Raises WriteError if it does not read back as it was made: then the transaction must be rolled back.
    """
    columns = new_columns(change, row.absent)
    assignments = ", ".join(f"{name} = ?" for name in columns)
    same, seen = row.unchanged()
    statement = f"UPDATE {TABLE} SET {assignments} WHERE id = ? AND {same}"
    with OnlyOnce(session, change.before.id):
        written = session.execute(statement, (*columns.values(), change.before.id, *seen)).rowcount
        witness = insert_event(session, change.before.id, change.event, change.payload, change.changed_at)
    seen_columns = row.columns | columns
    _must_have_written(session, change.before.id, seen_columns, written, ", ".join(seen_columns), witness)
    return witness


def insert_row(session: Session, row: Row) -> None:
    """Insert an item, given as its columns. Raises WriteError if it does not read back, or names another column."""
    names = _names(session, TABLE, row)
    marks = ", ".join("?" * len(row))
    added = session.execute(f"INSERT INTO {TABLE} ({names}) VALUES ({marks})", tuple(row.values())).rowcount
    _must_have_written(session, row["id"], row, added, _terms(session, TABLE, row))


def delete_row(session: Session, item: Item) -> None:
    """Delete an item that still is as it was seen, and its events with it. Raises WriteError."""
    seen = {name: value for name, value in zip(FIELDS, item, strict=True) if name not in DASHED}
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM ?" for name in seen)
    deleted = session.execute(f"DELETE FROM {TABLE} WHERE {same}", tuple(seen.values())).rowcount
    left = session.execute(f"SELECT 1 FROM {TABLE} WHERE id = ?", (item.id,)).fetchone()
    if (deleted, left) != (1, None):
        raise not_as_made(session, item.id)


def write_event(session: Session, item_id: str | None, event_type: str, payload: str, created_at: str) -> Witness:
    """Write an event that no change of an item goes with. Raises WriteError if it does not read back."""
    witness = insert_event(session, item_id, event_type, payload, created_at)
    _must_have_event(session, item_id, witness)
    return witness


def insert_event(session: Session, item_id: str | None, event_type: str, payload: str, created_at: str) -> Witness:
    """Insert an event of an item, or of the whole queue, and announce it. Raises WriteError if there is none then."""
    columns = {"item_id": item_id, "event_type": event_type, "payload_json": payload, "created_at": created_at}
    operation = _operation(payload)
    if "operation_id" in (session.columns_of(EVENTS) or set()):
        # A plan may be applied again once it was taken back; a command changes an item once.
        columns["operation_id"] = operation if operation and operation.startswith(OPERATION) else None
    marks = ", ".join("?" * len(columns))
    inserted = session.execute(
        f"INSERT INTO {EVENTS} ({', '.join(columns)}) VALUES ({marks}) "
        "RETURNING event_id, pg_current_xact_id()::text, pg_notify(?, left(coalesce(item_id, ''), 1000))",
        (*columns.values(), CHANNEL),
    ).fetchone()
    if inserted is None:  # a trigger skipped it
        raise not_as_made(session, item_id)
    event, transaction, _ = inserted
    query = (
        f"SELECT 1 FROM {session.qualified(EVENTS)} WHERE event_id = ? AND item_id IS NOT DISTINCT FROM ? "
        "AND event_type = ? AND payload_json = ? AND created_at = ?"
    )
    values = (event, item_id, event_type, payload, created_at)
    return Witness(transaction, query, values, operation)


def transaction_witness(session: Session) -> Witness:
    """Return what tells later whether the open transaction was committed, whatever it wrote."""
    [(transaction,)] = session.execute("SELECT pg_current_xact_id()::text").fetchall()
    return Witness(transaction, "", (), None)


def insert_events(session: Session, events: Iterable[Row]) -> None:
    """Insert events that were removed with their item, as they were. Raises WriteError if one does not read back."""
    for event in events:
        names, marks = _names(session, EVENTS, event), ", ".join("?" * len(event))
        session.execute(
            f"INSERT INTO {EVENTS} ({names}) OVERRIDING SYSTEM VALUE VALUES ({marks})", tuple(event.values())
        )
        query = f"SELECT {_terms(session, EVENTS, event)} FROM {EVENTS} WHERE event_id = ?"
        found = session.execute(query, (event["event_id"],)).fetchall()
        if found != [tuple(event.values())]:
            raise not_as_made(session, event["item_id"])


def row_with_events(session: Session, item_id: str) -> tuple[Row, Sequence[Row]]:
    """Return every column of an item, and of its events the oldest first."""
    [row] = _rows(session, TABLE, "id = ?", item_id)
    return row, _rows(session, EVENTS, "item_id = ? ORDER BY event_id", item_id)


def _operation(payload: str) -> str | None:
    """Return the operation that a payload of ours names, None for one that names none: many events may."""
    try:
        named = json.loads(payload)
    except ValueError:
        return None
    operation = named.get("operation") if isinstance(named, dict) else None
    return operation if isinstance(operation, str) and operation else None


def _rows(session: Session, table: str, condition: str, item_id: str) -> list[Row]:
    """Return rows with the columns that can be written, which a generated one cannot."""
    columns = sorted(session.columns_of(table) or set())
    query = f"SELECT {_terms(session, table, columns)} FROM {table} WHERE {condition}"
    return [dict(zip(columns, row, strict=True)) for row in session.execute(query, (item_id,)).fetchall()]


def _names(session: Session, table: str, row: Row) -> str:
    """Return the names of a row's columns for SQL. Raises WriteError for one that the table does not have.

    A row that is put back comes from a record in the database: its names are text from outside.
    """
    unknown = row.keys() - (session.columns_of(table) or set())
    if unknown:
        raise WriteError(
            f"{where(session.name, row.get('id'))}: not written, because {table} has no column "
            f"{', '.join(map(ascii, sorted(unknown)))}: the record of the plan is damaged, or the table was changed"
        )
    return ", ".join(map(quoted, row))


def _terms(session: Session, table: str, columns: Iterable[str]) -> str:
    """Return columns for SQL, those of other types than a queue's as the text by which they can be written again."""
    plain = (*TEXTS, *WHOLE_NUMBERS)
    names = ((name, session.type_of(table, name) in plain) for name in columns)
    return ", ".join(quoted(name) if known else f"{quoted(name)}::text" for name, known in names)


def _must_have_event(session: Session, item_id: str | None, witness: Witness) -> None:
    if session.execute(witness.query, witness.values).fetchone() is None:
        raise not_as_made(session, item_id)


def _must_have_written(
    session: Session, item_id: str, columns: Row, written: int, terms: str, witness: Witness | None = None
) -> None:
    """Raise WriteError unless an item has the values that were written, and an event: a trigger may change them.

    `terms` select the columns.
    """
    event, values = (f"EXISTS ({witness.query})", witness.values) if witness else ("true", ())
    after = session.execute(f"SELECT {event}, {terms} FROM {TABLE} WHERE id = ?", (*values, item_id)).fetchall()
    if (written, after) != (1, [(True, *columns.values())]):
        raise not_as_made(session, item_id)
