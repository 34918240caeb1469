"""A document that is a view of the database: an edit of it is told apart from a database that moved on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from builders import aged, execute, item, make_database, make_markdown

from ops_checks.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

ITEMS = [item("ORCH-1"), item("ORCH-2"), item("ORCH-3", notes="one / two")]
PATHS = "queue: QUEUE.md\ndb: queue.db\n"
VIEW = f"{PATHS}source_of_truth: db\nconsistency:\n  settle: 0s\n"
DONE = "UPDATE queue_items SET status = 'DONE' WHERE id = 'ORCH-2';"
P0 = "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-2';"
ROW_2 = "| ORCH-2 | PENDING | P1 |"
NEW = "| ORCH-9 | PENDING | P1 | new | done | - | - | - |  |\n"


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project whose document is a view, equal to its database."""
    make_markdown(folder / "QUEUE.md", ITEMS)
    make_database(folder / "queue.db", ITEMS)
    (folder / "ops-checks.yaml").write_text(VIEW)
    return folder


def edit(project: Path, old: str, new: str) -> None:
    """Change the document as a person does."""
    path = project / "QUEUE.md"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    aged(path)


def sql(project: Path, script: str) -> None:
    """Change the database as a program does."""
    execute(project / "queue.db", script)
    aged(project / "queue.db")


def add_row(project: Path) -> None:
    """Add a row below the last one."""
    text = (project / "QUEUE.md").read_text()
    last = next(line for line in text.splitlines() if line.startswith("| ORCH-3 "))
    edit(project, last + "\n", last + "\n" + NEW)


def remove_row(project: Path) -> None:
    """Take the row of ORCH-2 out."""
    text = (project / "QUEUE.md").read_text()
    edit(project, next(line for line in text.splitlines() if line.startswith("| ORCH-2 ")) + "\n", "")


def found(run: Run, *options: str) -> dict[str, list[str]]:
    """Return what `check` finds by rule, each as item and field."""
    report = json.loads(run("check", "--only", "consistency", "-f", "json", *options).out)
    return {
        rule["id"]: [" ".join(filter(None, (each["item"], each["field"]))) for each in rule["findings"]]
        for rule in report["rules"]
        if rule["findings"]
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda _: None, {}),
        (lambda p: edit(p, ROW_2, "| ORCH-2 | PENDING | P0 |"), {"view-edited": ["ORCH-2 priority"]}),
        (lambda p: sql(p, P0), {"field-mismatch": ["ORCH-2 priority"]}),
        (lambda p: (edit(p, ROW_2, "| ORCH-2 | PENDING | P2 |"), sql(p, P0)), {"field-mismatch": ["ORCH-2 priority"]}),
        (
            lambda p: (edit(p, ROW_2, "| ORCH-2 | PENDING | P0 |"), sql(p, DONE)),
            {"field-mismatch": ["ORCH-2 status"], "view-edited": ["ORCH-2 priority"]},
        ),
        # status and owner are one unit: the database moved in it, so that it is no edit of the view alone
        (
            lambda p: (edit(p, "PENDING | P1 | task | done | - ", "PENDING | P1 | task | done | kim "), sql(p, DONE)),
            {
                "field-mismatch": ["ORCH-2 status", "ORCH-2 owner_session"],
                "view-edited": ["ORCH-1 owner_session", "ORCH-3 owner_session"],
            },
        ),
        (add_row, {"view-edited": ["ORCH-9"]}),
        (remove_row, {"view-edited": ["ORCH-2"]}),
        (lambda p: sql(p, "DELETE FROM queue_items WHERE id = 'ORCH-2'"), {"missing-in-db": ["ORCH-2"]}),
        (
            lambda p: sql(
                p,
                "INSERT INTO queue_items (id, status, priority, task, success_criteria, created_at, updated_at)"
                " VALUES ('ORCH-8', 'PENDING', 'P1', 'x', 'y', '-', '-')",
            ),
            {"missing-in-md": ["ORCH-8"]},
        ),
        (lambda p: edit(p, "| ORCH-2 |", "| ORCH-7 |"), {"view-edited": ["ORCH-7", "ORCH-2"]}),
    ],
)
def test_who_moved(project: Path, run: Run, change: Callable[[Path], object], expected: object) -> None:
    """What moved in the document only is an edit of the view, by unit; what moved in the database is ordinary drift."""
    assert run("baseline").code == 0
    change(project)
    assert found(run) == expected
    assert run("check", "--only", "consistency").code == (1 if expected else 0)


def test_a_document_that_is_no_view_has_no_edits(project: Path, run: Run) -> None:
    """Without `source_of_truth: db` there is no such rule, and the same edit is a mismatch."""
    assert run("baseline").code == 0
    edit(project, ROW_2, "| ORCH-2 | PENDING | P0 |")
    (project / "ops-checks.yaml").write_text(VIEW.replace("source_of_truth: db\n", ""))
    assert found(run) == {"field-mismatch": ["ORCH-2 priority"]}
    assert "view-edited" not in run("check", "--only", "consistency", "-f", "json").out


def test_the_commands_on_two_sides_stay_so(project: Path, run: Run) -> None:
    """`consistency-check` compares two sides: its lines and its report count an edit of the view as they always did."""
    assert run("baseline").code == 0
    edit(project, ROW_2, "| ORCH-2 | PENDING | P0 |")
    assert run("consistency-check") == (
        1,
        "consistency mismatch missing_in_db=0 missing_in_md=0 field_mismatch=1\n"
        "- mismatch ORCH-2:priority:md=P0 db=P1\n",
        "note: 1 mismatch in 1 item: `ops-checks drift` shows which side moved since the baseline b-1\n",
    )
    assert "view-edited" not in run("consistency-check", "-f", "json").out


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (
            "",
            "CREATE TABLE IF NOT EXISTS queue_reconcile (plan_id TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL,"
            " made_at TEXT NOT NULL, actor TEXT NOT NULL, plan_json TEXT NOT NULL, base_before_json TEXT NOT NULL,"
            " md_before TEXT NOT NULL, md_after TEXT NOT NULL);"
            "INSERT INTO queue_reconcile VALUES ('p-1', 'prepared', '-', 'x', '{}', '{}', '', '')",
            "an interrupted apply: nobody can tell whether the view was edited",
        ),
        ("", "", "no baseline: nobody can tell whether the view was edited"),
        (P0, "", "never agreed: nobody can tell whether the view was edited"),
        (
            "",
            "UPDATE queue_baseline SET priority = 'P2' WHERE item_id = 'ORCH-2'",
            "the baseline is damaged: nobody can tell whether the view was edited",
        ),
        (
            "",
            "ALTER TABLE queue_baselines RENAME COLUMN tool TO tools",
            "the baseline is damaged: nobody can tell whether the view was edited",
        ),
    ],
)
def test_where_nobody_can_tell(project: Path, run: Run, before: str, after: str, reason: str) -> None:
    """Without an agreement on the unit a difference stays ordinary drift, and says so; a damaged one is no error."""
    if before:
        sql(project, before)
    if before or after:
        run("baseline")
    edit(project, ROW_2, "| ORCH-2 | PENDING | P2 |")
    if after:
        sql(project, after)
    report = json.loads(run("check", "--only", "consistency", "-f", "json").out)
    assert report["exit_code"] == 1
    assert report["errors"] == []
    assert {rule["id"]: rule["verdict"] for rule in report["rules"]} == {
        "missing-in-db": "pass",
        "missing-in-md": "pass",
        "field-mismatch": "fail",
        "view-edited": "pass",
    }
    (finding,) = report["rules"][2]["findings"]
    assert finding["reason"] == reason
    (note,) = report["notes"]
    assert note.startswith("differences that may be edits of the view, and count as ordinary drift: 1 (")


def test_its_words(project: Path, run: Run) -> None:
    """The text names both outcomes of an edit; neither way loses it without a word."""
    assert run("baseline").code == 0
    edit(project, ROW_2, "| ORCH-2 | PENDING | P0 |")
    add_row(project)
    told = run("check", "--only", "consistency", "-f", "text")
    (fail,) = [part for part in told.out.split("\n\n") if part.startswith("FAIL view-edited")]
    assert fail.splitlines() == [
        "FAIL view-edited: edits of the view: 2",
        "  value 2, limit <= 0, samples 4",
        "  QUEUE.md:8   ORCH-2  task  priority: md=P0 db=P1 (the document changed since b-1, the database did not)",
        "  QUEUE.md:10  ORCH-9  new   was added to the document since b-1",
        "  help: The database is the source of truth, and the document, its view, was changed since both agreed. "
        "Change the database with --db instead. `ops-checks reconcile plan --prefer ID=md` carries the edit over to "
        "the database; `ops-checks render --prefer ID=db` brings the view back, and the edit is gone (a row that was "
        "added stays).",
    ]


def test_both_ways_of_the_help(project: Path, run: Run) -> None:
    """What the help advises does what it says: the one way carries the edit over, the other brings the view back."""
    assert run("baseline").code == 0
    edit(project, ROW_2, "| ORCH-2 | PENDING | P0 |")
    assert run("render").code == 1
    assert "| ORCH-2 | PENDING | P0 |" in (project / "QUEUE.md").read_text()
    assert run("render", "--prefer", "ORCH-2=db").code == 0
    assert ROW_2 in (project / "QUEUE.md").read_text()
    edit(project, ROW_2, "| ORCH-2 | PENDING | P0 |")
    assert run("reconcile", "plan", "--prefer", "ORCH-2=md", "-o", "plan.json").code == 1
    assert run("reconcile", "apply", "plan.json").code == 0
    assert run("--db", "queue.db", "consistency-check").code == 0
    assert run("check", "--only", "consistency").code == 0
    assert "| ORCH-2 | PENDING | P0 |" in (project / "QUEUE.md").read_text()


@pytest.mark.parametrize(
    ("policy", "expected", "code"),
    [
        ("  severity: {view-edited: warning}\n", {"view-edited": ["ORCH-2 priority"]}, 0),
        ("  severity: {view-edited: off}\n", {"field-mismatch": ["ORCH-2 priority"]}, 1),
        ("  severity: {field-mismatch: off}\n", {"view-edited": ["ORCH-2 priority"]}, 1),
        ("  fields: [status]\n", {}, 0),
        (
            "waivers: [{rule: view-edited, item: ORCH-2, reason: known, owner: kim, expires: '2099-01-01'}]\n",
            {"view-edited": ["ORCH-2 priority"]},
            0,
        ),
        (
            "waivers: [{rule: field-mismatch, reason: known, owner: kim, expires: '2099-01-01'}]\n",
            {"view-edited": ["ORCH-2 priority"], "waiver-unused": [""]},
            1,
        ),
    ],
)
def test_the_policy(project: Path, run: Run, policy: str, expected: object, code: int) -> None:
    """Its severity, the fields that count and waivers hold for it; off, an edit is ordinary drift again."""
    assert run("baseline").code == 0
    edit(project, ROW_2, "| ORCH-2 | PENDING | P0 |")
    (project / "ops-checks.yaml").write_text(VIEW + policy)
    assert found(run) == expected
    assert run("check", "--only", "consistency").code == code


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format(project: Path, run: Run, name: str) -> None:
    """Every format names the rule."""
    assert run("baseline").code == 0
    edit(project, ROW_2, "| ORCH-2 | PENDING | P0 |")
    told = run("check", "--only", "consistency", "-f", name)
    assert told.code == 1
    assert "view-edited" in told.out or "view_edited" in told.out


def test_rendering_moves_the_agreement_on(project: Path, run: Run) -> None:
    """What the database moved and `render` brought into the view is agreed: a later edit of the view is one."""
    assert run("baseline").code == 0
    sql(project, DONE)
    assert found(run) == {"field-mismatch": ["ORCH-2 status"]}
    assert run("render").code == 0
    aged(project / "QUEUE.md")
    aged(project / "queue.db")
    assert found(run) == {}
    edit(project, "| ORCH-2 | DONE |", "| ORCH-2 | PENDING |")
    assert found(run) == {"view-edited": ["ORCH-2 status"]}
