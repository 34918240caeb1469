"""Render the files that `init` makes: templates, Markdown queue, database (FORMATS sections 1 and 2)."""

from __future__ import annotations

from importlib import resources

from ops_checks.stores.markdown.table import render_head, render_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ops_checks.model import Item

    Columns = Mapping[str, str | int | None]


def template(name: str) -> bytes:
    """Return the content of a file in this package's `templates` folder, by name."""
    return resources.files("ops_checks.scaffold").joinpath("templates", name).read_bytes()


def markdown(items: Iterable[Item]) -> bytes:
    """Return a Markdown queue: the explanatory head, and the table with the items."""
    rows = [*render_head(), *(render_row(item) for item in items)]
    return template("QUEUE.md") + "".join(row + "\n" for row in rows).encode()


def database(items: Iterable[Columns], events: Iterable[Columns]) -> bytes:
    """Return the bytes of a queue database's file. It is built in memory: no incomplete file is ever on disk.

    `items` and `events` are columns by name; omitted ones have the schema's defaults.
    """
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_schema())
        for table, rows in (("queue_items", items), ("queue_events", events)):
            for row in rows:
                marks = ", ".join("?" * len(row))
                statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608 - our own names
                connection.execute(statement, tuple(row.values()))
        connection.commit()
        return connection.serialize()


def _schema() -> str:
    return resources.files("ops_checks.stores.sqlite").joinpath("schema.sql").read_text(encoding="utf-8")
