"""The fixtures for people's own tests: the report, the configured stores, operations on scratch copies."""

from __future__ import annotations

import sqlite3
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from builders import digest, item
from queue_projects import DB, QUEUE, Project, outcomes

from ops_checks.pytest_plugin import scratch

pytest_plugins = ("pytester",)

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MANUAL = (ROOT / "ops_checks/help/pytest.md").read_text(encoding="utf-8")
EXAMPLE = textwrap.dedent((scratch.__doc__ or "").partition("\n\n")[2])
STAMP = """
from ops_checks.transitions import Stamp, cancel, replan
stamp = Stamp(actor="test", now_s=1_767_225_600, tz_minutes=540)
"""


@pytest.mark.parametrize("options", [(), ("--queue-check",), ("--queue-check", "-n2")])
def test_the_example_of_the_documentation(project: Project, options: tuple[str, ...]) -> None:
    """The documented example passes as it stands, whatever the stores are like, and leaves them as they are."""
    project.drift()
    project.plugins += ("xdist",)
    project.options = options
    project.write("tests/test_own.py", EXAMPLE)
    before = digest(project.path / "automation")

    result = project.pytest("-rA")

    assert "assert_consistent_after" in EXAMPLE
    assert EXAMPLE in README
    assert EXAMPLE in MANUAL
    assert outcomes(result)["tests/test_own.py::test_cancel_leaves_the_queues_consistent"] == "PASSED"
    assert digest(project.path / "automation") == before


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("queue.get('ORCH-2')", None),
        ("queue.change('ORCH-3', cancel(stamp))", None),
        ("queue.change('ORCH-2', cancel(stamp)) if queue.kind == 'markdown' else 0", "*ORCH-2 status: md=BLOCKED db=*"),
        ("queue.change('ORCH-3', cancel(stamp)) if queue.kind == 'sqlite' else 0", "*ORCH-3 status: md=PENDING db=*"),
        ("queue.change('ORCH-9', cancel(stamp)) if queue.get('ORCH-9') else 0", "*ORCH-9 is not in the database"),
        ("open(queue.location, 'wb').close()", "error: *queue.db: *"),
    ],
)
def test_queues_that_differ_before(project: Project, operation: str, text: str | None) -> None:
    """Drift that was there before, and that an operation leaves as it is, is no failure; what it adds or changes is."""
    drifted = [item("ORCH-1"), item("ORCH-2"), item("ORCH-3"), item("ORCH-9")]
    project.queues(drifted, [drifted[0], item("ORCH-2", "DONE"), drifted[2]])
    project.options = ()
    project.write(
        "tests/test_own.py",
        f"{STAMP}\ndef test_x(assert_consistent_after):\n    assert_consistent_after(lambda queue: {operation})\n",
    )

    result = project.pytest()

    assert result.ret == (0 if text is None else 1)
    if text:
        result.stdout.fnmatch_lines(["the operation leaves *", f"*{text}"])
        assert result.stdout.str().count(" is not in the ") <= 1
        assert "During handling" not in result.stdout.str()


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ("[BUSY, BUSY]", "error: items: an id stands twice among them"),
        ("[BUSY.with_cells([('status', 'WAITING')])]", "error: *QUEUE.md:*status*"),
        (r"[BUSY.with_cells([('task', '\ud800')])]", "error: items: a text holds half of a surrogate pair, *"),
    ],
)
def test_items_that_no_queue_can_hold(project: Project, items: str, text: str) -> None:
    """Items that cannot be in a queue fail the test with one line."""
    project.options = ()
    project.write("tests/test_own.py", EXAMPLE.replace("items=[BUSY]", f"items={items}"))

    result = project.pytest()

    assert result.ret == 1
    result.stdout.fnmatch_lines([text])
    assert "scratch.py" not in result.stdout.str()


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
        ("missing", f"error: *{QUEUE}: *"),
        ("policy", "error: ops-checks.yaml:1:1: *"),
    ],
)
def test_stores_that_cannot_be_tried(project: Project, broken: str, text: str) -> None:
    """Queues that are missing or have a bad policy fail the test with one line, not a traceback."""
    project.options = ()
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
