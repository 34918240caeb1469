"""A project's own rules in Python as tests, and the fixture that a test of a rule has."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from queue_projects import DB, LOG, Project, outcomes

from ops_checks.pytest_plugin import rule_testing

pytest_plugins = ("pytester",)

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "ops_checks/help/pytest.md").read_text(encoding="utf-8")
DOCUMENTED = inspect.getdoc(rule_testing) or ""
EXAMPLE = DOCUMENTED[DOCUMENTED.index("from ops_checks") :] + "\n"
POLICY = "rules:\n  - {id: own, python: 'checks:rule', needs: [items, events, runs]}\n"
RULE = """
def rule(context):
    with open("calls", "a") as file:
        file.write("x")
    print("from the rule")
    for item in context.items:
        if item.id == "ORCH-2":
            yield context.finding(item, f"found among {len(list(context.runs))} runs")
"""


@pytest.mark.parametrize("options", [(), ("-n2", "-p", "xdist")])
def test_they_are_items_under_the_database(project: Project, options: tuple[str, ...]) -> None:
    """Each is one more test with its node id; it runs once in a session, also in a distributed one."""
    project.write("ops-checks.yaml", POLICY)
    project.write("checks.py", RULE)
    result = project.pytest("-rA", *options)
    assert outcomes(result)[f"{DB}::own"] == "FAILED"
    result.stdout.fnmatch_lines([f"*{DB}:queue_items:ORCH-2 ORCH-2 found among 20 runs"])
    assert (project.path / "calls").read_text() == "x"
    assert outcomes(project.pytest("-rA", f"{DB}::own", *options)) == {f"{DB}::own": "FAILED"}


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("def rule(context):\n    raise SystemExit(0)\n", "error: own: raised SystemExit (0) at checks.py:2: *"),
        (
            "import pytest\ndef rule(context):\n    pytest.skip('x')\n",
            "error: own: raised Skipped (x) at checks.py:3: *",
        ),
        ("def rule(context):\n    return None\n", "error: own: returned None: *"),
    ],
)
def test_a_rule_that_cannot_be_run_fails_its_check(project: Project, code: str, line: str) -> None:
    """What a rule raises skips, passes and ends nothing: its check fails, the others say what they found."""
    project.write("ops-checks.yaml", POLICY)
    project.write("checks.py", code)
    result = project.pytest("-rA")
    found = outcomes(result)
    assert {name for name, outcome in found.items() if outcome == "FAILED"} == {f"{DB}::own"}
    result.stdout.fnmatch_lines([line])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_function_that_is_not_there(project: Project) -> None:
    """A policy that names none fails every check, with its line; the gate is not tried again for each."""
    project.write(
        "ops-checks.yaml", "rules:\n  - {id: first, python: 'checks:rule'}\n  - {id: own, python: 'checks:rul'}\n"
    )
    project.write("checks.py", RULE.replace("context.runs", "'x'"))
    result = project.pytest("-rA", "--queue-check-only")
    assert set(outcomes(result).values()) == {"FAILED"}
    result.stdout.fnmatch_lines(
        ["error: *ops-checks.yaml:3: rules.own.python: no rul in checks (*checks.py); did you mean rule?"]
    )
    assert (project.path / "calls").read_text() == "x"


def test_a_broken_input_of_theirs(project: Project) -> None:
    """An input that is missing for a rule alone fails that rule, and an interrupt ends the session."""
    project.write("ops-checks.yaml", POLICY)
    project.write("checks.py", "def rule(context):\n    raise KeyboardInterrupt\n")
    assert project.pytest().ret == pytest.ExitCode.INTERRUPTED
    (project.path / LOG).unlink()
    project.write("checks.py", RULE)
    assert outcomes(project.pytest("-rA"))[f"{DB}::own"] == "FAILED"


@pytest.mark.parametrize("options", [(), ("--queue-check",), ("--queue-check", "-n2", "-p", "xdist")])
def test_the_example_of_the_documentation(project: Project, options: tuple[str, ...]) -> None:
    """The documented example passes as it stands."""
    project.options = options
    project.write("tests/test_own.py", EXAMPLE)
    name = "tests/test_own.py::test_nobody_starts_at_night"
    assert outcomes(project.pytest("-rA"))[name] == "PASSED"
    assert EXAMPLE in DOCUMENT


TESTS = """
from ops_checks import Finding, Item, RuleEvent, RuleRun

ITEM = Item(id="ORCH-1", status="DONE", priority="P1", task="t", success_criteria="s")
EVENTS = [RuleEvent(item="ORCH-1", type="picked", payload={"owner": "w"}), RuleEvent(item="ORCH-2", type="done")]
RUNS = (RuleRun(command=name, duration_ms=5.0) for name in ("done", "pick"))

def many_things(context):
    assert list(context.items) == list(context.items) == [ITEM]
    assert [event.payload for event in context.events] == [{"owner": "w"}, None]
    assert [event.type for event in context.events_of("ORCH-2")] == ["done"]
    assert len(list(context.runs)) == len(list(context.runs)) == 2
    assert (context.now_s, context.tz_minutes) == (7, 60)
    yield context.finding(ITEM, "a\\nb", value=3)

def test_all(rule_findings):
    [found] = rule_findings(many_things, items=iter([ITEM]), events=EVENTS, runs=RUNS, now_s=7, tz_minutes=60)
    assert (found.rule, found.message, found.item, found.task, found.value) == ("many-things", "a b", "ORCH-1", "t", 3)

def test_raises(rule_findings):
    rule_findings(lambda context: 1 / 0)

def test_none(rule_findings):
    rule_findings(lambda context: None, items=[ITEM])

def test_needs(rule_findings):
    rule_findings(many_things, items=[ITEM])

def hides(context):
    try:
        list(context.runs)
    except BaseException:
        return []

def test_hides(rule_findings):
    rule_findings(hides, items=[ITEM])
"""


def test_the_fixture(project: Project) -> None:
    """A rule gets the rows that it is given and no others, and answers as the gate takes it; errors fail the test."""
    project.options = ()
    project.write("tests/test_own.py", TESTS)
    result = project.pytest("-rA")
    assert outcomes(result) == {
        "tests/test_own.py::test_all": "PASSED",
        **{f"tests/test_own.py::test_{name}": "FAILED" for name in ("raises", "none", "needs", "hides")},
    }
    result.stdout.fnmatch_lines(
        [
            "E   *ZeroDivisionError: division by zero",
            "error: <lambda>: returned None: expected an iterable of findings, an empty list for none",
            "error: many-things: reads the events, which its needs do not name: add events to its needs in the policy",
            "error: hides: reads the runs, which its needs do not name: add runs to its needs in the policy",
        ]
    )
