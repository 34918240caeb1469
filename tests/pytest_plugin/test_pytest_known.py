"""`--queue-known`: the checks of a session fail for what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item
from queue_projects import ITEMS, QUEUE

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ["pytester"]

MOVED = [ITEMS[0], item("ORCH-2", "DONE"), item("ORCH-3", "DONE")]


@pytest.mark.parametrize("args", [(), ("-n2",)])
def test_known_findings_fail_no_check(project: Project, args: tuple[str, ...]) -> None:
    """What a session's report has passes in the next one, which says so; what is new fails, and alone is listed."""
    project.plugins += ("xdist",)
    project.drift()
    assert project.pytest("--queue-report=a.json").ret == 1
    result = project.pytest("--queue-known=a.json", "--queue-report=b.json", *args)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["known: pass: nothing new since *, 1 known"])
    project.queues(ITEMS, MOVED)
    result = project.pytest("--queue-known=b.json", *args)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["fields that differ between the queues: 2; 1 known, 1 new", "*--known b.json*"])
    result.stdout.fnmatch_lines([f"*{QUEUE}:9 ORCH-3 status: md=PENDING db=DONE"])
    result.stdout.no_fnmatch_line("*ORCH-2 status*")


def test_a_report_that_does_not_fit(project: Project) -> None:
    """A report of other queues fails the session, with the line of `check`."""
    project.pytest("--queue-report=a.json")
    project.write("other.md", (project.path / QUEUE).read_text())
    result = project.pytest("--queue-known=a.json", "--queue-path=other.md")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"error: a.json: made of queue {QUEUE}, this one is of queue other.md: *"])


def test_the_known_report_is_not_written_over(project: Project) -> None:
    """It is an input of the session."""
    project.pytest("--queue-report=a.json")
    result = project.pytest("--queue-known=a.json", "--queue-report=a.json")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --queue-report: a.json is an input: name another file"])
