"""The plugin with the database on a server: the same checks, the same fixtures (`ops-checks help postgres`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item
from queue_projects import DB, DRIFT_IDS, ITEMS, QUEUE, outcomes

from ops_checks.model import FIELDS
from ops_checks.stores.registry import POSTGRES
from ops_checks.stores.tables import TABLE

if TYPE_CHECKING:
    from postgres_server import Database
    from queue_projects import Project

    from ops_checks.stores.transaction_protocol import NewQueue

pytest_plugins = ("pytester",)

OWN = """
from ops_checks.transitions import Stamp, cancel

stamp = Stamp(actor="test", now_s=1_767_225_600, tz_minutes=540)


def test_stores(queue_stores):
    assert [queue.get("ORCH-3").status for queue in (queue_stores.md, queue_stores.db)] == ["PENDING"] * 2


def test_copies(assert_consistent_after):
    copies = assert_consistent_after(lambda queue: queue.change("ORCH-3", cancel(stamp)))
    assert copies.db.get("ORCH-3").status == "BLOCKED"


def test_reconciled(reconciled, queue_stores):
    found = reconciled(queue_stores.md, queue_stores.db, queue_stores.md)
    assert (found.md["ORCH-2"].status, found.consistent) == ("DONE", True)
"""

RECONCILED = """
from ops_checks import open_queue


def test_own(reconciled):
    found = reconciled({queue!r}, {location!r})
    assert (found.consistent, found.md["ORCH-2"].status) == (True, "DONE")
    items = {{each.id: each for each in open_queue({queue!r})}}
    items["ORCH-3"] = items["ORCH-3"].with_cells([("status", "BLOCKED")])
    assert [each.reason for each in reconciled(items.values(), {location!r}).needs] == ["held"]
"""


@pytest.fixture
def location(project: Project, pg_database: Database) -> str:
    """Return where the queue of the project is: on a server, where ORCH-2 differs, and no more in a file."""
    (project.path / DB).unlink()
    rows = [(*each, "2026-01-01 00:00", "2026-01-01 00:00") for each in (ITEMS[0], item("ORCH-2", "DONE"), ITEMS[2])]

    def fill(new: NewQueue) -> None:
        new.load(TABLE, (*FIELDS, "created_at", "updated_at"), rows)

    where = pg_database.location()
    assert POSTGRES.make(("", where), fill)
    return where


@pytest.fixture
def moved(project: Project, location: str, pg_database: Database) -> str:
    """Return where the queue of the project is: since both agreed an item was picked twice there, and ended."""
    pg_database.execute("UPDATE queue_items SET status = 'PENDING'")
    project.options += (f"--queue-db={location}",)
    assert "agreed=3" in str(project._pytester.run("ops-checks", "--db", location, "baseline").stdout)
    pg_database.execute("UPDATE queue_items SET status = 'DONE' WHERE id = 'ORCH-2'")
    for name in ("added", "picked", "picked", "done"):
        pg_database.execute(
            "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES ('ORCH-2', %s, %s, %s)",
            (name, '{"actor": "worker:core-2"}', "2026-02-09 02:00"),
        )
    return location


@pytest.mark.usefixtures("moved")
def test_what_the_checks_tell(project: Project) -> None:
    """A baseline on the server tells who moved an item, and the rules on its events are tests."""
    project.write("ops-checks.yaml", "history: on\nconsistency: {settle: 0s}\n")
    result = project.pytest("-rA")
    found = outcomes(result)
    assert [found[name] for name in DRIFT_IDS] == ["PASSED", "PASSED", "FAILED"]
    assert {name.partition("::")[2] for name, how in found.items() if how == "FAILED"} == {
        "field-mismatch",
        "picked-twice",
    }
    result.stdout.fnmatch_lines_random(
        [
            "    - to_md ORCH-2 claim PENDING -> DONE",
            "        db: done by worker:core-2, 2026-02-09 02:00 (event 4)",
            "*ORCH-2 was picked 2 times and put back 0 times (event * picked by worker:core-2 2026-02-09 *",
        ]
    )


def test_what_is_reconciled(project: Project, moved: str, pg_database: Database) -> None:
    """The base that a server has recorded holds, and so does a lease by the server's clock."""
    pg_database.execute("UPDATE queue_items SET lease_owner = 'w', lease_expires_at = 4000000000 WHERE id = 'ORCH-3'")
    (project.path / "tests/test_own.py").write_text(RECONCILED.format(queue=QUEUE, location=moved))
    before = pg_database.execute("SELECT * FROM queue_items ORDER BY id")
    project.options = ()
    project.pytest("-rA").assert_outcomes(passed=1)
    assert pg_database.execute("SELECT * FROM queue_items ORDER BY id") == before


@pytest.mark.parametrize("given", ["option", "ini", "policy", "environment"])
def test_the_checks(project: Project, location: str, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """However the location is given, its rows are compared; nothing that is printed or reported says where it is."""
    if given == "ini":
        project.write("pytest.ini", f"[pytest]\nqueue_db = {location}\n")
    elif given == "policy":
        project.write("ops-checks.yaml", f'db: "{location}"\n')
    elif given == "environment":
        monkeypatch.setenv("ORCH_DB_PATH", location)
    options = (f"--queue-db={location}",) if given == "option" else ()
    result = project.pytest("-rA", "--queue-report=report.json", *options)
    assert [name for name in DRIFT_IDS if outcomes(result)[name] == "FAILED"] == [DRIFT_IDS[2]]
    told = result.stdout.str() + result.stderr.str() + (project.path / "report.json").read_text()
    assert "host=" not in told
    assert "postgresql:ops_checks_" in told


@pytest.mark.parametrize("options", [(), ("-n2",)])
def test_the_fixtures(project: Project, location: str, pg_database: Database, options: tuple[str, ...]) -> None:
    """Operations under test work on copies, and the server is left as it is."""
    project.plugins += ("xdist",)
    project.options = (f"--queue-db={location}",)
    project.write("tests/test_own.py", OWN)
    before = pg_database.execute("SELECT * FROM queue_items ORDER BY id")
    result = project.pytest("-rA", *options)
    result.assert_outcomes(passed=3)
    assert pg_database.execute("SELECT * FROM queue_items ORDER BY id") == before
    assert pg_database.execute("SELECT count(*) FROM queue_events") == [(0,)]
