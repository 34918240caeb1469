"""The rules on events in the gate: when they are on, what they show in every format, what they cannot judge."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown, make_old_database
from conftest import NOW_S
from database_kinds import every_database
from event_histories import case, found_by_item, ids, judged, store

from ops_checks.formats import FORMATS
from ops_checks.gate.run import run_gate
from ops_checks.policy.model import HistoryPolicy, Policy
from ops_checks.presentation.format import RenderOptions
from ops_checks.rules.history.rules import HISTORY_RULES
from ops_checks.rules.waivers import Waiver
from ops_checks.settings import resolve
from ops_checks.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told
    from database_kinds import InFile

A, B = {"owner_session": "worker:a"}, {"owner_session": "worker:b"}
RACE = case("added", ("picked", A), ("picked", B), status="IN_PROGRESS", attempts=0, most=3)
GOOD = case("added", status="PENDING", attempts=0, most=3)
BY_HAND = case("added", "done", status="DONE", attempts=0, most=3)
IDS = [rule.id for rule in HISTORY_RULES]
LOG = '{"event":"run_end","command":"done","exit_code":0,"duration_ms":1}\n'
SHOWN = "ORCH-2 was picked 2 times and put back 0 times"
EVENTS = "event 4 picked by worker:a 2026-01-01 10:01, event 6 picked by worker:b 2026-01-01 10:02"


@pytest.fixture
def project(folder: Path, database_kind: InFile, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two queues that agree, in one of which an item was picked twice, and one ended by hand."""
    cases = {"ORCH-1": GOOD, "ORCH-2": RACE, "ORCH-3": BY_HAND}
    store(folder / "q.db", cases)
    monkeypatch.setenv("ORCH_DB_PATH", database_kind.there("q.db"))
    make_markdown(folder / "Q.md", [item(name, str(told.row[0])) for name, told in cases.items() if told.row])
    (folder / "runs.jsonl").write_text(LOG)
    return folder


def policy(folder: Path, history: str = "", more: str = "", settle: str = "0s") -> None:
    """Write a policy; without `history` it does not name the group."""
    named = f"history: {history}\n" if history else ""
    kpi = "kpi: {on_insufficient: pass, thresholds: {stale_in_progress: off}}\n"
    (folder / "ops-checks.yaml").write_text(
        f"queue: Q.md\nlog: runs.jsonl\nconsistency: {{settle: {settle}}}\n{named}{kpi}{more}"
    )


@every_database
@pytest.mark.parametrize(
    ("history", "argv", "code", "groups"),
    [
        ("", (), 0, {"consistency", "kpi"}),
        ("off", (), 0, {"consistency", "kpi"}),
        ("on", (), 1, {"consistency", "kpi", "history"}),
        ("{}", (), 1, {"consistency", "kpi", "history"}),
        ("{severity: {picked-twice: warning}}", (), 0, {"consistency", "kpi", "history"}),
        ("{severity: {picked-twice: off}}", (), 0, {"consistency", "kpi", "history"}),
        ("{severity: {picked-twice: off, ended-without-picked: error}}", (), 1, {"consistency", "kpi", "history"}),
        ("", ("--only", "history"), 1, {"history"}),
        ("off", ("--only", "history"), 1, {"history"}),
        ("", ("--only", "history", "--only", "kpi"), 1, {"history", "kpi"}),
        ("", ("--only", "history", "--exit-zero"), 0, {"history"}),
        ("on", ("--only", "kpi"), 0, {"kpi"}),
        ("{severity: {picked-twice: warning}}", ("--fail-level", "warn"), 1, {"consistency", "kpi", "history"}),
        ("{severity: {" + ", ".join(f"{rule}: off" for rule in IDS) + "}}", ("--only", "history"), 3, set()),
    ],
)
def test_when_they_are_on(
    project: Path, run: Callable[..., Told], history: str, argv: tuple[str, ...], code: int, groups: set[str]
) -> None:
    """They are off unless the policy or --only names them; an error is exit code 1, a warning none."""
    policy(project, history)
    told = run("check", *argv, "-f", "json")
    assert told.code == code
    assert {rule["group"] for rule in json.loads(told.out)["rules"]} == groups


@every_database
def test_nothing_is_said_of_them_where_nobody_asks(project: Path, run: Callable[..., Told]) -> None:
    """A policy that does not name them is no group of which every rule is off."""
    policy(project)
    assert run("check", "-f", "health") == (0, "HEALTH_OK\n", "")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_events_are_the_evidence_in_every_format(project: Path, name: str) -> None:
    """Each format that lists findings shows the item, what is out, and the events with who wrote them and when."""
    policy(project, "on")
    report = run_gate(resolve())
    text = FORMATS[name].render(report, RenderOptions(folder="", root=str(project)))
    if name == "health":
        assert "picked-twice=fail" in text
        assert "ended-without-picked=warn" in text
    elif name == "openmetrics":
        assert 'ops_checks_rule_findings{rule="picked-twice",group="history"} 1' in text
    else:
        plain = text.replace("%3A", ":").replace("%2C", ",").replace("&#x27;", "'")
        assert "was picked 2 times and put back 0 times" in plain
        assert EVENTS in plain


def test_where_a_finding_is_shown(project: Path) -> None:
    """It names the item's row and the events of the database, and the row of the document to look at."""
    policy(project, "on")
    (finding,) = run_gate(resolve()).rule("picked-twice").findings
    assert (finding.message, finding.item, finding.reason) == (SHOWN, "ORCH-2", EVENTS)
    assert list(map(str, finding.places)) == [
        "q.db:queue_items:ORCH-2",
        "q.db:queue_events:4",
        "q.db:queue_events:6",
        "Q.md:8",
    ]
    assert (finding.task, finding.owner, finding.priority) == ("task", "-", "P1")


@every_database
def test_a_waiver_for_an_item(project: Path, run: Callable[..., Told]) -> None:
    """A finding that somebody answers for is shown and does not fail; one that matches nothing is told."""
    waiver = "reason: r, owner: kim, expires: '2999-01-01'"
    lines = [f"- {{rule: {rule}, item: {name}, {waiver}}}" for rule, name in [("picked-twice", "ORCH-2")]]
    policy(project, "on", "waivers:\n" + "\n".join(lines) + "\n")
    assert run("check", "-f", "health").code == 0
    policy(project, "on", "waivers:\n" + "\n".join(lines).replace("ORCH-2", "ORCH-1") + "\n")
    told = run("check", "-f", "health")
    assert (told.code, "waiver-unused=warn" in told.out) == (1, True)


def test_as_many_findings_as_are_asked_for(folder: Path) -> None:
    """Fifty of a rule are listed, and all others are counted; with a waiver no finding is lost."""
    store(folder / "q.db", dict.fromkeys(ids("A", 120), RACE))
    context = resolve(policy=Policy(history=HistoryPolicy(on=True)), db="q.db")
    for keep, listed in ((None, 50), (0, 120), (3, 3)):
        rule = run_gate(context, only="history", max_details=keep).rule("picked-twice")
        assert (len(rule.findings), rule.more_findings, rule.value) == (listed, 120 - listed, 120)
    waiver = Waiver("picked-twice", "r", "kim", "2999-01-01", "A-119")
    context = resolve(policy=Policy(history=HistoryPolicy(on=True), waivers=(waiver,)), db="q.db")
    rule = run_gate(context, only="history").rule("picked-twice")
    assert [finding.item for finding in rule.waived] == ["A-119"]


@pytest.mark.parametrize(
    ("script", "rules", "told"),
    [
        ("DROP TABLE queue_events", IDS, "q.db: no table queue_events"),
        ("ALTER TABLE queue_events DROP COLUMN payload_json", IDS, "q.db: queue_events has no column payload_json"),
        (
            "DROP TABLE queue_events; CREATE VIEW queue_events AS SELECT 1 AS event_id",
            IDS,
            "q.db: queue_events is a view",
        ),
    ],
)
def test_events_that_are_not_there(
    project: Path, run: Callable[..., Told], script: str, rules: list[str], told: str
) -> None:
    """Without its events nothing of a database is judged: exit code 3, and the error names what is missing."""
    policy(project)
    execute(project / "q.db", script)
    found = run("check", "--only", "history", "-f", "json")
    assert found.code == 3
    assert told in found.err
    assert {each["id"]: each["verdict"] for each in json.loads(found.out)["rules"]} == dict.fromkeys(rules, "error")


def test_a_database_from_before_the_reliability_layer(folder: Path, run: Callable[..., Told]) -> None:
    """The rules on attempts name the column that they need, and are not green; the others are judged."""
    make_old_database(folder / "q.db", [item("A-1")])
    execute(folder / "q.db", "INSERT INTO queue_events VALUES (1, 'A-1', 'added', '{}', '2026-01-01 00:00')")
    policy(folder, more="db: q.db\n")
    found = run("check", "--only", "history", "-f", "json")
    assert found.code == 3
    assert "q.db: queue_items has no column attempt_count: attempts-lost needs it: add it, or switch the" in found.err
    assert "q.db: queue_items has no column max_attempts: retried-beyond-max needs it: add it, or sw" in found.err
    verdicts = {each["id"]: each["verdict"] for each in json.loads(found.out)["rules"]}
    assert [rule for rule in IDS if verdicts[rule] == "error"] == ["retried-beyond-max", "attempts-lost"]
    policy(folder, "{severity: {retried-beyond-max: off, attempts-lost: off}}", "db: q.db\n")
    os.utime(folder / "q.db", (0, time.time() - 3600))
    assert run("check", "--only", "history", "-f", "health").code == 0


@pytest.mark.parametrize(
    ("name", "told"), [("q.db", "q.db: no such database"), ("Q.md", "Q.md: "), ("empty", "empty: no table queue_items")]
)
def test_no_database(folder: Path, run: Callable[..., Told], name: str, told: str) -> None:
    """What is not there, or no database, is an error and never green."""
    make_markdown(folder / "Q.md", [item()])
    (folder / "empty").touch()
    (folder / "runs.jsonl").write_text(LOG)
    found = run("check", "--only", "history", "--db", name, "--log-path", "runs.jsonl", "--queue", "Q.md")
    assert found.code == 3
    assert told in found.err


@every_database
def test_no_events_are_no_evidence(folder: Path, run: Callable[..., Told]) -> None:
    """Of a database without a single event nothing can be said, which is not green."""
    make_database(folder / "q.db", [item()])
    found = run("check", "--only", "history", "--db", "q.db")
    assert found.code == 2
    assert "picked-twice: there is nothing to judge: queue_events holds no event (counts as fail)" in found.out


@every_database
def test_what_is_found_is_read_again_where_programs_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Told]
) -> None:
    """An event is written after the status that it tells of: what is gone a moment later was no violation."""
    store(folder / "q.db", {"A-1": RACE, "A-2": RACE})
    if (folder / "q.db").exists():  # nobody knows when a server was written to last
        os.utime(folder / "q.db", (NOW_S, NOW_S))

    def writes(seconds: float) -> None:
        if not seconds:  # before a first reading
            return
        execute("q.db", "INSERT INTO queue_events VALUES (99, 'A-1', 'retried', '{}', '2026-01-01 10:03')")
        execute("q.db", "UPDATE queue_items SET attempt_count = 1 WHERE id = 'A-1'")

    with monkeypatch.context() as patch:
        patch.setattr("ops_checks.gate.histories.time.sleep", writes)
        found = run("check", "--only", "history", "--db", "q.db", "-f", "json")
    items = [each["item"] for rule in json.loads(found.out)["rules"] for each in rule["findings"]]
    assert (found.code, items) == (1, ["A-2"])
    assert "waited 2 s for programs that write to q.db: of 2 findings on its events 1 are left" in found.err


def test_a_quiet_database_is_read_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits where no program has written for a while."""
    policy(project, settle="2s")
    monkeypatch.setattr("ops_checks.gate.histories.time.sleep", lambda seconds: seconds and pytest.fail("waited"))
    assert run_gate(resolve(), only="history").exit_code == 1


def test_many_events_and_odd_ids(folder: Path) -> None:
    """Items are told apart whatever their ids are, and however many events one has."""
    odd = ["", " A", "A", "A ", "a", "\uff21", "\ue000", "\U00010000", "1", "01", "\x00", "A\x00B", "대기열", "'", "%"]
    cases = {name: case(*["guardrail"] * 700, *RACE.events, status="IN_PROGRESS") for name in odd if name}
    store(folder / "q.db", cases | dict.fromkeys(ids("B", 3000), GOOD))
    execute(
        folder / "q.db",
        "PRAGMA foreign_keys = OFF;"
        "INSERT INTO queue_events (item_id, event_type) VALUES (NULL, 'x'), (CAST(x'ff' AS TEXT), NULL), (x'41', 'y'),"
        " (7, 'z'), ('gone', 'picked')",
    )
    with SqliteStore("q.db", lock_timeout_s=1).snapshot() as snapshot:
        judgement = judged(snapshot, keep=0)
    found = found_by_item(judgement)
    orphans = {None, "\\xff", "gone", "7"}
    assert {name for name, rules in found.items() if "picked-twice" in rules} == set(cases)
    assert orphans <= {name for name, rules in found.items() if "orphan-events" in rules}
    assert (judgement.items, judgement.counts["orphan-events"]) == (len(cases) + 3000, 5)


@pytest.mark.usefixtures("folder")
def test_the_demo_is_legal(run: Callable[..., Told]) -> None:
    """The database of the demo breaks no law that is an error; ORCH-021 is in progress, and no event says so."""
    assert run("init", "--demo").code == 0
    os.utime("automation/orchestrator/db/queue.db", (0, time.time() - 3600))
    found = run("check", "--only", "history", "-f", "json")
    warned = {rule["id"]: [each["item"] for each in rule["findings"]] for rule in json.loads(found.out)["rules"]}
    assert found.code == 0
    assert {rule: items for rule, items in warned.items() if items} == {"changed-without-event": ["ORCH-021"]}


@every_database
@pytest.mark.parametrize("argv", [("--stale-minutes", "1"), ("--fields", "all"), ("--max-failure-rate", "0.5")])
def test_options_of_other_groups(project: Path, run: Callable[..., Told], argv: tuple[str, ...]) -> None:
    """An option that changes nothing of these rules is told."""
    policy(project)
    assert f"note: {argv[0]} changes nothing with --only history\n" in run("check", "--only", "history", *argv).err
