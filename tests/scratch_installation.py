"""A checkout of this tree in git, and what installs from it: environments with nothing of this one. A plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Where the Python is that this one's environment was made from; no ops-checks is there.
_PYTHON = Path(sys._base_executable).parent  # type: ignore[attr-defined]
TOOLS = Path(sys.executable).parent
#: What would decide for a command beside what a test gives it.
_OURS = ("ORCH_", "OPS_", "PYTEST", "PYTHON", "VIRTUAL_ENV", "COV_", "GIT", "BUILDKITE", "CI", "PIPX", "UV_TOOL")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option that has every way of installing tried, and not some of each kind."""
    parser.addoption("--all-installations", action="store_true", help="run every job, and try every way of installing")


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark."""
    config.addinivalue_line(
        "markers", "one_of_many: builds or installs once more what others do, and is left out of a usual run"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a usual run does without."""
    if not config.getoption("--all-installations"):
        left_out = [item for item in items if item.get_closest_marker("one_of_many")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the sdist of this tree."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def checkout(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a git repository with this tree, whatever of it is committed, in its branch `main`."""
    folder = tmp_path_factory.mktemp("source") / "ops-checks"
    folder.mkdir()
    subprocess.run(["tar", "-xzf", next(built.glob("*.tar.gz")), "--strip-components=1"], cwd=folder, check=True)
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "This tree"]):
        subprocess.run(["git", *words], cwd=folder, check=True, env=environment())
    return folder


def environment(*first: Path, **variables: object) -> dict[str, str]:
    """Return a machine's environment: these folders first in the path, a Python, no ops-checks, no CI system.

    It has no compiler, unless one is named: what is built with one is another test's.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    path = ":".join(map(str, [*first, _PYTHON, "/usr/bin", "/bin"]))
    return (
        plain
        | {"PATH": path, "UV_SYSTEM_CERTS": "1", "CC": "false"}
        | {name: str(value) for name, value in variables.items()}
    )


def make_environment(folder: Path) -> Path:
    """Make an empty virtual environment with pip, and return the folder of its programs."""
    command = [TOOLS / "uv", "venv", "--quiet", "--seed", "--python", sys.executable, folder]
    subprocess.run(command, check=True, env=environment())
    return folder / "bin"


def shell(script: str, folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script of commands by bash, which stops at the first that fails."""
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
