"""`pytest --queue-snapshot`: the checks of a session where neither database nor log is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import aged
from queue_projects import DB, LOG, QUEUE, outcomes

from ops_checks.cli import main

if TYPE_CHECKING:
    import pytest
    from queue_projects import Project

pytest_plugins = ["pytester"]


def snapshot(project: Project) -> None:
    """Make a snapshot with a baseline, and leave database and log behind."""
    assert main(["baseline"]) in {0, 1}
    assert main(["snapshot", "-o", "state.json"]) == 0
    for name in (DB, LOG):
        (project.path / name).unlink()


def test_the_checks_read_the_snapshot(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """They are those of the policy, the KPIs under the file of the snapshot; an old or absent one fails each."""
    snapshot(project)
    result = project.pytest("-rA", "--queue-snapshot=state.json")
    found = outcomes(result)
    assert result.ret == 0
    assert found[f"{QUEUE}::field-mismatch"] == "PASSED"
    assert found["state.json::failure-rate"] == "PASSED"
    result.stdout.fnmatch_lines(["*snapshot state.json (3 items)*"])
    assert project.pytest("--queue-snapshot=state.json", "--stale-minutes=5").ret != 0
    assert project.pytest("--queue-snapshot=none.json").ret != 0
    result = project.pytest("--queue-snapshot=state.json", f"--queue-db={DB}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*name either the snapshot, or those*"])


def test_drift_names_the_side_that_moved(project: Project) -> None:
    """A document that was edited differs from the snapshot."""
    snapshot(project)
    queue = project.path / QUEUE
    queue.write_text(queue.read_text().replace("| ORCH-2 | PENDING |", "| ORCH-2 | BLOCKED |"))
    aged(queue)
    result = project.pytest("--queue-snapshot=state.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ORCH-2*status: md=BLOCKED db=PENDING*only the document differs from b-1*"])
