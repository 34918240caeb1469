"""Queues for tests: the same list of items as a Markdown document, as a database, or as both."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ops_checks
from ops_checks.model import FIELDS, Item
from ops_checks.stores.markdown.table import render_head, render_row

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA = (Path(ops_checks.__file__).parent / "stores" / "sqlite" / "schema.sql").read_text()
HEAD = "| " + " | ".join(FIELDS) + " |"
DELIMITER = "|---|---|---|---|---|---|---|---|---|"
#: The columns that databases from before the reliability layer lack (FORMATS section 2).
RELIABILITY = ("lease_owner", "lease_expires_at", "attempt_count", "max_attempts", "idempotency_key", "last_error")


def item(item_id: str = "ORCH-1", status: str = "PENDING", priority: str = "P1", **cells: str) -> Item:
    """Return an item; what is not named is unremarkable."""
    plain = {"task": "task", "success_criteria": "done", "notes": ""} | dict.fromkeys(FIELDS[5:8], "-")
    named = plain | {"id": item_id, "status": status, "priority": priority} | cells
    return Item(named[field] for field in FIELDS)


def document(items: Iterable[Item]) -> str:
    """Return a Markdown document that holds the items, with prose before and after."""
    rows = [render_row(each) for each in items]
    return "\n".join(["# Queue", "", "Text before.", "", *render_head(), *rows, "", "Text after.", ""])


def table(*rows: str) -> str:
    """Return a document that is only the queue's table, with these rows as they are."""
    return "\n".join([HEAD, DELIMITER, *rows, ""])


def make_markdown(path: Path, items: Iterable[Item]) -> str:
    """Write the items as a Markdown queue and return its path."""
    path.write_bytes(document(items).encode("utf-8"))
    return aged(path)


def aged(path: Path) -> str:
    """Let a file be an hour old, so that nobody waits for who may have written it; return its path."""
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))
    return str(path)


def make_database(path: Path, items: Iterable[Item], columns: dict[str, dict[str, Any]] | None = None) -> str:
    """Write the items as a queue database and return its path; `columns` names more columns by item id."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"PRAGMA synchronous = OFF; BEGIN; {SCHEMA}")
        for each in items:
            values = dict(zip(FIELDS, each, strict=True))
            values |= {"created_at": "2026-01-01 00:00", "updated_at": "2026-01-01 00:00"}
            values |= (columns or {}).get(each.id, {})
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO queue_items ({', '.join(values)}) VALUES ({marks})", (*values.values(),))
    return aged(path)


def make_old_database(path: Path, items: Iterable[Item], absent: Iterable[str] = RELIABILITY) -> str:
    """Write a queue database from before the reliability layer, or with some columns only, and return its path."""
    make_database(path, items)
    execute(path, "DROP INDEX idx_queue_items_lease_expires_at; DROP INDEX idx_queue_items_idempotency_key")
    for name in absent:
        execute(path, f"ALTER TABLE queue_items DROP COLUMN {name}")
    return str(path)


def execute(path: Path | str, script: str) -> None:
    """Run SQL on a database."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA synchronous = OFF; {script}")


def insert(path: Path | str, table: str, names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Insert rows of some columns into a table of a database."""
    with closing(sqlite3.connect(path)) as connection, connection:
        columns = list(names)
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", map(tuple, rows))


def select(path: Path | str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query, values).fetchall()


def digest(folder: Path | str) -> dict[str, str]:
    """Return what stands in a folder: every name with its kind, mode and content, but for empty lock files.

    The lock beside a queue stays by design (SAFETY, writing the Markdown queue); it is no part of the queue.
    """
    found = {}
    for root, folders, names in os.walk(folder):
        for name in folders + names:
            path = Path(root, name)
            state = path.lstat()
            if name.endswith(".lock") and path.is_file() and state.st_size == 0:
                continue
            plain = path.is_file() and not path.is_symlink()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if plain else ""
            found[os.path.relpath(path, folder)] = f"{state.st_mode:o} {content}"
    return found
