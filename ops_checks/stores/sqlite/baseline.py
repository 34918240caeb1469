"""Record an agreement in the queue database (RECONCILE section 3)."""

from __future__ import annotations

from ops_checks.model import DASHED, FIELDS, NOTHING
from ops_checks.stores.baseline import AGREED
from ops_checks.stores.relational.agreement import CELLS, COLUMNS, ROWS, NewBaseline, row_digest
from ops_checks.stores.sqlite.dialect import SQLITE
from ops_checks.stores.tables import EVENTS, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from ops_checks.stores.relational.agreement import Stamp


class SqliteBaseline(NewBaseline):
    """Records an agreement inside an open write transaction of the database; nothing is committed here."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        super().__init__(connection, path, SQLITE)
        self._sqlite = connection

    def _save_equal(self, differing: Collection[str], ordinals: Iterable[tuple[str, int]], stamp: Stamp) -> None:
        """Save every item that is equal on both sides, in one statement: a million rows in little memory."""
        self._stage(differing, ordinals)
        cells = [f"coalesce(nullif(q.{name}, ''), '{NOTHING}')" if name in DASHED else f"q.{name}" for name in CELLS]
        texts = ", ".join(cells)
        pairs = [f"b.{name} IS {cell}" for name, cell in zip(CELLS, cells, strict=True)]
        same = " AND ".join([*pairs, f"b.row_digest = row_digest(q.id, {texts})"])
        updates = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
        self._connection.execute(
            f"INSERT INTO {ROWS} ({', '.join(COLUMNS)}) "
            f"SELECT q.id, '{AGREED}', coalesce(d.ordinal, 0), {texts}, row_digest(q.id, {texts}), ?, ?, ? "
            f"FROM {TABLE} q LEFT JOIN temp.document d ON d.item_id = q.id LEFT JOIN {ROWS} b ON b.item_id = q.id "
            f"LEFT JOIN (SELECT item_id, max(event_id) AS newest FROM {EVENTS} GROUP BY 1) e ON e.item_id = q.id "
            "WHERE q.id NOT IN (SELECT item_id FROM temp.differing) "
            f"AND NOT (b.item_id IS NOT NULL AND {same} AND coalesce(e.newest, 0) <= coalesce(b.event_id, 0)) "
            f"ON CONFLICT (item_id) DO UPDATE SET {updates}",
            stamp,
        )
        self._connection.execute(
            f"DELETE FROM {ROWS} WHERE item_id NOT IN (SELECT id FROM {TABLE}) "
            "AND item_id NOT IN (SELECT item_id FROM temp.differing)"
        )

    def _stage(self, differing: Collection[str], ordinals: Iterable[tuple[str, int]]) -> None:
        """Put the ids that differ, and the places of the document's, into tables that only this connection sees."""
        run = self._sqlite.execute
        self._sqlite.create_function("row_digest", len(FIELDS), row_digest, deterministic=True)
        run("CREATE TEMP TABLE IF NOT EXISTS document (item_id TEXT PRIMARY KEY, ordinal INTEGER) WITHOUT ROWID")
        run("CREATE TEMP TABLE IF NOT EXISTS differing (item_id TEXT PRIMARY KEY) WITHOUT ROWID")
        run("DELETE FROM temp.document")
        run("DELETE FROM temp.differing")
        self._sqlite.executemany("INSERT OR REPLACE INTO temp.document VALUES (?, ?)", ordinals)
        self._sqlite.executemany("INSERT INTO temp.differing VALUES (?)", ((each,) for each in differing))
