"""The queue's checks under xdist: one evaluation a session, whatever the workers do."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from builders import document, item
from queue_projects import ALL_IDS, DRIFT_IDS, ITEMS, QUEUE, Project, outcomes

pytest_plugins = ("pytester",)

OWN = "tests/test_own.py::test_own"
COUNTING = """
import os
import ops_checks.gate.run as gate

real = gate.run_gate

def counted(*args, **kwargs):
    with open(os.environ["EVALUATIONS"], "a") as file:
        file.write("x")
    {first}
    return real(*args, **kwargs)

gate.run_gate = counted
"""
DYING = "if os.path.getsize(os.environ['EVALUATIONS']) == 1: os.kill(os.getpid(), 9)"
#: Puts one document and then the other in place of the queue, until it is killed.
CHANGING = """
import itertools, os, sys, time
queue, *versions = sys.argv[1:]
for version in itertools.cycle(versions):
    with open(queue + ".new", "w") as file:
        file.write(version)
    os.replace(queue + ".new", queue)
    time.sleep(0.002)
"""


@pytest.fixture
def distributed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a green project with xdist, whose temporary folders and evaluations can be counted."""
    project.plugins += ("xdist",)
    project.write("conftest.py", COUNTING.format(first=""))
    monkeypatch.setenv("EVALUATIONS", str(project.path / "evaluations"))
    (project.path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(project.path / "tmp"))
    return project


def evaluations(project: Project) -> int:
    """Return how many times the gate ran, and forget it."""
    path = project.path / "evaluations"
    count = len(path.read_text())
    path.unlink()
    return count


def values(project: Project) -> dict[str, str]:
    """Return the value that each check recorded in JUnit XML, by rule."""
    found = {}
    for case in ET.parse(project.path / "junit.xml").iter("testcase"):
        recorded = {each.get("name", ""): each.get("value", "") for each in case.iter("property")}
        if recorded:
            found[recorded["rule"]] = recorded["value"]
    return found


def test_the_same_with_and_without_workers(distributed: Project) -> None:
    """-n0, -n2 and each way to distribute give the same outcomes and one report, in one evaluation."""
    distributed.drift()
    expected = {OWN: "PASSED"} | dict.fromkeys(ALL_IDS, "PASSED") | {DRIFT_IDS[2]: "FAILED"}
    recorded = []
    for args in (("-n0",), ("-n2",), ("-n2", "--dist=loadfile"), ("-n2", "--dist=loadgroup")):
        result = distributed.pytest("-rA", "--queue-report=report.json", "--junitxml=junit.xml", *args)

        assert result.ret == 1
        assert outcomes(result) == expected
        assert evaluations(distributed) == 1
        result.stdout.fnmatch_lines(
            [
                f"  {QUEUE}:8 ORCH-2 status: md=PENDING db=DONE",
                "FAIL: 1 fail, 6 pass; 1 finding",
                "report: report.json",
                f"FAILED {DRIFT_IDS[2]} - fields that differ between the queues: 1",
            ]
        )
        assert distributed.report()["exit_code"] == 1
        (distributed.path / "report.json").unlink()
        recorded.append(values(distributed))
    assert all(each == recorded[0] for each in recorded)
    assert not [path for path in (distributed.path / "tmp").iterdir() if path.name.startswith("ops-checks")]


def test_workers_agree_about_a_queue_that_changes(distributed: Project) -> None:
    """While another process keeps changing the queue, all checks show one state: the one in the report."""
    one = document(ITEMS)
    other = document([item("ORCH-1", "DONE"), item("ORCH-9")])
    with subprocess.Popen([sys.executable, "-c", CHANGING, str(distributed.path / QUEUE), one, other]) as writer:
        try:
            result = distributed.pytest("-rA", "-n2", "--queue-report=report.json", "--junitxml=junit.xml")
        finally:
            writer.kill()

    rules = {rule["id"]: rule for rule in distributed.report()["rules"]}
    shown = {node.split("::")[1]: word for node, word in outcomes(result).items() if node != OWN}
    assert evaluations(distributed) == 1
    assert shown == {rule: "PASSED" if each["verdict"] == "pass" else "FAILED" for rule, each in rules.items()}
    for rule, value in values(distributed).items():
        assert value == ("-" if rules[rule]["value"] is None else f"{rules[rule]['value']:g}")


def test_a_worker_that_dies_takes_nothing_with_it(distributed: Project) -> None:
    """A worker killed in the middle of the evaluation loses its own test; another one evaluates, the rest go on."""
    distributed.write("conftest.py", COUNTING.format(first=DYING))

    result = distributed.pytest("-rA", "-n2", "--queue-report=report.json")

    found = outcomes(result)
    assert result.ret == 1
    assert evaluations(distributed) == 2
    assert list(found.values()).count("FAILED") == 1
    assert len(found) == len(ALL_IDS) + 1
    assert distributed.report()["verdict"] == "pass"
    result.stdout.fnmatch_lines(["PASS: 7 pass; 0 findings"])


def test_selection_on_workers(distributed: Project) -> None:
    """A pasted node id, --lf, -k and --collect-only mean the same on workers."""
    distributed.drift()
    assert outcomes(distributed.pytest("-rA", "-n2", DRIFT_IDS[2])) == {DRIFT_IDS[2]: "FAILED"}
    assert outcomes(distributed.pytest("-rA", "-n2", "--lf")) == {DRIFT_IDS[2]: "FAILED"}
    assert list(outcomes(distributed.pytest("-rA", "-n2", "--queue-check-only", "-k", "late"))) == [ALL_IDS[4]]
    assert evaluations(distributed) == 3

    listed = distributed.pytest("-n2", "--collect-only", "-q", "--queue-report=report.json")

    assert [line for line in listed.outlines if "::" in line] == [OWN, *ALL_IDS]
    assert not (distributed.path / "evaluations").exists()
    assert not (distributed.path / "report.json").exists()
