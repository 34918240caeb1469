"""`--queue-window`, `--queue-since` and `--queue-until`: the window of a session's KPIs."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from queue_projects import LOG

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ["pytester"]

HOUR_S = 3600


def write_log(project: Project) -> None:
    """Write a log of failures of three hours ago, and of successes of now."""
    now_s = time.time()
    runs = [("fail", now_s - 3 * HOUR_S)] * 5 + [("done", now_s - 60)] * 5
    lines = (
        json.dumps(
            {"event": "run_end", "command": command, "exit_code": 0, "duration_ms": 5, "ts_epoch_ms": int(at * 1000),
             "trace_id": f"trace-{number:012x}"}
        )
        for number, (command, at) in enumerate(runs)
    )  # fmt: skip
    project.write(LOG, "".join(f"{line}\n" for line in lines))


def test_a_window(project: Project) -> None:
    """What lies outside of it fails no check, and is told; the option may be an ini key; the command line is named."""
    write_log(project)
    assert project.pytest().ret == 1
    project.write("pytest.ini", "[pytest]\nqueue_window = 2h\n")
    assert project.pytest("--queue-report=a.json").ret == 0
    window = project.report("a.json")["window"]
    assert isinstance(window, dict)
    assert window["end_ms"] is None
    result = project.pytest("--queue-until=2h", "--queue-window=7d", "--queue-report=a.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ops-checks check *--window 7d --until 2h*"])
    failed = {rule["id"]: rule["value"] for rule in project.report("a.json")["rules"]}  # type: ignore[attr-defined,index]
    assert failed["failure-rate"] == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--queue-window=0d"], "--queue-window: expected a time span such as 90s, 15m, 2h or 7d, found '0d'"),
        (["--queue-until=2026-02-30"], "--queue-until: expected 90s, 15m, *, found '2026-02-30'"),
        (["--queue-window=1d", "--queue-since=2d"], "a window and a since both say when the KPIs begin: *"),
    ],
)
def test_what_is_none(project: Project, options: list[str], error: str) -> None:
    """It is a usage error of the session."""
    result = project.pytest(*options)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {error}"])


def test_a_window_that_cannot_hold_anything(project: Project) -> None:
    """It is an error of the checks, and no test passes for it."""
    result = project.pytest("--queue-since=1h", "--queue-until=2h")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*the window of the KPIs (since 1h, until 2h) begins at *: nothing can lie in it: *"])
    result.assert_outcomes(passed=1, failed=7)
