"""Rules on changes and on error budgets through the command line: lines, reports, snapshots, known reports, pytest."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from builders import item, make_database, make_markdown
from conftest import NOW_S
from json_checks import validator

from ops_checks import help as manual
from ops_checks.files.output_guard import OutputGuard
from ops_checks.formats import FORMATS
from ops_checks.policy.loader import load_policy
from ops_checks.pytest_plugin.options import Inputs
from ops_checks.pytest_plugin.plan import plan_checks
from ops_checks.rules.kpi.regression import COMPARED
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

HOUR, DAY = 3_600, 86_400
POLICY = """\
queue: QUEUE.md
db: queue.db
log: runs.jsonl
kpi:
  window: 7d
  thresholds: {failure_rate: off, latency_p95_ms: off}
  regression:
    latency_p50_ms: {max_increase: 10%}
    failure_rate: {max_increase: 0.05}
  budgets:
  - objective: 95% over 30d
"""
RULES = ["regression-failure-rate", "regression-latency-p50-ms"]
BUDGET = ["error-budget", "burn-rate-fast", "burn-rate-medium", "burn-rate-slow"]
P50 = (
    "latency_p50_ms is 298 ms of 300 runs, a week before 149 ms of 300: +100 % (95 % interval +89.83 % to +110.72 %); "
    "at least +89.83 % of it at 95 % confidence, beyond the limit of +10 %"
)
LATE = "error-budget: the run log begins later than its 30 d: what came before does not count"
USED = "126.67 % of the error budget of 30 d is used: 38 of 600 outcomes failed, 30 may"


def write_log(path: Path, factor: float = 2, last: int = 38) -> None:
    """Write two weeks of 300 runs; those of the second take `factor` times as long, and its last ones fail."""
    records = [
        {
            "event": "run_end",
            "trace_id": f"trace-{number:012x}",
            "command": "fail" if number < last else "done",
            "exit_code": 0,
            "duration_ms": (factor if number < 300 else 1) * (100 + number % 100),
            "ts_epoch_ms": int((NOW_S - (number + 0.5) * 14 * DAY / 600) * 1000),
        }
        for number in range(600)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in reversed(records)))


@pytest.fixture
def project(folder: Path, run: Run) -> Path:
    """Return the folder of a project whose queues agree."""
    items = [item("ORCH-1", "DONE")]
    make_markdown(folder / "QUEUE.md", items)
    make_database(folder / "queue.db", items)
    (folder / "ops-checks.yaml").write_text(POLICY)
    write_log(folder / "runs.jsonl")
    assert run("baseline").code == 0
    return folder


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    """Return the verdicts of the rules on changes and budgets by their ids."""
    return {rule["id"]: rule["verdict"] for rule in report["rules"] if rule["id"] in (*RULES, *BUDGET)}


FAILING = {
    "regression-failure-rate": "fail",
    "regression-latency-p50-ms": "fail",
    "error-budget": "fail",
    "burn-rate-fast": "pass",
    "burn-rate-medium": "fail",
    "burn-rate-slow": "warn",
}


def test_kpi(project: Path, run: Run):
    """`kpi` has an alert line for each rule that fails or warns, and the exit code of one."""
    told = run("kpi", "--fail-on-alert")
    assert told == (
        2,
        "kpi success_rate=87.33% latency_p95_ms=388 latency_avg_ms=299.00 retry_count=0 stale_in_progress=0\n"
        "alert regression_failure_rate=0.0914 exceeds 0.0500\n"
        "alert regression_latency_p50_ms=89.83 exceeds 10\n"
        "alert error_budget=126.67 exceeds 100\n"
        "alert burn_rate_medium=20 exceeds 6\n"
        "alert burn_rate_slow=5.89 exceeds 1\n",
        f"warning: {LATE}\n",
    )


@pytest.mark.parametrize("more", [("--by", "day"), ("--compare", "previous"), ("--compare", "old.json")])
def test_kpi_over_time(project: Path, run: Run, more: tuple[str, ...]):
    """Groups and comparisons stand behind the same alerts, with the same exit code."""
    (project / "ops-checks.yaml").write_text(POLICY.replace("thresholds: {", "thresholds: {stale_in_progress: off, "))
    assert run("kpi", "-f", "json=old.json").code == 0
    plain = run("kpi", "--fail-on-alert")
    told = run("kpi", "--fail-on-alert", *more)
    assert (told.code, told.out.startswith(plain.out)) == (2, True)
    assert told.out.count("alert ") == 5


def test_an_end_that_lies_ahead(project: Path, run: Run):
    """No window ends before its time: with an end ahead budgets burn as they do now."""
    told = run("kpi", "--fail-on-alert", "--until", "2026-01-03")
    now = run("kpi", "--fail-on-alert").out.splitlines()
    assert [line for line in told.out.splitlines() if "budget" in line or "burn" in line] == now[-3:]
    assert "warning: until 2026-01-03 00:00 lies ahead: the window ends now\n" in told.err


def test_runs_without_a_time(project: Path, run: Run):
    """What no budget has, since nothing says when it was, is said."""
    policy = POLICY.replace("  window: 7d\n", "").partition("  regression:")[0] + POLICY[POLICY.index("  budgets:") :]
    (project / "ops-checks.yaml").write_text(policy)
    undated = {"event": "run_end", "command": "fail", "exit_code": 0}
    with (project / "runs.jsonl").open("a") as log:
        log.write((json.dumps(undated) + "\n") * 3)
    assert "warning: 3 runs have no ts_epoch_ms: left out of the error budgets, as nothing tells when that was" in (
        run("kpi").err
    )


def test_check(project: Path, run: Run):
    """The report has every rule, with its value, limit, interval and samples, and is a published one."""
    told = run("check", "--only", "kpi", "-f", "json")
    report = json.loads(told.out)
    assert (told.code, verdicts(report)) == (2, FAILING)
    found = {rule["id"]: rule for rule in report["rules"]}
    rule = found["regression-latency-p50-ms"]
    assert (rule["message"], rule["limit"], rule["unit"], rule["samples"]) == (P50, 10, "%", 300)
    assert found["error-budget"]["message"] == USED
    assert (found["error-budget"]["limit"], found["error-budget"]["unit"]) == (100, "%")


@pytest.mark.parametrize("name", [name for name in sorted(FORMATS) if name != "json"])
def test_every_format_names_them(project: Path, run: Run, name: str):
    """No format leaves out a rule that only the policy has, and none changes the exit code."""
    told = run("check", "--only", "kpi", "-f", name)
    assert told.code == 2
    for rule in ("regression-latency-p50-ms", "error-budget", "burn-rate-slow"):
        assert rule in told.out


@pytest.mark.parametrize(
    ("only", "code", "rules"),
    [
        ("regression-latency-p50-ms", 2, ["regression-latency-p50-ms"]),
        ("burn-rate-fast", 0, ["burn-rate-fast"]),
        ("burn-rate-slow", 0, ["burn-rate-slow"]),
    ],
)
def test_only(project: Path, run: Run, only: str, code: int, rules: list[str]):
    """A rule by its id is judged as among the others."""
    told = run("check", "--only", only, "-f", "json")
    assert (told.code, verdicts(json.loads(told.out))) == (code, {rule: FAILING[rule] for rule in rules})


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--window", "note: --window changes nothing: error-budget, burn-rate-slow is of the days of its objective\n"),
        ("--since", "note: --since changes nothing: error-budget, burn-rate-slow is of the days of its objective\n"),
        ("--until", ""),
    ],
)
def test_a_budget_has_windows_of_its_own(project: Path, run: Run, option: str, told: str):
    """Where only they are asked for, what says when the KPIs begin is told to change nothing."""
    (project / "ops-checks.yaml").write_text(POLICY.replace("7d", "1d"))
    only = ("--only", "error-budget", "--only", "burn-rate-slow")
    assert [line for line in run("check", *only, option, "2d").err.splitlines(keepends=True) if "note" in line] == (
        [told] if told else []
    )


def test_only_what_is_not_there(project: Path, run: Run):
    """A rule that this policy does not make is none, with a suggestion."""
    told = run("check", "--only", "regression-latency-p95-ms")
    assert told.code == 4
    assert told.err.startswith("error: only=regression-latency-p95-ms: expected one of ")
    assert "did you mean regression-latency-p50-ms?" in told.err


def test_a_log_that_begins_late(project: Path, run: Run):
    """Of a budget whose time the log does not reach back to that is said, or less would count for all of it."""
    told = run("check", "--only", "error-budget", "-f", "json")
    assert "note: runs.jsonl" not in told.err
    notes = json.loads(told.out)["notes"]
    assert notes == [LATE]
    policy = (project / "ops-checks.yaml").read_text()
    (project / "ops-checks.yaml").write_text(policy.replace("30d", "14d"))
    assert json.loads(run("check", "--only", "error-budget", "-f", "json").out)["notes"] == []


def test_a_snapshot_has_them(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch):
    """Without the log a snapshot says what was measured where it is, word by word."""
    here = json.loads(run("check", "--only", "kpi", "-f", "json").out)
    assert run("snapshot", "-o", "state.json").code == 0
    validator("snapshot").validate(json.loads((project / "state.json").read_text()))
    there = project / "there"
    there.mkdir()
    for name in ("QUEUE.md", "ops-checks.yaml", "state.json"):
        shutil.copy2(project / name, there / name)
    monkeypatch.chdir(there)
    told = run("check", "--only", "kpi", "--snapshot", "state.json", "-f", "json")
    assert told.code == 2
    recorded = json.loads(told.out)
    assert [rule for rule in recorded["rules"] if rule["id"] in FAILING] == [
        rule for rule in here["rules"] if rule["id"] in FAILING
    ]


@pytest.mark.parametrize(
    ("made", "checked", "why"),
    [
        ("10%}", "20%}", "was measured by other kpi.regression and kpi.budgets"),
        ("  budgets:\n  - objective: 95% over 30d\n", "", "was measured by other kpi.regression and kpi.budgets"),
        ("", "", "is not in the snapshot"),
    ],
)
def test_a_snapshot_of_another_policy(project: Path, run: Run, made: str, checked: str, why: str):
    """What was measured by other limits, or not at all, is an error that names the rule, and never green."""
    policy = project / "ops-checks.yaml"
    if not made:
        policy.write_text(POLICY.partition("  regression:")[0])
    assert run("snapshot", "-o", "state.json").code == 0
    policy.write_text(POLICY.replace(made, checked))
    told = run("check", "--only", "kpi", "--snapshot", "state.json")
    assert told.code == 3
    assert f"error: state.json: regression-failure-rate {why}: make it by this policy\n" in told.err


def test_a_known_regression(project: Path, run: Run):
    """A rule that failed in the known report fails no more, and is new where it did not."""
    assert run("check", "--only", "kpi", "-f", "json=old.json").code == 2
    assert run("check", "--only", "kpi", "--known", "old.json").code == 0
    write_log(project / "runs.jsonl", factor=1, last=0)
    assert run("check", "--only", "kpi", "-f", "json=green.json").code == 0
    write_log(project / "runs.jsonl")
    assert run("check", "--only", "kpi", "--known", "green.json").code == 2


def test_against_a_saved_report(project: Path, run: Run):
    """A regression against a report is one against what that published; its path is relative to the policy's folder."""
    write_log(project / "runs.jsonl", factor=1, last=0)
    assert run("check", "--only", "kpi", "-f", "json=release.json").code == 0
    write_log(project / "runs.jsonl")
    policy = POLICY.replace("max_increase: 10%", "max_increase: 10%, against: release.json")
    (project / "ops-checks.yaml").write_text(policy)
    told = run("check", "--only", "regression-latency-p50-ms", "-f", "json")
    (rule,) = json.loads(told.out)["rules"]
    assert (told.code, rule["verdict"]) == (2, "fail")
    assert rule["message"].startswith("latency_p50_ms is 298 ms of 300 runs, in release.json 149 ms of 300: +100 %")


def test_against_a_report_that_is_none(project: Path, run: Run):
    """A report that is not there is an input that cannot be read."""
    policy = POLICY.replace("max_increase: 10%", "max_increase: 10%, against: gone.json")
    (project / "ops-checks.yaml").write_text(policy)
    told = run("check", "--only", "kpi")
    assert told.code == 3
    assert told.err.startswith("error: gone.json: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--window", "30d"),
            "error: regression-failure-rate: last-week overlaps with a window of more than 7d; expected `previous`, or "
            "a window of at most 7d\n",
        ),
        (("--since", "2026-01-03"), "error: the window of the KPIs (since 2026-01-03) begins at 2026-01-03 00:00, "),
    ],
)
def test_a_window_that_cannot_be_compared(project: Path, run: Run, options: tuple[str, ...], message: str):
    """The command line's window is held to what the policy's is."""
    told = run("check", "--only", "kpi", *options)
    assert told.code == 4
    assert told.err.startswith(message)


def test_another_window(project: Path, run: Run):
    """Windows and budgets end where the command line says: an earlier time is judged by what was there then."""
    policy = POLICY.replace("10%", "10%, against: previous").replace("0.05", "0.05, against: previous")
    (project / "ops-checks.yaml").write_text(policy)
    told = run("check", "--only", "kpi", "--window", "3d", "--until", "8d", "-f", "json")
    report = json.loads(told.out)
    assert verdicts(report) == dict.fromkeys([*RULES, *BUDGET], "pass")
    said = next(rule["message"] for rule in report["rules"] if rule["id"] == "error-budget")
    assert said == "0 % of the error budget of 30 d is used: 0 of 257 outcomes failed, 12 may"


def test_a_backtest(project: Path, run: Run):
    """A history tells what the rules said, by the same limits; by others, which change that, nobody can tell."""
    assert run("check", "--only", "kpi", "--history", "past.jsonl").code == 2
    told = run("backtest", "--history", "past.jsonl", "--only", "regression-latency-p50-ms", "--only", "error-budget")
    assert (
        "- 2026-01-02 00:00 block -> block regression-latency-p50-ms 89.83 exceeds 10; error-budget 126.67 " in told.out
    )
    (project / "other.yaml").write_text(POLICY.replace("10%", "200%"))
    told = run("backtest", "--policy", "other.yaml", "--history", "past.jsonl", "--only", "regression-latency-p50-ms")
    assert "block -> unknown regression-latency-p50-ms: kpi.regression was another" in told.out


def test_the_page_is_made_of_the_same_reading(project: Path, run: Run):
    """What lies behind a report is grouped beside what the rules need: both are there."""
    assert run("check", "--only", "kpi", "-f", "html=page.html", "-f", "json=report.json").code == 2
    report = json.loads((project / "report.json").read_text())
    assert verdicts(report) == FAILING
    assert "latency_p95_ms" in (project / "page.html").read_text()
    assert [note for note in report["notes"] if "not shown" in note] == []


def test_two_reports(project: Path, run: Run):
    """`report A B` compares what the rules said, without a policy at hand."""
    run("check", "--only", "kpi", "-f", "json=old.json")
    write_log(project / "runs.jsonl", factor=1)
    run("check", "--only", "kpi", "-f", "json=new.json")
    told = run("report", "old.json", "new.json", "-f", "text")
    assert told.code == 0
    assert "regression-latency-p50-ms: fail 89.8277 % before, now pass 0 %" in told.out


def test_a_waiver(project: Path, run: Run):
    """A waiver for such a rule passes it, with who answers for it."""
    waiver = "waivers:\n- {rule: error-budget, owner: kim, reason: r, expires: '2026-01-31'}\n"
    (project / "ops-checks.yaml").write_text(POLICY + waiver)
    told = run("check", "--only", "error-budget", "-f", "json")
    (rule,) = (rule for rule in json.loads(told.out)["rules"] if rule["id"] == "error-budget")
    assert (told.code, rule["message"]) == (0, f"{USED}; waived by kim until 2026-01-31: r")


def test_pytest_has_a_check_for_each(project: Path, run: Run):
    """Each rule is a check under the log, whose id a person can name."""
    plan = plan_checks(Inputs(str(project), resolve(), None, "ops-checks check", OutputGuard(list)))
    assert [rule for rule, _ in plan["runs.jsonl"] if rule not in ("malformed-lines", "stale-in-progress")] == [
        *RULES,
        *BUDGET,
    ]


def test_policy_check(project: Path, run: Run):
    """The policy is one."""
    assert run("policy", "check") == (0, "policy ok ops-checks.yaml\n", "")


def test_the_manual(folder: Path, run: Run):
    """The policy that the manual shows is one, and each of its rules is in the manual's table."""
    page = manual.page("budgets")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (folder / "ops-checks.yaml").write_text(block)
    assert run("policy", "check").code == 0
    made = {rule.id.removesuffix("-weekly") for rule in load_policy("ops-checks.yaml").kpi.own_rules}
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    assert {rule for rule in made if not rule.startswith("regression-")} == listed
    metrics = re.findall(r"`((?:failure|success|latency)_[a-z0-9_]+)`", page.partition("## Regressions")[2])
    assert set(metrics) == set(COMPARED)
