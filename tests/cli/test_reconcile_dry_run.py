"""`reconcile apply --dry-run` and `--all-or-nothing`: what apply would do, and nothing is written (RECONCILE 2, 13)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import aged, execute, item, make_database, make_markdown, select
from database_kinds import every_database
from reconcile_checks import DB, QUEUE, assert_published, edit, everything, lay_down

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told

    Run = Callable[..., Told]

_NOTE = "dry run: nothing was written\n"


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project whose queues agree on three items."""
    return lay_down(folder)


def _planned(project: Path, run: Run, *options: str) -> None:
    assert run("reconcile", "plan", *options, "-o", "plan.json").code == 1


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_it_leaves_no_file_of_either_journal(project: Path, run: Run, journal: str) -> None:
    """Whichever the database has: every file is as it was, and none is new."""
    execute(project / DB, f"PRAGMA journal_mode = {journal}")
    test_it_says_what_apply_says(project, run)


@every_database
def test_it_says_what_apply_says(project: Path, run: Run) -> None:
    """The same lines with another word, the same exit code; afterwards every file is as it was, and none is new."""
    run("baseline")
    (project / f"{QUEUE}.lock").unlink()
    edit(project, "| ORCH-1 | PENDING | P1 |", "| ORCH-1 | PENDING | P0 |")
    edit(project, "| ORCH-3 | PENDING | P1 | task | done | - | - | - |  |\n", "")
    execute(project / DB, "UPDATE queue_items SET status = 'BLOCKED' WHERE id = 'ORCH-2'")
    _planned(project, run, "--prefer", "ORCH-3=md")
    before = everything(project)
    dry = run("reconcile", "apply", "plan.json", "--dry-run")
    as_json = run("reconcile", "apply", "plan.json", "--dry-run", "-f", "json")
    assert everything(project) == before
    assert run("reconcile", "resume").out == "nothing to resume\n"
    wet = run("reconcile", "apply", "plan.json")
    assert dry == (wet.code, wet.out.replace("applied ", "would-apply "), _NOTE)
    assert dry.out.endswith("- would-apply ORCH-3 row\nconsistency ok total=2\n")
    found = assert_published(json.loads(as_json.out))
    assert (as_json.code, found["operation"], found["consistent"]) == (wet.code, "would-apply", True)
    assert run("reconcile", "apply", "plan.json", "--dry-run") == (
        0,
        f"already applied {found['plan_id']}\n",
        _NOTE,
    )


@every_database
@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_all_or_nothing(project: Path, run: Run, options: list[str]) -> None:
    """What does not hold any more is named, each unit on a line, and nothing is applied."""
    run("baseline")
    edit(project, "| PENDING | P1 |", "| PENDING | P0 |")
    _planned(project, run)
    execute(project / DB, "UPDATE queue_items SET priority = 'P2' WHERE id <> 'ORCH-1'")
    before = (project / QUEUE).read_bytes()
    assert run("reconcile", "apply", "plan.json", "--all-or-nothing", *options) == (
        5,
        "",
        "error: ORCH-2 priority: changed since the plan was made: plan again\n"
        "  ORCH-3 priority: changed since the plan was made: plan again\n",
    )
    assert (project / QUEUE).read_bytes() == before
    assert run("reconcile", "resume").out == "nothing to resume\n"


@every_database
def test_it_is_refused_as_apply_is(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a baseline, of another queue, stale, on a document that may only be read: the same code and words."""
    execute(project / DB, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-1'")
    _planned(project, run, "--prefer", "ORCH-1=db")

    def same(code: int) -> None:
        dry = run("reconcile", "apply", "plan.json", "--dry-run")
        wet = run("reconcile", "apply", "plan.json")
        assert (dry.code, wet.code) == (code, code)
        assert dry.err.removeprefix(_NOTE) == wet.err

    same(5)
    execute(project / DB, "UPDATE queue_items SET priority = 'P1' WHERE id = 'ORCH-1'")
    run("baseline")
    execute(project / DB, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-1'")
    _planned(project, run)
    monkeypatch.setenv("ORCH_QUEUE_MD_READ_ONLY", "1")
    same(5)
    monkeypatch.delenv("ORCH_QUEUE_MD_READ_ONLY")
    execute(project / DB, "UPDATE queue_baselines SET queue_id = 'q-other'")
    same(5)


@every_database
def test_what_a_comparison_ignores(project: Path, run: Run) -> None:
    """The policy's fields and statuses count for what is foretold too."""
    (project / "ops-checks.yaml").write_text("consistency:\n  settle: 0s\n  ignore_statuses: [DONE]\n")
    items = [item("ORCH-1", "DONE"), item("ORCH-2"), item("ORCH-3", task="a | b")]
    make_markdown(project / QUEUE, items)
    (project / DB).unlink(missing_ok=True)
    aged(Path(make_database(project / DB, items)))
    run("baseline")
    edit(project, "| ORCH-2 | PENDING | P1 |", "| ORCH-2 | PENDING | P0 |")
    execute(project / DB, "UPDATE queue_items SET task = 'x | y' WHERE id = 'ORCH-3'")
    _planned(project, run)
    dry = run("reconcile", "apply", "plan.json", "--dry-run")
    assert dry.out == run("reconcile", "apply", "plan.json").out.replace("applied ", "would-apply ")
    assert dry.out.endswith("consistency ok total=2\n")


@every_database
@pytest.mark.parametrize("removed", [False, True])
def test_an_item_whose_cells_have_line_breaks(project: Path, run: Run, *, removed: bool) -> None:
    """It is written to like any other, and what the plan does not change of it stays as it is stored."""
    execute(project / DB, "UPDATE queue_items SET task = 'a\r\nb', notes = 'c\n| d'")
    edit(project, "| task | done | - | - | - |  |", "| a b | done | - | - | - | c / d |")
    assert run("baseline").code == 0
    if removed:
        text = (project / QUEUE).read_text()
        edit(project, next(line for line in text.splitlines(keepends=True) if line.startswith("| ORCH-2 |")), "")
        _planned(project, run, "--prefer", "ORCH-2=md")
    else:
        edit(project, "| ORCH-2 | PENDING | P1 |", "| ORCH-2 | PENDING | P0 |")
        _planned(project, run)
    dry = run("reconcile", "apply", "plan.json", "--dry-run")
    wet = run("reconcile", "apply", "plan.json")
    assert (dry.code, dry.out) == (wet.code, wet.out.replace("applied ", "would-apply "))
    assert wet.code == 0, wet
    found = select(project / DB, "SELECT priority, task, notes FROM queue_items WHERE id = 'ORCH-2'")
    assert found == ([] if removed else [("P0", "a\r\nb", "c\n| d")])


@every_database
def test_details_are_cut(project: Path, run: Run) -> None:
    """Of what was applied and of what is stale 50 are named, and the number of the others; 0 names all."""
    items = [item(f"T-{number}") for number in range(120)]
    make_markdown(project / QUEUE, items)
    (project / DB).unlink(missing_ok=True)
    aged(Path(make_database(project / DB, items)))
    run("baseline")
    edit(project, "| PENDING | P1 |", "| PENDING | P0 |")
    _planned(project, run, "--max-changed", "200")
    execute(project / DB, "UPDATE queue_items SET priority = 'P2' WHERE id LIKE 'T-1__' OR id LIKE 'T-__'")
    refused = run("reconcile", "apply", "plan.json", "--all-or-nothing").err.splitlines()
    assert (len(refused), refused[-1]) == (51, "  and 60 more")
    lines = run("reconcile", "apply", "plan.json", "--dry-run").out.splitlines()
    assert next(line for line in lines if "more" in line) == "- stale: 60 more (--max-details 0 shows all)"
    assert sum(line.startswith("- stale T-") for line in lines) == 50
    whole = run("reconcile", "apply", "plan.json", "--dry-run", "--max-details", "0").out.splitlines()
    assert sum(line.startswith("- stale T-") for line in whole) == 110
    found = json.loads(run("reconcile", "apply", "plan.json", "--dry-run", "-f", "json", "--max-details", "1").out)
    assert (len(found["applied"]), len(found["stale"])) == (10, 110)
