"""A session writes its report over no input, and over nothing but a report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import digest
from queue_projects import DB, LOG, QUEUE

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ["pytester"]

REWRITES = """
import pathlib
def test_rewrites():
    pathlib.Path("r.json").unlink(missing_ok=True)
    pathlib.Path("r.json").hardlink_to("{}")
"""


def links(project: Project) -> None:
    """Make what leads to the inputs, and a file that is no report."""
    (project.path / "symlink").symlink_to(QUEUE)
    (project.path / "folder").symlink_to("automation/orchestrator/db")
    (project.path / "hard").hardlink_to(project.path / LOG)
    project.write("mine.json", '{"mine": 1}')


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--queue-report=symlink",), f"--queue-report: symlink ({QUEUE}) is an input: name another file"),
        (("--queue-report=folder/queue.db-wal",), "--queue-report: folder/queue.db-wal (*) is an input: *"),
        (("--queue-report=folder/new/../queue.db",), f"--queue-report: folder/queue.db ({DB}) is an input: *"),
        (("--queue-report=hard", f"--queue-log={LOG}*"), f"--queue-report: hard ({LOG}*) is an input: *"),
        (("-n2", "--queue-report=hard"), f"--queue-report: hard ({LOG}) is an input: *"),
        (("--queue-report=ops-checks.yaml",), "--queue-report: ops-checks.yaml is an input: *"),
        (("--queue-report=mine.json",), "--queue-report: mine.json holds something else than such a report, *"),
        (("--queue-html=symlink",), f"--queue-html: symlink ({QUEUE}) is an input: name another file"),
        (("--queue-html=mine.json",), "--queue-html: mine.json holds something else than such a report, *"),
        (("--queue-report=x", "--queue-html=x"), "--queue-report: x is written for --queue-html too: *"),
        ((f"--junitxml={LOG}",), "--junitxml: * is an input: name another file"),
        (("--queue-report=x", "--junitxml=x"), "--queue-report: x (*) is written for --junitxml too: *"),
    ],
)
def test_outputs_that_are_refused(project: Project, args: tuple[str, ...], said: str) -> None:
    """Exit code 4 before anything runs, and every byte stays."""
    project.plugins += ("xdist",)
    links(project)
    before = digest(project.path)

    result = project.pytest("-pno:cacheprovider", *args)

    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {said.replace('[', '[[]')}"])
    assert {name: state for name, state in digest(project.path).items() if name in before} == before
    result.stdout.no_fnmatch_line("*passed*")


def test_a_report_is_replaced(project: Project) -> None:
    """The report of the last session is replaced, also if its writing was cut short."""
    for content in ("", "{", '{\n  "schema_version": "1.'):
        project.write("r.json", content)
        assert project.pytest("--queue-report=r.json", "--queue-check-only").ret == 0
        assert project.report("r.json")["verdict"] == "pass"


@pytest.mark.parametrize("target", [LOG, "mine.json"])
def test_what_appears_during_the_session_is_kept(project: Project, target: str) -> None:
    """The report is looked at again before it is written: what became an input, or something else, is kept."""
    links(project)
    project.write("tests/test_own.py", REWRITES.format(target))
    before = (project.path / target).read_bytes()

    result = project.pytest("--queue-report=r.json")

    assert result.ret == 4
    result.stdout.fnmatch_lines(["error: --queue-report: r.json *"])
    assert (project.path / target).read_bytes() == before


@pytest.mark.parametrize("redirection", [">> {}", "2>> {}", ">> {} 2>&1", "1<> {}"])
@pytest.mark.parametrize("target", [LOG, QUEUE])
def test_what_is_printed_goes_to_no_input(project: Project, redirection: str, target: str) -> None:
    """A session whose output was redirected to an input ends at once and prints nothing into it."""
    before = (project.path / target).read_bytes()
    command = f"'{sys.executable}' -m pytest -pops-checks --queue-check -pno:cacheprovider "
    done = subprocess.run(
        ["bash", "-c", command + redirection.format(target)], cwd=project.path, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 4
    assert f"goes to {target}, which is an input" in done.stdout + done.stderr or "2>&1" in redirection
    assert (project.path / target).read_bytes() == before
