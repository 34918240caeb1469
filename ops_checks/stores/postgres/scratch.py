"""Copy a queue with its events and agreements into a SQLite file, which tests may change as they like."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ops_checks.stores.postgres.connection import Session, Translated
from ops_checks.stores.postgres.dialect import ID_IN_BYTES, POSTGRES
from ops_checks.stores.relational.agreement import BASELINES, ROWS, tables
from ops_checks.stores.relational.plan_records import PLANS, table
from ops_checks.stores.sqlite.dialect import SQLITE
from ops_checks.stores.sqlite.new import make_tables
from ops_checks.stores.tables import EVENTS, TABLE

if TYPE_CHECKING:
    from ops_checks.stores.postgres.location import ServerLocation

#: The tables, each with the order of its rows: a file keeps that in which they are put there.
_TABLES = {TABLE: ID_IN_BYTES, EVENTS: "event_id", BASELINES: "id", ROWS: "item_id", PLANS: POSTGRES.in_order}


def copy_to_sqlite(location: ServerLocation, timeout_s: float, path: str) -> None:
    """Write one state of a queue into a new SQLite file. Raises InputError if the queue cannot be read."""
    copy = sqlite3.connect(path)
    try:
        with Translated(str(location), writing=False):
            _copy(location, timeout_s, copy)
        copy.commit()
    finally:
        copy.close()


def _copy(location: ServerLocation, timeout_s: float, copy: sqlite3.Connection) -> None:
    session = Session(location, timeout_s)
    try:
        session.begin(writing=False)
        make_tables(copy)
        for statement in (*tables(SQLITE), table(SQLITE)):
            copy.execute(statement)
        for name, order in _TABLES.items():
            _copy_table(session, copy, name, order)
    finally:
        session.close()


def _copy_table(session: Session, copy: sqlite3.Connection, name: str, order: str) -> None:
    """Copy the columns that both tables have; a copy has no more of them than FORMATS section 2 names."""
    there = {row[1] for row in copy.execute(f"PRAGMA table_info({name})")}
    columns = sorted(there & (session.columns_of(name) or set()))
    if columns:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        rows = session.stream(f"SELECT {names} FROM {name} ORDER BY {order}")
        copy.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", rows)
