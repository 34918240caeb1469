"""An option given twice is a usage error, unless it overrides what is configured: none is dropped in silence."""

from __future__ import annotations

import pytest
from queue_projects import DB, Project

from ops_checks.pytest_plugin import OPTIONS

pytest_plugins = ("pytester",)

NEW = pytest.mark.skipif(pytest.version_tuple < (8, 2), reason="this pytest reads no words from files")
SINGLE = [option for option, ini_type, *_ in OPTIONS if ini_type == "string"]


@pytest.mark.parametrize("option", SINGLE)
def test_two_values(project: Project, option: str) -> None:
    """Two values of an option that takes one are refused, with exit code 4 and before anything runs."""
    result = project.pytest(f"{option}=0", f"{option}=1")

    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {option}: given twice, as '0' and as '1': give it once"])
    assert "test_own" not in result.stdout.str()


@pytest.mark.parametrize(
    ("configured", "environment", "arguments", "refused"),
    [
        ("", "", ("--queue-db=a", "--queue-db", "b"), "--queue-db: given twice, as 'a' and as 'b'"),
        ("", "", (f"--queue-db={DB}", "--queue-db", DB), None),
        ("--queue-db=a", "", (f"--queue-db={DB}",), None),
        ("--queue-db=a", f"--queue-db={DB}", (), None),
        ("", "--queue-db=a", ("-x", f"--queue-db={DB}"), None),
        ("--queue-db=a --queue-db=b", "", (f"--queue-db={DB}",), "--queue-db: given twice, as 'a' and as 'b'"),
        ("", "--queue-db=a --queue-db=b", (), "--queue-db: given twice, as 'a' and as 'b'"),
        ("", "", ("-oqueue_db=a", "--override-ini", "queue_db=b"), "-o queue_db: given twice, as 'a' and as 'b'"),
        ("", "", ("-o", "queue_db=a", f"--queue-db={DB}"), None),
        ("", "", ("-o", "queue_check=true", "-o", "queue_check=false"), "-o queue_check: given twice, *"),
        ("", "", ("--queue-log=*/*/logs/*.jsonl", "--queue-log=*/*/logs/orch*"), None),
        ("", "", ("-k", "own", f"--queue-db={DB}", "--queue-check"), None),
        pytest.param("", "", ("@words",), "--queue-db: given twice, as 'a' and as 'b'", marks=NEW),
    ],
)
def test_the_sources(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    configured: str,
    environment: str,
    arguments: tuple[str, ...],
    refused: str | None,
) -> None:
    """The command line comes before the environment, and that before the configuration: within one it is an error."""
    project.write("pytest.ini", f"[pytest]\naddopts = {configured}\n")
    project.write("words", "--queue-db=a\n--queue-db=b\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", environment)

    result = project.pytest(*arguments)

    assert result.ret == (4 if refused else 0)
    if refused:
        result.stderr.fnmatch_lines([f"ERROR: {refused}*"])


def test_the_fixtures_refuse_them_too(project: Project) -> None:
    """Without the checks a fixture that reads the options fails its test with the same line."""
    project.options = ()
    project.write("tests/test_own.py", "def test_own(queue_stores):\n    pass\n")
    result = project.pytest("--queue-db=a", "--queue-db=b")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["error: --queue-db: given twice, as 'a' and as 'b': give it once"])


def test_in_several_processes(project: Project) -> None:
    """It is refused once, before a worker starts."""
    project.plugins += ("xdist",)
    result = project.pytest("-n2", "--stale-minutes=1", "--stale-minutes=2")
    assert result.ret == 4
    assert result.stderr.str().count("given twice") == 1
