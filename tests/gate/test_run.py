"""The gate from Python: one context in, one report out, the same as the command line's."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown
from msgspec.structs import replace

from ops_checks import open_queue
from ops_checks.errors import UsageError
from ops_checks.findings import GROUPS, Finding
from ops_checks.gate import run as gate
from ops_checks.gate.readers import READERS
from ops_checks.gate.stable_reading import compare
from ops_checks.rules.drift.rules import DRIFT_CHECKS
from ops_checks.rules.registry import RULES
from ops_checks.rules.rule import Offenders
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

ITEMS = [
    item("A-1", "BLOCKED", "P2", notes="old | needs a key"),
    item("A-2", "BLOCKED", "P0"),
    item("A-3", "PENDING"),
    item("A-4", "DONE"),
]


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a folder with both queues, a log and a policy that limits what the queue holds."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS)
    for number in range(3):
        event = f"INSERT INTO queue_events VALUES ({number + 1}, 'A-3', 'retried', '{{}}', '2026-01-01 00:00')"
        execute(folder / "q.db", event)
    (folder / "runs.jsonl").write_text('{"event":"run_end","command":"done","exit_code":0,"duration_ms":1}\n')
    limits = "{blocked: 1, pending: 0, retry_count: 2, oldest_pending_minutes: 60}"
    (folder / "ops-checks.yaml").write_text(
        f"queue: Q.md\ndb: q.db\nlog: runs.jsonl\nkpi:\n  log_cache: true\n  thresholds: {limits}\n"
    )
    return folder


def test_python_and_the_command_line_give_the_same(project: Path, run: Callable[..., Told]) -> None:
    """A gate run from Python takes the policy of the folder, as the command does."""
    published = json.loads(run("check", "-f", "json").out)
    assert gate.run_gate(resolve()).to_json() == published
    assert published["exit_code"] == 2
    only = json.loads(run("check", "--only", "kpi", "--max-failure-rate", "0.5", "-f", "json").out)
    assert gate.run_gate(resolve({}, limits={"failure_rate": 0.5}), only="kpi").to_json() == only


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("blocked", [("A-2", None), ("A-1", "needs a key")]),
        ("pending", [("A-3", None)]),
        ("retry-count", [("A-3", "3 times")]),
        ("oldest-pending-minutes", [("A-3", "pending since 2026-01-01 00:00, 1440 minutes")]),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_broken_limit_of_the_queue_names_its_items(rule: str, found: list[tuple[str, str | None]]) -> None:
    """Whoever must act on a number of the queue sees the items behind it, and where they stand."""
    result = gate.run_gate(resolve()).rule(rule)
    assert [(finding.item, finding.reason) for finding in result.findings] == found
    assert all(finding.places for finding in result.findings)


@pytest.mark.parametrize(("rule", "told"), [("ghost", "the unknown rule ghost"), ("pending", "another rule pending")])
def test_a_finding_of_a_rule_that_did_not_make_it_is_an_error(
    project: Path, monkeypatch: pytest.MonkeyPatch, rule: str, told: str
) -> None:
    """A finding that names another rule, known to the registry or not, ends in exit 3, whatever it counts as."""
    assert project
    ghost = replace(RULES["blocked"], offenders=lambda *_: Offenders((Finding(rule, "boo"),)))
    monkeypatch.setattr(
        "ops_checks.policy.model.BY_GROUP", {**gate.READERS, "kpi": (ghost,), "consistency": (), "waivers": ()}
    )
    report = gate.run_gate(resolve(), only="kpi")
    assert (report.exit_code, report.verdict.value) == (3, "error")
    assert f"a finding of {told}: " in report.errors[0]


def test_every_group_is_read_and_every_drift_check_is_a_rule() -> None:
    """No table knows a group or a rule that another one does not."""
    assert list(READERS) == [group.id for group in GROUPS.values() if group.selectable]
    assert all(RULES[check.rule.id] is check.rule for check in DRIFT_CHECKS)


def test_two_rules_of_one_id_do_not_start() -> None:
    """A rule that is registered twice is an error at import."""
    code = (
        "import ops_checks.rules.kpi.queue_metrics as metrics\n"
        "metrics.QUEUE_RULES += metrics.QUEUE_RULES[:1]\n"
        "import ops_checks.rules.registry"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: a rule is of no known group, or two rules have the same id" in done.stderr


@pytest.mark.parametrize("argv", [["kpi"], ["check"], ["kpi", "-f", "json"], ["check", "-f", "health"]])
def test_the_log_cache_is_accepted_and_has_no_effect(project: Path, run: Callable[..., Told], argv: list[str]) -> None:
    """The option and the key of an earlier release are no error; a warning says to leave them out."""
    told = run(*argv, "--log-cache")
    assert told.code in {0, 2}
    assert "warning: --log-cache has no effect any more: leave it out" in told.err
    assert "warning: ops-checks.yaml:5:3: kpi.log_cache has no effect any more: take it out" in told.err
    assert not list(project.glob("*cache*"))


def test_too_few_malformed_lines(project: Path, run: Callable[..., Told]) -> None:
    """A policy that wants at least so many malformed lines fails as an alert: no line is there to point at."""
    limits = (
        "queue: Q.md\ndb: q.db\nlog: runs.jsonl\nkpi:\n  thresholds: {malformed_lines: {min: 5, severity: error}}\n"
    )
    (project / "ops-checks.yaml").write_text(limits)
    told = run("check", "-f", "json")
    assert (told.code, told.err) == (2, "")
    failed = [each["id"] for each in json.loads(told.out)["rules"] if each["verdict"] == "fail"]
    assert failed == ["malformed-lines"]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gate.run_gate(resolve(), fail_level="warning"), "fail_level=warning: expected one of error, warn"),
        (lambda: gate.run_gate(resolve(), only="drift"), "only=drift: expected one of consistency, kpi"),
        (lambda: gate.run_gate(resolve(), only="waivers"), "only=waivers: expected one of consistency, kpi"),
        (lambda: resolve(limits={"failure-rate": 0.0}), "failure-rate: no such metric: expected one of failure_rate, "),
        (lambda: gate.run_gate(resolve(fields=("zzz",))), "zzz: no such field: expected some of id, status, "),
        (lambda: compare(open_queue("Q.md"), open_queue("q.db"), fields="task"), "t: no such field: expected some of "),
    ],
)
def test_misspelled_arguments(call: Callable[[], object], message: str) -> None:
    """An argument that names nothing is an error, never a gate that checks less."""
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.message.startswith(message)


def test_queues_by_path(project: Path) -> None:
    """A queue may be named by a string or a path."""
    assert compare(open_queue(project / "Q.md"), open_queue(project / "q.db")).ok


def test_limits_of_rules_that_could_not_be_evaluated(folder: Path, run: Callable[..., Told]) -> None:
    """A drift rule keeps its severity and limit without any input; a metric without a value is an error."""
    limits = "{latency_p95_ms: {max: 2000, severity: warning}}"
    (folder / "ops-checks.yaml").write_text(
        f"consistency:\n  severity: {{field-mismatch: warning}}\nkpi:\n  thresholds: {limits}\n"
    )
    told = run("check", "-f", "json")
    assert told.code == 3
    rules = {each["id"]: each for each in json.loads(told.out)["rules"]}
    shown = {name: (each["severity"], each["operator"], each["limit"]) for name, each in rules.items()}
    assert shown["missing-in-db"] == ("error", "<=", 0)
    assert shown["field-mismatch"] == ("warning", "<=", 0)
    assert shown["latency-p95-ms"] == ("error", None, None)
