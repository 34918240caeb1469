"""Make a new queue database, whole or not at all (FORMATS section 2, SAFETY "SQLite")."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from importlib import resources

from ops_checks.errors import InputError
from ops_checks.files.new_file import make_file, rename_new, told_as
from ops_checks.sanitize import visible
from ops_checks.stores.relational.agreement import BASELINES, ROWS, tables
from ops_checks.stores.relational.plan_records import PLANS, table
from ops_checks.stores.sqlite.connection import Soundness, Translated, columns_of, must_have_no_leftovers
from ops_checks.stores.sqlite.dialect import SQLITE
from ops_checks.stores.sqlite.transaction import SqliteTransaction
from ops_checks.stores.tables import EVENTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Self

    from ops_checks.stores.registry import Place
    from ops_checks.stores.transaction_protocol import NewQueue

#: No event of a copy may get the number of one that the baseline knows.
_LAST_NUMBER = f"SELECT max(event_id) FROM {ROWS}"


def make_queue(place: Place, fill: Callable[[NewQueue], object], *, lock_timeout_s: float) -> bool:
    """Make a queue in a file, see `StoreKind.make`: it gets its name when all is in it."""
    path = os.path.join(*place)
    must_have_no_leftovers(path)

    def publish(folder_fd: int, temporary: str, name: str) -> bool:
        beside = os.path.join(os.path.dirname(path), temporary)
        with told_as(path, beside):
            _make(beside, fill, lock_timeout_s)
        return rename_new(folder_fd, temporary, name)

    return make_file(*place, lambda: b"", publish=publish)


def _make(path: str, fill: Callable[[NewQueue], object], timeout_s: float) -> None:
    """Make the tables of a queue in the existing, empty file at a path, and fill them."""
    with Translated(path, writing=True), closing(sqlite3.connect(path)) as connection:
        schema = resources.files("ops_checks.stores.sqlite").joinpath("schema.sql").read_text(encoding="utf-8")
        connection.executescript(f"BEGIN;{schema}COMMIT;")
    with NewSqliteQueue(path, timeout_s, Soundness()) as new:
        fill(new)
        new.number_on()
        new.commit()


class NewSqliteQueue(SqliteTransaction):
    """The transaction in which a queue is filled."""

    def __enter__(self) -> Self:
        """Open the database and begin; an event of an item that is gone is copied as it is."""
        super().__enter__()
        with self._translated:
            for statement in ("ROLLBACK", "PRAGMA foreign_keys = OFF", "BEGIN EXCLUSIVE"):
                self._connection.execute(statement)
        return self

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows into a table. Raises InputError, which names the row, for a text that is none."""
        for statement in _MISSING.get(table, ()):
            self._connection.execute(statement)
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        for row in rows:
            try:
                self._connection.execute(insert, row)
            except UnicodeEncodeError:
                raise InputError(
                    f"{visible(self._path)}: not made, because the row {row[0]!a} of {table} holds a text that is no "
                    "UTF-8: change it at its source first"
                ) from None

    def number_on(self) -> None:
        """Let new events have higher numbers than all that the baseline knows."""
        if not columns_of(self._connection, ROWS):
            return
        run = self._connection.execute
        [(last,)] = run(_LAST_NUMBER).fetchall()
        [(used,)] = run("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (EVENTS,)).fetchall()
        if (last or 0) > (used or 0):
            run("DELETE FROM sqlite_sequence WHERE name = ?", (EVENTS,))
            run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (EVENTS, last))


_AGREED = tables(SQLITE)
#: How tables are made that a new queue lacks until something is agreed.
_MISSING = {BASELINES: _AGREED, ROWS: _AGREED, PLANS: (table(SQLITE),)}
