"""The action: its steps run as a runner runs them, with what a runner gives, and inputs that nobody checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from ci_systems import ACTION, GitHub, load
from format_readers import READERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[[str], Path]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Path:
    """Return the environment that the action's first step makes."""
    temp = tmp_path_factory.mktemp("runner")
    runner = GitHub(tmp_path_factory.mktemp("workspace"), temp, checkout, {})
    runner.action({"extras": "zst"})
    assert (temp / "ops-checks/bin/ops-checks").exists(), runner.out
    return temp / "ops-checks"


@pytest.fixture
def runner(tmp_path: Path, checkout: Path, installed: Path, host: dict[str, str], project: Make) -> GitHub:
    """Return a runner with a good project in its workspace."""
    temp = tmp_path / "temp with a blank"
    temp.mkdir()
    (temp / "ops-checks").symlink_to(installed)
    found = GitHub(project("good"), temp, checkout, {})
    found.host = {"ORCH_DB_PATH": host["DB"], "ORCH_LOG_PATH": host["LOG"]}
    return found


@pytest.mark.parametrize(
    ("situation", "given", "code", "verdict"),
    [
        ("good", {}, 0, "ok"),
        ("drift", {}, 1, "fail"),
        ("drift", {"only": "kpi"}, 0, "ok"),
        ("drift", {"only": "queue"}, 0, "ok"),
        ("drift", {"options": "--exit-zero"}, 0, "fail"),
        ("alert", {}, 2, "fail"),
        ("alert", {"options": "--max-failure-rate=1\n\n--max-details=1\n"}, 0, "ok"),
        ("good", {"options": "--log-path=no such log"}, 3, "error"),
        ("good", {"options": "--nonsense"}, 4, "error"),
        ("good", {"only": "-f"}, 4, "error"),
    ],
)
def test_verdicts(
    runner: GitHub, project: Make, situation: str, given: dict[str, str], code: int, verdict: str
) -> None:
    """The last step ends in the gate's code; code and verdict are outputs, whatever it was."""
    project(situation)
    assert runner.action(given, runner.host) == code, runner.out
    assert runner.outputs == {"verdict": verdict, "exit-code": str(code), "reports": str(runner.workspace)}
    assert runner.out.splitlines()[-1].startswith("HEALTH_")


def test_what_it_writes(runner: GitHub, project: Make) -> None:
    """Annotations are printed, the summary is the runner's, and each report is one that others read."""
    project("drift")
    assert runner.action({"reports": "out put/reports"}, runner.host) == 1
    assert re.search(r"^::error .*QUEUE\.md,line=\d+", runner.out, re.MULTILINE)
    assert "ORCH-2" in runner.summary.read_text()
    reports = runner.workspace / "out put" / "reports"
    assert runner.outputs["reports"] == str(reports)
    for name, file in {"sarif": "queue.sarif", "junit": "queue.xml", "json": "queue.json"}.items():
        READERS[name]((reports / file).read_text())


def test_a_project_below(runner: GitHub) -> None:
    """The queue may lie in a folder of the repository, and each run of the action adds to the summary."""
    below = runner.workspace / "a b"
    below.mkdir()
    for name in ("QUEUE.md", "ops-checks.yaml"):
        (runner.workspace / name).rename(below / name)
    assert runner.action({"working-directory": "a b"}, runner.host) == 0
    assert (below / "queue.xml").is_file()
    assert runner.action({"working-directory": "a b"}, runner.host) == 0
    assert not (runner.workspace / "queue.xml").exists()


HOSTILE = ["$(touch pwned)", "`touch pwned`", "'; touch pwned #", '"; touch pwned #', "x\ntouch pwned", "${{ 1 }}"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["only", "snapshot", "max-age", "known", "options"])
def test_hostile_inputs(runner: GitHub, name: str, text: str) -> None:
    """A text that a caller passes on, of a branch's name say, is a value and never a command."""
    before = {*runner.workspace.iterdir()}
    code = runner.action({name: text.replace("${{", "$ {{")}, runner.host)
    assert code in {3, 4}, runner.out
    assert {path.name for path in {*runner.workspace.rglob("*")} - before} <= {"queue.sarif", "queue.xml", "queue.json"}


def test_no_expression_in_a_script() -> None:
    """What a caller gives reaches scripts by the environment alone; every input is used and described."""
    action = load(ACTION)
    steps = action["runs"]["steps"]
    assert [step["name"] for step in steps if "${{" in step.get("run", "")] == []
    used = set(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", ACTION.read_text()))
    assert used == set(action["inputs"])
    assert all(each["description"] for kind in ("inputs", "outputs") for each in action[kind].values())


def test_an_installation_that_fails(tmp_path: Path, checkout: Path, project: Make) -> None:
    """Without an environment there is no verdict, and the action fails."""
    temp = tmp_path / "temp"
    temp.mkdir()
    runner = GitHub(project("good"), temp, checkout, {})
    assert runner.action({"python": "/no/such/python"}) != 0
    assert runner.outputs == {"verdict": "", "exit-code": "", "reports": ""}
