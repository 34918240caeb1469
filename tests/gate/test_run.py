"""The gate from Python: one context in, one report out, the same as the command line's."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown
from msgspec.structs import replace

from ops_checks.context import resolve
from ops_checks.findings import GROUPS, Finding
from ops_checks.gate import run as gate
from ops_checks.gate.inputs import READERS
from ops_checks.rules.drift.rules import DRIFT_CHECKS
from ops_checks.rules.registry import RULES
from ops_checks.rules.rule import Offenders

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


def test_a_finding_of_an_unknown_rule_is_an_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding that names a rule which the registry does not know ends in exit 3, whatever it counts as."""
    assert project
    ghost = replace(RULES["blocked"], offenders=lambda *_: Offenders((Finding("ghost", "boo"),)))
    monkeypatch.setattr(
        "ops_checks.policy.model.BY_GROUP", {**gate.READERS, "kpi": (ghost,), "consistency": (), "waivers": ()}
    )
    report = gate.run_gate(resolve(), only="kpi")
    assert (report.exit_code, report.verdict.value) == (3, "error")
    assert "a finding of the unknown rule ghost" in report.errors[0]


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
