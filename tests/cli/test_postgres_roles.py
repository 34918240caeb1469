"""The roles and the commands of `ops-checks help postgres`, on a real server: enough for their work, and no more.

A hot standby is like a reader: it says what the primary says, and nothing is changed through it.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest
from postgres_server import Database

from ops_checks.help import page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Told
    from postgres_server import OwnServer, Servers

    Run = Callable[..., Told]

ROLES, PICK, RENEW = re.findall(r"```sql\n(.*?)```", page("postgres"), re.DOTALL)
#: Who may not do it: every statement that only the owner of the tables, or another role, may carry out.
FORBIDDEN = {
    "reader": [
        "UPDATE ops.queue_items SET notes = 'x'",
        "INSERT INTO ops.queue_events (event_type) VALUES ('x')",
        "DELETE FROM ops.queue_baseline",
        "SELECT * FROM ops.queue_items FOR UPDATE",
    ],
    "operator": [
        "UPDATE ops.queue_events SET payload_json = ''",
        "DELETE FROM ops.queue_events",
        "TRUNCATE ops.queue_items CASCADE",
        "UPDATE ops.queue_items SET id = 'x'",
        "UPDATE ops.queue_items SET created_at = 'x'",
        "ALTER TABLE ops.queue_items ADD x text",
        "CREATE TABLE ops.x (x text)",
    ],
    "worker": [
        "INSERT INTO ops.queue_items SELECT * FROM ops.queue_items LIMIT 0",
        "DELETE FROM ops.queue_items",
        "UPDATE ops.queue_items SET task = 'x'",
        "UPDATE ops.queue_items SET max_attempts = 9",
        "SELECT * FROM ops.queue_events",
        "SELECT * FROM ops.queue_baseline",
        "UPDATE ops.queue_events SET payload_json = ''",
    ],
}


class Roles(NamedTuple):
    """A queue of the demo on a server, with a baseline, and how each role names it."""

    database: Database
    names: dict[str, str]

    def location(self, role: str) -> str:
        """Return the queue as a role names it."""
        return self.database.location(user=self.names[role], schema="ops")

    def execute(self, role: str, sql: str) -> list[tuple[object, ...]]:
        """Run SQL as a role."""
        return self.database.execute(sql, user=self.names[role])

    def content(self) -> object:
        """Return all that is in the tables of the queue."""
        return [
            self.database.execute(f"SELECT * FROM ops.{name} ORDER BY 1")
            for name in ("queue_items", "queue_events", "queue_baselines", "queue_baseline", "queue_reconcile")
        ]


@pytest.fixture
def roles(folder: Path, pg_database: Database, run: Run) -> Iterator[Roles]:
    """Return the queue, with the roles as the page makes them."""
    owner = pg_database.location(schema="ops")
    assert run("init", "--demo", "--db", owner).code == 0
    with (folder / "ops-checks.yaml").open("a") as policy:
        policy.write("consistency: {settle: 0s}\n")
    assert run("baseline", "--db", owner).code == 1
    assert run("cancel", "--id", "ORCH-019", "--db", owner).code == 0
    names = {name: f"{pg_database.name}_{name}" for name in FORBIDDEN}
    script = ROLES
    for name, unique in names.items():
        script = script.replace(f"ops_{name}", unique)
    pg_database.execute(script)
    try:
        yield Roles(pg_database, names)
    finally:
        for name in names.values():
            pg_database.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_the_readme_has_the_same_roles() -> None:
    """Whoever copies them from there has those that are tried here."""
    assert f"```sql\n{ROLES}```" in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("role", FORBIDDEN)
def test_nobody_has_more_than_needed(roles: Roles, role: str) -> None:
    """What a role has no need for it cannot do."""
    before = roles.content()
    for statement in FORBIDDEN[role]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            roles.execute(role, statement)
    assert roles.content() == before


READING = [
    ("check",), ("check", "-f", "junit"), ("status",), ("workers",), ("list",), ("show", "ORCH-018"), ("kpi",),
    ("consistency-check",), ("drift",), ("baseline", "show"), ("baseline", "export", "base.json"),
    ("reconcile", "plan", "-o", "plan.json"), ("wait", "--id", "ORCH-001", "--for", "DONE", "--timeout", "0s"),
    ("render", "-o", "view.md"), ("cancel", "--id", "ORCH-018", "--dry-run"),
    ("init", "--from", None, "--db", "copy.db"),
]  # fmt: skip
CHANGING = [
    ("cancel", "--id", "ORCH-018"), ("cancel", "--both", "--id", "ORCH-018"), ("undo", "--id", "ORCH-019"),
    ("replan", "--id", "ORCH-018", "--notes", "x"), ("baseline",), ("import",), ("reconcile", "apply", "plan.json"),
]  # fmt: skip


def test_a_reader_reads_everything(roles: Roles, run: Run) -> None:
    """Every command that reads says to it what it says to the owner."""
    same_answers(run, roles.location("reader"), roles.database.location(schema="ops"))


def same_answers(run: Run, *locations: str) -> None:
    """Check that every command that reads says the same of a queue by each of its locations."""
    for command in READING:
        answers = []
        for location in locations:
            answers.append(run(*(location if word is None else word for word in command), *_named(command, location)))
            Path("copy.db").unlink(missing_ok=True)
        assert answers[0] == answers[1], command
        assert answers[0].code in {0, 1}, command


def _named(command: tuple[str | None, ...], location: str) -> tuple[str, ...]:
    """Return the option that names the database."""
    return () if None in command else ("--db", location)


def test_a_reader_changes_nothing(roles: Roles, run: Run, folder: Path) -> None:
    """Every command that changes something is refused, and says why; both queues are as they were."""
    run("reconcile", "plan", "--prefer", "ORCH-017=db", "-o", "plan.json", "--db", roles.location("reader"))
    document = folder / "automation/orchestrator/QUEUE.md"
    before = roles.content(), document.read_bytes()
    for command in CHANGING:
        told = run(*command, "--db", roles.location("reader"))
        assert told.code in {3, 5}, command
        assert "lack" in told.err or "permission" in told.err, (command, told.err)
        assert (roles.content(), document.read_bytes()) == before


@pytest.fixture
def standby(
    own_servers: Servers, own_postgres: OwnServer, run: Run, folder: Path
) -> Iterator[tuple[Database, Database]]:
    """Return a queue on a primary, with a baseline and a change, and the same on its hot standby."""
    with own_postgres.database() as primary:
        assert run("init", "--demo", "--db", primary.location()).code == 0
        with (folder / "ops-checks.yaml").open("a") as policy:
            policy.write("consistency: {settle: 0s}\n")
        assert run("baseline", "--db", primary.location()).code == 1
        assert run("cancel", "--id", "ORCH-019", "--db", primary.location()).code == 0
        with own_servers.server(own_postgres) as server:
            yield primary, Database(primary.name, server.admin.parameters())


def test_a_standby_says_what_the_primary_says(
    standby: tuple[Database, Database], run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what is written later, once it has it; and every command that changes something names the way."""
    primary, copy = standby
    document = folder / "automation/orchestrator/QUEUE.md"
    before = document.read_bytes()
    same_answers(run, primary.location(), copy.location())
    run("reconcile", "plan", "--prefer", "ORCH-017=db", "-o", "plan.json", "--db", copy.location())
    for command in CHANGING:
        told = run(*command, "--db", copy.location())
        assert told.code in {3, 5}, (command, told)
        assert "not written, because the server is a standby, which only reads: name the primary" in told.err, told
    assert document.read_bytes() == before

    monkeypatch.undo()  # who waits needs a clock that goes on
    assert run("cancel", "--id", "ORCH-018", "--db", primary.location()).code == 0
    told = run("wait", "--id", "ORCH-018", "--for", "BLOCKED", "--timeout", "30s", "--db", copy.location())
    assert told.code == 0


def test_an_operator_operates(roles: Roles, run: Run) -> None:
    """Each mutation, of one side and of both, its undo, the baseline, and a plan from its making to its undo."""
    location = roles.location("operator")

    def done(*command: str, code: int = 0) -> Told:
        told = run(*command, "--db-path" if command[0] in {"undo", "baseline", "reconcile"} else "--db", location)
        assert told.code == code, (command, told)
        return told

    done("cancel", "--id", "ORCH-018")
    done("undo", "--id", "ORCH-018")
    done("cancel", "--both", "--id", "ORCH-018")
    done("replan", "--both", "--id", "ORCH-018", "--notes", "x")
    done("retry", "--id", "ORCH-016")
    done("undo", "--id", "ORCH-016")
    done("baseline", code=1)
    preferred = [f"--prefer={choice}" for choice in ("ORCH-017=db", "ORCH-030=md", "ORCH-009=db")]
    done("reconcile", "plan", *preferred, "-o", "plan.json", code=1)
    applied = done("reconcile", "apply", "plan.json")
    assert applied.out.splitlines()[-1].startswith("consistency ok total=")
    done("undo", "--plan", json.loads(Path("plan.json").read_text())["plan_id"])
    assert roles.database.execute("SELECT id FROM ops.queue_items WHERE id = 'ORCH-030'") == []


def test_an_operator_takes_an_item_out_and_puts_it_back(roles: Roles, run: Run, folder: Path) -> None:
    """Its events go with it and come back with it: the operator may change none that is written."""
    location = roles.location("operator")
    document = folder / "automation/orchestrator/QUEUE.md"
    lines = document.read_text().splitlines(keepends=True)
    document.write_text("".join(line for line in lines if not line.startswith("| ORCH-001 |")))
    before = roles.database.execute("SELECT * FROM ops.queue_events WHERE item_id = 'ORCH-001' ORDER BY 1")
    run("reconcile", "plan", "--prefer", "ORCH-001=md", "-o", "plan.json", "--db-path", location)
    told = run("reconcile", "apply", "plan.json", "--db-path", location)
    assert "- applied ORCH-001 row" in told.out, told
    assert roles.database.execute("SELECT 1 FROM ops.queue_items WHERE id = 'ORCH-001'") == []
    plan = json.loads(Path("plan.json").read_text())["plan_id"]
    assert run("undo", "--plan", plan, "--db-path", location).code == 0
    after = roles.database.execute("SELECT * FROM ops.queue_events WHERE item_id = 'ORCH-001' ORDER BY 1")
    assert before
    assert after[: len(before)] == before


def test_a_worker_works(roles: Roles, run: Run) -> None:
    """Its pick is seen with its event, its lease is renewed while nobody cancels, and a cancelled one learns of it."""
    [(item_id, _)] = roles.execute("worker", PICK)
    renew = RENEW.replace("ORCH-018", str(item_id))
    assert roles.execute("worker", renew) == [(item_id,)]
    shown = run("show", str(item_id), "--db", roles.location("reader")).out
    assert "picked by worker:core-1 PENDING -> IN_PROGRESS" in shown
    assert run("cancel", "--id", str(item_id), "--db", roles.location("operator")).code == 0
    assert roles.execute("worker", renew) == []


def test_the_way_from_sqlite(run: Run, folder: Path, pg_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the page, as they stand there: afterwards every command reads the server."""
    service = "".join(f"{name}={value}\n" for name, value in pg_database.parameters().items())
    (folder / "service.conf").write_text(f"[ops]\n{service}")
    monkeypatch.setenv("PGSERVICEFILE", str(folder / "service.conf"))
    run("init", "--demo")
    with (folder / "ops-checks.yaml").open("a") as policy:
        policy.write("consistency: {settle: 0s}\n")
    run("baseline")
    before = run("drift").out
    [block] = re.findall(r"```console\n(.*?)```", page("postgres"), re.DOTALL)
    copy, drift, edit = [line.removeprefix("$ ") for line in block.splitlines()]
    told = run(*shlex.split(copy)[1:])
    assert (told.code, "made service=ops schema ops" in told.out) == (0, True)
    assert run(*shlex.split(drift)[1:]).out == before
    subprocess.run(shlex.split(edit), check=True)
    assert run("drift").out == before
    assert "service=ops schema ops" in run("show", "ORCH-018").out
