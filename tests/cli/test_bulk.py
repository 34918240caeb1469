"""`cancel`, `replan` and `retry` of items that were selected: shown, asked about, and each a change of its own."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from builders import digest, execute, item, make_database, make_markdown, select
from database_kinds import every_database

from ops_checks.cli import bulk
from ops_checks.gate import stable_reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

ITEMS = [
    item("A-1", "IN_PROGRESS", owner_session="w1", started_at_kst="2026-01-01 10:00"),
    item("A-2", "FAILED", owner_session="w1", started_at_kst="2026-01-01 10:00"),
    item("A-3", "FAILED", "P0", owner_session="w2", started_at_kst="2026-01-01 10:00"),
    item("A-4", "DONE", owner_session="w1", started_at_kst="2026-01-01 10:00"),
    item("B-1", "PENDING"),
    item("B-2", "BLOCKED"),
]


@pytest.fixture
def queues(folder: Path) -> Path:
    """Return a folder with both queues; A-2 has no attempts left."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS, {"A-2": {"attempt_count": 3}})
    return folder


def statuses() -> dict[str, str]:
    """Return the statuses in the database."""
    return dict(select("q.db", "SELECT id, status FROM queue_items"))


class Terminal(io.StringIO):
    """A terminal at which somebody gives an answer."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def answer(monkeypatch: pytest.MonkeyPatch, text: str, asked: Terminal | None = None) -> Terminal:
    """Let somebody sit at a terminal and give an answer; return what is shown to them."""
    shown = asked or Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(text))
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


@every_database
@pytest.mark.parametrize(
    ("command", "code", "out", "last"),
    [
        ("retry --status FAILED --yes", 5, "A-3 -> PENDING\n", "changed=1 refused=1"),
        ("cancel --id A-* --status in_progress --yes", 0, "A-1 -> BLOCKED\n", "changed=1 refused=0"),
        (
            "replan --notes n --owner w1 --status DONE,FAILED --yes",
            0,
            "A-2 -> PENDING\nA-4 -> PENDING\n",
            "changed=2 refused=0",
        ),
        ("cancel --id B-1 --id A-? --search w2 --yes", 5, "", "changed=0 refused=1"),
        ("cancel --status BLOCKED --search nothing", 0, "", "changed=0 refused=0"),
    ],
)
def test_selected(queues: Path, run: Run, command: str, code: int, out: str, last: str) -> None:
    """What is selected is worked on in the order of triage; refusals are told, and the rest is done."""
    told = run("--db", "q.db", *command.split())
    lines = [line for line in told.err.splitlines() if not line.startswith("note: ")]
    assert (told.code, told.out) == (code, out)
    assert lines[-1] == last


@every_database
@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        ("cancel", 4, "no item is named: give --id, or select some, as with --status: nothing never means all"),
        ("cancel --yes", 4, "no item is named: give --id, or select some, as with --status: nothing never means all"),
        ("cancel --status PENDING", 4, "1 item selected, and nobody can be asked here: give --yes to cancel them"),
        ("retry --owner w1 --bulk 9", 4, "3 items selected, and nobody can be asked here: give --yes to retry them"),
        ("cancel --id Z-* --yes", 5, "q.db: no item Z-*: see the ids in `ops-checks list -f ids`"),
        ("cancel --id A-1 --id Z-9 --stale --yes", 5, "q.db: no item Z-9: see the ids in `ops-checks list -f ids`"),
        ("cancel --status", 4, "argument --status: expected one argument: see `ops-checks cancel --help`"),
        ("cancel --status ,", 4, "--status '': expected some of PENDING, IN_PROGRESS, BLOCKED, FAILED, DONE"),
        ("cancel --owner= --yes", 4, "--owner: expected a value, found nothing: leave the option out to select any"),
    ],
)
def test_nothing_is_changed(queues: Path, run: Run, command: str, code: int, error: str) -> None:
    """Nothing selected never means all, and without an answer nothing is done."""
    before = digest(queues)
    told = run("--db", "q.db", *command.split())
    assert (told.code, told.out, told.err.splitlines()[-1]) == (code, "", f"error: {error}")
    assert digest(queues) == before


@every_database
def test_items_are_shown_first(queues: Path, run: Run) -> None:
    """On stderr, in the order of triage, before anything is done; stdout has the lines of the changes only."""
    told = run("--db", "q.db", "retry", "--status", "FAILED")
    shown = [line.split()[0] for line in told.err.splitlines()]
    assert shown == ["ID", "A-3", "A-2", "error:"]


@every_database
@pytest.mark.parametrize(
    ("text", "code", "changed"),
    [("y\n", 0, True), ("YES\n", 0, True), ("n\n", 5, False), ("\n", 5, False), ("", 5, False)],
)
def test_the_answer(
    queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch, text: str, code: int, *, changed: bool
) -> None:
    """At a terminal it is asked about more than --bulk items; only a yes is one."""
    shown = answer(monkeypatch, text)
    told = run("--db", "q.db", "replan", "--notes", "n", "--owner", "w1", "--bulk", "2")
    assert told.code == code
    assert "replan 3 items? [y/N]" in shown.getvalue()
    assert (statuses()["A-4"] == "PENDING") is changed


@every_database
def test_few_are_not_asked_about(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to --bulk items, three by default, are shown and done; items named by their ids are not even shown."""
    shown = answer(monkeypatch, "")
    assert run("--db", "q.db", "replan", "--notes", "n", "--owner", "w1").code == 0
    assert "[y/N]" not in shown.getvalue()
    shown = answer(monkeypatch, "")
    assert run("--db", "q.db", "replan", "--notes", "n", *(f"--id={each.id}" for each in ITEMS)).code == 0
    assert "ID" not in shown.getvalue()


@every_database
def test_who_changed_hands_is_refused(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the list and the change a worker took the item: another one was meant."""
    read = stable_reading.read_stable

    def then_picked(*args: object) -> object:
        found = read(*args)
        execute("q.db", "UPDATE queue_items SET status = 'IN_PROGRESS', owner_session = 'w9' WHERE id = 'B-1'")
        return found

    monkeypatch.setattr(stable_reading, "read_stable", then_picked)
    told = run("--db", "q.db", "cancel", "--status", "PENDING", "--yes")
    assert told.code == 5
    assert "error: B-1: is IN_PROGRESS w9 by now, and was selected as PENDING -" in told.err
    assert statuses()["B-1"] == "IN_PROGRESS"


@every_database
def test_one_operation_for_all(queues: Path, run: Run) -> None:
    """All that one command changed is taken back with its id, in both queues if it was of both."""
    before = (queues / "Q.md").read_bytes()
    assert (
        run("--queue", "Q.md", "--db", "q.db", "replan", "--both", "--notes", "n", "--owner", "w1", "--yes").code == 0
    )
    assert (queues / "Q.md").read_bytes() != before
    operation = run("--queue", "Q.md", "--db", "q.db", "undo").err.splitlines()[1].split()[0]
    told = run("--queue", "Q.md", "--db", "q.db", "undo", "--operation", operation)
    assert (told.code, told.out.count("undone")) == (0, 3)
    assert (queues / "Q.md").read_bytes() == before


@every_database
def test_dry_run_asks_nobody(queues: Path, run: Run) -> None:
    """What would change is shown cell by cell, with the count of those that would."""
    before = digest(queues)
    told = run("--db", "q.db", "retry", "--status", "FAILED", "--dry-run")
    assert told.code == 5
    assert told.out.startswith("A-3 -> PENDING\n- status: FAILED -> PENDING\n")
    assert told.err.splitlines()[-2:] == ["changed=1 refused=1", "dry run: nothing was written"]
    assert digest(queues) == before


@every_database
def test_the_document(queues: Path, run: Run) -> None:
    """The same in the document, by its own rules."""
    told = run("--queue", "Q.md", "retry", "--id", "*-2", "--yes")
    assert (told.code, told.out) == (0, "A-2 -> PENDING\nB-2 -> PENDING\n")


def test_only_a_few_words_are_a_yes() -> None:
    """A slip of the hand is none."""
    assert bulk._YES == ("y", "yes")


@every_database
def test_one_note_for_all(queues: Path, run: Run) -> None:
    """What the other queue still says is told once, the first five by name, and nothing where both agree again."""
    told = run("--queue", "Q.md", "--db", "q.db", "replan", "--notes", "n", "--id", "*", "--yes")
    notes = [line for line in told.err.splitlines() if line.startswith("note: ")]
    assert notes == ["note: Q.md: says something else of A-3, A-1, A-2, A-4, B-2: --both changes both at once"]
    assert run("--db", "q.db", "cancel", "--id", "A-1", "--id", "B-1", "--queue", "Q.md").err.count("note: ") == 1
