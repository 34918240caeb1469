"""`init` on a server, and `init --from` between all kinds of stores: with events, baseline and plans."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from builders import execute, item, make_database, make_markdown, make_old_database, select

from ops_checks.stores.sqlite.new import NewSqliteQueue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told
    from postgres_server import Database

    Run = Callable[..., Told]

QUEUE, DB = "automation/orchestrator/QUEUE.md", "automation/orchestrator/db/queue.db"
ADD = (
    "INSERT INTO queue_items (id, status, priority, task, success_criteria, created_at, updated_at) "
    "VALUES ('NEW', 'PENDING', 'P1', 't', 'c', '2026-01-01 00:00', '2026-01-01 00:00'); "
    "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES ('NEW', 'added', '{}', 'x')"
)
TABLES = ("queue_items", "queue_events", "queue_baselines", "queue_baseline", "queue_reconcile")


def rows(path: Path | str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a queue in a file."""
    with closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in TABLES}


def test_a_project_on_a_server(folder: Path, run: Run, pg_database: Database) -> None:
    """The policy names the location as it was given, people are shown its name; called again, all is kept."""
    location = pg_database.location(schema="ops")
    shown = f"postgresql:{pg_database.name} schema ops"
    told = run("init", "--db", location)
    assert (told.code, told.err) == (0, "")
    assert [line for line in told.out.splitlines() if "postgresql" in line] == [f"made {shown}"]
    assert f"db: {json.dumps(location)}\n" in (folder / "ops-checks.yaml").read_text()
    assert f"`{shown}`" in (folder / QUEUE).read_text()
    assert not (folder / DB).parent.exists()
    assert run("consistency-check").out == "consistency ok total=0\n"
    again = run("init", "--db", location)
    assert {line.split()[0] for line in again.out.splitlines()} == {"kept"}
    answer = json.loads(run("init", "-f", "json").out)
    assert answer["db"] == shown
    assert {"path": shown, "outcome": "kept"} in answer["files"]


def test_a_server_that_cannot_be_reached(folder: Path, run: Run) -> None:
    """Nothing is laid down for it: what names it would be kept when it is named again."""
    told = run("init", "--db", f"postgresql:///ops?host={folder}")
    assert (told.code, told.out) == (3, "")
    assert told.err.startswith("error: postgresql:ops: the server cannot be reached")
    assert list(folder.iterdir()) == []


def test_the_demo_on_a_server(run: Run, pg_database: Database) -> None:
    """It is the demo of a file: the same items with the same history."""
    run("init", "--demo", "--db", pg_database.location())
    run("init", "--demo", "--db", "file/q.db")
    for command in (("status",), ("workers",), ("show", "ORCH-006"), ("show", "ORCH-005")):
        one, other = (run(*command, "--db", db) for db in (pg_database.location(), "file/q.db"))
        assert one.code == 0
        assert one.out.replace(f"postgresql:{pg_database.name}", "file/q.db") == other.out
    assert other.out.count("lease_renewed") > 0


@pytest.mark.parametrize("arguments", [("init", "--db"), ("init", "--from"), ("init", "--demo", "--db")])
@pytest.mark.parametrize("secret", ["postgresql://me:sesame@host/ops", "service=ops password=sesame"])
def test_a_password_is_refused(folder: Path, run: Run, arguments: tuple[str, ...], secret: str) -> None:
    """Nothing is made, and it is not shown."""
    told = run(*arguments, secret)
    assert told.code == 4
    assert "holds a password" in told.err
    assert "sesame" not in told.err + told.out
    assert list(folder.iterdir()) == []


def test_there_and_back(folder: Path, run: Run, pg_database: Database) -> None:
    """A queue with history, leases, a baseline and an applied plan comes back from a server as it went there."""
    run("init", "--demo")
    run("baseline")
    run("reconcile", "plan", "--prefer", "ORCH-017=db", "-o", "plan.json")
    assert run("reconcile", "apply", "plan.json").code == 1
    run("cancel", "--id", "ORCH-018", "--both")
    execute(DB, "UPDATE queue_items SET lease_owner = 'w', idempotency_key = 'k', last_error = 'E' WHERE id='ORCH-001'")
    there = run("init", "--from", DB, "--db", pg_database.location(schema="ops"))
    assert (there.code, there.out.splitlines()[-2:]) == (
        0, [f"made postgresql:{pg_database.name} schema ops", "baseline b-2 agreed=29 unagreed=2"]
    )  # fmt: skip
    assert run("init", "--from", pg_database.location(schema="ops"), "--db", "back.db").code == 0
    assert rows("back.db") == rows(DB)
    server = pg_database.location(schema="ops")
    for command in (("list", "-f", "json"), ("show", "ORCH-001"), ("drift",), ("consistency-check", "--fields", "all")):
        name = "--db-path" if command[0] in {"drift", "consistency-check"} else "--db"
        one, other = (run(*command, name, db) for db in (DB, server))
        shown = one.out.replace(DB, f"postgresql:{pg_database.name} schema ops")
        assert (other.code, without_left(other.out)) == (one.code, without_left(shown))
    # What was written goes on there: the newest operation and the plan can be taken back.
    assert run("undo", "--id", "ORCH-018", "--db-path", server).code == 0
    plan = json.loads((folder / "plan.json").read_text())["plan_id"]
    assert run("undo", "--plan", plan, "--db-path", server).code == 0


def without_left(text: str) -> str:
    """Return a text without what leases have left, which the server says by its own clock."""
    return re.sub(r'"lease_left_s": .+', "", text)


def test_every_other_direction(folder: Path, run: Run, pg_database: Database) -> None:
    """A document makes a queue on a server, that one another there and a document, and a file another file."""
    odd = [
        item("T-2", "IN_PROGRESS", owner_session="s1", task="한 | \\ `a|b` \\N\t\x1b ::error::", notes="a / b"),
        item("T-1", "DONE", task="", notes="x"),
        item("t 'q\" %s {}", task="😀 é e\u0301 \u200b"),
    ]
    make_markdown(folder / "Q.md", odd)
    one, other = pg_database.location(schema="one"), pg_database.location(schema="other")
    assert run("init", "--from", "Q.md", "--db", one).out.splitlines()[-1:] == ["baseline b-1 agreed=3 unagreed=0"]
    assert run("consistency-check", "--fields", "all").out == "consistency ok total=3\n"
    assert run("drift").out.startswith("drift ok total=3 base=b-1")
    assert run("init", "--from", one, "--db", other).code == 0
    assert pg_database.execute("SELECT * FROM one.queue_events") == pg_database.execute(
        "SELECT * FROM other.queue_events"
    )
    told = run("init", "--from", other, "--queue", "back/Q.md")
    assert told.code == 0
    assert run("consistency-check", "--queue-path", "back/Q.md", "--db-path", one, "--fields", "all").code == 0
    assert [line for line in (folder / "back/Q.md").read_text().splitlines() if "T-2" in line]
    assert run("init", "--from", other, "--db", "a.db").code == 0
    assert run("init", "--from", "a.db", "--db", "b.db").code == 0
    assert rows("a.db") == rows("b.db")


def test_what_is_there_is_kept(folder: Path, run: Run, pg_database: Database) -> None:
    """A queue on a server is never written over, whatever the source is."""
    make_markdown(folder / "Q.md", [item("T-1")])
    make_database(folder / "q.db", [item("T-2")])
    run("init", "--from", "Q.md", "--db", pg_database.location())
    for source in ("Q.md", "q.db"):
        told = run("init", "--from", source, "--db", pg_database.location())
        assert told.code == 5
        assert told.err.startswith(f"error: postgresql:{pg_database.name}: is there already, and is kept")
    assert pg_database.execute("SELECT id FROM queue_items") == [("T-1",)]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("UPDATE queue_items SET task = 'a' || char(0)", "task of T-1 in queue_items holds a NUL character"),
        ("UPDATE queue_items SET last_error = CAST(x'61ff' AS TEXT)", "last_error of T-1 in queue_items is no UTF-8"),
        (
            "UPDATE queue_items SET lease_expires_at = 'soon'",
            "lease_expires_at of T-1 in queue_items is no",
        ),
        ("UPDATE queue_items SET status = 'OPEN'", "q.db:queue_items:T-1: status 'OPEN'"),
        (
            "INSERT INTO queue_events VALUES (3, 'T-1', 'x', char(0), 'x')",
            "payload_json of 3 in queue_events holds",
        ),
        ("DROP TABLE queue_events", "q.db: no table queue_events"),
    ],
)
def test_what_no_server_can_hold(folder: Path, run: Run, pg_database: Database, script: str, message: str) -> None:
    """It is told in one line that names the item or the event, and nothing is made."""
    make_database(folder / "q.db", [item("T-1")])
    execute("q.db", script)
    told = run("init", "--from", "q.db", "--db", pg_database.location())
    assert told.code == 3
    assert message in told.err
    assert told.err.count("\n") == 1
    assert pg_database.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    assert [path.name for path in folder.iterdir()] == ["q.db"]


def test_an_old_database_with_more_columns_and_orphans(folder: Path, run: Run, pg_database: Database) -> None:
    """What it lacks has its default, an event without its item is copied, and what is not copied is told."""
    make_old_database(folder / "q.db", [item("T-1")])
    execute("q.db", "ALTER TABLE queue_items ADD team; INSERT INTO queue_events VALUES (9, 'gone', 'added', '{}', 'x')")
    told = run("init", "--from", "q.db", "--db", pg_database.location())
    assert told.code == 0
    assert "note: q.db: not copied, because no queue of ours has them: queue_items.team\n" in told.err
    assert f"note: {QUEUE}: is not there, and a copy makes none\n" in told.err
    assert pg_database.execute("SELECT attempt_count, max_attempts, last_error FROM queue_items") == [(0, 3, "")]
    assert pg_database.execute("SELECT event_id, item_id FROM queue_events") == [(9, "gone")]


def test_a_plan_that_was_interrupted_is_not_copied(folder: Path, run: Run, pg_database: Database) -> None:
    """It would be finished on two queues: it is resumed where it was begun, first."""
    run("init", "--demo")
    run("baseline")
    columns = "plan_id, state, made_at, actor, plan_json, base_before_json, md_before, md_after"
    execute(DB, f"CREATE TABLE queue_reconcile ({columns})")
    execute(DB, "INSERT INTO queue_reconcile VALUES ('p-1', 'prepared', '', '', '', '', '', '')")
    told = run("init", "--from", DB, "--db", pg_database.location())
    assert (told.code, told.err) == (5, "error: p-1 was interrupted: run `ops-checks reconcile resume` there first\n")
    assert select(DB, "SELECT count(*) FROM queue_reconcile") == [(1,)]


def test_a_source_that_changes_meanwhile(run: Run, pg_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is copied is one state: neither an item nor an event that comes while rows are read is in it."""
    run("init", "--db", pg_database.location())
    pg_database.execute(ADD.replace("NEW", "T-1"))
    real = NewSqliteQueue.load

    def load(self: NewSqliteQueue, table: str, *given: Any) -> None:
        pg_database.execute(ADD.replace("NEW", f"late in {table}"))
        real(self, table, *given)

    monkeypatch.setattr(NewSqliteQueue, "load", load)
    assert run("init", "--from", pg_database.location(), "--db", "copy.db").code == 0
    assert select("copy.db", "SELECT id FROM queue_items") == [("T-1",)]
    assert select("copy.db", "SELECT item_id FROM queue_events") == [("T-1",)]
    assert len(pg_database.execute("SELECT id FROM queue_items")) > 2
