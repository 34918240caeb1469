"""The Jenkinsfile, which is Groovy, run by Groovy: its shell commands for real, the steps of Jenkins played."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ci_systems import RECIPES, run
from parts import GROOVY
from scratch_installation import environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_systems import Keeper

    Make = Callable[[str], Path]
    Build = Callable[..., str]

RUNNER = Path(__file__).with_name("jenkins.groovy")
pytestmark = pytest.mark.needs("groovy")
_ARCHIVED = "archived=queue.xml+queue.json+queue.md+state.json"


@pytest.fixture
def build(tmp_path: Path, checkout: Path) -> Build:
    """Return a function that runs the Jenkinsfile, filled in as its reader does, and returns what its build said."""
    text = (RECIPES / "Jenkinsfile").read_text().replace("https://HOST/OWNER/ops-checks", f"file://{checkout}")
    (tmp_path / "Jenkinsfile").write_text(re.sub(r"'REF'", "'main'", text))

    def run_build(folder: Path, *, change_request: bool = False, **variables: str) -> str:
        command = [*GROOVY, str(RUNNER), str(tmp_path / "Jenkinsfile"), str(change_request).lower()]
        return run(command, folder, environment(**variables, HOME=tmp_path)).out

    return run_build


PRIMARY = {"BRANCH_IS_PRIMARY": "true"}


@pytest.mark.parametrize(
    ("situation", "result", "branch", "schedule"),
    [
        ("alert", "UNSTABLE", PRIMARY, "H/15 * * * *"),
        pytest.param("good", "SUCCESS", {}, "", marks=pytest.mark.one_of_many),
        pytest.param("drift", "FAILURE", {}, "", marks=pytest.mark.one_of_many),
    ],
)
def test_on_the_host(
    build: Build,
    project: Make,
    host: dict[str, str],
    situation: str,
    result: str,
    branch: dict[str, str],
    schedule: str,
) -> None:
    """An alert is unstable, drift a failure; JUnit reads the tests and the reports are archived either way.

    The branch whose snapshot change requests are judged by is built by the clock, the others by their pushes.
    """
    out = build(project(situation), ORCH_DB_PATH=host["DB"], ORCH_LOG_PATH=host["LOG"], **branch)
    assert out.splitlines()[-2:] == [f"schedule={schedule}", f"{result} junit=queue.xml {_ARCHIVED} label=ops"], out


@pytest.mark.one_of_many
def test_a_change_request(
    build: Build, project: Make, keeper: Keeper, grow: Callable[[Path], None], snapshot: Callable[[Path], bytes]
) -> None:
    """On any agent, by the snapshot that the host's last build archived; without one it fails, with nothing to read."""
    folder = project("good")
    out = build(folder, change_request=True, OPS_STATE_URL=f"{keeper.url}/state.json")
    assert out.splitlines()[-1] == "FAILURE junit= archived= label=", out
    assert "HEALTH_OK" in out  # the document alone
    keeper.kept["/state.json"] = snapshot(folder)
    grow(folder)
    out = build(folder, change_request=True, OPS_STATE_URL=f"{keeper.url}/state.json")
    assert out.splitlines()[-1] == f"SUCCESS junit=queue.xml {_ARCHIVED} label=", out


@pytest.mark.one_of_many
def test_a_gate_that_cannot_be_run(build: Build, project: Make, tmp_path: Path) -> None:
    """What is no verdict is no alert either: an installation that fails ends the build as a failure."""
    out = build(project("good"), PIP_NO_INDEX="1", PIP_CACHE_DIR=str(tmp_path))
    assert out.splitlines()[-1] == "FAILURE junit= archived= label=ops", out
