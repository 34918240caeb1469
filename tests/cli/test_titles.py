"""What an item is to do is told below a line that names it: for people, on a terminal alone."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown
from conftest import NOW_S
from database_kinds import every_database

from ops_checks.cli.output import About
from ops_checks.cli.titles import with_tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told
    from database_kinds import InFile

    Run = Callable[..., Told]

TASK = "한국어 \x1b[2J and | more"
TOLD = r"    task: 한국어 \x1b[2J and | more"
ITEMS = [item("A-1", "DONE", task=TASK), item("A-2", task="second"), item("A-3", "IN_PROGRESS", task="third")]


@pytest.fixture
def queues(folder: Path, database_kind: InFile) -> Path:
    """Return a folder with both queues and a policy that names them."""
    make_markdown(folder / "QUEUE.md", ITEMS)
    make_database(folder / "queue.db", ITEMS, {"A-3": {"lease_owner": "s1", "lease_expires_at": NOW_S + 60}})
    policy = f"queue: QUEUE.md\ndb: {database_kind.there('queue.db')}\nconsistency: {{settle: 0s}}\n"
    (folder / "ops-checks.yaml").write_text(policy, encoding="utf-8")
    return folder


@pytest.fixture
def run(run: Run, queues: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command whose streams are terminals of 60 columns."""

    def on_terminal(*argv: object, terminal: bool = True) -> Told:
        monkeypatch.setenv("COLUMNS", "60")
        for stream in ("stdout", "stderr"):
            monkeypatch.setattr(f"sys.{stream}.isatty", lambda: terminal, raising=False)
        return run(*argv)

    return on_terminal


@every_database
@pytest.mark.parametrize("side", ["--queue=QUEUE.md", "--db=queue.db"])
@pytest.mark.parametrize("words", [("cancel", "--id", "A-1"), ("cancel", "--id", "A-1", "--id", "A-2")])
def test_a_refusal_tells_the_task(run: Run, side: str, words: tuple[str, ...]) -> None:
    """The error about an item has its task below it, escaped."""
    told = run(side, *words).err.splitlines()
    at = next(at for at, line in enumerate(told) if line.startswith("error: A-1: is DONE"))
    assert told[at + 1] == TOLD


@every_database
def test_a_note_on_the_other_queue_tells_the_task(run: Run) -> None:
    """What the other queue still says of one item; the specified line has nothing below it."""
    told = run("--db", "queue.db", "cancel", "--id", "A-2")
    assert told.out == "A-2 -> BLOCKED\n"
    first, second = told.err.splitlines()
    assert first.startswith("note: ")
    assert (" A-2" in first, second) == (True, "    task: second")


@every_database
def test_undo_tells_the_task(run: Run) -> None:
    """What is taken back, what would be, and why it is not."""
    run("--db", "queue.db", "cancel", "--id", "A-3")
    would = run("--db", "queue.db", "undo", "--id", "A-3", "--dry-run").out.splitlines()
    assert would[0].endswith(" A-3 -> IN_PROGRESS")
    assert would[1] == "    task: third"
    done = run("--db", "queue.db", "undo", "--id", "A-3")
    assert done.out.splitlines()[1:] == ["    task: third"]
    assert "note: A-3: the lease of s1 is not given back\n    task: third\n" in done.err
    refused = run("--db", "queue.db", "undo", "--id", "A-1").err.splitlines()
    assert refused[0].startswith("error: A-1: has no event")
    assert refused[1] == TOLD


@every_database
@pytest.mark.parametrize(
    ("words", "where", "task"),
    [
        (("--id", "A-2", "--for", "PENDING"), "out", "    task: second"),
        (("--id", "A-1", "--for", "FAILED"), "err", TOLD),
        (("--id", "A-2", "--for", "DONE", "--timeout", "0s"), "err", "    task: second"),
    ],
)
def test_wait_tells_the_task(run: Run, words: tuple[str, ...], where: str, task: str) -> None:
    """One item that was waited for, whether it came or not."""
    assert task in getattr(run("--db", "queue.db", "wait", *words), where).splitlines()


@every_database
def test_apply_tells_the_tasks(queues: Path, run: Run) -> None:
    """Each item that a plan changes, and each that it does not any more."""
    run("baseline")
    execute(queues / "queue.db", "UPDATE queue_items SET priority = 'P0'")
    run("reconcile", "plan", "-o", "plan.json")
    execute(queues / "queue.db", "UPDATE queue_items SET priority = 'P2' WHERE id = 'A-3'")
    told = run("reconcile", "apply", "plan.json").out.splitlines()

    below = {line: after for line, after in pairwise(told) if line.startswith("- ")}
    assert below["- applied A-1 priority"] == TOLD
    assert below["- stale A-3 priority"] == "    task: third"


@every_database
def test_pipes_and_documents_have_no_titles(run: Run) -> None:
    """Programs read the specified lines alone; JSON says the same on a terminal as in a pipe."""
    cancel, wait = ("--db", "queue.db", "cancel", "--id", "A-1"), ("--db", "queue.db", "wait", "--id", "A-1", "--for")
    assert run(*cancel, "-f", "json", terminal=False).out == run(*cancel, "-f", "json").out
    assert "task:" not in run(*cancel, terminal=False).err
    assert "task:" not in run(*wait, "FAILED", terminal=False).err


@pytest.mark.parametrize(("columns", "shown"), [(20, "    task: 한국어 an…"), (12, "    task: …"), (5, "    …")])
def test_a_task_is_cut_to_the_terminal(columns: int, shown: str) -> None:
    """A long task takes one line; wide characters take two columns."""
    assert list(with_tasks([About("error: A-1: no", "한국어 and more")], columns)) == ["error: A-1: no", shown]
