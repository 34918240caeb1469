"""Items whose events could not have happened: the document follows the database, and not the other way by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import aged, execute, item, make_database, make_markdown, make_old_database
from database_kinds import every_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told
    from database_kinds import InFile

    Run = Callable[..., Told]

ITEMS = [item("ORCH-1"), item("ORCH-2", notes="n")]
EVENT = "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES "
PICKED = "('ORCH-2', 'picked', '{\"owner_session\": \"w1\"}', '2026-01-01 10:00')"
TWICE = f"{EVENT} {PICKED}, {PICKED};"
CLAIM = "UPDATE queue_items SET status = 'IN_PROGRESS', owner_session = 'w1', started_at_kst = '2026-01-01 10:00' "
REMARK = (
    "    events: picked-twice: was picked 2 times and put back 0 times (event 1 picked by w1 2026-01-01 10:00, "
    "event 2 picked by w1 2026-01-01 10:00)"
)


@pytest.fixture
def project(folder: Path, database_kind: InFile, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a base, in which a program has picked ORCH-2 twice since."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS)
    monkeypatch.setenv("ORCH_DB_PATH", database_kind.there("q.db"))
    _policy(folder, "")
    return folder


def _policy(folder: Path, more: str) -> None:
    (folder / "ops-checks.yaml").write_text(f"queue: Q.md\nconsistency: {{settle: 0s}}\n{more}")


def _edit(project: Path) -> None:
    path = project / "Q.md"
    path.write_text(path.read_text().replace("| ORCH-2 | PENDING | P1 |", "| ORCH-2 | PENDING | P0 |"))
    aged(path)


@every_database
def test_the_document_follows_with_a_remark(project: Path, run: Run) -> None:
    """Machines obey the database: its claim goes over, and the line below says what its events break."""
    assert run("baseline").code == 0
    execute(project / "q.db", f"{TWICE} {CLAIM} WHERE id = 'ORCH-2'")
    told = run("drift", "--no-blame")
    assert told.out.splitlines()[1:] == ["- to_md ORCH-2 claim PENDING -> IN_PROGRESS", REMARK]
    planned = run("reconcile", "plan", "--no-blame", "-o", "plan.json")
    assert REMARK in planned.out.splitlines()
    assert run("reconcile", "apply", "plan.json").code == 0
    assert run("drift").out.startswith("drift ok")


@every_database
def test_the_database_follows_only_if_a_person_says_so(project: Path, run: Run) -> None:
    """What moved in the document alone is a conflict, until somebody prefers it; of other items it goes over."""
    assert run("baseline").code == 0
    execute(project / "q.db", TWICE)
    _edit(project)
    told = run("drift", "--no-blame")
    assert told.code == 1
    assert told.out.splitlines()[1:] == [
        "- needs ORCH-2 priority conflict md=P0 db=P1",
        "    help: --prefer ORCH-2.priority=md takes the document's, --prefer ORCH-2.priority=db the database's",
        REMARK,
    ]
    preferred = run("drift", "--no-blame", "--prefer", "ORCH-2.priority=md")
    assert preferred.out.splitlines()[1:] == ["- to_db ORCH-2 priority P1 -> P0", REMARK]


@every_database
@pytest.mark.parametrize(
    ("script", "policy"),
    [
        (f"{EVENT} {PICKED}", ""),
        (f"{EVENT} ('ORCH-2', 'done', 'no JSON', '')", ""),  # warnings only
        (TWICE.replace("ORCH-2", "ORCH-1"), ""),  # of another item
        (TWICE, "history: {severity: {picked-twice: warning}}\n"),
        (TWICE, "history: {severity: {picked-twice: off}}\n"),
    ],
)
def test_what_is_no_error_is_no_matter(project: Path, run: Run, script: str, policy: str) -> None:
    """A warning, a law that the policy switched off, and the events of another item keep nothing back."""
    _policy(project, policy)
    assert run("baseline").code == 0
    execute(project / "q.db", script)
    _edit(project)
    assert run("drift", "--no-blame").out.splitlines()[1:] == ["- to_db ORCH-2 priority P1 -> P0"]


def test_an_older_database(folder: Path, run: Run) -> None:
    """Where the attempts are not known, no law on them is broken."""
    make_markdown(folder / "Q.md", ITEMS)
    make_old_database(folder / "q.db", ITEMS)
    execute(folder / "q.db", f"{EVENT} ('ORCH-2', 'failed', '{{}}', ''), ('ORCH-2', 'retried', '{{}}', '')")
    _policy(folder, "db: q.db\n")
    assert run("baseline").code == 0
    _edit(folder)
    assert run("drift", "--no-blame").out.splitlines()[1:] == ["- to_db ORCH-2 priority P1 -> P0"]
