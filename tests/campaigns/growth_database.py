"""Hostile shapes of the queue database (FORMATS section 2), also against a document as large."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaigns.growth_shape import CHECK, KPI, Shape
from tests.campaigns.operation import COLUMNS, markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = tuple[str, ...]

_MARKS = ", ".join("?" * (len(COLUMNS) + 2))
_INSERT = f"INSERT INTO queue_items ({', '.join(COLUMNS)}, created_at, updated_at) VALUES ({_MARKS})"
_STAMPS = ("2026-01-01 10:00", "2026-01-01 11:30")
_EVENT = "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES (?, ?, ?, ?)"
#: Bytes that a small row takes in the database.
_ROW = 100
_COMPARE = ["consistency-check", "--queue-path", "QUEUE.md", "--db-path", "queue.db"]
_DB = ["--db", "queue.db"]


def _row(number: int, status: str = "DONE", **cells: str) -> Row:
    named = dict(zip(COLUMNS, (f"A-{number}", status, "P0", "t", "s", "-", "-", "-", ""), strict=True))
    return tuple((named | cells).values())


def database_rows(size: int, of: Callable[[int], Row] = _row) -> None:
    """Put so many bytes of rows into the database."""
    with closing(sqlite3.connect("queue.db")) as connection:
        connection.executemany(_INSERT, ((*of(number), *_STAMPS) for number in range(max(1, size // _ROW))))
        connection.commit()


def _both(size: int, md: Callable[[int], Row] = _row, db: Callable[[int], Row] = _row, *, turned: bool = False) -> None:
    """Put so many bytes of rows into each queue, in place of all others."""
    count = max(1, size // _ROW)
    numbers = range(count - 1, -1, -1) if turned else range(count)
    Path("QUEUE.md").write_bytes(markdown([list(md(number)) for number in range(count)]))
    with closing(sqlite3.connect("queue.db")) as connection:
        connection.execute("DELETE FROM queue_items")
        connection.executemany(_INSERT, ((*db(number), *_STAMPS) for number in numbers))
        connection.commit()


def _cell(size: int, text: str) -> None:
    """Make one cell of the database huge."""
    with closing(sqlite3.connect("queue.db")) as connection:
        connection.execute(
            "UPDATE queue_items SET notes = ? WHERE id = 'ORCH-102'", (text * (size // len(text.encode())),)
        )
        connection.commit()


def _events(size: int, kind: str, of: Callable[[int], str]) -> None:
    """Put so many bytes of events into the database."""
    with closing(sqlite3.connect("queue.db")) as connection:
        count = max(1, size // 60)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.executemany(_EVENT, ((of(number), kind, "{}", "2026-01-01 10:30") for number in range(count)))
        connection.commit()


def _schema(size: int) -> None:
    """Put so many bytes of other tables into the database."""
    with closing(sqlite3.connect("queue.db", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for number in range(max(1, size // 4096)):
            connection.execute(f"CREATE TABLE t{number} (a, b)")
        connection.execute("COMMIT")


SHAPES: dict[str, Shape] = {
    "rows that the document lacks": Shape(database_rows, CHECK, 1),
    "rows that the document lacks, all shown": Shape(database_rows, [*_COMPARE, "--max-details", "0"], 1),
    "rows on both sides": Shape(_both, CHECK, 0),
    "rows on both sides in another order": Shape(partial(_both, turned=True), CHECK, 0),
    "rows that all differ": Shape(partial(_both, db=partial(_row, task="other")), CHECK, 1),
    "rows that all differ, shown": Shape(
        partial(_both, db=partial(_row, task="other")), [*_COMPARE, "--max-details", "0"], 1
    ),
    "rows that all differ, turned": Shape(partial(_both, db=partial(_row, task="other"), turned=True), CHECK, 1),
    "ids with blanks around them": Shape(partial(_both, db=lambda number: _row(number, id=f" A-{number} ")), CHECK, 0),
    "rows that differ in blanks": Shape(partial(_both, db=partial(_row, task=" t")), CHECK, 0),
    "rows with pipes in another order": Shape(
        partial(_both, md=partial(_row, task="a|b"), db=partial(_row, task="a|b"), turned=True), CHECK, 0
    ),
    "other rows on both sides": Shape(partial(_both, db=lambda number: _row(number, id=f"B-{number}")), CHECK, 1),
    "stale rows": Shape(partial(database_rows, of=partial(_row, status="IN_PROGRESS")), KPI, 0),
    "pending rows": Shape(
        partial(database_rows, of=partial(_row, status="PENDING", started_at_kst="2025-01-01 00:00")), KPI, 0
    ),
    "workers of the database": Shape(
        partial(database_rows, of=lambda number: _row(number, "IN_PROGRESS", owner_session=f"w{number}")),
        [*_DB, "workers"],
        0,
    ),
    "rows with a defect in the database": Shape(partial(database_rows, of=partial(_row, status="OPEN")), CHECK, 3),
    "a cell of text in the database": Shape(partial(_cell, text="a"), CHECK, 0),
    "a cell of pipes in the database": Shape(partial(_cell, text="|"), CHECK, 0),
    "a cell of line breaks": Shape(partial(_cell, text="\n"), CHECK, 0),
    "a cell of controls in the database": Shape(partial(_cell, text="\x1b"), [*_COMPARE, "--fields", "all"], 1),
    "a cell of the database, changed": Shape(partial(_cell, text="a | "), [*_DB, "cancel", "--id", "ORCH-102"], 0),
    "a mistyped id in a database": Shape(database_rows, [*_DB, "cancel", "--id", "A-x"], 5),
    "retries": Shape(partial(_events, kind="retried", of="A-{}".format), KPI, 0),
    "retries of one item": Shape(partial(_events, kind="retried", of=lambda _number: "DB-1"), KPI, 0),
    "events of one item": Shape(
        partial(_events, kind="picked", of=lambda _number: "ORCH-102"), [*_DB, "cancel", "--id", "ORCH-102"], 0
    ),
    "ids of one prefix in the database": Shape(
        partial(database_rows, of=lambda number: _row(number, id="A-" * 30 + str(number))), CHECK, 1
    ),
    "other tables": Shape(_schema, CHECK, 0),
}
