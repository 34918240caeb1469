"""The recipes: each job's commands are run as they stand, on a host with the data and on a runner without it."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from ci_systems import RECIPES, GitHub, crontab, gitlab, interpolated, load, program, run
from scratch_installation import TOOLS, environment

from ops_checks import help as manual

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci_systems import Keeper

    Make = Callable[[str], Path]
    Grow = Callable[[Path], None]
    Snapshot = Callable[[Path], bytes]

#: The schema that each system publishes, by its name in check-jsonschema, which carries them.
SCHEMAS = {
    "../action/action.yml": "github-actions",
    "github-actions.yml": "github-workflows",
    "github-pull-request.yml": "github-workflows",
    "forgejo-actions.yml": "github-workflows",
    "gitlab-ci.yml": "gitlab-ci",
    "buildkite.yml": "buildkite",
}
#: What a job on the host ends in, by what the project is like.
HOST = [("good", 0), ("drift", 1), ("alert", 2)]


@pytest.mark.parametrize("recipe", SCHEMAS)
def test_published_schemas(recipe: str) -> None:
    """Each recipe is valid by the schema that its system publishes."""
    command = [f"{TOOLS}/check-jsonschema", "--builtin-schema", f"vendor.{SCHEMAS[recipe]}", str(RECIPES / recipe)]
    done = run(command, RECIPES, environment())
    assert done.code == 0, done.out


def test_each_recipe_says_where_the_data_is() -> None:
    """Each names database and log in its first lines, and what a snapshot needs; the manual leads to these alone."""
    for path in RECIPES.iterdir():
        head = re.match(r"(?:(?:#|//).*\n)+", path.read_text(encoding="utf-8"))
        assert head, path
        assert {"database", "log"} <= set(re.findall(r"\w+", head[0].lower())), path
        if re.search("ops-checks (?:--quiet )?snapshot", path.read_text(encoding="utf-8")):
            assert "`ops-checks baseline`" in head[0], path
    named = set(re.findall(r"`ci/recipes/([\w.-]+)`", manual.page("pipelines")))
    assert named == {path.name for path in RECIPES.iterdir()}


@pytest.fixture
def recipe(tmp_path: Path, checkout: Path) -> Callable[[str], Path]:
    """Return a function that fills a recipe in, as its reader does: where ops-checks is, and which commit is taken."""
    commit = run(["git", "rev-parse", "HEAD"], checkout, environment()).out.strip()

    def fill(name: str) -> Path:
        text = (
            (RECIPES / name).read_text(encoding="utf-8").replace("https://HOST/OWNER/ops-checks", f"file://{checkout}")
        )
        path = tmp_path / name
        path.write_text(re.sub(r"(?<=GATE_REF: )REF", commit, text), encoding="utf-8")
        return path

    return fill


def fresh(folder: Path) -> Path:
    """Leave of a workspace what a checkout brings, and nothing of an earlier job."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in {"QUEUE.md", "ops-checks.yaml"}:
            path.unlink()
    return folder


@pytest.fixture
def github(tmp_path: Path, checkout: Path, host: dict[str, str], keeper: Keeper) -> Callable[[Path], GitHub]:
    """Return a function that makes a runner for a workspace, which knows the repository's variables."""
    contexts = {
        "vars.OPS_DB": host["DB"],
        "vars.OPS_LOG": host["LOG"],
        "vars.OPS_STATE_URL": f"{keeper.url}/state.json",
        "github.event.repository.default_branch": "main",
    }

    def make(workspace: Path) -> GitHub:
        temp = tmp_path / "temp"
        temp.mkdir(exist_ok=True)
        return GitHub(fresh(workspace), temp, checkout, contexts)

    return make


def test_github(github: Callable[[Path], GitHub], project: Make, grow: Grow, tmp_path: Path) -> None:
    """The host's job ends in the gate's code and leaves a snapshot; a pull request is judged by that one alone."""
    workflow = load(RECIPES / "github-actions.yml")
    for situation, code in HOST:
        runner = github(project(situation))
        assert runner.job(workflow, "gate") == code, runner.out
        reports = {"queue-report": ["queue.xml", "queue.json"], "sarif": ["queue.sarif"], "queue-state": ["state.json"]}
        assert runner.uploads == reports
        assert runner.summary.read_text() != ""
    kept = shutil.copy(runner.workspace / "state.json", tmp_path)
    pull = github(project("good"))
    asked = (
        f'*"run list "*"--branch main "*) echo 42 ;; "run download 42 --name queue-state --dir "*) cp {kept} "$7" ;;'
    )
    pull.programs = program(tmp_path / "programs", "gh", f'case "$*" in {asked} *) exit 1 ;; esac')
    grow(pull.workspace)
    workflow = load(RECIPES / "github-pull-request.yml")
    assert pull.job(workflow, "document") == 0, pull.out
    assert pull.job(workflow, "state") == 2, pull.out  # the host's alert; the row that is added is no drift
    assert "ORCH-3" in pull.out


@pytest.mark.one_of_many
def test_github_without_a_snapshot(github: Callable[[Path], GitHub], project: Make, tmp_path: Path) -> None:
    """Where none can be had the job fails before the gate; the document alone is judged all the same."""
    pull = github(project("drift"))
    pull.programs = program(tmp_path / "programs", "gh", "exit 1")
    workflow = load(RECIPES / "github-pull-request.yml")
    assert pull.job(workflow, "document") == 0, pull.out
    fresh(pull.workspace)
    assert pull.job(workflow, "state") == 1
    assert pull.uploads == {"queue-report": []}


@pytest.mark.one_of_many
def test_forgejo(
    github: Callable[[Path], GitHub], recipe: Callable[[str], Path], project: Make, grow: Grow, keeper: Keeper,
    snapshot: Snapshot,
) -> None:  # fmt: skip
    """The host's job ends in the gate's code; a pull request is judged alone, and by the snapshot that is served."""
    workflow = load(recipe("forgejo-actions.yml"))
    runner = github(project("drift"))
    assert runner.job(workflow, "gate") == 1, runner.out
    assert runner.uploads == {"queue-report": ["queue.xml", "queue.json"]}
    pull = github(project("good"))
    assert pull.job(workflow, "pull-request") == 22, pull.out  # curl's: there is none yet
    keeper.kept["/state.json"] = snapshot(pull.workspace)
    grow(fresh(pull.workspace))
    assert pull.job(workflow, "pull-request") == 0, pull.out


@pytest.mark.one_of_many
def test_gitlab(
    recipe: Callable[[str], Path], project: Make, grow: Grow, keeper: Keeper, host: dict[str, str], tmp_path: Path
) -> None:
    """The host's job ends in the gate's code and publishes a snapshot, by which a merge request is judged."""
    path = recipe("gitlab-ci.yml")
    place = {"CI_BUILDS_DIR": tmp_path, "CI_API_V4_URL": f"{keeper.url}/api/v4", "CI_PROJECT_ID": 7}
    environ = environment(**place, GITLAB_CI="true", CI_JOB_TOKEN="t0k3n", OPS_DB=host["DB"], OPS_LOG=host["LOG"])
    for situation, code in HOST[:2]:
        folder = fresh(project(situation))
        done = gitlab(path, "queue-gate", folder, environ)
        assert done.code == code, done.out
    for name in ("gl-code-quality-report.json", "queue.xml", "queue.json"):
        assert (folder / name).is_file()
    assert list(keeper.kept) == ["/api/v4/projects/7/packages/generic/queue-state/1/state.json"]
    grow(fresh(project("good")))
    done = gitlab(path, "queue-request", folder, environ)
    assert done.code == 1, done.out  # the snapshot is of the drift, which is there whatever the request adds


@pytest.mark.one_of_many
def test_buildkite(
    recipe: Callable[[str], Path], project: Make, grow: Grow, keeper: Keeper, host: dict[str, str], tmp_path: Path,
    snapshot: Snapshot,
) -> None:  # fmt: skip
    """The step ends in the gate's code, with an annotation; of a pull request it takes the snapshot that is served."""
    pipeline = load(recipe("buildkite.yml"))
    agent = program(
        tmp_path / "programs", "buildkite-agent", f"echo $* > {tmp_path}/asked; cat > {tmp_path}/annotation"
    )
    environ = environment(agent, **pipeline["env"], ORCH_DB_PATH=host["DB"], ORCH_LOG_PATH=host["LOG"])
    on_host, of_pull_request = pipeline["steps"]
    folder = fresh(project("drift"))
    done = run(["bash", "-e", "-c", interpolated(on_host["command"])], folder, environ)
    assert done.code == 1, done.out
    assert (tmp_path / "asked").read_text() == "annotate --context queue\n"
    assert "ORCH-2" in (tmp_path / "annotation").read_text()
    assert [name for name in on_host["artifact_paths"] if not (folder / name).is_file()] == []
    keeper.kept["/state.json"] = snapshot(project("good"))
    grow(fresh(folder))
    environ = environment(agent, **pipeline["env"], BUILDKITE_PULL_REQUEST=12, OPS_STATE_URL=f"{keeper.url}/state.json")
    done = run(["bash", "-e", "-c", interpolated(of_pull_request["command"])], folder, environ)
    assert done.code == 0, done.out


def test_cron(project: Make, checkout: Path, host: dict[str, str], tmp_path: Path) -> None:
    """Cron's commands, in cron's environment, say nothing while all is well, and what fails else."""
    variables, (gate, state) = crontab(RECIPES / "crontab")
    places = {"GATE": checkout, "OPS_STATE": tmp_path / "state.json", "OPS_METRICS": tmp_path / "queue.prom"}
    assert {*places, "OPS_PROJECT", "MAILTO", "PATH"} == set(variables)
    path = variables["PATH"].replace("/opt/ops-checks/.venv/bin", str(TOOLS))
    plain = {"HOME": str(tmp_path), "LOGNAME": "ops", "SHELL": "/bin/sh", "PATH": path}
    for situation, _ in HOST:
        folder = project(situation)
        (folder / "ops-checks.yaml").write_text(f"queue: QUEUE.md\ndb: {host['DB']}\nlog: {host['LOG']}\n")
        environ = plain | {name: str(value) for name, value in {**places, "OPS_PROJECT": folder}.items()}
        done = run(["sh", "-c", gate], tmp_path, environ)
        assert (done.out == "") == (situation == "good"), done.out
        assert (situation == "good") or "HEALTH_FAIL" in done.out
        assert (tmp_path / "queue.prom").is_file()
        assert run(["sh", "-c", state], tmp_path, environ) == (0, "")
    assert (tmp_path / "state.json").is_file()
