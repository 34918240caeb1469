"""`check`: one report, every format, the exit codes of FORMATS section 7."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import item, make_database, make_markdown
from format_readers import READERS

from ops_checks.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told

    from ops_checks.model import Item

    Run = Callable[..., Told]

#: Runs without a time: the age of the log is that of the file, in the clock of the recipes too.
GOOD = '{"event":"run_end","command":"done","exit_code":0,"duration_ms":10}\n'
BAD = '{"event":"run_end","command":"fail","exit_code":0,"duration_ms":10}\n'
#: A run eight days before the known time.
OLD = '{"event":"run_end","command":"done","exit_code":0,"duration_ms":10,"ts_epoch_ms":1766588400000}\n'
DRIFT_OFF = "consistency: {severity: {missing-in-db: 'off', missing-in-md: 'off', field-mismatch: 'off'}}\n"
KPI_OFF = "kpi: {thresholds: {failure_rate: off, latency_p95_ms: off, stale_in_progress: off, malformed_lines: off}}\n"
ALL_OFF = DRIFT_OFF + KPI_OFF
ITEMS = [item("ORCH-1"), item("ORCH-2", "BLOCKED")]
OTHER = [item("ORCH-1"), item("ORCH-2", "DONE")]


def lay(folder: Path, md: list[Item] = ITEMS, db: list[Item] = ITEMS, log: str = GOOD, policy: str = "") -> None:
    """Lay the inputs of a gate in a folder, and a policy that names them."""
    make_markdown(folder / "QUEUE.md", md)
    make_database(folder / "queue.db", db)
    (folder / "runs.jsonl").write_text(log)
    (folder / "ops-checks.yaml").write_text(f"queue: QUEUE.md\ndb: queue.db\nlog: runs.jsonl\n{policy}")


#: What is laid, more arguments, and the exit code and the last line that must follow.
SITUATIONS = {
    "healthy": ({}, [], 0, "HEALTH_OK"),
    "drift": ({"db": OTHER}, [], 1, "HEALTH_FAIL field-mismatch=fail"),
    "alert": ({"log": BAD}, [], 2, "HEALTH_FAIL failure-rate=fail"),
    "drift and alert": ({"db": OTHER, "log": BAD}, [], 1, "HEALTH_FAIL field-mismatch=fail failure-rate=fail"),
    "no runs": ({"log": ""}, [], 2, "HEALTH_FAIL failure-rate=insufficient latency-p95-ms=insufficient"),
    "no runs, lenient": (
        {"log": "", "policy": "kpi: {on_insufficient: warn}\n"},
        [],
        0,
        "HEALTH_WARN failure-rate=insufficient latency-p95-ms=insufficient",
    ),
    "no runs, carefree": (
        {"log": "", "policy": "kpi: {on_insufficient: pass}\n"},
        [],
        0,
        "HEALTH_OK failure-rate=insufficient latency-p95-ms=insufficient",
    ),
    "warnings fail": (
        {"log": "", "policy": "kpi: {on_insufficient: warn}\n"},
        ["--fail-level", "warn"],
        2,
        "HEALTH_FAIL failure-rate=insufficient latency-p95-ms=insufficient",
    ),
    "malformed line": ({"log": GOOD + "{}\n"}, [], 3, "HEALTH_ERROR malformed-lines=error"),
    "malformed line, drift": (
        {"log": GOOD + "{}\n", "db": OTHER},
        [],
        3,
        "HEALTH_ERROR field-mismatch=fail malformed-lines=error",
    ),
    "empty queues": (
        {"md": [], "db": []},
        [],
        2,
        "HEALTH_FAIL missing-in-db=insufficient missing-in-md=insufficient field-mismatch=insufficient",
    ),
    "only kpi": ({"db": OTHER}, ["--only", "kpi"], 0, "HEALTH_OK"),
    "only consistency": ({"log": BAD}, ["--only", "consistency"], 0, "HEALTH_OK"),
    "exit zero": ({"db": OTHER}, ["--exit-zero"], 0, "HEALTH_FAIL field-mismatch=fail"),
    "exit zero, malformed": ({"log": "x\n"}, ["--exit-zero"], 3, None),
    "severity off": ({"db": OTHER, "policy": "consistency: {severity: {field-mismatch: 'off'}}\n"}, [], 0, "HEALTH_OK"),
    "severity warning": (
        {"db": OTHER, "policy": "consistency: {severity: {field-mismatch: warning}}\n"},
        [],
        0,
        "HEALTH_WARN field-mismatch=warn",
    ),
    "ignored status": (
        {"db": [item("ORCH-1")], "policy": "consistency: {ignore_statuses: [BLOCKED]}\n"},
        [],
        0,
        "HEALTH_OK",
    ),
    "every status ignored": (
        {"policy": "consistency: {ignore_statuses: [BLOCKED, PENDING]}\n"},
        [],
        2,
        "HEALTH_FAIL missing-in-db=insufficient missing-in-md=insufficient field-mismatch=insufficient",
    ),
    "drift off": ({"db": OTHER, "policy": DRIFT_OFF}, [], 0, "HEALTH_OK"),
    "all off": ({"policy": ALL_OFF}, [], 3, "HEALTH_ERROR"),
    "the asked for is off": ({"policy": DRIFT_OFF}, ["--only", "consistency"], 3, "HEALTH_ERROR"),
    "an old log": (
        {"log": OLD},
        [],
        3,
        "HEALTH_ERROR failure-rate=error latency-p95-ms=error malformed-lines=error",
    ),
    "an old log, whatever is waived or too little": (
        {"log": OLD, "policy": "kpi: {on_insufficient: pass, thresholds: {stale_in_progress: 0}}\n"},
        ["--exit-zero"],
        3,
        "HEALTH_ERROR failure-rate=error latency-p95-ms=error malformed-lines=error",
    ),
    "an old log, older allowed": ({"log": OLD, "policy": "kpi: {max_log_age: 8d}\n"}, [], 0, "HEALTH_OK"),
    "an old log, a second too old": (
        {"log": OLD, "policy": "kpi: {max_log_age: 691199s}\n"},
        [],
        3,
        "HEALTH_ERROR failure-rate=error latency-p95-ms=error malformed-lines=error",
    ),
    "old and new runs": ({"log": OLD + OLD.replace("1766588400000", "1767279000000")}, [], 0, "HEALTH_OK"),
    "limit of the command line": ({"log": BAD}, ["--max-failure-rate", "1"], 0, "HEALTH_OK"),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_verdicts(run: Run, folder: Path, name: str):
    """Each situation ends in its exit code, and says why in the health line."""
    inputs, argv, code, health = SITUATIONS[name]
    lay(folder, **inputs)
    told = run("check", "-f", "health", *argv)
    assert told.code == code
    assert health is None or told.out == health + "\n"


@pytest.mark.parametrize("name", ["healthy", "drift", "alert", "no runs", "malformed line", "severity warning"])
@pytest.mark.parametrize("form", FORMATS)
def test_no_format_changes_the_exit_code(run: Run, folder: Path, name: str, form: str):
    """The exit code is the verdict's, in every format."""
    inputs, argv, code, _ = SITUATIONS[name]
    lay(folder, **inputs)
    assert run("check", "-f", form, *argv).code == code


def test_all_formats_at_once(run: Run, folder: Path):
    """One run writes every format, and an independent reader of each accepts it."""
    lay(folder, db=OTHER, log=BAD)
    targets = [argument for name in FORMATS for argument in ("-f", f"{name}={name}.out")]
    assert run("check", *targets) == (1, "", "")
    for name in FORMATS:
        READERS[name]((folder / f"{name}.out").read_text(encoding="utf-8"))


def test_targets_are_appended_or_replaced(run: Run, folder: Path):
    """A summary is appended to, a document replaced, as their readers expect."""
    lay(folder)
    for name, before in (("markdown", "before\n"), ("json", "{\n")):
        (folder / name).write_text(before)
        run("check", "-f", f"{name}={name}")
    assert (folder / "markdown").read_text().startswith("before\n")
    json.loads((folder / "json").read_text())


def test_documents_do_not_run_together(run: Run, folder: Path):
    """Two whole documents on stdout would be none: that is a usage error."""
    lay(folder)
    told = run("check", "-f", "json", "-f", "text")
    assert (told.code, told.out) == (4, "")
    assert told.err == "error: --format json is a whole document: give all but one format a file, as json=FILE\n"


@pytest.mark.parametrize("target", [".", "none/report.json", "/dev/full"])
def test_a_target_that_cannot_be_written(run: Run, folder: Path, target: str):
    """A report that does not arrive is no verdict: exit 3, one line."""
    lay(folder)
    told = run("check", "-f", f"json={target}")
    assert (told.code, told.out) == (3, "")
    assert told.err.startswith(f"error: {target}: not written")
    assert told.err.count("\n") == 1


def test_ci_systems_get_their_annotations(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Without a format, what the CI system understands is added."""
    lay(folder, db=OTHER)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert "\n::error " in run("check").out
    monkeypatch.delenv("GITHUB_ACTIONS")
    monkeypatch.setenv("GITLAB_CI", "true")
    run("check")
    assert json.loads((folder / "gl-code-quality-report.json").read_text())


OFF = "warning: consistency: every rule of it is off: nothing of it was judged\n"
NOTHING = (
    "error: nothing was judged: every rule that was asked for is off: switch one on in the policy, "
    "or ask for another check\n"
)


@pytest.mark.parametrize(
    ("policy", "argv", "code", "err"),
    [
        (DRIFT_OFF, ["check"], 0, OFF),
        (DRIFT_OFF, ["check", "--only", "kpi"], 0, ""),
        (DRIFT_OFF, ["check", "--only", "consistency"], 3, OFF + NOTHING),
        (DRIFT_OFF, ["check", "--only", "consistency", "--exit-zero"], 3, OFF + NOTHING),
        (KPI_OFF, ["check"], 0, OFF.replace("consistency", "kpi")),
        (KPI_OFF, ["kpi"], 3, OFF.replace("consistency", "kpi") + NOTHING),
        (ALL_OFF, ["check"], 3, OFF + OFF.replace("consistency", "kpi") + NOTHING),
        (ALL_OFF, ["consistency-check"], 0, ""),
    ],
)
def test_a_check_that_is_off_is_said_to_be(run: Run, folder: Path, policy: str, argv: list[str], code: int, err: str):
    """A check without a rule that is on is told, in every face of the report; without any, nothing was evaluated."""
    lay(folder, policy=policy)
    told = run(*argv)
    assert (told.code, told.err) == (code, err)
    if argv[0] == "consistency-check":
        return
    shown = run(*argv, "-f", "text")
    assert (shown.code, shown.err) == (code, err)
    assert all(line.replace("warning:", "note:") in shown.out for line in err.splitlines())
    report = json.loads(run(*argv, "-f", "json").out)
    assert (report["exit_code"], bool(report["errors"])) == (code, code == 3)


@pytest.mark.parametrize("policy", [DRIFT_OFF, ALL_OFF])
def test_what_cannot_be_read_is_an_error_though_no_rule_is_on(run: Run, folder: Path, policy: str):
    """Without the inputs nothing is fine, whatever is off."""
    lay(folder, policy=policy)
    (folder / "QUEUE.md").unlink()
    told = run("check", "-f", "health")
    assert (told.code, told.out) == (3, "HEALTH_ERROR\n")
    assert "error: QUEUE.md: no such queue" in told.err


@pytest.mark.parametrize("argv", [["kpi"], ["kpi", "--fail-on-alert"], ["consistency-check"]])
@pytest.mark.parametrize("policy", ["", "kpi: {on_insufficient: fail}\n", "kpi: {on_insufficient: pass}\n"])
def test_the_commands_alone_fail_for_no_want_of_data(run: Run, folder: Path, argv: list[str], policy: str):
    """What too little data and an old log count as is the gate's, in every format (FORMATS sections 4 and 7)."""
    lay(folder, md=[], db=[], log="", policy=policy)
    os.utime(folder / "runs.jsonl", (0, 0))
    assert [run(*argv, *more).code for more in ([], ["-f", "json"], ["-f", "health"])] == [0, 0, 0]
    assert run("check").code == 3


def test_nothing_compared(run: Run, folder: Path):
    """Where every status is ignored nothing is said to be consistent."""
    lay(folder, policy="consistency: {ignore_statuses: [BLOCKED, PENDING]}\n")
    assert run("consistency-check").out == "consistency ok total=0\n"
    (rule, *_) = json.loads(run("check", "-f", "json").out)["rules"]
    assert (rule["samples"], rule["verdict"]) == (0, "insufficient")
    assert rule["message"].startswith("there is nothing to compare: ")


def test_an_old_log_is_named(run: Run, folder: Path):
    """The error says which log, how old, and what is allowed; what was measured from the queue is still judged."""
    lay(folder, log=OLD)
    told = run("check", "-f", "json")
    assert told.err == (
        "error: runs.jsonl: has its newest record from 8d ago, more than kpi.max_log_age 7d: it says nothing about "
        "today: find out why nothing writes to it, or name the log that is written to\n"
    )
    assert {each["id"] for each in json.loads(told.out)["rules"] if each["verdict"] == "pass"} == {
        *("missing-in-db", "missing-in-md", "field-mismatch", "stale-in-progress")
    }


def test_a_missing_input_is_named_once(run: Run, folder: Path):
    """A missing log does not keep the queues from being compared; the report names both."""
    lay(folder, db=OTHER)
    (folder / "runs.jsonl").unlink()
    told = run("check", "-f", "health")
    assert told.code == 3
    assert told.out.startswith("HEALTH_ERROR field-mismatch=fail failure-rate=error")
    assert told.err.count("runs.jsonl") == 1


def test_a_saved_report_is_shown_again(run: Run, folder: Path):
    """`report` shows a saved report as the run did."""
    lay(folder, db=OTHER)
    shown = run("check", "-f", "text", "-f", "json=report.json").out
    assert run("report", "report.json", "-f", "text") == (0, shown, "")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema_version": "9.0"}', b"\xff", b"[" * 100_000])
def test_a_report_that_is_none(run: Run, folder: Path, content: bytes):
    """A file that is no report gives one clear error."""
    (folder / "r.json").write_bytes(content)
    told = run("report", "r.json")
    assert (told.code, told.out, told.err.count("\n")) == (3, "", 1)
    assert told.err.startswith("error: r.json")


WAIVER = "waivers: [{rule: field-mismatch, item: ORCH-2, reason: known, owner: kim, expires: '%s'}]\n"


@pytest.mark.parametrize(
    ("db", "expires", "code", "health"),
    [
        (OTHER, "2026-01-02", 0, "HEALTH_OK"),
        (OTHER, "2026-01-01", 1, "HEALTH_FAIL field-mismatch=fail waiver-expired=fail"),
        (ITEMS, "2026-01-02", 0, "HEALTH_WARN waiver-unused=warn"),
        (ITEMS, "2026-01-01", 1, "HEALTH_FAIL waiver-expired=fail"),
        ([OTHER[1]], "2026-01-02", 1, "HEALTH_FAIL missing-in-db=fail"),
    ],
)
def test_waivers(run: Run, folder: Path, db: list[Item], expires: str, code: int, health: str):
    """A waiver holds on its last day, fails by itself after it, and warns if it matched nothing."""
    lay(folder, db=db, policy=WAIVER % expires)
    assert run("check", "-f", "health") == (code, health + "\n", "")


def test_a_waived_finding_is_shown(run: Run, folder: Path):
    """What is waived stays in the report, with who answers for it."""
    lay(folder, db=OTHER, policy=WAIVER % "2026-01-02")
    report = json.loads(run("check", "-f", "json").out)
    (finding,) = next(rule for rule in report["rules"] if rule["id"] == "field-mismatch")["findings"]
    assert finding["suppressed"] == "known (kim, until 2026-01-02)"


@pytest.mark.parametrize("command", ["consistency-check", "kpi"])
def test_the_checks_alone_in_a_format(run: Run, folder: Path, command: str):
    """The commands of the specification take a format too, and keep their exit codes."""
    lay(folder, db=OTHER, log=BAD)
    plain = run(command)
    report = run(command, "-f", "json")
    assert plain.code == report.code == {"consistency-check": 1, "kpi": 0}[command]
    assert {rule["group"] for rule in json.loads(report.out)["rules"]} == {
        {"consistency-check": "consistency", "kpi": "kpi"}[command]
    }


def test_kpi_alert_exits_in_every_format(run: Run, folder: Path):
    """--fail-on-alert is 2 with and without a format."""
    lay(folder, log=BAD)
    assert run("kpi", "--fail-on-alert").code == run("kpi", "--fail-on-alert", "-f", "json").code == 2


RECIPES = Path(__file__).parents[2] / "ci" / "recipes"
GATE = Path(__file__).parents[2] / "ci" / "gate"


def shell(folder: Path, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a CI system does, with the package's scripts on the path."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=os.environ | {"PATH": path} | environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("db", "code", "out"), [(ITEMS, 0, "deployed\n"), (OTHER, 1, "")])
def test_the_plain_shell(folder: Path, db: list[Item], code: int, out: str):
    """Nothing is deployed unless the gate says so; the metrics are there either way."""
    lay(folder, db=db)
    done = shell(folder, f"{RECIPES / 'deploy.sh'} echo deployed", METRICS_DIR=str(folder))
    assert (done.returncode, done.stdout.endswith(out), "deployed" in done.stdout) == (code, True, code == 0)
    READERS["openmetrics"]((folder / "ops_checks.prom").read_text())


@pytest.mark.parametrize(
    ("situation", "argv", "code", "last"),
    [
        ({}, "", 0, "HEALTH_OK"),
        ({"db": OTHER}, "", 1, "HEALTH_FAIL field-mismatch=fail"),
        ({"log": BAD}, "", 2, "HEALTH_FAIL failure-rate=fail"),
        ({"log": "x\n"}, "", 3, "HEALTH_ERROR"),
        ({}, "--nonsense", 4, "HEALTH_ERROR exit=4"),
    ],
)
def test_the_gate_script(folder: Path, situation: dict[str, str], argv: str, code: int, last: str):
    """The script's exit code is the gate's, and its last line says the verdict."""
    lay(folder, **situation)
    done = shell(folder, f"{GATE} {argv}")
    assert done.returncode == code
    assert done.stdout.splitlines()[-1].startswith(last)


TWO_WAIVERS = (
    "waivers:\n  - {rule: missing-in-md, item: X-1, reason: r, owner: kim, expires: '2030-01-31'}\n"
    "  - {rule: missing-in-db, item: I-7, reason: r, owner: kim, expires: '2030-01-31'}\n"
)


@pytest.mark.parametrize("policy", ["", TWO_WAIVERS])
@pytest.mark.parametrize(
    ("argv", "listed"),
    [([], 50), (["--max-details", "0"], 120), (["--max-details", "7"], 7), (["--max-details", "500"], 120)],
)
def test_as_many_details_as_were_asked_for(run: Run, folder: Path, policy: str, argv: list[str], listed: int):
    """JSON can be asked to hold everything; a waiver changes nothing about that, and the others are counted."""
    lay(folder, md=[item(f"I-{number}") for number in range(120)], db=[], policy=policy)
    rule = json.loads(run("check", "--only", "consistency", "-f", "json", *argv).out)["rules"][0]
    live = [finding for finding in rule["findings"] if not finding.get("suppressed")]
    assert len(live) == min(listed, 119 if policy else 120)
    assert len(rule["findings"]) + rule["more_findings"] == 120


def test_a_waiver_lifts_no_limit_of_a_format(run: Run, folder: Path):
    """Whatever is waived and asked for, code scanning gets no more results than it takes."""
    lay(folder, md=[item(f"I-{number}") for number in range(6_000)], db=[], policy=TWO_WAIVERS)
    argv = ["check", "--only", "consistency", "--max-details", "0"]
    assert len(json.loads(run(*argv, "-f", "sarif").out)["runs"][0]["results"]) == 5_000
    assert len(json.loads(run(*argv, "-f", "json").out)["rules"][0]["findings"]) == 6_000


def test_text_is_wrapped_on_a_terminal_alone(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are as wide as the terminal; a pipe and a file get them whole."""
    lay(folder, db=[item("ORCH-1"), item("ORCH-2", "DONE", task="a long task of many words " * 4)])
    monkeypatch.setenv("COLUMNS", "60")
    whole = run("check").out
    assert any(len(line) > 60 for line in whole.splitlines())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    shown = run("check", "--color", "never", "-f", "text", "-f", "text=r.txt").out
    assert shown.split() == whole.split()
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in shown.splitlines())  # a digest stays whole
    assert (folder / "r.txt").read_text() == whole
