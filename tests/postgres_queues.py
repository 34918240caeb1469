"""Queues in PostgreSQL for tests: each in a schema of its own of one database, which costs less than a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ops_checks
from ops_checks.model import FIELDS
from ops_checks.stores.registry import POSTGRES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import LiteralString

    import psycopg
    from postgres_server import Database

    from ops_checks.model import Item
    from ops_checks.stores.protocol import Store

SCHEMA = (Path(ops_checks.__file__).parent / "stores" / "postgres" / "schema.sql").read_text(encoding="utf-8")
#: What every item has that names no more.
CREATED = {"created_at": "2026-01-01 00:00", "updated_at": "2026-01-01 00:00"}


class PgQueue:
    """The tables of one queue, in a schema of a database."""

    def __init__(self, database: Database, schema: str) -> None:
        self.database = database
        self.schema = schema

    def location(self, **changes: object) -> str:
        """Return the queue as a user names it, changed as `Database.location` does."""
        location = self.database.location(**changes)
        return f"{location}{'&' if '?' in location else '?'}schema={self.schema}"

    def store(self, lock_timeout_s: float = 0.2, **changes: object) -> Store:
        """Return the queue as a store."""
        return POSTGRES.open(self.location(**changes), lock_timeout_s=lock_timeout_s)

    def connect(self, **changes: object) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection that finds the tables by their names; the caller closes it."""
        return self.database.connect(**{"options": f"-csearch_path={self.schema}", **changes})

    def execute(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run SQL on the tables and return the rows of its last statement. Several need no `values`."""
        options = f"-csearch_path={self.schema},public"
        return self.database.execute(sql, values or None, options=options)

    def add(
        self, items: Iterable[Item | Sequence[str | None]], columns: dict[str, dict[str, Any]] | None = None
    ) -> None:
        """Insert items in the order given; `columns` names more columns by item id."""
        with self.connect() as connection, connection.transaction(), connection.cursor() as cursor:
            for each in items:
                values = dict(zip(FIELDS, each, strict=True)) | CREATED | (columns or {}).get(str(each[0]), {})
                marks = ", ".join(["%s"] * len(values))
                sql = f"INSERT INTO queue_items ({', '.join(values)}) VALUES ({marks})"
                cursor.execute(cast("LiteralString", sql), (*values.values(),))

    def contents(self) -> list[tuple[Any, ...]]:
        """Return every row of items and events, in an order."""
        return [
            *self.execute('SELECT * FROM queue_items ORDER BY id COLLATE "C"'),
            *self.execute("SELECT * FROM queue_events ORDER BY event_id"),
        ]


def make_queue(database: Database, schema: str, items: Iterable[Item] = (), *, tables: str = SCHEMA) -> PgQueue:
    """Make a queue of items in a new schema of a database, in tables of FORMATS section 2 unless others are given."""
    database.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}, public; {tables}")
    queue = PgQueue(database, schema)
    queue.add(items)
    return queue
