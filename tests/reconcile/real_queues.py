"""The worked cases of RECONCILE on real files: a document and a SQLite database in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builders import aged, execute, insert, make_database, make_markdown, select
from database_kinds import InFile
from worked_cases import NOW_S, item

from ops_checks.model import FIELDS
from ops_checks.policy.model import ConsistencyPolicy, Policy
from ops_checks.reconcile.agreement import record
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ops_checks.context import Context

    Row = Mapping[str, Any]

_LEASE = ("lease_owner", "lease_expires_at", "attempt_count", "max_attempts")
LEASE_DEFAULTS = {"lease_owner": None, "lease_expires_at": None, "attempt_count": 0, "max_attempts": 3}


class Queues:
    """Both queues in a folder."""

    def __init__(self, folder: Path, kind: InFile | None = None) -> None:
        self.md = folder / "QUEUE.md"
        self.db = folder / "queue.db"
        self._kind = kind or InFile()
        self._kind.clock(NOW_S)
        self._is_made = False

    def context(self, **environ: str) -> Context:
        """Return their context at the moment of the cases."""
        policy = Policy(consistency=ConsistencyPolicy(settle_s=0))  # nobody else writes
        db = self._kind.there(str(self.db))
        return resolve(environ, policy, queue=str(self.md), db=db, now_s=NOW_S, actor="kim", lock_timeout_s=0)

    def write_md(self, rows: Iterable[Row]) -> None:
        """Write the document."""
        make_markdown(self.md, map(item, rows))
        aged(self.md)

    def write_db(self, rows: Iterable[Row]) -> None:
        """Make the items of the database these; what else it holds stays."""
        rows = list(rows)
        if not self._is_made:
            make_database(self.db, map(item, rows))
            self._is_made = True
        execute(self.db, "DELETE FROM queue_items")
        for row in rows:
            columns = {name: row[name] for name in FIELDS} | LEASE_DEFAULTS
            columns |= {name: row[name] for name in _LEASE if name in row}
            columns |= {"created_at": "2026-11-01 10:00", "updated_at": "2026-11-01 10:00"}
            insert(self.db, "queue_items", columns, [columns.values()])
        aged(self.db)

    def agree(self, rows: Iterable[Row]) -> None:
        """Let both queues hold these rows, and record them as agreed."""
        rows = list(rows)
        self.write_md(rows)
        self.write_db(rows)
        record(self.context())

    def rows(self, side: str) -> list[dict[str, Any]]:
        """Return the rows of a side; of the document in its order, of the others by id."""
        context = self.context()
        if side == "md":
            return [dict(zip(FIELDS, each, strict=True)) for each in context.md_store]
        if side == "db":
            found = select(self.db, f"SELECT {', '.join((*FIELDS, *_LEASE))} FROM queue_items")
            return [
                dict(zip((*FIELDS, *_LEASE), each, strict=True)) for each in sorted(found, key=lambda each: each[0])
            ]
        names = ("item_id", *FIELDS[1:])
        found = select(self.db, f"SELECT {', '.join(names)} FROM queue_baseline")
        return [dict(zip(FIELDS, each, strict=True)) for each in sorted(found, key=lambda each: each[0])]
