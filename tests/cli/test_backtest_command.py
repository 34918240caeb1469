"""`backtest`: another policy held against what really happened, hour by hour or run by run; and a limit proposed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown
from conftest import NOW_S
from json_checks import assert_answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told

    Run = Callable[..., Told]

HOUR_S = 3_600
BASE = "queue: Q.md\ndb: q.db\nlog: l.jsonl\nconsistency: {settle: 0s}\n"
POLICY = BASE + "kpi: {thresholds: {failure_rate: 0.3}, window: 2h}\n"


def end(at_s: float, command: str = "done", duration: int = 90) -> str:
    """Return the line of a run."""
    plain = {"event": "run_end", "command": command, "exit_code": 0, "duration_ms": duration}
    return json.dumps(plain | {"ts_epoch_ms": int(at_s * 1000)}) + "\n"


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project with two queues that agree, a log in which more and more fails, and a policy of two hours."""
    make_markdown(folder / "Q.md", [item("A-1"), item("A-2")])
    make_database(folder / "q.db", [item("A-1"), item("A-2")])
    lines = []
    for hour in range(-10, 0):
        failed = hour + 10
        at_s = NOW_S + hour * HOUR_S + 60
        lines += [end(at_s + each, "fail" if each < failed else "done", 100 * failed) for each in range(20)]
    (folder / "l.jsonl").write_text("".join(lines))
    (folder / "ops-checks.yaml").write_text(POLICY)
    return folder


@pytest.fixture
def past(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the project after a gate run in each of some hours, with its history `h.jsonl`."""
    whole = Path("l.jsonl").read_text()
    for hour in (-8, -5, -2, 0):
        now_s = NOW_S + hour * HOUR_S
        monkeypatch.setattr("time.time", lambda at_s=now_s: float(at_s))
        Path("l.jsonl").write_text(
            "".join(line for line in whole.splitlines(keepends=True) if _time(line) < now_s * 1000)
        )
        run("check", "--history", "h.jsonl")
    return project


def _time(line: str) -> int:
    return int(json.loads(line)["ts_epoch_ms"])


def new(text: str) -> None:
    """Write the policy to test."""
    Path("new.yaml").write_text(BASE + text)


def test_the_story(past: Path, run: Run) -> None:
    """A tighter limit would have blocked one more; what it was, what it would be, and why, the newest last."""
    new("kpi: {thresholds: {failure_rate: 0.2, latency_p95_ms: 5000, stale_in_progress: off}, window: 2h}\n")
    told = run("backtest", "--policy", "new.yaml", "--history", "h.jsonl")
    assert (told.code, told.err) == (0, "")
    assert told.out == (
        "backtest new.yaml runs=4 pass=2 insufficient=0 block=2 error=0 unknown=0\n"
        "changed would_block=0 would_pass=0\n"
        "- 2026-01-01 16:00 pass -> pass\n"
        "- 2026-01-01 19:00 pass -> pass\n"
        "- 2026-01-01 22:00 block -> block failure-rate 0.3250 exceeds 0.2000\n"
        "- 2026-01-02 00:00 block -> block failure-rate 0.4250 exceeds 0.2000\n"
        "never violated: missing-in-db (4), missing-in-md (4), field-mismatch (4), latency-p95-ms (4), "
        "malformed-lines (4)\n"
    )
    told = run("backtest", "--history", "h.jsonl", "--max-failure-rate", "0.1", "--only", "failure-rate", "-n", "2")
    assert told.out == (
        "backtest ops-checks.yaml runs=4 pass=1 insufficient=0 block=3 error=0 unknown=0\n"
        "changed would_block=1 would_pass=0\n"
        "- 2026-01-01 22:00 block -> block failure-rate 0.3250 exceeds 0.1000\n"
        "- 2026-01-02 00:00 block -> block failure-rate 0.4250 exceeds 0.1000\n"
    )
    assert told.err == "note: -n: 2 of 4 runs are shown\n"


def test_what_cannot_be_told(past: Path, run: Run) -> None:
    """Another window, other fields, a rule that was not judged: named with their runs, and never a pass."""
    new(
        "kpi: {thresholds: {failure_rate: 0.5}, window: 3h}\n"
        "rules: [{id: wip-limit}, {id: own, sql: 'SELECT id FROM queue_items'}]\n"
    )
    Path("new.yaml").write_text(Path("new.yaml").read_text().replace("settle: 0s", "settle: 0s, fields: [status]"))
    told = run("backtest", "--policy", "new.yaml", "--history", "h.jsonl")
    head, changed, first, *others = told.out.splitlines()
    assert head == "backtest new.yaml runs=4 pass=0 insufficient=0 block=0 error=0 unknown=4"
    assert changed == "changed would_block=0 would_pass=0"
    assert first.startswith("- 2026-01-01 16:00 pass -> unknown missing-in-db: consistency.fields was another; ")
    assert others[3:] == [
        "never violated: stale-in-progress (4), malformed-lines (4)",
        "not told: missing-in-db (4): consistency.fields was another",
        "not told: missing-in-md (4): consistency.fields was another",
        "not told: field-mismatch (4): consistency.fields was another",
        "not told: failure-rate (4): kpi.window was another",
        "not told: latency-p95-ms (4): kpi.window was another",
        "not told: wip-limit (4): it was not judged",
        "not told: own (4): rules.own was another",
    ]
    new("kpi: {thresholds: {failure_rate: 0.5, pending: 1}, window: 3h}\n")
    told = run("backtest", "--policy", "new.yaml", "--history", "h.jsonl", "-f", "json")
    data = assert_answered(told)
    assert data["counts"] == {"pass": 0, "insufficient": 0, "block": 4, "error": 0, "unknown": 0}  # by what is pending
    assert data["changes"] == {"would_block": 2, "would_pass": 0}
    assert data["runs"][0]["failing"] == [
        {"rule": "pending", "verdict": "fail", "value": 2, "operator": "<=", "limit": 1}
    ]
    assert {each["rule"] for each in data["runs"][0]["untold"]} == {"failure-rate", "latency-p95-ms"}


_CHANGES = (
    "kpi: {window: 2h, thresholds: {failure_rate: off, latency_p95_ms: off}, "
    "regression: {failure_rate: {max_increase: 0.1, against: previous}}, "
)
#: Policies and states, each with the word of how the run ends.
HAPPENED = {
    "all is well": ("", "", "pass"),
    "drift": ("", "DELETE FROM queue_items WHERE id = 'A-2'", "block"),
    "drift that is waived": (
        "waivers: [{rule: missing-in-db, item: A-2, reason: r, owner: o, expires: '2030-01-01'}]\n",
        "DELETE FROM queue_items WHERE id = 'A-2'",
        "pass",
    ),
    "a waiver that matches nothing": (
        "waivers: [{rule: missing-in-db, item: A-9, reason: r, owner: o, expires: '2030-01-01'}]\n", "", "pass",
    ),
    "a waiver that has expired": (
        "waivers: [{rule: missing-in-db, item: A-2, reason: r, owner: o, expires: '2020-01-01'}]\n", "", "block",
    ),
    "a rate that is waived": (
        "kpi: {thresholds: {failure_rate: 0.1}}\n"
        "waivers: [{rule: failure-rate, reason: r, owner: o, expires: '2030-01-01'}]\n", "", "pass",
    ),
    "a warning": ("kpi: {thresholds: {failure_rate: {warn_max: 0.1}}}\n", "", "pass"),
    "too little data": ("kpi: {thresholds: {failure_rate: {max: 0.9, min_samples: 9999}}}\n", "", "insufficient"),
    "too little data that passes": (
        "kpi: {on_insufficient: pass, thresholds: {failure_rate: {max: 0.9, min_samples: 9999}}}\n", "", "insufficient",
    ),
    "a log that is too old": ("kpi: {max_log_age: 1s}\n", "", "error"),
    "a change, and a budget that is used up": (_CHANGES + "budgets: [{objective: 99% over 30d}]}\n", "", "block"),
    "a change of too few runs": (_CHANGES.replace("0.1,", "0.9,").replace("2h", "1s") + "}\n", "", "insufficient"),
    "a rule in SQL": ("rules: [{id: own, sql: 'SELECT id FROM queue_items'}]\n", "", "block"),
    "rules on rows": (
        "rules: [{id: in-progress-has-owner}]\n", "UPDATE queue_items SET status = 'IN_PROGRESS'", "block",
    ),
    "rules on events": ("history: on\n", "", "insufficient"),
    "no database": ("", None, "error"),
}  # fmt: skip


@pytest.mark.parametrize("name", HAPPENED)
def test_the_policy_of_a_run_says_what_was_said(project: Path, run: Run, name: str) -> None:
    """Whatever it was; and so does the report of the run."""
    more, script, outcome = HAPPENED[name]
    kpi = "" if "kpi:" in more else "kpi: {thresholds: {failure_rate: 0.9}}\n"
    Path("ops-checks.yaml").write_text(BASE + kpi + more)
    if script is None:
        Path("q.db").unlink()
    elif script:
        execute("q.db", script)
    code = run("check", "--history", "h.jsonl", "-f", "json=r.json").code
    for source in ("h.jsonl", "r.json"):
        (row,) = assert_answered(run("backtest", "--history", source, "-f", "json"))["runs"]
        assert (row["was"], row["would"], row["blocked"], row["blocks"]) == (outcome, outcome, code != 0, code != 0)


def test_known_findings(project: Path, run: Run) -> None:
    """What was known then is known now."""
    execute("q.db", "DELETE FROM queue_items WHERE id = 'A-2'")
    run("check", "-f", "json=known.json")
    run("check", "--known", "known.json", "--history", "h.jsonl")
    (row,) = assert_answered(run("backtest", "--history", "h.jsonl", "-f", "json"))["runs"]
    assert (row["was"], row["would"]) == ("pass", "pass")
    told = run("backtest", "--history", "h.jsonl", "--max-failure-rate", "0.05", "-f", "json")
    (row,) = assert_answered(told)["runs"]
    assert row["would"] == "unknown"
    assert row["untold"] == [{"rule": "failure-rate", "reason": "it was known then, by another limit"}]


def test_a_report_of_an_earlier_release(project: Path, run: Run) -> None:
    """It does not say by which settings it measured: those of the policy are assumed, and that is noted."""
    run("check", "-f", "json=r.json")
    report = json.loads(Path("r.json").read_text())
    del report["settings"]
    Path("r.json").write_text(json.dumps(report))
    told = run("backtest", "--history", "r.json")
    assert told.out.startswith("backtest ops-checks.yaml runs=1 pass=0 insufficient=0 block=1 error=0 unknown=0\n")
    assert told.err == (
        "note: 1 run does not say what was set then (kpi.window and the like): taken to be as in this policy\n"
    )


def test_the_log_is_replayed(project: Path, run: Run) -> None:
    """Each hour with the runs of the window before it; what no log tells of is named, and is no part of it."""
    told = run("backtest", "-n", "3")
    assert told.code == 0
    assert told.out == (
        "backtest ops-checks.yaml runs=10 pass=7 insufficient=0 block=3 error=0 unknown=0\n"
        "- 2026-01-01 22:00 block failure-rate 0.3250 exceeds 0.3000\n"
        "- 2026-01-01 23:00 block failure-rate 0.3750 exceeds 0.3000\n"
        "- 2026-01-02 00:00 block failure-rate 0.4250 exceeds 0.3000\n"
        "never violated: latency-p95-ms (10)\n"
    )
    assert told.err == (
        "note: each hour of the log is replayed, with the window of the KPIs as it was then: window 2h\n"
        "note: no log tells of missing-in-db, missing-in-md, field-mismatch, stale-in-progress, malformed-lines: "
        "see a history\n"
        "note: -n: 3 of 10 runs are shown\n"
    )
    rows = list(csv.DictReader(run("backtest", "-f", "csv", "--since", "4h").out.splitlines()))
    assert [(row["was"], row["would"], row["blocks"], row["failing"]) for row in rows] == [
        ("", "pass", "false", ""),
        ("", "pass", "false", ""),
        *[("", "block", "true", "failure-rate")] * 3,
    ]
    assert run("backtest", "--log-path", "l.jsonl", "-n", "3").out == told.out


def test_the_history_of_the_policy_comes_before_its_log(past: Path, run: Run) -> None:
    """And a log that is named before that history."""
    Path("ops-checks.yaml").write_text(POLICY + "history: {file: h.jsonl}\n")
    assert run("backtest").out.startswith("backtest ops-checks.yaml runs=4 ")
    assert run("backtest", "--log-path", "l.jsonl").out.startswith("backtest ops-checks.yaml runs=10 ")


def test_a_limit_is_proposed(project: Path, run: Run) -> None:
    """With the rate of false alarms that it promises, and what that rests on."""
    told = run("backtest", "--suggest", "latency_p95_ms", "--false-alarms", "20%")
    assert told.out == (
        "suggest kpi.thresholds.latency_p95_ms.max=800\n"
        "false_alarms expected=16.67% interval_95=0.51% to 52.18% beyond=1 runs=10 independent=5\n"
    )
    assert told.err == (
        "note: each hour of the log is replayed, with the window of the KPIs as it was then: window 2h\n"
        "note: the windows overlap: the rate rests on 5 of the 10 runs, of which no two have runs of the log in "
        "common\n"
    )
    told = run("backtest", "--suggest", "success_rate", "-f", "json")
    data = assert_answered(told)["suggestion"]
    assert (data["bound"], data["limit"], data["wanted"], data["needed"]) == ("min", 0.575, 0.05, 19)
    assert "note: --false-alarms 0.05: so rare takes 19 runs: this is the most extreme of 10\n" in told.err
    (row,) = csv.DictReader(run("backtest", "--suggest", "failure_rate", "-f", "csv").out.splitlines())
    assert (row["metric"], row["limit"]) == ("failure_rate", "0.425")


def test_a_limit_of_the_queue(past: Path, run: Run) -> None:
    """A state, which runs near each other share: that is said; runs by other settings are left out."""
    told = run("backtest", "--history", "h.jsonl", "--suggest", "pending", "--false-alarms", "0.2")
    assert told.out.startswith("suggest kpi.thresholds.pending.max=2\n")
    assert told.err == "note: pending is a state: runs near each other are alike, and the interval is too narrow\n"
    new("kpi: {window: 3h}\n")
    told = run("backtest", "--policy", "new.yaml", "--history", "h.jsonl", "--suggest", "failure_rate")
    assert (told.code, told.err) == (
        3,
        "error: failure_rate: no value of it in 4 runs: name runs that measured it\n",
    )


@pytest.mark.parametrize(
    ("args", "code", "error"),
    [
        (["--history", "no"], 3, "no: no such history: name a file of `check --history FILE`, or reports of `-f json`"),
        (["--history", "empty"], 3, "no run to test the policy with: name a history or a log that has some"),
        (["--log-path", "empty"], 3, "no run to test the policy with: name a history or a log"),
        (["--log-path", "no.jsonl"], 3, "no.jsonl: no such run log"),
        (["--history", "h", "--log-path", "l.jsonl"], 4, "--history and --log-path: name one of them"),
        (["--policy", "no.yaml"], 4, "no.yaml: no such policy"),
        (["--policy", "bad.yaml"], 4, "bad.yaml:1:1: kpis: "),
        (["--only", "no-such"], 4, "only=no-such: expected one of consistency, kpi, queue, "),
        (["--suggest", "latency"], 4, "--suggest latency: no such metric: expected one of failure_rate, "),
        (["--suggest", "pending"], 4, "--suggest pending: no log tells of it: name a history with --history"),
        (["--suggest", "failure_rate", "--only", "kpi"], 4, "--suggest is for one metric: leave out --only"),
        (["--false-alarms", "5%"], 4, "--false-alarms is for --suggest METRIC: name one, or leave it out"),
        (["--suggest", "failure_rate", "--false-alarms", "0"], 4, "argument --false-alarms: expected a rate"),
        (["--suggest", "failure_rate", "--false-alarms", "x%"], 4, "argument --false-alarms: expected a rate"),
        (["--suggest", "failure_rate", "--false-alarms", "100%"], 4, "argument --false-alarms: expected a rate"),
        (["--since", "2027-01-01"], 4, "--since '2027-01-01': lies in the future"),
    ],
)  # fmt: skip
def test_errors(project: Path, run: Run, args: list[str], code: int, error: str) -> None:
    """One clear line."""
    Path("empty").write_text("")
    Path("bad.yaml").write_text("kpis: {}\n")
    told = run("backtest", *args)
    assert (told.code, told.out) == (code, "")
    found = [line for line in told.err.splitlines() if line.startswith("error: ")]
    assert len(found) == 1
    assert found[0].startswith(f"error: {error}")
