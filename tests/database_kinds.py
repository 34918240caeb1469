"""The same test with the queue in a file and on a server: what it makes, runs and reads goes to either.

A test marked `every_database` runs twice. On the server, the path of each database that the test makes stands for the
location of a queue: in the words of a command, in SQL, in what stands in a folder, and in the environment if it is the
default; and in what a command prints for the name that people are shown, so that a test expects the same bytes. The
server's clock stands still where the test's does.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest
from builders import aged
from conftest import NOW_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import LiteralString

    from postgres_queues import PgQueue

    from ops_checks.model import Item

DB = "automation/orchestrator/db/queue.db"
#: Leases are judged by the server's clock: what is in a queue's schema is found before what the server has itself.
_CLOCK = "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.to_timestamp({})'"
_SERVER_LAST = "-csearch_path=pg_catalog"
#: The modules whose databases are the test's, besides its own.
_HELPERS = ("builders", "event_histories", "real_queues", "reconcile_checks")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"

every_database = pytest.mark.parametrize("database_kind", ["sqlite", "postgres"], indirect=True)


class InFile:
    """The queue is in a file: every word stands for itself."""

    def there(self, word: str) -> str:
        """Return a word of a command as it is given."""
        return word

    def back(self, text: str) -> str:
        """Return what was printed as the test expects it."""
        return text

    def printed(self, text: str) -> str:
        """Return what `back` was given."""
        return text

    def clock(self, now_s: float) -> None:
        """Let the clock of a database that has one, and is made then, stand still at a time in epoch seconds."""


class OnServer(InFile):
    """The queues are on a server, each in the place of the file that it was made as."""

    def __init__(self, make_queue: Callable[..., PgQueue], environment: pytest.MonkeyPatch) -> None:
        self._make_queue = make_queue
        self._environment = environment
        self._now_s: float = NOW_S
        self._queues: dict[str, PgQueue] = {}
        self._paths: dict[str, str] = {}

    def there(self, word: str) -> str:
        """Return the location for the path of a database; people are shown the path as it is written here."""
        option, path = ("--db=", word[5:]) if word.startswith("--db=") else ("", word)
        queue = self._queues.get(os.path.abspath(path))
        if queue is None:
            return word
        self._paths[queue.schema] = path
        return option + queue.location(options=_SERVER_LAST)

    def back(self, text: str) -> str:
        """Return the paths for the names that people are shown."""
        return re.sub(r"postgresql:\w+ schema (queue_\d+)", lambda found: self._paths[found[1]], text)

    def printed(self, text: str) -> str:
        """Return the names that people are shown for the paths."""
        for schema, path in self._paths.items():
            text = text.replace(path, f"postgresql:{self._queues[os.path.abspath(path)].database.name} schema {schema}")
        return text

    def clock(self, now_s: float) -> None:
        """Let the server's clock stand still at another time."""
        self._now_s = now_s

    def make_database(self, path: Path, items: Iterable[Item], columns: dict[str, dict[str, Any]] | None = None) -> str:
        """Do what `builders.make_database` does. What would be there by default is named by the environment."""
        queue = self._make_queue()
        queue.execute(_CLOCK.format(self._now_s))
        queue.add(items, columns)
        self._queues[os.path.abspath(path)] = queue
        location = self.there(os.path.relpath(path))
        if os.path.relpath(path) == DB:
            self._environment.setenv("ORCH_DB_PATH", location)
        return str(path)

    def aged(self, path: Path) -> str:
        """Do what `builders.aged` does: a queue on a server is not waited for."""
        return str(path) if os.path.abspath(path) in self._queues else aged(path)

    def execute(self, path: Path | str, script: str) -> None:
        """Do what `builders.execute` does."""
        self._queue(path).execute(script)

    def insert(self, path: Path | str, table: str, names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        """Do what `builders.insert` does."""
        columns = list(names)
        marks = ", ".join(["%s"] * len(columns))
        with self._queue(path).connect() as connection, connection.cursor() as cursor:
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
            cursor.executemany(cast("LiteralString", statement), [tuple(row) for row in rows])

    def select(self, path: Path | str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Do what `builders.select` does."""
        return self._queue(path).execute(query.replace("?", "%s"), *values)

    def and_queues(self, looks: Callable[[Any], Mapping[str, object]]) -> Callable[[Any], dict[str, object]]:
        """Return what tells of what stands in a folder, with all that stands in the queues."""

        def look(folder: Path | str) -> dict[str, object]:
            return {**looks(folder), **{path: contents(queue) for path, queue in self._queues.items()}}

        return look

    def _queue(self, path: Path | str) -> PgQueue:
        return self._queues[os.path.abspath(path)]


def contents(queue: PgQueue) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table of a queue."""
    return {name: queue.execute(f"SELECT * FROM {name} ORDER BY 1, 2") for (name,) in queue.execute(_TABLES)}


@pytest.fixture(autouse=True)
def database_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> InFile:
    """Return where the queue of a test is: in a file, unless it is marked `every_database`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return InFile()
    from ops_checks.stores.postgres.store import PostgresStore
    from ops_checks.stores.postgres.transaction import PostgresTransaction

    request.getfixturevalue("folder")  # it empties the environment
    kind = OnServer(request.getfixturevalue("pg_queue"), monkeypatch)
    for module in (request.module, *(sys.modules[name] for name in _HELPERS if name in sys.modules)):
        for name in ("make_database", "aged", "execute", "insert", "select"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, getattr(kind, name))
        for name in ("digest", "everything"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, kind.and_queues(getattr(module, name)))
    # Where a test lets a store or a transaction fail, it is the server's.
    monkeypatch.setattr(request.module, "SqliteStore", PostgresStore, raising=False)
    monkeypatch.setattr(request.module, "SqliteTransaction", PostgresTransaction, raising=False)
    return kind
