"""`render -o FILE` writes another document, for looking: the real one and the database stay (RECONCILE section 2)."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from builders import aged, execute
from reconcile_checks import DB, QUEUE, assert_published, edit, everything, lay_down

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project in whose database ORCH-1 moved, ORCH-3 went and ORCH-4 came."""
    lay_down(folder)
    path = folder / QUEUE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n").replace(b"| ORCH-1 |", b"|  ORCH-1  |"))
    aged(path)
    execute(folder / DB, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-1'")
    execute(folder / DB, "UPDATE queue_items SET id = 'ORCH-4' WHERE id = 'ORCH-3'")
    return folder


def test_it_is_what_render_writes(project: Path, run: Run) -> None:
    """To the byte, with its lines and its exit code; and no other file is touched or made."""
    before = everything(project)
    elsewhere = run("render", "-o", "view.md")
    after = everything(project)
    view = (project / "view.md").read_bytes()
    assert after.pop(str(project / "view.md"))
    assert after == before
    as_json = run("render", "-o", "view.md", "-f", "json")
    real = run("render")
    assert (project / QUEUE).read_bytes() == view
    first, _, rest = real.out.partition("\n")
    assert elsewhere == (real.code, f"{first} -> view.md\n{rest}", real.err) == (1, elsewhere.out, "")
    found = assert_published(json.loads(as_json.out))
    assert (as_json.code, found["operation"], [each["id"] for each in found["applied"]]) == (
        1,
        "rendered",
        ["ORCH-1", "ORCH-4"],
    )


def test_nothing_to_render(project: Path, run: Run) -> None:
    """Then it is a copy."""
    execute(project / DB, "UPDATE queue_items SET priority = 'P1', id = replace(id, '4', '3')")
    assert run("render", "-o", "view.md") == (
        0,
        "rendered nothing: total=3 -> view.md\nconsistency ok total=3\n",
        "",
    )
    assert (project / "view.md").read_bytes() == (project / QUEUE).read_bytes()


def test_a_view_that_may_only_be_read(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be looked at elsewhere all the same."""
    monkeypatch.setenv("ORCH_QUEUE_MD_READ_ONLY", "1")
    assert run("render").code == 5
    assert run("render", "-o", "view.md").out.splitlines()[1:3] == [
        "- rendered ORCH-1 priority",
        "- rendered ORCH-4 row",
    ]


def test_what_it_may_replace(project: Path, run: Run) -> None:
    """An older one; never an input, by whatever name, nor something else."""
    (project / "notes.md").write_text("# Mine\n")
    (project / "link.md").symlink_to(project / QUEUE)
    os.link(project / "ops-checks.yaml", project / "linked.yaml")
    before = everything(project)
    for path in (QUEUE, f"./{QUEUE}", "link.md", DB, f"{QUEUE}.lock", "ops-checks.yaml", "linked.yaml", "notes.md"):
        found = run("render", "-o", path)
        assert (found.code, found.out) == (4, ""), path
    assert run("render", "-o", "no/such/folder.md").code == 3
    assert everything(project) == before
    assert run("render", "-o", "view.md").code == 1
    first = (project / "view.md").read_bytes()
    execute(project / DB, "UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-1'")
    assert run("render", "-o", "view.md").code == 1
    assert (project / "view.md").read_bytes() == first.replace(b"PENDING | P0", b"PENDING | P2")


def test_a_safety_stop(project: Path, run: Run) -> None:
    """It writes nothing, elsewhere neither."""
    run("baseline")
    execute(project / DB, "DELETE FROM queue_items")
    assert run("render", "-o", "view.md").code == 5
    assert not (project / "view.md").exists()


def test_a_hand_edit_stays(project: Path, run: Run) -> None:
    """What a person wrote into the view is asked about there too, until it is named."""
    run("baseline")
    edit(project, "| ORCH-2 | PENDING | P1 |", "| ORCH-2 | PENDING | P0 |")
    run("render", "-o", "view.md")
    assert b"| ORCH-2 | PENDING | P0 |" in (project / "view.md").read_bytes()
    run("render", "-o", "view.md", "--prefer", "ORCH-2=db")
    assert b"| ORCH-2 | PENDING | P1 |" in (project / "view.md").read_bytes()


def test_import_has_no_other_document(project: Path, run: Run) -> None:
    """It writes to the database only."""
    assert run("import", "-o", "view.md").code == 4
