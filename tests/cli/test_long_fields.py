"""Where a long field differs the changed word is shown with what stands around it; specified lines stay whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item, make_database, make_markdown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

OLD = "Nightly export to the warehouse: split by day, at most 50,000 rows a file, one folder a month"
NEW = OLD.replace("50,000", "500,000")
MD, DB = "…split by day, at most «50,000» rows a file, one…", "…split by day, at most «500,000» rows a file, one…"
BOTH = ("--queue-path", "Q.md", "--db-path", "q.db")


@pytest.fixture
def queues(folder: Path) -> Path:
    """Return a folder with two queues that differ in one word of a long task."""
    make_markdown(folder / "Q.md", [item("A-1", task=OLD)])
    make_database(folder / "q.db", [item("A-1", task=NEW)])
    return folder


def test_the_specified_line_is_whole(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`consistency-check` prints its lines as specified; a terminal gets the changed word below."""
    assert queues
    line = f"- mismatch A-1:task:md={OLD} db={NEW}\n"
    told = run("consistency-check", *BOTH)
    assert (told.code, told.out.partition("\n")[2]) == (1, line)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert run("consistency-check", *BOTH).out.partition("\n")[2] == f"{line}    {MD} -> {DB}\n"


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("check", "--only", "consistency", "-f", "text"), f"task: md={MD} db={DB}"),
        (("check", "--only", "consistency", "-f", "markdown"), f"task: md={MD} db={DB}"),
        (("drift",), f"md={MD} db={DB}"),
        (("drift", "--prefer", "A-1.task=md"), f"- to_db A-1 task {DB} -> {MD}"),
    ],
)
def test_the_changed_word(
    queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], shown: str
) -> None:
    """Reports, and plans on a terminal, show where the values differ; JSON has them whole."""
    assert queues
    monkeypatch.setenv("COLUMNS", "500")  # or it is wrapped
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    run("baseline", *BOTH)
    told = run(*argv, *BOTH)
    assert (told.code, shown in told.out) == (1, True)
    assert OLD in run("check", "--only", "consistency", "-f", "json", *BOTH).out


def test_a_plan_in_a_pipe_is_as_specified(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of RECONCILE section 13 are whole, and no others stand between them; a terminal gets the task too."""
    assert queues
    run("baseline", *BOTH)
    argv = ("drift", "--no-blame", "--prefer", "A-1.task=md", *BOTH)
    assert run(*argv).out.splitlines()[1:] == [f"- to_db A-1 task {NEW} -> {OLD}"]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    told = run(*argv).out.splitlines()[1:]
    assert (told[0], told[1][:10]) == (f"- to_db A-1 task {DB} -> {MD}", "    task: ")
