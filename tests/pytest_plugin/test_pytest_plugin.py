"""`pytest --queue-check`: what a session shows and how it exits, in processes of their own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from builders import item, table
from queue_projects import ALL_IDS, DB, DRIFT_IDS, FIRST_ROW, ITEMS, KPI_IDS, LOG, QUEUE, Project, outcomes

pytest_plugins = ("pytester",)

WATCHING = """
import sys

def pytest_sessionfinish(session):
    loaded = sorted(name for name in sys.modules if name.split(".")[0] in {"ops_checks", "msgspec", "ruamel"})
    print("loaded:", *loaded)
    print("plugin:", session.config.pluginmanager.has_plugin("ops-checks-session"))
"""
WAIVER = "waivers:\n  - rule: {}\n    item: {}\n    reason: moved by hand\n    owner: kim\n    expires: {}\n"


def test_off_it_does_nothing(project: Project) -> None:
    """When off there is no check, no output, no hook of ours and no import beyond the plugin."""
    project.options = ()
    project.drift()
    project.write("conftest.py", WATCHING)

    result = project.pytest("-s")

    assert result.ret == 0
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*loaded: ops_checks ops_checks.pytest_plugin", "plugin: False"])
    result.stdout.no_fnmatch_line("*queue*")


def test_options_are_in_one_group_with_ini_names(project: Project) -> None:
    """Every option is listed in --help in one group, and under its ini name."""
    project.options = ()

    text = project.pytest("--help").stdout.str()

    group = text.partition("checks of the task queue")[2].partition("\n\n")[0]
    names = ["check", "check-only", "policy", "path", "db", "log", "report"]
    options = [f"--queue-{name}" for name in names]
    options += ["--max-failure-rate", "--max-latency-p95-ms", "--max-stale-in-progress", "--stale-minutes"]
    for option in options:
        assert f"  {option}" in group
        assert f"  {option.removeprefix('--').replace('-', '_')} (" in text


def test_green(project: Project) -> None:
    """A green queue passes: one test for each rule, beside the project's own, and a short summary."""
    result = project.pytest("-rA", "--queue-report", "out/report.json")

    assert result.ret == 0
    assert outcomes(result) == dict.fromkeys(["tests/test_own.py::test_own", *ALL_IDS], "PASSED")
    result.stdout.fnmatch_lines(
        [
            "ops-checks: policy none, defaults",
            "collected 8 items",
            "=* queue check =*",
            "PASS: 7 pass; 0 findings",
            f"read: policy none, defaults, queue {QUEUE} (3 items), db {DB} (3 items), log {LOG} (20 lines)",
            "report: out/report.json",
        ]
    )
    assert project.report("out/report.json")["verdict"] == "pass"
    assert [path.name for path in (project.path / "out").iterdir()] == ["report.json"]


def test_drift_fails_with_what_to_do(project: Project) -> None:
    """A drift fails its test and the session: the row, both values, value against limit, and the next command."""
    project.drift()

    result = project.pytest("-rA")

    assert result.ret == 1
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(
        [
            "_* field-mismatch _*",
            "fields that differ between the queues: 1",
            "  value 1, limit <= 0, samples 3",
            f"  {QUEUE}:{FIRST_ROW + 1} ORCH-2 status: md=PENDING db=DONE",
            "  help: *",
            "  more: ops-checks check --only consistency",
            "FAIL: 1 fail, 6 pass; 1 finding",
            f"FAILED {DRIFT_IDS[2]} - fields that differ*",
        ]
    )
    _has_no_traceback(result)


def test_the_command_shows_the_same(project: Project) -> None:
    """The command that a failure names, run in the same folder, fails for the same reason."""
    project.queues([], ITEMS)
    project.write("other/QUEUE md.md", table())
    named = project.pytest("--queue-path", "other/QUEUE md.md", "--max-failure-rate", "0.5").stdout.str()
    command = next(line for line in named.splitlines() if "more: " in line).partition("more: ")[2]

    done = subprocess.run(
        command.replace("ops-checks", f"{sys.executable} -m ops_checks", 1),
        shell=True,
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "--queue-path 'other/QUEUE md.md'" in command
    assert done.returncode == 1
    assert done.stderr == "note: --max-failure-rate changes nothing with --only consistency\n"
    assert "ORCH-3" in done.stdout


def test_alert_fails_with_the_worst_runs(project: Project) -> None:
    """A KPI past its limit fails under the log, with the offending runs; a limit comes from option or ini."""
    project.log([("done", 100), ("fail", 5000), ("fail", 9000)])

    result = project.pytest("-rA", "-k", "queue_kpi or orch_runs")

    assert result.ret == 1
    assert {node: word for node, word in outcomes(result).items() if word == "FAILED"} == dict.fromkeys(
        KPI_IDS[:2], "FAILED"
    )
    result.stdout.fnmatch_lines(
        [
            "failure_rate is 0.6667, above 0.2000",
            "latency_p95_ms is 9000, above 2000",
            "  value 9000 ms, limit <= 2000 ms, samples 3*",
            f"  {LOG}:3 *9000 ms*",
            "  more: ops-checks check --only kpi",
        ]
    )
    _has_no_traceback(result)
    project.write("pytest.ini", "[pytest]\nmax_failure_rate = 0.7\nqueue_check = true\n")
    project.options = ()
    result = project.pytest("--max-latency-p95-ms", "9000")
    assert result.ret == 0
    result.assert_outcomes(passed=8)


def test_stale_items(project: Project) -> None:
    """Stale items fail; --stale-minutes and --max-stale-in-progress say which and how many."""
    stale = [item("ORCH-1", "IN_PROGRESS", started_at_kst="2020-01-01 10:00")]
    project.queues(stale, stale)

    assert project.pytest("-k", "stale").ret == 1
    assert project.pytest("-k", "stale", "--stale-minutes", "999999999").ret == 0
    assert project.pytest("-k", "stale", "--max-stale-in-progress", "1").ret == 0


def test_warn_passes_with_a_warning(project: Project) -> None:
    """A rule that only warns passes and shows a pytest warning at the row; where warnings are errors, it fails."""
    project.drift()
    project.write("ops-checks.yaml", "consistency:\n  severity:\n    field-mismatch: warning\n")

    result = project.pytest("-rA")
    strict = project.pytest("-W", "error::ops_checks.pytest_plugin.session.QueueCheckWarning")

    assert result.ret == 0
    result.assert_outcomes(passed=8, warnings=1)
    result.stdout.fnmatch_lines(
        [
            f"{DRIFT_IDS[2]}",
            f"  {QUEUE}:{FIRST_ROW + 1}:1: QueueCheckWarning: fields that differ between the queues: 1",
            f"*{QUEUE}:{FIRST_ROW + 1} ORCH-2 status: md=PENDING db=DONE",
            "WARN: 1 warn, 6 pass; 1 finding",
        ]
    )
    assert strict.ret == 1
    strict.assert_outcomes(passed=7, failed=1)
    strict.stdout.fnmatch_lines([f"  {QUEUE}:{FIRST_ROW + 1} ORCH-2 status: md=PENDING db=DONE"])
    _has_no_traceback(strict)


@pytest.mark.parametrize(("on_insufficient", "counts"), [("warn", "skipped"), ("pass", "skipped"), ("fail", "failed")])
def test_insufficient(project: Project, on_insufficient: str, counts: str) -> None:
    """Too little data skips with the reason, or fails if the policy says so."""
    project.log([])
    project.write("ops-checks.yaml", f"kpi:\n  on_insufficient: {on_insufficient}\n")

    result = project.pytest("-rs", "-k", "failure_rate or failure-rate or latency")

    result.assert_outcomes(**{counts: 2}, deselected=6)
    assert result.ret == (1 if counts == "failed" else 0)
    if counts == "failed":
        result.stdout.fnmatch_lines(["*cannot be judged: 0 samples* (the policy counts too little data as a failure)"])
    else:
        result.stdout.fnmatch_lines([f"SKIPPED * {LOG}:1: failure_rate cannot be judged: 0 samples*"])


def test_waived_is_shown(project: Project) -> None:
    """What a waiver holds passes and is listed in the summary; waivers have checks of their own, under the policy."""
    project.drift()
    project.write("ops-checks.yaml", WAIVER.format("field-mismatch", "ORCH-2", "2999-12-31"))

    result = project.pytest("-rA")

    assert result.ret == 0
    assert outcomes(result)["ops-checks.yaml::waiver-expired"] == "PASSED"
    result.stdout.fnmatch_lines(
        [
            "PASS: 9 pass; 0 findings, 1 waived",
            f"waived: field-mismatch {QUEUE}:8 ORCH-2 status: md=PENDING db=DONE: moved by hand (kim, until 2999-*",
        ]
    )


def test_an_expired_waiver_fails_at_its_line(project: Project) -> None:
    """A waiver past its day fails, and its report points at the policy's line."""
    project.write("ops-checks.yaml", WAIVER.format("field-mismatch", "ORCH-2", "2020-01-01"))

    result = project.pytest("--tb=line")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["ops-checks.yaml:2: the waiver of field-mismatch ORCH-2 expired on 2020-01-01"])


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (QUEUE, f"error: {QUEUE}: no such queue: *"),
        (DB, f"error: {DB}: no such database: *"),
        (LOG, f"error: {LOG}: *"),
    ],
)
def test_missing_file(project: Project, broken: str, text: str) -> None:
    """A missing input fails the checks that need it with the command's own line; collection does not need it."""
    (project.path / broken).unlink()

    listed = project.pytest("--collect-only", "-q")
    result = project.pytest("--new-first")

    assert [line for line in listed.outlines if "::" in line] == ["tests/test_own.py::test_own", *ALL_IDS]
    assert result.ret == 1
    result.stdout.fnmatch_lines([text])
    result.stdout.fnmatch_lines(["ERROR: *"])
    _has_no_traceback(result)


@pytest.mark.parametrize(
    ("options", "mark", "first"),
    [
        ((), "", "missing-in-db"),
        (("-n2",), "", "missing-in-db"),
        (("-k", "field-mismatch or missing-in-md"), "", "missing-in-md"),
        (("-k", "field-mismatch"), "", "field-mismatch"),
        (("--deselect", f"{QUEUE}::missing-in-db"), "", "missing-in-md"),
        ((), "skip(reason='known')", "missing-in-md"),
    ],
)
def test_what_fails_for_one_reason_says_it_once(
    project: Project, options: tuple[str, ...], mark: str, first: str
) -> None:
    """The first check that runs says why, the others of that input that it is the same; all fail."""
    project.plugins += ("xdist",)
    (project.path / QUEUE).unlink()
    if mark:
        project.write(
            "conftest.py",
            "import pytest\n\ndef pytest_collection_modifyitems(items):\n"
            f"    [item.add_marker(pytest.mark.{mark}) for item in items if item.name == 'missing-in-db']\n",
        )

    result = project.pytest("-rA", *options)

    failed = {node.rpartition("::")[2] for node, word in outcomes(result).items() if word == "FAILED"}
    assert first in failed
    full = [line for line in result.outlines if line.startswith(f"error: {QUEUE}: no such queue: ")]
    assert len(full) == 2  # the check, and the summary
    short = [line for line in result.outlines if line.startswith("error: not evaluated, ")]
    assert short == [f"error: not evaluated, because of the same input as {first}"] * (len(failed) - 1)
    _has_no_traceback(result)


def test_malformed_table(project: Project) -> None:
    """A malformed queue fails with file, line and what was expected; the summary has every defect."""
    project.write(QUEUE, table("| ORCH-1 | LOST | P1 | t | s | - | - | - | |", "| ORCH-2 | DONE |"))

    result = project.pytest()

    assert result.ret == 1
    result.assert_outcomes(failed=3, passed=5)
    result.stdout.fnmatch_lines([f"error: {QUEUE}:3: *LOST*", "*queue check*", f"error: {QUEUE}:4: *"])
    _has_no_traceback(result)


@pytest.mark.parametrize(
    ("args", "policy", "text"),
    [
        ((), "kpi:\n  tresholds: {}\n", "ERROR: ops-checks.yaml:2:3: kpi*"),
        (("--queue-policy", "missing.yaml"), "", "ERROR: missing.yaml: *"),
        (("--max-failure-rate", "1.5"), "", "ERROR: --max-failure-rate: expected a number from 0 to 1, found '1.5'"),
        (("--stale-minutes=-1",), "", "ERROR: --stale-minutes: expected a whole number from 0, found '-1'"),
        (("--queue-db", ""), "", "ERROR: --queue-db: expected a path, found nothing"),
        (("--queue-engine", "sprak"), "", "ERROR: --queue-engine: no engine 'sprak': expected local or spark*"),
        ((), "kpi:\n  engine: duckdb\n", 'ERROR: ops-checks.yaml:2:11: kpi.engine: "duckdb" is not allowed; *'),
        (("--queue-report", f"tests/../{QUEUE}"), "", f"ERROR: --queue-report: {QUEUE} is an input: name another file"),
        (("--queue-known", "none.json"), "", "ERROR: none.json: no such report: name a file that --format json wrote"),
        ((f"{QUEUE}::no-such-rule",), "", f"ERROR: not found: {QUEUE}::no-such-rule*"),
        (("-n2", "--max-failure-rate", "x"), "", "ERROR: --max-failure-rate: *"),
    ],
)
def test_usage_errors(project: Project, args: tuple[str, ...], policy: str, text: str) -> None:
    """A bad policy or option is a usage error: exit code 4, one line, nothing ran and nothing was written."""
    project.plugins += ("xdist",)
    if policy:
        project.write("ops-checks.yaml", policy)

    result = project.pytest(*args)

    assert result.ret == 4
    result.stderr.fnmatch_lines([text])
    assert "Traceback" not in result.stderr.str()
    result.stdout.no_fnmatch_line("*passed*")


def test_junit_properties_and_place(project: Project) -> None:
    """JUnit XML holds each check with rule, value, limit and samples, and the row where there is one."""
    project.drift()
    project.write("pytest.ini", "[pytest]\njunit_family = xunit1\n")

    project.pytest("--junitxml=junit.xml")

    cases = {case.get("name"): case for case in ET.parse(project.path / "junit.xml").iter("testcase")}
    case = cases["field-mismatch"]
    found = {each.get("name"): each.get("value") for each in case.iter("property")}
    failure = case.find("failure")
    assert (case.get("classname"), case.get("file"), case.get("line")) == (
        "automation.orchestrator.QUEUE.md",
        QUEUE,
        str(FIRST_ROW),  # pytest counts from 0
    )
    assert found == {
        "rule": "field-mismatch",
        "verdict": "fail",
        "value": "1",
        "operator": "<=",
        "limit": "0",
        "unit": "count",
        "samples": "3",
    }
    assert failure is not None
    assert failure.get("message") == "fields that differ between the queues: 1"
    rate = {each.get("name"): each.get("value") for each in cases["failure-rate"].iter("property")}
    assert (rate["value"], rate["limit"], rate["samples"]) == ("0", "0.2", "20")


def test_no_test_files(project: Project) -> None:
    """A project without any test exits by its checks."""
    (project.path / "tests/test_own.py").unlink()

    assert project.pytest().ret == 0
    project.drift()
    assert project.pytest().ret == 1


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_on_and_nothing_checked_fails(project: Project, processes: str) -> None:
    """If the checks are on, none ran and nobody deselected any, the session fails."""
    project.plugins += ("xdist",)
    project.write("conftest.py", "def pytest_runtest_setup(item):\n    import pytest; pytest.skip('all of it')\n")
    result = project.pytest(processes)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["error: the queue check is on, and no check ran: *"])

    deselected = project.pytest(processes, "-k", "test_own")
    assert deselected.ret == 0
    deselected.stdout.fnmatch_lines(["no check ran: nothing was evaluated"])


def test_no_rule_left_fails(project: Project) -> None:
    """A policy that switches every rule off checks nothing: that is no pass."""
    rules = ("missing-in-db", "missing-in-md", "field-mismatch")
    metrics = ("failure_rate", "latency_p95_ms", "stale_in_progress", "malformed_lines")
    severity = "".join(f"    {rule}: off\n" for rule in rules)
    limits = "".join(f"    {metric}: off\n" for metric in metrics)
    project.write("ops-checks.yaml", f"consistency:\n  severity:\n{severity}kpi:\n  thresholds:\n{limits}")

    assert project.pytest().ret == 1


def test_collect_only_evaluates_and_writes_nothing(project: Project) -> None:
    """--collect-only lists the checks and touches neither queue nor report."""
    project.drift()
    (project.path / LOG).unlink()
    before = sorted(path.name for path in project.path.rglob("*"))

    result = project.pytest("--collect-only", "-q", "--queue-report", "report.json", "-pno:cacheprovider")

    assert result.ret == 0
    assert [line for line in result.outlines if "::" in line] == ["tests/test_own.py::test_own", *ALL_IDS]
    result.stdout.no_fnmatch_line("*queue check*")
    kept = {name for name in (path.name for path in project.path.rglob("*")) if "pyc" not in name}
    assert {name for name in kept if "runpytest" not in name} <= {*before, "stdout", "stderr"}


def test_a_report_that_cannot_be_written_fails_the_session(project: Project) -> None:
    """A report that was asked for and is not there is no success."""
    (project.path / "report.json").mkdir()

    result = project.pytest("--queue-report", "report.json")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["error: report.json: not written*"])


def test_hostile_text_is_only_text(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control characters and workflow commands in a queue reach neither terminal nor CI system."""
    project.plugins += ("xdist",)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    evil = "\x1b]52;c;eA==\x07 ##[error]x"
    project.queues([item("ORCH-1", task=evil)], [item("ORCH-1", task="plain")])
    project.write("ops-checks.yaml", "consistency:\n  severity:\n    missing-in-db: warning\n")

    text = project.pytest("-n2", "-rA").stdout.str()

    assert "task: md=\\x1b]52;c;eA==\\x07 ## [error]x db=plain" in text
    assert "\x1b" not in text
    assert "##[" not in text


def test_paths(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options are relative to the rootdir, the environment to the current folder; all are shown from the rootdir."""
    project.drift()
    os.rename(project.path / QUEUE, project.path / "tests/Q.md")
    os.rename(project.path / LOG, project.path / "tests/log.1.jsonl")
    monkeypatch.setenv("ORCH_QUEUE_MD", "Q.md")
    project.write("tests/test_own.py", "import os\ndef test_leads_away(tmp_path):\n    os.chdir(tmp_path)\n")
    monkeypatch.chdir(project.path / "tests")

    result = project.pytest("-rA", "--rootdir", "..", "--queue-log", "tests/*.jsonl", "--queue-report", "r.json", ".")

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "  tests/Q.md:8 ORCH-2 status: md=PENDING db=DONE",
            f"  more: cd {project.path} && ops-checks check --log-path 'tests/[*].jsonl' --only consistency",
            f"read: policy none, defaults, queue tests/Q.md (3 items), db {DB} (3 items), log tests/log.1.* (20 lines)",
            "report: r.json",
        ]
    )
    assert (project.path / "r.json").is_file()
    again = project.pytest("--rootdir", "..", "--queue-log", "tests/*.jsonl", "Q.md::field-mismatch")
    again.assert_outcomes(failed=1)


def test_the_policy_is_named(project: Project) -> None:
    """The header names the policy that was found from the rootdir up, by path and digest; so does the report."""
    policy = project.write("ops-checks.yaml", "kpi:\n  stale_minutes: 90\n")
    digest = f"sha256:{hashlib.sha256(policy.read_bytes()).hexdigest()}"
    above, below = project.pytest("--queue-report=r.json"), project.pytest("--rootdir=tests", "--queue-report=r.json")

    for result, name, rest in ((above, "ops-checks.yaml", ""), (below, str(policy), f"{project.path}/")):
        assert result.ret == 0
        shown = f"policy {name} {digest[:15]}…"
        result.stdout.fnmatch_lines([f"ops-checks: {shown}", f"read: {shown}, queue {rest}{QUEUE} (3 items)*"])
    assert project.report("r.json")["policy"] == {"path": "ops-checks.yaml", "digest": digest}
    assert project.report("tests/r.json")["policy"] == {"path": str(policy), "digest": digest}


def test_the_policy_is_found_as_by_the_command(project: Project) -> None:
    """What is refused or passed over for the command is so for the session, from the rootdir up."""
    project.write("tests/.git", "gitdir: elsewhere\n")
    project.write("ops-checks.yaml", "- no policy\n")
    project.pytest("--rootdir=tests", f"--queue-path={project.path / QUEUE}").stdout.fnmatch_lines(
        ["ops-checks: policy none, defaults"]
    )
    project.write("tests/ops-checks.yml", "kpi: {}\n")
    refused = project.pytest("--rootdir=tests")
    assert refused.ret == 4
    refused.stderr.fnmatch_lines(
        ["ERROR: ops-checks.yml: looks like a policy and is not read: a policy is named ops-checks.yaml: rename it"]
    )


def test_inputs_outside_of_the_rootdir(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A queue elsewhere has its checks too, under its absolute path, which selects them."""
    elsewhere = tmp_path_factory.mktemp("else[1]where") / "QUEUE.md"
    os.rename(project.path / QUEUE, elsewhere)
    # With a space in place of "=", pytest would take the path for one of its own and look for the rootdir above it.
    project.options = ("--queue-check", f"--queue-path={elsewhere}")

    project.pytest().assert_outcomes(passed=8)
    elsewhere.unlink()
    project.pytest(f"{elsewhere}::missing-in-db").assert_outcomes(failed=1)
    project.pytest("--lf").assert_outcomes(failed=1, deselected=7)


def _has_no_traceback(result: pytest.RunResult) -> None:
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    assert "pytest_session" not in text
