"""The stage of campaigns on a PostgreSQL server: a queue of some items; its state is read without the program."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.campaigns import stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.postgres_server import Database

_SCHEMA = Path(__file__).parents[2] / "ops_checks/stores/postgres/schema.sql"
_DROP = "DROP TABLE IF EXISTS queue_items, queue_events, queue_baselines, queue_baseline, queue_reconcile CASCADE"
_ITEM = f"{', '.join(stage.HEAD)}, lease_owner, lease_expires_at, attempt_count"
_BASE = ("queue_baselines", "queue_baseline", "queue_reconcile")


def lay_down(database: Database, rows: Sequence[Sequence[str]] = stage.ROWS) -> None:
    """Make the tables anew, with items."""
    names, marks = ", ".join(stage.HEAD), ", ".join(["%s"] * len(stage.HEAD))
    with database.connect() as connection:
        connection.execute(_DROP.encode())
        connection.execute(_SCHEMA.read_bytes())
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO queue_items ({names}, created_at, updated_at) "
                f"VALUES ({marks}, '2026-01-01 08:00', '2026-01-01 11:00')".encode(),
                rows,
            )


class State(NamedTuple):
    """Both queues, the events, the base by unit and the plans; ids of operations and times, which differ, are out."""

    document: str
    items: list[tuple[Any, ...]]
    events: list[tuple[Any, ...]]
    base: list[tuple[Any, ...]]
    plans: list[tuple[Any, ...]]


def state(database: Database, queue: str | None = None) -> State:
    """Read the state."""
    with database.connect() as connection:

        def read(query: str) -> list[tuple[Any, ...]]:
            return [tuple(map(_anonymous, row)) for row in connection.execute(query.encode()).fetchall()]

        there = {name for name in _BASE if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,)}
        return State(
            _anonymous(Path(queue).read_text(encoding="utf-8")) if queue and os.path.exists(queue) else "",
            read(f"SELECT {_ITEM} FROM queue_items ORDER BY id"),
            read("SELECT item_id, event_type, payload_json FROM queue_events ORDER BY event_id"),
            read("SELECT item_id, state, status, notes FROM queue_baseline ORDER BY item_id")
            if "queue_baseline" in there
            else [],
            read("SELECT state FROM queue_reconcile ORDER BY plan_id") if "queue_reconcile" in there else [],
        )


def _anonymous(cell: Any) -> Any:
    return re.sub(r"(op|p)-[0-9a-f]{16}", r"\1", cell) if isinstance(cell, str) else cell
