"""An unknown word is an error whose line ends with the word that was likely meant, and nothing is carried out."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from builders import digest, item, make_database, make_markdown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

ITEMS = [item("ORCH-013", "IN_PROGRESS"), item("ORCH-102"), item("OPS-7", "FAILED")]
HOSTILE = "A-1\x1b[31m`$(touch x)`"


@pytest.fixture
def queues(folder: Path) -> Path:
    """Return a folder with the same items in `Q.md` and `q.db`."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS)
    return folder


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("statsu", "status"),
        ("--queue Q.md cancle --id ORCH-013", "cancel"),
        ("consistency_check", "consistency-check"),
        ("--que Q.md status", "--queue"),
        ("--dbb=q.db status", "--db"),
        ("status --poliy p", "--policy"),
        ("cancel --ids ORCH-013", "--id"),
        ("cancel --id ORCH-013 --dry_run", "--dry-run"),
        ("cancel --id ORCH-013 --dryrun", "--dry-run"),
        ("kpi --max-failure-rat=0.1", "--max-failure-rate"),
        ("reconcile plam", "plan"),
        ("reconcile plan --prefr md", "--prefer"),
        ("list --statsu FAILED", "--status"),
        ("list --status PENDNG", "PENDING"),
        ("list --status in-progress", "IN_PROGRESS"),
        ("cancel --status DONE,FAILD --yes", "FAILED"),
        ("list --sort ide", "id"),
        ("list -f jsno", "json"),
        ("check -f jsonn=x", "json"),
        ("check --format junitt", "junit"),
        ("check --only consistancy", "consistency"),
        ("check --fail-level warnings", "warn"),
        ("check --color allways", "always"),
        ("consistency-check --fields staus", "status"),
        ("drift --fields task,note", "notes"),
        ("drift --allow-empty mdd", "md"),
        ("help comands", "commands"),
        ("schema reprot", "report"),
        ("baseline exprt", "export"),
        ("wait --for DON --id ORCH-013", "DONE"),
        ("wait --for-status FAILD=0", "FAILED"),
    ],
)
def test_a_word(queues: Path, run: Run, line: str, meant: str) -> None:
    """A command, an option or a value that is unknown is exit 4; the word that is like it ends the one line."""
    before = digest(queues)
    told = run(*shlex.split(line))
    assert (told.code, told.out, told.err.count("\n")) == (4, "", 1)
    assert told.err.endswith(f"; did you mean {meant}?\n")
    assert digest(queues) == before


@pytest.mark.parametrize("line", ["frobnicate", "status --xyzzy", "list --status NOTHING-OF-IT", "help xyzzy"])
def test_nothing_is_like_it(run: Run, line: str) -> None:
    """Where no word is like it none is suggested."""
    told = run(*shlex.split(line))
    assert (told.code, told.err.count("\n"), "did you mean" in told.err) == (4, 1, False)


@pytest.mark.parametrize("queue", ["--queue Q.md", "--db q.db"])
@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("cancel --id ORCH-13", "ORCH-013"),
        ("replan --id orch-102 --notes why", "ORCH-102"),
        ("retry --id OSP-7", "OPS-7"),
        ("retry --id OPS-70 --dry-run", "OPS-7"),
        ("cancel --id ORCH-1O2 --stale --yes", "ORCH-102"),
        ("show ORCH-0102", "ORCH-102"),
        ("list --id ORHC-102", "ORCH-102"),
        ("wait --id ORCH-12 --for DONE", "ORCH-102"),
    ],
)
def test_an_item(queues: Path, run: Run, queue: str, line: str, meant: str) -> None:
    """An id that no item has is exit 5 with the id that is like it; the item of that id is not touched."""
    before = digest(queues)
    told = run(*queue.split(), *shlex.split(line))
    assert (told.code, told.out) == (5, "")
    assert told.err.splitlines()[0].endswith(f"; did you mean {meant}?")
    assert digest(queues) == before


@pytest.mark.parametrize(
    ("line", "where"),
    [("cancel --id ORCH-13 --both", "Q.md and q.db"), ("undo --id ORCH-13", "q.db")],
)
def test_an_item_of_both_queues(queues: Path, run: Run, line: str, where: str) -> None:
    """So it is where both queues are meant, and where a change is taken back."""
    before = digest(queues)
    told = run("--queue", "Q.md", "--db", "q.db", *shlex.split(line))
    assert (told.code, where in told.err) == (5, True)
    assert told.err.endswith("; did you mean ORCH-013?\n")
    assert digest(queues) == before


def test_several_ids(queues: Path, run: Run) -> None:
    """Each id that is named gets one suggestion; a glob that matches nothing gets none."""
    assert queues
    told = run("list", "--queue", "Q.md", "--id", "ORCH-13", "--id", "OPS-07", "--id", "ORCJ-*")
    advice = "see the ids in `ops-checks list -f ids`; did you mean ORCH-013, OPS-7?"
    assert told == (5, "", f"error: Q.md: no item ORCH-13, OPS-07, ORCJ-*: {advice}\n")


def test_a_hostile_id_is_text(folder: Path, run: Run) -> None:
    """An id of the queue that a suggestion names is escaped as it is everywhere."""
    make_database(folder / "q.db", [item(HOSTILE)])
    told = run("--db", "q.db", "cancel", "--id", HOSTILE[:-1])
    assert (told.code, told.err.endswith("; did you mean A-1\\x1b[31m`$(touch x)`?\n")) == (5, True)
