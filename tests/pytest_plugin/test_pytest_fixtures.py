"""The fixtures for people's own tests: the report, the configured stores, operations on scratch copies."""

from __future__ import annotations

import sqlite3
import textwrap
import time
from contextlib import closing

import pytest
from builders import digest, item
from queue_projects import DB, QUEUE, Project

from ops_checks.pytest_plugin import scratch
from ops_checks.timestamps import queue_time

pytest_plugins = ("pytester",)

EXAMPLE = textwrap.dedent((scratch.__doc__ or "").partition("\n\n")[2])
STAMP = """
from ops_checks.transitions import Stamp, cancel, replan
stamp = Stamp(actor="test", now_s=1_767_225_600, tz_minutes=540)
"""


@pytest.mark.parametrize("options", [(), ("--queue-check",), ("--queue-check", "-n2")])
def test_the_example_of_the_documentation(project: Project, options: tuple[str, ...]) -> None:
    """The documented example passes as it stands, with the checks on or off, and leaves the stores as they are."""
    started = queue_time(time.time(), 540)
    busy = [item("ORCH-101"), item("ORCH-102", "IN_PROGRESS", owner_session="s1", started_at_kst=started)]
    project.queues(busy, busy)
    project.plugins += ("xdist",)
    project.options = options
    project.write("tests/test_own.py", EXAMPLE)
    before = digest(project.path / "automation")

    result = project.pytest()

    assert "assert_consistent_after" in EXAMPLE
    result.assert_outcomes(passed=8 if options else 1)
    assert digest(project.path / "automation") == before


def test_an_operation_on_one_store_only(project: Project) -> None:
    """An operation that forgets one of the stores fails the test, with what is out."""
    project.options = ()
    code = "{}\ndef test_half(assert_consistent_after):\n    assert_consistent_after(lambda queue: {})\n"
    half = 'queue.kind == "sqlite" and queue.change("ORCH-2", cancel(stamp))'
    project.write("tests/test_own.py", code.format(STAMP, half))

    result = project.pytest("-n0" if "xdist" in project.plugins else "-q")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["the operation leaves the queues inconsistent:", "  *:8 ORCH-2 status: md=PENDING db=BLOCKED"]
    )
    assert "scratch.py" not in result.stdout.str()


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("drift", "the queues are inconsistent already, before the operation:"),
        ("missing", f"error: *{QUEUE}: *"),
        ("policy", "error: ops-checks.yaml:1:1: *"),
    ],
)
def test_stores_that_cannot_be_tried(project: Project, broken: str, text: str) -> None:
    """Queues that drifted already, are missing or have a bad policy fail the test with one line, not a traceback."""
    project.options = ()
    project.drift()
    if broken == "missing":
        (project.path / QUEUE).unlink()
    if broken == "policy":
        project.write("ops-checks.yaml", "polices: {}\n")
    project.write("tests/test_own.py", "def test_x(assert_consistent_after):\n    assert_consistent_after(print)\n")

    result = project.pytest()

    assert result.ret == 1
    result.stdout.fnmatch_lines([text])
    assert "Traceback" not in result.stdout.str()
    assert "scratch.py" not in result.stdout.str()


def test_the_write_ahead_log_is_copied_too(project: Project) -> None:
    """A commit that stands in the database's write-ahead log only is part of the scratch copy."""
    items = [item("ORCH-1"), item("ORCH-2", "BLOCKED")]
    project.queues(items, [items[0], item("ORCH-2")])
    project.options = ("-Werror",)
    project.write(
        "tests/test_own.py",
        f"{STAMP}\ndef test_x(assert_consistent_after):\n"
        '    assert_consistent_after(lambda queue: queue.change("ORCH-2", replan(stamp, "later")))\n',
    )
    with closing(sqlite3.connect(project.path / DB, isolation_level=None)) as writer:
        writer.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
        writer.execute("UPDATE queue_items SET status = 'BLOCKED' WHERE id = 'ORCH-2'")

        project.pytest().assert_outcomes(passed=1)


def test_report_and_stores(project: Project) -> None:
    """`queue_report` is the session's Report; `queue_stores` are the configured stores, wherever a test has led to."""
    project.drift()
    project.write(
        "tests/test_own.py",
        "def test_report(queue_report, queue_stores, tmp_path, monkeypatch):\n"
        "    monkeypatch.chdir(tmp_path)\n"
        "    assert queue_report.exit_code == 1\n"
        "    for queue in (queue_stores.md, queue_stores.db):\n"
        "        with queue.snapshot() as view:\n"
        "            assert len(list(view.items())) == 3\n",
    )

    project.pytest().assert_outcomes(passed=7, failed=1)
    project.options = ()
    off = project.pytest()
    off.assert_outcomes(errors=1)
    off.stdout.fnmatch_lines(["queue_report needs the checks: give --queue-check, or set queue_check = true"])
