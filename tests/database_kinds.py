"""The same test with the queue in a file and on a server: what it makes, runs and reads goes to either.

A test marked `every_database` runs twice. On the server, the path of the database stands for its location: in the
words of a command, in the environment, in SQL that is run on it; and in what a command prints for the name that people
are shown, so that a test expects the same bytes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import ops_checks
from ops_checks.model import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postgres_server import Database

    from ops_checks.model import Item

DB = "automation/orchestrator/db/queue.db"
SCHEMA = (Path(ops_checks.__file__).parent / "stores" / "postgres" / "schema.sql").read_text()

every_database = pytest.mark.parametrize("database_kind", ["sqlite", "postgres"], indirect=True)


class InFile:
    """The queue is in a file: every word stands for itself."""

    def there(self, word: str) -> str:
        """Return a word of a command as it is given."""
        return word

    def back(self, text: str) -> str:
        """Return what was printed as the test expects it."""
        return text


class OnServer(InFile):
    """The queue is on a server, in the place of the file at DB."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def there(self, word: str) -> str:
        """Return the location for the path of the database."""
        return self._database.location() if os.path.normpath(word).endswith(DB) else word

    def back(self, text: str) -> str:
        """Return the path for the name that people are shown."""
        return text.replace(f"postgresql:{self._database.name}", DB)

    def make_database(
        self, path: Path, items: Iterable[Item], columns: Mapping[str, Mapping[str, Any]] | None = None
    ) -> str:
        """Do what `builders.make_database` does."""
        self._database.execute(SCHEMA)
        for each in items:
            values = dict(zip(FIELDS, each, strict=True))
            values |= {"created_at": "2026-01-01 00:00", "updated_at": "2026-01-01 00:00"} | (columns or {}).get(
                each.id, {}
            )
            marks = ", ".join(["%s"] * len(values))
            self._database.execute(
                f"INSERT INTO queue_items ({', '.join(values)}) VALUES ({marks})", [*values.values()]
            )
        return str(path)

    def execute(self, _path: Path | str, script: str) -> None:
        """Do what `builders.execute` does."""
        self._database.execute(script)

    def select(self, _path: Path | str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Do what `builders.select` does."""
        return self._database.execute(query.replace("?", "%s"), values or None)


@pytest.fixture(autouse=True)
def database_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> InFile:
    """Return where the queue of a test is: in a file, unless it is marked `every_database`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return InFile()
    from ops_checks.stores.postgres.transaction import PostgresTransaction

    kind = OnServer(request.getfixturevalue("pg_database"))
    for name in ("make_database", "execute", "select"):
        monkeypatch.setattr(request.module, name, getattr(kind, name), raising=False)
    # Where a test lets a transaction fail, it is the server's.
    monkeypatch.setattr(request.module, "SqliteTransaction", PostgresTransaction, raising=False)
    request.getfixturevalue("folder")  # it empties the environment
    monkeypatch.setenv("ORCH_DB_PATH", kind.there(DB))
    return kind
