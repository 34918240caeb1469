"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import settings

from ops_checks.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from database_kinds import InFile
    from queue_projects import Project

#: Told by name, since they stand beside this file.
pytest_plugins = ["parts", "postgres_fixtures", "database_kinds", "runlog_readings"]

#: The same examples on every run and no clock in the verdict; HYPOTHESIS_PROFILE=search looks further.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

#: 2026-01-02 00:00 in the queue's zone (UTC+09:00).
NOW_S = 1_767_279_600


# A background shell or nohup starts us with SIGINT ignored, and our children would inherit that: those that a test
# interrupts would never end. The children of a process that handles it get the default back.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Told(NamedTuple):
    """What a command told: its exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def every_report_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every report that any test produces to the published schema."""
    from report_checks import assert_published

    from ops_checks.gate import run

    def checked(*args: object, **options: object) -> object:
        report = original(*args, **options)
        assert_published(report)
        return report

    original = run.run_gate
    monkeypatch.setattr(run, "run_gate", checked)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder to work in, in a plain environment, at a known time."""
    for name in ("QUEUE_MD", "DB_PATH", "LOG_PATH", "TZ_OFFSET", "RETRY_BACKOFF", "QUEUE_MD_READ_ONLY"):
        monkeypatch.delenv(f"ORCH_{name}", raising=False)
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_REPOSITORY", "CI_PROJECT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("time.time", lambda: float(NOW_S))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str], database_kind: InFile) -> Callable[..., Told]:
    """Return a function that runs a command in-process."""

    def run_command(*argv: object) -> Told:
        code = main([database_kind.there(str(arg)) for arg in argv])
        return Told(code, *map(database_kind.back, capsys.readouterr()))

    return run_command


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a green project to run pytest in, in a plain environment. The module names the plugin `pytester`."""
    from queue_projects import Project

    for name in list(os.environ):
        if name.startswith(("ORCH_", "GITHUB_", "GITLAB_", "PYTEST_XDIST")) or name in {
            "CI",
            "NO_COLOR",
            "FORCE_COLOR",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return Project(pytester)
