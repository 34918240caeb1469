"""An exception that nobody expected ends a session in exit code 3 or a failed check, with one line and no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from no_memory import TAKE_ALL, needs_a_bound
from queue_projects import DRIFT_IDS, outcomes

from ops_checks.pytest_plugin.guard import guarded

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("conftest", "line"),
    [
        ("import sys\nsys.modules['msgspec'] = None\n", "error: unexpected ModuleNotFoundError (*msgspec*"),
        (
            "import ops_checks.pytest_plugin.session as s\n"
            "def fail(_):\n    raise KeyError('x')\ns.read_inputs = fail\n",
            "error: unexpected KeyError ('x'): report it to *",
        ),
        (
            "import ops_checks.pytest_plugin.session as s\ndef fail(_):\n    raise KeyError('x')\ns.summary = fail\n",
            "*error: unexpected KeyError ('x'): report it to *",
        ),
    ],
)
def test_outside_of_the_checks(project: Project, conftest: str, line: str) -> None:
    """What fails before or after the checks ends the session with one line and exit code 3."""
    project.write("conftest.py", conftest)
    result = project.pytest()
    assert result.ret == 3
    told = [each for each in (*result.outlines, *result.errlines) if "error: unexpected" in each]
    assert told  # pytest itself shows the reason of an exit in its own frame, and on stderr where nothing began
    for each in told:
        pytest.LineMatcher([each]).fnmatch_lines([f"*{line}*"])
    assert "Traceback" not in "".join((*result.outlines, *result.errlines))


@needs_a_bound
def test_no_memory_left_at_all(project: Project) -> None:
    """Where a hook finds no byte free any more, pytest still ends the session properly: one line, exit code 3."""
    project.write(
        "conftest.py", f"{TAKE_ALL}\nimport ops_checks.pytest_plugin.session as s\ns.read_inputs = take_all\n"
    )
    result = project.pytest()
    assert result.ret == 3
    for lines in (result.outlines, result.errlines):  # pytest tells the reason of an exit on both
        (told,) = [line for line in lines if line.strip()]
        assert "Exit: error: unexpected MemoryError: give the process more memory" in told


def test_the_exception_behind_an_end_is_let_go() -> None:
    """Pytest formats all that led to an end: for an exception that holds what there was of memory it has none left."""

    @guarded
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(pytest.exit.Exception) as ended:
        fail()
    assert ended.value.__context__ is None


def test_another_plugin_ends_the_session(project: Project) -> None:
    """Whoever ends a session while the checks are collected means it: the exit code is theirs, and no error is told."""
    project.write(
        "conftest.py",
        "import pytest\ndef pytest_itemcollected(item):\n"
        "    if 'QUEUE.md' in item.nodeid:\n        pytest.exit('enough', returncode=7)\n",
    )
    result = project.pytest()
    assert result.ret == 7
    assert "unexpected" not in "".join((*result.outlines, *result.errlines))


def test_inside_of_a_check(project: Project) -> None:
    """A gate that fails unexpectedly fails the checks, each with that one line."""
    project.write(
        "conftest.py",
        "from ops_checks.gate import run\ndef fail(*_):\n    raise RecursionError('deep')\nrun.run_gate = fail\n",
    )
    result = project.pytest("-rA")
    assert result.ret == 1
    assert outcomes(result)[DRIFT_IDS[0]] == "FAILED"
    result.stdout.fnmatch_lines(["error: unexpected RecursionError (deep): report it to *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_traceback_is_there_for_who_asks(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With OPS_CHECKS_DEBUG=1 pytest shows where it came from."""
    project.write(
        "conftest.py",
        "from ops_checks.gate import run\ndef fail(*_):\n    raise RecursionError('deep')\nrun.run_gate = fail\n",
    )
    monkeypatch.setenv("OPS_CHECKS_DEBUG", "1")
    result = project.pytest()
    result.stdout.fnmatch_lines(["E *RecursionError: deep"])
