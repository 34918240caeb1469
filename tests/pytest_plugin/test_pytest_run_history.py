"""`--queue-history`: a session's gate run is a line of a history, as one of `check` is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from queue_projects import QUEUE

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ["pytester"]


def lines(project: Project, name: str = "h.jsonl") -> list[dict[str, object]]:
    """Return the lines of a history."""
    return [json.loads(line) for line in (project.path / name).read_bytes().splitlines()]


def test_a_session_is_one_run(project: Project) -> None:
    """Also where several processes run the checks. The policy can name the file; an option comes before it."""
    project.plugins += ("xdist",)
    project.drift()
    project.write("sub/pytest.ini", "")
    project.write("ops-checks.yaml", "history: {file: sub/h.jsonl}\n")
    assert project.pytest("-n2", "--queue-history=h.jsonl").ret == 1
    assert project.pytest("--queue-report=r.json").ret == 1
    (first,), (second,) = lines(project), lines(project, "sub/h.jsonl")
    assert [line["exit_code"] for line in (first, second)] == [1, 1]
    assert first["settings"] == second["settings"] == project.report("r.json")["settings"]
    assert first["rules"] == second["rules"]


def test_a_history_that_cannot_be_written(project: Project) -> None:
    """The checks run, the session does not pass, and says why; what stands there before is a usage error."""
    project.write(
        "conftest.py",
        "import os\n\n\ndef pytest_runtest_setup():\n    os.path.exists('h.jsonl') or os.mkdir('h.jsonl')\n",
    )
    result = project.pytest("--queue-history=h.jsonl")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["error: --queue-history: h.jsonl: is no regular file, not a history: *; the verdict stands, *"]
    )
    result = project.pytest("--queue-history=h.jsonl")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --queue-history: h.jsonl: is no regular file, not a history: *"])


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ([f"--queue-history={QUEUE}"], f"--queue-history: {QUEUE} is an input: name another file"),
        (["--queue-history="], "--queue-history: expected a path, found nothing"),
        (["--queue-history=r.json", "--queue-report=r.json"], "--queue-report: r.json is an input: name another file"),
    ],
)
def test_what_is_refused(project: Project, args: list[str], error: str) -> None:
    """Before any check runs."""
    result = project.pytest(*args)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {error}"])
