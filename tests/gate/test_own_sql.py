"""The project's own rules in SQL: in the gate, in every way to ask for them, on both kinds of database."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown
from database_kinds import every_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told
    from database_kinds import InFile

    Run = Callable[..., Told]

ITEMS = [
    item("ORCH-1", priority="P0", owner_session="s1", task="Rotate keys"),
    item("ORCH-2", priority="P0", due_at_kst="2026-01-01 09:00"),
    item("ORCH-3", status="IN_PROGRESS", owner_session="s2", notes="a | b"),
]
LOG = '{"event":"run_end","command":"done","exit_code":0,"duration_ms":1}\n'
HEAD = "queue: Q.md\nlog: runs.jsonl\nconsistency: {settle: 0s}\n"
KPI = "kpi: {on_insufficient: pass, thresholds: {stale_in_progress: off}}\n"
NO_DUE = "SELECT id, owner_session FROM queue_items WHERE priority = 'P0' AND due_at_kst = '-'"
OVERDUE = "SELECT id FROM queue_items WHERE due_at_kst <> '-' AND due_at_kst < :now ORDER BY id"
WAIVER = "waivers:\n  - {rule: no-due, item: ORCH-1, reason: agreed, owner: kim, expires: '2026-12-31'}\n"


@pytest.fixture
def project(folder: Path, database_kind: InFile, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two queues that agree."""
    make_database(folder / "q.db", ITEMS)
    execute(folder / "q.db", "INSERT INTO queue_events (item_id, event_type) VALUES ('ORCH-1', 'added')")
    monkeypatch.setenv("ORCH_DB_PATH", database_kind.there("q.db"))
    make_markdown(folder / "Q.md", ITEMS)
    (folder / "runs.jsonl").write_text(LOG)
    return folder


def policy(folder: Path, *rules: str, more: str = "") -> None:
    """Write a policy with rules, each the inside of a mapping."""
    entries = "".join(f"  - {{{rule}}}\n" for rule in rules)
    (folder / "ops-checks.yaml").write_text(f"{HEAD}{KPI}rules:\n{entries}{more}")


def own(sql: str, rule: str = "no-due", **more: str) -> str:
    """Return the inside of a rule's mapping."""
    return f"id: {rule}, sql: {json.dumps(sql)}" + "".join(f", {name}: {text}" for name, text in more.items())


def findings(told: Told, rule: str = "no-due") -> list[dict[str, object]]:
    """Return the findings of a rule in a report as JSON."""
    [found] = [each for each in json.loads(told.out)["rules"] if each["id"] == rule]
    result: list[dict[str, object]] = found["findings"]
    return result


@every_database
def test_a_row_is_a_finding(run: Run, project: Path) -> None:
    """At the row in the database and the document, with the further columns, the task and the owner."""
    policy(project, own(NO_DUE, title="P0 without a due time", help="Ask who wants it."), own(OVERDUE, "overdue"))
    told = run("check")
    assert told.code == 1
    assert "FAIL no-due: P0 without a due time: 1" in told.out
    assert "ORCH-1" in told.out
    assert "owner_session=s1" in told.out
    assert "help: Ask who wants it." in told.out
    found = run("check", "--format", "json")
    [first] = findings(found)
    assert first["item"] == "ORCH-1"
    assert first["message"] == "ORCH-1 owner_session=s1"
    assert first["task"] == "Rotate keys"
    assert [place.get("line") for place in first["places"]] == [None, 7]  # type: ignore[attr-defined]
    assert [each["item"] for each in findings(found, "overdue")] == ["ORCH-2"]


@every_database
@pytest.mark.parametrize(
    ("rule", "more", "argv", "code"),
    [
        (own(NO_DUE), "", (), 1),
        (own(NO_DUE, severity="warning"), "", (), 0),
        (own(NO_DUE, severity="warning"), "", ("--fail-level", "warn"), 1),
        (own(NO_DUE, severity="off"), "", (), 0),
        (own(NO_DUE), WAIVER, (), 0),
        (own(NO_DUE), WAIVER.replace("2026-12-31", "2025-12-31"), (), 1),
        (own(NO_DUE), WAIVER.replace("item: ORCH-1, ", ""), (), 0),
        (own(NO_DUE), "", ("--only", "no-due"), 1),
        (own(NO_DUE), "", ("--only", "own"), 1),
        (own(NO_DUE), "", ("--only", "consistency"), 0),
        (own(NO_DUE + " AND id = 'x'"), "", (), 0),
        (own("SELECT count(*) FROM queue_items"), "", ("--only", "own"), 1),
        (own("SELECT id FORM queue_items x"), "", (), 4),
        (own("DELETE FROM queue_items"), "", (), 4),
        (own("WITH x AS (SELECT 1) DELETE FROM queue_items"), "", (), 4),
        (own("SELECT 1; DROP TABLE queue_items"), "", (), 4),
        (own("SELECT prioritty FROM queue_items"), "", (), 4),
        (own("SELECT NULL FROM queue_items"), "", (), 3),
        (own("SELECT '' FROM queue_items"), "", (), 3),
    ],
)
def test_it_ends_as_other_rules_do(run: Run, project: Path, rule: str, more: str, argv: tuple[str, ...], code: int):
    """Severity, waivers, `--only`; what does not parse is 4, what cannot be told of its rows is 3."""
    policy(project, rule, more=more)
    told = run("check", *argv)
    assert told.code == code, told
    assert "Traceback" not in told.out + told.err


@every_database
def test_a_mistake_is_told_with_its_line_in_the_policy(run: Run, project: Path) -> None:
    """In a block of lines it is the line of the mistake, else the one at which the statement begins; nothing else."""
    text = HEAD.replace("{", "{{").replace("}", "}}") + "rules:\n  - id: no-due\n    sql: {}\n"
    block = text.format("|\n      SELECT id\n      FROM queue_items\n      WHERE prioritty = 'P0'")
    folded = text.format(">\n      SELECT id\n      FROM queue_items\n      WHERE prioritty = 'P0'")
    for written, line in ((block, 9), (folded, 6), (text.format("SELECT prioritty FROM queue_items"), 6)):
        (project / "ops-checks.yaml").write_text(written)
        told = run("check")
        assert (told.code, told.out) == (4, "")
        assert told.err.startswith(f"error: ops-checks.yaml:{line}: rules.no-due.sql: ")
        assert "prioritty" in told.err
        assert told.err.count("\n") == 1


@every_database
def test_an_item_counts_once(run: Run, project: Path) -> None:
    """Further rows are counted in its message; what is no item of the queue is shown as it is."""
    policy(project, own("SELECT 'ORCH-1', 1 AS n UNION ALL SELECT 'ORCH-1', 2 UNION ALL SELECT 'nobody', 3"))
    told = run("check", "--only", "no-due", "--format", "json")
    assert [(each["item"], each["message"]) for each in findings(told)] == [
        ("ORCH-1", "ORCH-1 n=1 (2 rows)"),
        ("nobody", "nobody n=3"),
    ]


@every_database
def test_many_are_counted_and_some_are_shown(run: Run, project: Path) -> None:
    """As many as were asked for."""
    numbers = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 200) SELECT n FROM r"
    policy(project, own(numbers))
    for argv, shown in (((), 50), (("--max-details", "0"), 200), (("--max-details", "3"), 3)):
        [rule] = json.loads(run("check", "--only", "own", "--format", "json", *argv).out)["rules"]
        assert (rule["value"], len(rule["findings"]), rule["more_findings"]) == (200, shown, 200 - shown)


@every_database
def test_what_runs_on_and_on_is_an_error_of_the_rule(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the rule, and the others are judged."""
    from ops_checks.gate import own_sql

    monkeypatch.setattr(own_sql, "_LIMITS", own_sql._LIMITS._replace(seconds=0.5, rows=1000))
    endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT {} FROM r"
    policy(project, own(endless.format("max(n)"), "slow"), own(endless.format("n"), "many"), own(NO_DUE))
    told = run("check", "--only", "own")
    assert told.code == 3
    assert "error: slow: takes more than 0.5 s" in told.out
    assert "error: many: returns more than 1000 rows" in told.out
    assert "FAIL no-due" in told.out


def test_a_database_that_is_not_there_is_an_error_of_the_rule(run: Run, project: Path) -> None:
    """With its name, and exit code 3."""
    policy(project, own(NO_DUE))
    os.unlink("q.db")
    told = run("check", "--only", "no-due")
    assert told.code == 3
    assert "no-due: q.db: no such database" in told.out


@pytest.mark.parametrize(
    ("sql", "items"),
    [
        (NO_DUE, ["ORCH-1"]),
        (OVERDUE, ["ORCH-2"]),
        ("SELECT id FROM queue_items WHERE notes = 'a / b'", ["ORCH-3"]),
        ("SELECT owner_session FROM queue_items WHERE status = 'IN_PROGRESS' GROUP BY 1 HAVING count(*) > 0", ["s2"]),
        ("SELECT id FROM queue_items WHERE created_at < :now", None),
        ("SELECT i.id FROM queue_items i JOIN queue_events e ON e.item_id = i.id", None),
        ("SELECT * FROM queue_items", None),
        ("SELECT id FROM somebodys_table", None),
    ],
)
def test_the_document_alone_is_judged_as_a_database(run: Run, project: Path, sql: str, items: list[str] | None) -> None:
    """Where a statement needs no more than the document has; any other is left out, which is told."""
    make_markdown(
        project / "Q.md", [*ITEMS[:2], item("ORCH-3", status="IN_PROGRESS", owner_session="s2", notes="a / b")]
    )
    os.unlink("q.db")
    policy(project, own(sql))
    told = run("check", "--only", "queue", "--format", "json")
    if items is None:
        assert told.code == 0
        assert json.loads(told.out)["notes"] == ["no-due: needs the queue database, and was not judged"]
        return
    assert told.code == 1
    assert [each["item"] for each in findings(told)] == items
    [place] = findings(told)[0]["places"]  # type: ignore[misc]
    assert place["path"] == "Q.md"
    assert place.get("line") == {"ORCH-1": 7, "ORCH-2": 8, "ORCH-3": 9}.get(items[0])


def test_the_document_of_a_queue_on_a_server_is_not(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement is in the dialect of its database."""
    monkeypatch.setenv("ORCH_DB_PATH", "postgresql://nowhere/queue")
    policy(project, own(NO_DUE))
    told = run("check", "--only", "queue", "--format", "json")
    assert told.code == 0
    assert "no-due: is in the dialect of PostgreSQL, and was not judged" in json.loads(told.out)["notes"]


@pytest.mark.parametrize(
    ("sql", "code", "says"),
    [
        (NO_DUE, 0, ""),
        ("SELECT id FORM queue_items x", 4, "error: ops-checks.yaml:6: rules.no-due.sql: near"),
        ("ATTACH 'x' AS y", 4, "error: ops-checks.yaml:6: rules.no-due.sql: begins with ATTACH"),
        ("SELECT load_extension('x')", 4, "load_extension() is no function that a rule may call"),
        ("SELECT :nope", 4, "no such parameter :nope: expected :now, :now_s, :tz_minutes"),
        ("SELECT x FROM queue_items", 0, "warning: ops-checks.yaml:6: rules.no-due.sql: no such column: x (SQLite"),
        ("SELECT id FROM theirs", 0, "no such table: theirs (SQLite"),
    ],
)  # fmt: skip
def test_policy_check_says_what_it_can(run: Run, project: Path, sql: str, code: int, says: str) -> None:
    """Without a database: what surely is no statement is an error; what a queue need not have is a warning."""
    policy(project, own(sql))
    os.unlink("q.db")
    told = run("policy", "check")
    assert told.code == code
    assert says in told.err
    assert bool(says) == bool(told.err)


def test_policy_check_says_nothing_of_a_server(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the server knows its dialect."""
    monkeypatch.setenv("ORCH_DB_PATH", "postgresql://nowhere/queue")
    policy(project, own("SELECT DISTINCT ON (id) id FROM queue_items WHERE id ~ 'x'"))
    assert run("policy", "check") == (0, "policy ok ops-checks.yaml\n", "")
