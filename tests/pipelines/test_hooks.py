"""The hooks, by pre-commit itself: it clones the repository, installs it and runs them on a project's commits."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from builders import document, item
from ci_systems import RECIPES, run
from scratch_installation import ROOT, TOOLS, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops_checks.model import Item

PRE_COMMIT = f"{TOOLS}/pre-commit"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a person: pre-commit keeps what it installed for all of this module's tests."""
    home = tmp_path_factory.mktemp("home")
    who = {f"GIT_{role}_{what}": f"t@{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return environment(**who, HOME=home, PRE_COMMIT_HOME=home / "hooks", GIT_CONFIG_NOSYSTEM=1)


@pytest.fixture
def repository(project: Callable[[str], Path], host: dict[str, str], home: dict[str, str]) -> Callable[[str], Path]:
    """Return a function that makes a project of a kind a git repository, with its document staged."""

    def make(situation: str) -> Path:
        folder = project(situation)
        (folder / "ops-checks.yaml").write_text(f"queue: QUEUE.md\ndb: {host['DB']}\n")
        (folder / "README").write_text("a project\n")
        for words in (["init", "-q", "-b", "main"], ["add", "README"], ["commit", "-qm", "r"], ["add", "QUEUE.md"]):
            subprocess.run(["git", *words], cwd=folder, env=home, check=True)
        return folder

    return make


def test_both_files_are_what_pre_commit_takes(tmp_path: Path, home: dict[str, str]) -> None:
    """Manifest and recipe are valid by pre-commit's own rules."""
    assert run([PRE_COMMIT, "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")], tmp_path, home) == (0, "")
    assert run([PRE_COMMIT, "validate-config", str(RECIPES / "pre-commit-config.yaml")], tmp_path, home).code == 0


@pytest.mark.one_of_many
def test_the_repository_is_one_of_hooks(
    checkout: Path, repository: Callable[[str], Path], home: dict[str, str]
) -> None:
    """Whoever tries the repository without any configuration has the hook run on what is staged."""
    command = [PRE_COMMIT, "try-repo", str(checkout), "queue", "--ref", "main"]
    done = run(command, repository("drift"), home)
    assert (done.code, done.out.splitlines()[-1].endswith("Passed")) == (0, True), done.out


def test_the_recipe(checkout: Path, repository: Callable[[str], Path], home: dict[str, str]) -> None:
    """As its reader fills it in: an added row is taken, a malformed document is not; the other hook tells drift."""
    folder = repository("good")
    text = (RECIPES / "pre-commit-config.yaml").read_text()
    text = text.replace("https://HOST/OWNER/ops-checks", f"file://{checkout}").replace("rev: REF", "rev: main")
    config = folder / ".pre-commit-config.yaml"
    config.write_text(text)

    def committed() -> tuple[int, str]:
        run(["git", "add", "."], folder, home)
        done = run(["git", "commit", "-m", "One more"], folder, home)
        return done.code, done.out

    def rows(*items: Item) -> None:
        (folder / "QUEUE.md").write_text(document(list(items)))

    assert run([PRE_COMMIT, "install"], folder, home).code == 0
    code, out = committed()
    assert code == 0, out
    rows(item("ORCH-1"), item("ORCH-2", "BLOCKED"), item("ORCH-3"))
    code, out = committed()
    assert code == 0, out
    rows(item("ORCH-1"), item("ORCH-1"))
    code, out = committed()
    assert (code, "QUEUE.md" in out) == (1, True), out
    config.write_text(text.replace("# - id: queue-consistency", "- id: queue-consistency"))
    rows(item("ORCH-1"), item("ORCH-2", "BLOCKED"))
    code, out = committed()
    assert code == 0, out
    rows(item("ORCH-1"), item("ORCH-2", "BLOCKED"), item("ORCH-3"))
    code, out = committed()
    assert (code, "missing_in_db ORCH-3" in out) == (1, True), out
    run(["git", "checkout", "HEAD", "--", "QUEUE.md"], folder, home)
    (folder / "README").write_text("changed\n")
    code, out = committed()
    assert (code, out.count("no files to check")) == (0, 2), out
