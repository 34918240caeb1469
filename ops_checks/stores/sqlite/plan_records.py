"""The applied plans, in the queue database (RECONCILE section 3)."""

from __future__ import annotations

from ops_checks.errors import InputError
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import PREPARED, PlanRecord
from ops_checks.stores.sqlite.connection import columns_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

PLANS = "queue_reconcile"
_COLUMNS = ("plan_id", "state", "made_at", "actor", "plan_json", "base_before_json", "md_before", "md_after")
_NAMES = ", ".join(_COLUMNS)
_CREATE = f"""
CREATE TABLE IF NOT EXISTS {PLANS} (
    plan_id TEXT PRIMARY KEY NOT NULL,
    {", ".join(f"{name} TEXT NOT NULL" for name in _COLUMNS[1:])}
)
"""


class PlanRecords:
    """The records of applied plans inside a transaction. Raises InputError for a table that is something else."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    def find(self, plan_id: str) -> PlanRecord | None:
        """Return the record of a plan, or None."""
        return self._one("plan_id", plan_id)

    def prepared(self) -> PlanRecord | None:
        """Return the record of the plan whose application was interrupted, or None."""
        return self._one("state", PREPARED)

    def latest(self, most: int) -> list[PlanRecord]:
        """Return the newest records, the newest first."""
        if not self._exists():
            return []
        rows = self._connection.execute(f"SELECT {_NAMES} FROM {PLANS} ORDER BY rowid DESC LIMIT ?", (most,))
        return [PlanRecord(*row) for row in rows]

    def save(self, record: PlanRecord) -> None:
        """Save a record in place of an older one of the same plan."""
        self._connection.execute(_CREATE)
        marks = ", ".join("?" * len(_COLUMNS))
        self._connection.execute(f"INSERT OR REPLACE INTO {PLANS} ({_NAMES}) VALUES ({marks})", record)

    def probe(self) -> None:
        """Write as a record would be written, for a transaction that is not committed."""
        self.save(PlanRecord("", PREPARED, *[""] * (len(_COLUMNS) - 2)))

    def delete(self, plan_id: str) -> None:
        """Delete a record of which nothing was applied."""
        self._connection.execute(f"DELETE FROM {PLANS} WHERE plan_id = ?", (plan_id,))

    def _one(self, column: str, value: str) -> PlanRecord | None:
        if not self._exists():
            return None
        row = self._connection.execute(f"SELECT {_NAMES} FROM {PLANS} WHERE {column} = ?", (value,)).fetchone()
        return None if row is None else PlanRecord(*row)

    def _exists(self) -> bool:
        query = "SELECT type FROM pragma_table_list(?) WHERE schema = 'main'"
        found = self._connection.execute(query, (PLANS,)).fetchall()
        if found and (found != [("table",)] or not columns_of(self._connection, PLANS) >= set(_COLUMNS)):
            raise InputError(f"{visible(self._path)}: {PLANS} is not what it was made as: restore it from a copy")
        return bool(found)
