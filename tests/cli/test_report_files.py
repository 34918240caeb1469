"""Where a rendered report goes: a file, stdout, or a path that leads to stdout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from builders import item, make_database, make_markdown

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "x ##[error]forged ::error::forged"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder whose queues drifted in a text that a pipeline's log would obey."""
    make_markdown(tmp_path / "Q.md", [item("A-1", task=HOSTILE)])
    make_database(tmp_path / "q.db", [item("A-1")])
    return tmp_path


def check(project: Path, *formats: str, redirect: str = "") -> subprocess.CompletedProcess[str]:
    """Run the gate on GitHub with these formats."""
    words = ["-m", "ops_checks", "check", "--only", "consistency", "--queue", "Q.md", "--db", "q.db"]
    command = " ".join([sys.executable, *words, *(f"-f {name}" for name in formats), redirect])
    environ = {**os.environ, "GITHUB_ACTIONS": "true"}
    return subprocess.run(
        ["bash", "-c", command], cwd=project, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("target", ["", "=/dev/stdout", "=/dev/fd/1", "=/proc/self/fd/1"])
@pytest.mark.parametrize("name", ["markdown", "text"])
def test_a_path_that_leads_to_stdout_is_stdout(project: Path, name: str, target: str) -> None:
    """What is printed in a pipeline's log holds no command of its runner, however stdout is named."""
    done = check(project, name + target)
    assert done.returncode == 1
    assert "##[error]" not in done.stdout
    assert "## [error]" in done.stdout
    alike = [re.sub(r"T[0-9:.]+Z", "T", text) for text in (done.stdout, check(project, name).stdout)]
    assert alike[0] == alike[1]


def test_a_path_that_leads_to_stderr_is_guarded_too(project: Path) -> None:
    """The runner reads commands from stderr as well."""
    done = check(project, "markdown=/dev/stderr")
    assert "## [error]" in done.stderr
    assert "##[error]" not in done.stderr


def test_a_file_gets_the_text_as_it_is(project: Path) -> None:
    """A file is no log: it holds what the format renders."""
    assert check(project, "markdown=out.md").returncode == 1
    assert "##[error]" in (project / "out.md").read_text()


def test_documents_do_not_run_together_on_stdout(project: Path) -> None:
    """A whole document that is led to stdout beside another format is a usage error, as without a path."""
    done = check(project, "json=/dev/stdout", "text")
    assert (done.returncode, done.stdout) == (4, "")
