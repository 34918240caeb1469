"""A base that is not the database's own, in a temporary database that only this process sees.

It is read as the tables of the last agreement are, a million rows in little memory (RECONCILE section 3).
"""

from __future__ import annotations

import sqlite3

from ops_checks.errors import InputError
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import AGREED, Counts
from ops_checks.stores.relational.agreement import ROWS, AgreementReader, insert_row, tables
from ops_checks.stores.sqlite.connection import Translated
from ops_checks.stores.sqlite.dialect import SQLITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from ops_checks.stores.baseline import AgreedRow, Baseline


class TemporaryBase:
    """The rows of a base; a context manager. `name` is what people know it by. Raises InputError for an id twice."""

    def __init__(self, name: str, baseline: Baseline, rows: Iterable[AgreedRow]) -> None:
        self.baseline = baseline
        self._name = name
        self._connection = sqlite3.connect("", isolation_level=None)  # on disk where it grows, and without a name
        try:
            with Translated(name, writing=False):
                self._fill(rows)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        """Return the base."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it."""
        self._connection.close()

    def reader(self, ids: Iterable[str], event_id: int | None = None) -> AgreementReader:
        """Return what reads it, for a database that has items of these ids.

        `event_id`: the newest event of the database at the base, where its rows name none.
        """
        return _Reader(self._connection, self._name, self.baseline, ids, event_id)

    def _fill(self, rows: Iterable[AgreedRow]) -> None:
        run = self._connection.execute
        run("PRAGMA synchronous = OFF")
        run("PRAGMA journal_mode = OFF")
        run("BEGIN")
        for statement in tables(SQLITE):
            run(statement)
        for row in rows:
            try:
                insert_row(self._connection, row)
            except sqlite3.IntegrityError as error:
                raise InputError(
                    f"{visible(self._name)}: {visible(row.cells[0] or '')} stands twice: a baseline has each item once"
                ) from error
        run("COMMIT")


class _Reader(AgreementReader):
    def __init__(
        self, connection: sqlite3.Connection, name: str, baseline: Baseline, ids: Iterable[str], event_id: int | None
    ) -> None:
        super().__init__(connection, name, SQLITE)
        self._baseline = baseline
        self._ids = ids
        self._event_id = event_id

    def baseline(self) -> Baseline:
        """Return the agreement."""
        return self._baseline

    def rows(self, ids: Iterable[str]) -> dict[str, AgreedRow]:
        """Return the agreed states of some items by id."""
        found = super().rows(ids)
        return {item_id: row._replace(event_id=row.event_id or self._event_id) for item_id, row in found.items()}

    def counts(self) -> Counts:
        """Return how many items were agreed wholly, in part, and wholly but are gone from the database."""
        run = self._connection.execute
        states = dict(run(f"SELECT state, count(*) FROM {ROWS} GROUP BY 1").fetchall())
        query = f"SELECT count(*) FROM {ROWS} WHERE item_id = ? AND state = '{AGREED}'"
        there = sum(run(query, (item_id,)).fetchone()[0] for item_id in self._ids)
        agreed = states.pop(AGREED, 0)
        return Counts(agreed, sum(states.values()), agreed - there)
