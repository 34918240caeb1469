"""The plugin with the database on a server: the same checks, the same fixtures (`ops-checks help postgres`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item
from queue_projects import DB, DRIFT_IDS, ITEMS, outcomes

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
