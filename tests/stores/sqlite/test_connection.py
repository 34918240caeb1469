"""The limit of what one change may do in a database: far above what a trigger of an operator's own does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import execute, item, make_database, select

from ops_checks import open_queue
from ops_checks.transitions import Stamp, cancel

if TYPE_CHECKING:
    from pathlib import Path


def test_a_busy_trigger_is_let_to_end(tmp_path: Path) -> None:
    """A trigger that takes millions of steps is no runaway: its change is made."""
    path = make_database(tmp_path / "q.db", [item("A-1")])
    loop = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000) SELECT count(*) FROM c"
    execute(path, "CREATE TABLE counted (number INTEGER)")
    execute(path, f"CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN INSERT INTO counted {loop}; END")
    open_queue(path).change("A-1", cancel(Stamp(actor="a", now_s=0, tz_minutes=0)))
    assert select(path, "SELECT number FROM counted") == [(300_000,)]
