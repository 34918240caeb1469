"""`-q`: comments are left out; what a command found, did or refused is told as ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import document, item, make_database, make_markdown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

ITEMS = [item("A-1"), item("A-2", "DONE"), item("A-3", "IN_PROGRESS", owner_session="s1")]
BELOW = "\n| A-9 | DONE | P0 | t | s | - | - | - |  |\n"
QUEUE = "automation/orchestrator/QUEUE.md"
DB = "automation/orchestrator/db/queue.db"


@pytest.fixture
def queues(folder: Path) -> Path:
    """Return a folder with both queues at their default paths, and one with a row below its table."""
    (folder / DB).parent.mkdir(parents=True)
    make_markdown(folder / QUEUE, ITEMS)
    make_database(folder / DB, ITEMS)
    (folder / "below.md").write_text(document(ITEMS) + BELOW)
    return folder


@pytest.mark.parametrize("quiet", ["-q", "--quiet"])
@pytest.mark.parametrize(
    ("line", "code", "kept"),
    [
        ("status", 0, ""),
        ("workers", 0, ""),
        ("list -n 1", 0, ""),
        ("status --queue below.md", 0, ""),
        ("cancel --id A-1", 0, ""),
        ("cancel --id A-1 --dry-run", 0, "dry run: nothing was written\n"),
        ("cancel --status PENDING --yes", 0, ""),
        ("cancel --id A-2", 5, "error: A-2: is DONE"),
        ("cancel --id A-1 --id A-2", 5, "error: A-2: is DONE"),
        ("cancel --status PENDING,DONE --yes", 5, "error: A-2: is DONE"),
        ("list --id X", 5, "error: "),
        ("status --queue none.md", 3, "error: none.md: no such queue"),
        ("consistency-check --queue below.md", 3, "error: below.md:"),
        ("kpi", 3, "error: "),
        ("check -f json", 3, "error: "),
        ("wait --for-status DONE=5 --timeout 0s", 124, "error: "),
    ],
)
def test_quiet(queues: Path, run: Run, quiet: str, line: str, code: int, kept: str) -> None:
    """The exit code and stdout are those of the same command without it; on stderr errors are left."""
    before = {name: (queues / name).read_bytes() for name in (QUEUE, DB)}
    loud = run(*line.split())
    for name, content in before.items():
        (queues / name).write_bytes(content)
    name, *rest = line.split()
    for told in (run(quiet, name, *rest, *(["--dry-run"] if name == "cancel" else [])), run(name, *rest, quiet)):
        assert told.code == loud.code == code
        assert "note: " not in told.err
        assert "changed=" not in told.err
        assert code or "warning: " not in told.err
        assert kept in told.err
    assert told.out == loud.out
    errors = [each for each in loud.err.splitlines() if each.startswith(("error: ", "dry run: "))]
    assert [each for each in told.err.splitlines() if each.startswith(("error: ", "dry run: "))] == errors


def test_a_warning_that_may_be_the_reason_stays(queues: Path, run: Run) -> None:
    """Where the exit code is not 0 the warnings are told."""
    assert queues
    told = run("-q", "cancel", "--queue", "below.md", "--id", "A-1", "--id", "A-2")
    assert told.code == 5
    assert "warning: below.md:" in told.err
