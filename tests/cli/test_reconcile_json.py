"""`-f json` of the commands that plan and apply: published, whole, with the exit code of the lines (RECONCILE 13)."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from builders import execute, item, make_database, make_markdown
from database_kinds import every_database
from reconcile_checks import DB, QUEUE, assert_published, edit, lay_down

from ops_checks.cli.output import MadeDocument, write_results

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told
    from database_kinds import InFile

    Run = Callable[..., Told]


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project whose queues agree on three items, and have a baseline of that."""
    return lay_down(folder)


def _json(told: Told, code: int) -> dict[str, Any]:
    assert told.code == code, told
    return assert_published(json.loads(told.out))


def _told(code: int) -> dict[str, Any]:
    """Return what every document has besides, where stderr has nothing to tell."""
    return {"exit_code": code, "errors": [], "warnings": [], "notes": []}


def _move(project: Path) -> None:
    """Let the document's ORCH-1 and the database's ORCH-2 move, and ORCH-3 on both sides."""
    edit(project, "| ORCH-1 | PENDING | P1 |", "| ORCH-1 | PENDING | P0 |")
    edit(project, "| ORCH-3 | PENDING | P1 |", "| ORCH-3 | PENDING | P0 |")
    execute(project / DB, "UPDATE queue_items SET status = 'BLOCKED' WHERE id = 'ORCH-2'")
    execute(project / DB, "UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-3'")


@every_database
def test_drift_is_the_plan(project: Path, run: Run, database_kind: InFile) -> None:
    """Actions, needs and base are those of the plan file, with the same id; nothing is saved."""
    run("baseline")
    assert _json(run("drift", "-f", "json"), 0)["actions"] == []
    _move(project)
    drift = _json(run("drift", "-f", "json"), run("drift").code)
    assert [(each["id"], each["unit"], each["to"]) for each in drift["actions"]] == [
        ("ORCH-1", "priority", "db"),
        ("ORCH-2", "claim", "md"),
    ]
    assert [(each["id"], each["reason"]) for each in drift["needs"]] == [("ORCH-3", "conflict")]
    assert drift["stop"] is None
    planned = _json(run("reconcile", "plan", "-f", "json", "-o", "plan.json"), 1)
    assert planned["plan_id"] == drift["plan_id"]
    assert json.loads(database_kind.back((project / "plan.json").read_text())) == planned


@every_database
def test_what_is_printed_can_be_applied(project: Path, run: Run, database_kind: InFile) -> None:
    """The JSON on stdout is a plan file; each step of its life is told in JSON."""
    run("baseline")
    _move(project)
    (project / "plan.json").write_text(database_kind.printed(run("reconcile", "plan", "-f", "json").out))
    found = _json(run("reconcile", "apply", "plan.json", "-f", "json"), 1)
    assert found == _told(1) | {
        "schema": "ops-checks/reconcile-result/1",
        "operation": "applied",
        "plan_id": found["plan_id"],
        "applied": [
            {"id": "ORCH-1", "unit": "priority", "kind": "set", "to": "db"},
            {"id": "ORCH-2", "unit": "claim", "kind": "set", "to": "md"},
        ],
        "already": [],
        "stale": [],
        "refused": [],
        "needs": [{"id": "ORCH-3", "unit": "priority", "reason": "conflict"}],
        "consistent": False,
    }
    again = _json(run("reconcile", "apply", "plan.json", "-f", "json"), 0)
    assert (again["operation"], again["plan_id"], again["applied"]) == ("already-applied", found["plan_id"], [])
    nothing = _json(run("reconcile", "resume", "-f", "json"), 0)
    assert (nothing["operation"], nothing["plan_id"], nothing["consistent"]) == ("nothing", None, False)


@every_database
def test_what_became_stale(project: Path, run: Run) -> None:
    """It is listed apart, and the exit code is that of the lines."""
    run("baseline")
    _move(project)
    run("reconcile", "plan", "-o", "plan.json")
    execute(project / DB, "UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-1'")
    found = _json(run("reconcile", "apply", "plan.json", "-f", "json"), 5)
    assert found["stale"] == [{"id": "ORCH-1", "unit": "priority", "kind": "set", "to": "db"}]


def test_a_resumed_plan(project: Path, run: Run) -> None:
    """What the interrupted application had written already is listed apart."""
    run("baseline")
    _move(project)
    run("reconcile", "plan", "-o", "plan.json")
    old = (project / DB).read_bytes()
    assert run("reconcile", "apply", "plan.json").code == 1
    (project / DB).write_bytes(old)  # as after a crash between the rename and the commit
    plan = json.loads((project / "plan.json").read_text())
    columns = (
        "plan_id TEXT PRIMARY KEY NOT NULL, state, made_at, actor, plan_json, base_before_json, md_before, md_after"
    )
    execute(project / DB, f"CREATE TABLE queue_reconcile ({columns})")
    text = (project / "plan.json").read_text().replace("'", "''")
    values = f"'{plan['plan_id']}', 'prepared', 'x', 'kim', '{text}', '{{}}', '', ''"
    execute(project / DB, f"INSERT INTO queue_reconcile VALUES ({values})")
    found = _json(run("reconcile", "resume", "-f", "json"), 1)
    assert [each["id"] for each in found["already"]] == ["ORCH-2"]
    assert [each["id"] for each in found["applied"]] == ["ORCH-1"]


@every_database
@pytest.mark.parametrize(
    ("command", "word", "moved"), [("render", "rendered", "ORCH-2"), ("import", "imported", "ORCH-1")]
)
def test_one_way(project: Path, run: Run, command: str, word: str, moved: str) -> None:
    """`render` and `import` tell what they wrote, and that there was nothing."""
    run("baseline")
    assert _json(run(command, "-f", "json"), 0) | {"plan_id": None} == _told(0) | {
        "schema": "ops-checks/reconcile-result/1",
        "operation": "nothing",
        "plan_id": None,
        **{name: [] for name in ("applied", "already", "stale", "refused", "needs")},
        "consistent": True,
    }
    _move(project)
    found = _json(run(command, "-f", "json"), 1)
    assert (found["operation"], [each["id"] for each in found["applied"]]) == (word, [moved])


@every_database
def test_the_stop_of_drift(project: Path, run: Run) -> None:
    """It is in the plan; a plan that is stopped is refused, in either format."""
    run("baseline")
    make_markdown(project / QUEUE, [])
    found = _json(run("drift", "-f", "json"), 1)
    assert found["stop"]["reason"] == "empty-md"
    assert (found["actions"], found["needs"]) == ([], [])
    refused = run("reconcile", "plan", "-f", "json")
    assert (refused.code, json.loads(refused.out)["schema"]) == (5, "ops-checks/error/1")
    assert refused._replace(out="") == run("reconcile", "plan")


@every_database
def test_it_is_never_cut(folder: Path, run: Run) -> None:
    """Whatever --max-details says; without a baseline too."""
    project = lay_down(folder)
    items = [item(f"T-{number}") for number in range(60)]
    make_markdown(project / QUEUE, items)
    (project / DB).unlink(missing_ok=True)
    make_database(project / DB, [each.with_cells([("priority", "P0")]) for each in items])
    found = _json(run("drift", "-f", "json", "--max-details", "1"), 1)
    assert (len(found["needs"]), found["base"]) == (60, {"source": "none", "items": 0})


@every_database
def test_an_option_that_nothing_asks_for(project: Path, run: Run) -> None:
    """The plan has no key for it: it is noted."""
    run("baseline")
    told = run("drift", "-f", "json", "--prefer", "ORCH-9=md")
    _json(told, 0)
    assert told.err == "note: --prefer ORCH-9=md: nothing asks for it\n"


@every_database
def test_hostile_text(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is escaped where it is printed, and reads back as it is."""
    monkeypatch.setenv("GITHUB_ACTIONS", "1")
    run("baseline")
    hostile = "##[add-mask] \x1b]52;c;x\x07 \u202e \x9b ::error::"
    execute(project / DB, f"UPDATE queue_items SET task = '{hostile}' WHERE id = 'ORCH-1'")
    told = run("drift", "-f", "json")
    assert _json(told, 1)["actions"][0]["after"]["task"] == hostile
    assert "##[" not in told.out
    assert all(line.isprintable() for line in told.out.splitlines())


def test_a_full_disk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stdout cannot take the result, its user knows all the same that there is one."""
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert not write_results([MadeDocument("{}\n", "applied p-0123456789abcdef")])
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert "note: applied p-0123456789abcdef: this change was made, only the output failed" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["drift", "render", "import", "reconcile plan", "reconcile resume"])
def test_a_format_that_is_none(project: Path, run: Run, command: str) -> None:
    """It is a usage error."""
    assert run(*command.split(), "-f", "xml").code == 4
