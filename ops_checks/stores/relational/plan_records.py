"""The applied plans, in the queue database (RECONCILE section 3)."""

from __future__ import annotations

from ops_checks.errors import InputError
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import PREPARED, PlanRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.stores.relational.dialect import Connection, Dialect

PLANS = "queue_reconcile"
PLAN_COLUMNS = ("plan_id", "state", "made_at", "actor", "plan_json", "base_before_json", "md_before", "md_after")
_NAMES = ", ".join(PLAN_COLUMNS)


def table(dialect: Dialect) -> str:
    """Return the statement that makes the table where it is not there."""
    return f"""
CREATE TABLE IF NOT EXISTS {PLANS} (
    plan_id {dialect.key},
    {", ".join(f"{name} TEXT NOT NULL" for name in PLAN_COLUMNS[1:])}{dialect.numbered}
)
"""


class PlanRecords:
    """The records of applied plans inside a transaction. Raises InputError for a table that is something else."""

    def __init__(self, connection: Connection, path: str, dialect: Dialect) -> None:
        self._connection = connection
        self._path = path
        self._dialect = dialect

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
        query = f"SELECT {_NAMES} FROM {PLANS} ORDER BY {self._dialect.in_order} DESC LIMIT ?"
        return [PlanRecord(*row) for row in self._connection.execute(query, (most,)).fetchall()]

    def save(self, record: PlanRecord) -> None:
        """Save a record in place of an older one of the same plan."""
        if not self._exists():
            self._connection.execute(table(self._dialect))
        self.delete(record.plan_id)
        marks = ", ".join("?" * len(PLAN_COLUMNS))
        self._connection.execute(f"INSERT INTO {PLANS} ({_NAMES}) VALUES ({marks})", record)

    def probe(self) -> None:
        """Write as a record would be written, for a transaction that is not committed."""
        self.save(PlanRecord("", PREPARED, *[""] * (len(PLAN_COLUMNS) - 2)))

    def delete(self, plan_id: str) -> None:
        """Delete a record: nothing of it was applied, or a newer state takes its place."""
        self._connection.execute(f"DELETE FROM {PLANS} WHERE plan_id = ?", (plan_id,))

    def _one(self, column: str, value: str) -> PlanRecord | None:
        if not self._exists():
            return None
        row = self._connection.execute(f"SELECT {_NAMES} FROM {PLANS} WHERE {column} = ?", (value,)).fetchone()
        return None if row is None else PlanRecord(*row)

    def _exists(self) -> bool:
        found = self._dialect.columns(self._connection, PLANS)
        if found is not None and not found >= set(PLAN_COLUMNS):
            raise InputError(f"{visible(self._path)}: {PLANS} is not what it was made as: restore it from a copy")
        return found is not None
