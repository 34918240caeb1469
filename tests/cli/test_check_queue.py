"""`check --only queue`, the document alone, and `--only` with the id of a rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from builders import document, item, make_database, make_markdown, table

from ops_checks.rules.queue.rules import ROW_CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    from ops_checks.model import Item

    Run = Callable[..., Told]

BUSY = item(
    "ORCH-1", "IN_PROGRESS", owner_session="w1", started_at_kst="2026-01-01 10:00", due_at_kst="2026-01-01 11:00"
)
ITEMS = [BUSY, item("ORCH-2", "BLOCKED", notes="waits for a key")]
ROW = "| A-1 | PENDING | P1 | t | s | - | - | - | |"
ROW_IDS = [check.rule.id for check in ROW_CHECKS]
ALL = f"rules: [{', '.join(f'{{id: {each}}}' for each in ROW_IDS)}]\n"


def checkout(folder: Path, text: str, policy: str = "") -> None:
    """Lay a checkout: a document, a policy, no database and no log."""
    make_markdown(folder / "QUEUE.md", [])
    (folder / "QUEUE.md").write_text(text)
    (folder / "ops-checks.yaml").write_text(f"queue: QUEUE.md\ndb: queue.db\nlog: runs.jsonl\n{policy}")


@pytest.mark.parametrize(
    ("text", "policy", "code", "health"),
    [
        (document(ITEMS), "", 0, "HEALTH_OK"),
        (document([]), "", 0, "HEALTH_OK"),
        (document([*ITEMS, item("ORCH-3")]), "", 0, "HEALTH_OK"),  # a person who adds a row
        (document(ITEMS), "rules: [{id: due-date-passed}]\n", 1, "HEALTH_FAIL due-date-passed=fail"),
        (document(ITEMS), "rules: [{id: due-date-passed, severity: warning}]\n", 0, "HEALTH_WARN due-date-passed=warn"),
        (document(ITEMS), "rules: [{id: due-date-passed, severity: off}]\n", 0, "HEALTH_OK"),
        (document([item("A-1", "IN_PROGRESS")]), ALL, 1, "HEALTH_FAIL in-progress-has-owner=fail"),
        (table(ROW, ROW), "", 3, "HEALTH_ERROR well-formed=error"),
        (table(ROW.replace("PENDING", "STARTED")), "", 3, "HEALTH_ERROR well-formed=error"),
        (table(ROW.replace("| t |", "| t | u |")), "", 3, "HEALTH_ERROR well-formed=error"),
        ("<<<<<<< HEAD\n" + document(ITEMS), "", 3, "HEALTH_ERROR well-formed=error"),
        ("# no table\n", "", 3, "HEALTH_ERROR well-formed=error"),
        ("", "", 3, "HEALTH_ERROR well-formed=error"),
    ],
)
def test_the_document_alone(run: Run, folder: Path, text: str, policy: str, code: int, health: str) -> None:
    """A checkout has a document only: it is well-formed and keeps the rules that are on, or it is told why not."""
    checkout(folder, text, policy)
    told = run("check", "--only", "queue", "-f", "health")
    assert (told.code, told.out) == (code, f"{health}\n")
    assert "queue.db" not in told.err
    assert "runs.jsonl" not in told.err


def test_every_defect_of_the_document_is_told(run: Run, folder: Path) -> None:
    """Not only the first one: a person mends them all at once."""
    checkout(folder, table(ROW, ROW, ROW.replace("PENDING", "STARTED").replace("A-1", "A-2")))
    told = run("check", "--only", "queue", "-f", "health")
    assert told.code == 3
    assert [line.split(": ")[1] for line in told.err.splitlines()] == ["QUEUE.md:4", "QUEUE.md:5"]


def test_without_a_document_there_is_nothing_to_check(run: Run, folder: Path) -> None:
    """A missing document is an error, with or without the other inputs."""
    checkout(folder, "")
    (folder / "QUEUE.md").unlink()
    assert run("check", "--only", "queue", "-f", "health").code == 3
    make_database(folder / "queue.db", ITEMS)
    told = run("check", "--only", "queue", "-f", "health")
    assert (told.code, told.out) == (3, "HEALTH_ERROR well-formed=error\n")


def test_a_rule_that_needs_the_database_is_left_out_with_a_word(run: Run, folder: Path) -> None:
    """The document does not say since when an item waits."""
    checkout(folder, document(ITEMS), "rules: [{id: priority-inversion}]\n")
    told = run("check", "--only", "queue", "-f", "health")
    assert (told.code, told.out) == (0, "HEALTH_OK\n")
    assert told.err == "warning: priority-inversion: needs the queue database, and was not judged\n"
    told = run("check", "--only", "priority-inversion", "-f", "health")
    assert (told.code, told.out) == (3, "HEALTH_ERROR priority-inversion=error\n")
    assert told.err.startswith("error: queue.db: ")


@pytest.fixture
def both(folder: Path) -> Callable[[list[Item], list[Item], str], None]:
    """Return what lays both queues, a log and a policy."""

    def lay(md: list[Item], db: list[Item], policy: str) -> None:
        checkout(folder, document(md), policy)
        make_database(folder / "queue.db", db, {each.id: {"created_at": "2025-12-31 10:00"} for each in db})
        (folder / "runs.jsonl").write_text('{"event":"run_end","command":"done","exit_code":0,"duration_ms":10}\n')

    return lay


@pytest.mark.parametrize(
    ("only", "code", "rules"),
    [
        (["due-date-passed"], 1, ["due-date-passed"]),
        (["wip-limit"], 0, ["wip-limit"]),  # off in the policy: naming it here switches it on
        (["failure-rate"], 0, ["failure-rate"]),
        (["missing-in-db", "failure-rate"], 0, ["missing-in-db", "failure-rate"]),
        (["failure-rate", "missing-in-db"], 0, ["missing-in-db", "failure-rate"]),  # in the order of a report
        (["consistency", "failure-rate"], 0, ["missing-in-db", "missing-in-md", "field-mismatch", "failure-rate"]),
        (["picked-twice"], 2, ["picked-twice"]),  # no event is no verdict
        (["queue"], 1, ["well-formed", "due-date-passed"]),
        (["latency-p99-ms"], 3, []),  # no limit is set
    ],
)
def test_only_some_rules(run: Run, both: Callable[..., None], only: list[str], code: int, rules: list[str]) -> None:
    """A group or a rule by its id: that one alone, whatever else is on."""
    both(ITEMS, ITEMS, "rules: [{id: due-date-passed}]\n")
    told = run("check", *(word for name in only for word in ("--only", name)), "-f", "json")
    assert told.code == code
    assert [rule["id"] for rule in json.loads(told.out)["rules"]] == rules


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("wip-limt", "did you mean wip-limit?"),
        ("waivers", ""),
        ("waiver-expired", ""),
        ("", ""),
    ],
)
def test_an_unknown_rule_is_a_usage_error(run: Run, both: Callable[..., None], name: str, told: str) -> None:
    """Nothing is judged by a name that means nothing."""
    both(ITEMS, ITEMS, "")
    answer = run("check", "--only", name, "-f", "health")
    expected = f"error: only={name}: expected one of consistency, kpi, queue, history, own, or the id of a rule"
    assert (answer.code, answer.out) == (4, "")
    assert answer.err.startswith(expected)
    assert answer.err.rstrip().endswith(told)


def test_rows_are_judged_in_the_gate_by_the_database(run: Run, both: Callable[..., None]) -> None:
    """What the database knows beside the cells counts there: a P0 that waits for a day while a P2 is worked on."""
    items = [
        item("A-1", priority="P0"),
        item("B-1", "IN_PROGRESS", "P2", owner_session="w1", started_at_kst="2026-01-01 10:00"),
    ]
    both(items, items, "rules: [{id: priority-inversion}]\nkpi: {stale_minutes: 9000000}\n")
    told = run("check", "-f", "json")
    report = json.loads(told.out)
    (rule,) = (each for each in report["rules"] if each["group"] == "queue")
    assert (told.code, rule["id"], rule["verdict"]) == (1, "priority-inversion", "fail")
    (finding,) = rule["findings"]
    assert finding["item"] == "A-1"
    assert [place["path"] for place in finding["places"]] == ["queue.db", "QUEUE.md"]


def test_a_waiver_answers_for_a_row(run: Run, both: Callable[..., None]) -> None:
    """Rules on rows are waived as the others are."""
    waiver = "waivers: [{rule: due-date-passed, item: ORCH-1, reason: r, owner: o, expires: 2026-12-31}]\n"
    both(ITEMS, ITEMS, f"rules: [{{id: due-date-passed}}]\n{waiver}")
    for only in ("queue", "due-date-passed"):
        told = run("check", "--only", only, "-f", "json")
        assert told.code == 0
        (rule,) = (each for each in json.loads(told.out)["rules"] if each["id"] == "due-date-passed")
        assert (rule["verdict"], rule["findings"][0]["suppressed"]) == ("pass", "r (o, until 2026-12-31)")


OWN = """\
rules:
  - {id: items-alone, sql: "SELECT id FROM queue_items WHERE owner_session = 'nobody'"}
  - {id: needs-more, sql: "SELECT id FROM queue_items WHERE attempt_count > 9"}
  - {id: switched-off, sql: "SELECT id FROM queue_items", severity: off}
"""
OFF = "switched-off: is off: it was not judged"
LEFT_OUT = "needs-more: needs the queue database, and was not judged"


@pytest.mark.parametrize(
    ("only", "code", "rules", "notes"),
    [
        (["queue"], 0, {"well-formed": "QUEUE.md", "items-alone": "QUEUE.md"}, [LEFT_OUT]),
        (
            ["queue", "needs-more"],
            0,
            {"well-formed": "QUEUE.md", "items-alone": "QUEUE.md", "needs-more": "queue.db"},
            [],
        ),
        (["queue", "items-alone"], 0, {"well-formed": "QUEUE.md", "items-alone": "queue.db"}, [LEFT_OUT]),
        (["own", "switched-off"], 0, {"items-alone": "queue.db", "needs-more": "queue.db"}, [OFF]),
        (["switched-off", "items-alone"], 0, {"items-alone": "queue.db"}, [OFF]),
        (["switched-off", "queue"], 0, {"well-formed": "QUEUE.md", "items-alone": "QUEUE.md"}, [OFF, LEFT_OUT]),
        (["switched-off"], 3, {}, [OFF]),
    ],
)
def test_what_is_asked_for_beside_the_document_takes_nothing_from_it(
    run: Run, both: Callable[..., None], only: list[str], code: int, rules: dict[str, str], notes: list[str]
) -> None:
    """Asking for one rule more judges all that was judged without it; one that is not judged is told, and why."""
    both(ITEMS, ITEMS, OWN)
    told = run("check", *(word for name in only for word in ("--only", name)), "-f", "json")
    report = json.loads(told.out)
    assert (told.code, [rule["id"] for rule in report["rules"]]) == (code, [*rules])
    assert {read["path"] for read in report["inputs"] if read["kind"] != "policy"} == {*rules.values()}
    assert [note for note in report["notes"] if "judged" in note] == notes


def test_a_document_that_leaves_all_own_rules_out_does_not_call_them_off(run: Run, both: Callable[..., None]) -> None:
    """They are on, and need what is not there."""
    both(ITEMS, ITEMS, 'rules: [{id: needs-more, sql: "SELECT id FROM queue_items WHERE attempt_count > 9"}]\n')
    assert run("check", "--only", "queue", "-f", "health") == (0, "HEALTH_OK\n", f"warning: {LEFT_OUT}\n")
