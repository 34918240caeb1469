"""Render the files that `init` makes: templates, Markdown queue, database (FORMATS sections 1 and 2)."""

from __future__ import annotations

import json
from importlib import resources
from itertools import chain

from ops_checks.context import DEFAULT_DB
from ops_checks.stores.markdown.table import render_head, render_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from ops_checks.model import Item

    Columns = Mapping[str, str | int | None]

ITEMS, EVENTS = "queue_items", "queue_events"


def template(name: str) -> bytes:
    """Return the content of a file in this package's `templates` folder, by name."""
    return resources.files("ops_checks.scaffold").joinpath("templates", name).read_bytes()


def policy(settings: Mapping[str, str]) -> bytes:
    """Return a commented policy; `settings` are the locations that it names, by key. Others stay comments."""
    lines = template("ops-checks.yaml").decode().split("\n")
    for key, location in settings.items():
        at = next(number for number, line in enumerate(lines) if line.startswith(f"# {key}: "))
        lines[at] = f"{key}: {json.dumps(location, ensure_ascii=False)}"
    return "\n".join(lines).encode()


def markdown(items: Iterable[Item], db: str = DEFAULT_DB) -> bytes:
    """Return a Markdown queue: the explanatory head, which names the database, and the table with the items."""
    return b"".join(markdown_chunks(items, db))


def markdown_chunks(items: Iterable[Item], db: str) -> Iterator[bytes]:
    """Yield what `markdown` returns, one row after the other."""
    named = f"`{db}`" if db.isprintable() and "`" not in db else "the queue database"
    yield template("QUEUE.md").replace(f"`{DEFAULT_DB}`".encode(), named.encode())
    for row in chain(render_head(), map(render_row, items)):
        yield (row + "\n").encode()


def database(items: Iterable[Columns], events: Iterable[Columns]) -> bytes:
    """Return the bytes of a queue database's file. It is built in memory: no incomplete file is ever on disk.

    `items` and `events` are columns by name; omitted ones have the schema's defaults.
    """
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(":memory:")) as connection:
        fill_database(connection, chain(((ITEMS, row) for row in items), ((EVENTS, row) for row in events)))
        return connection.serialize()


def write_database(path: str, rows: Iterable[tuple[str, Columns]]) -> None:
    """Make the tables of a queue and their rows in the existing, empty file at a path; see `fill_database`.

    Raises WriteError, and what iterating over the rows raises; the file is empty then.
    """
    import sqlite3
    from contextlib import closing

    from ops_checks.stores.sqlite.connection import Translated

    with Translated(path, writing=True), closing(sqlite3.connect(path)) as connection:
        fill_database(connection, rows)


def fill_database(connection: sqlite3.Connection, rows: Iterable[tuple[str, Columns]]) -> None:
    """Make the tables of a queue in an empty database, and their rows, in one transaction.

    `rows` are pairs of table and columns by name; omitted ones have the schema's defaults. Raises `sqlite3.Error`, and
    what iterating over the rows raises; then nothing is committed.
    """
    from ops_checks.stores.sqlite.new import make_tables

    make_tables(connection)
    for table, row in rows:
        marks = ", ".join("?" * len(row))
        statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608 - our own names
        connection.execute(statement, tuple(row.values()))
    connection.commit()
