"""A database that may only be read: looking works, what would write to it is refused, exit code 5 (RECONCILE 12)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import execute
from reconcile_checks import DB, QUEUE, edit, everything, lay_down

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Told

    Run = Callable[..., Told]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes the rights of another user away")

_RUN = "import sys; from ops_checks.cli import main; sys.exit(main(sys.argv[1:]))"
_READ_ONLY = "not written, because this user may only read it: run this where, or as who, may write it"
_FOLDER = f"not written, because this user may not write in {os.path.dirname(DB)}, and SQLite keeps its journal "


@pytest.fixture
def project(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a project that everybody may read, with a plan of two actions; the working directory is in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        monkeypatch.chdir(folder)
        lay_down(folder)
        run("baseline")
        edit(folder, "| ORCH-1 | PENDING | P1 |", "| ORCH-1 | PENDING | P0 |")
        run("reconcile", "plan", "-o", "applied.json")
        run("reconcile", "apply", "applied.json")
        edit(folder, "| ORCH-2 | PENDING | P1 |", "| ORCH-2 | PENDING | P0 |")
        execute(folder / DB, "UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-3'")
        run("reconcile", "plan", "-o", "plan.json")
        (folder / "plan.json").chmod(0o644)
        (folder / f"{QUEUE}.lock").unlink()
        yield folder


def _as_nobody(project: Path, *argv: str) -> tuple[int, str, str]:
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", _RUN, *argv]
    environ = {"PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


_WRITING = [
    ["baseline"],
    ["reconcile", "apply", "plan.json"],
    ["reconcile", "apply", "plan.json", "--all-or-nothing"],
    ["reconcile", "apply", "plan.json", "--dry-run"],
    ["import"],
    ["render"],
    ["undo", "--plan", "applied.json"],
]


@pytest.mark.parametrize("argv", _WRITING, ids=" ".join)
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_what_writes_is_refused(project: Path, argv: list[str], journal: str) -> None:
    """One line says why and what to do; nothing is touched, and no lock is left behind."""
    execute(project / DB, f"PRAGMA journal_mode = {journal}")
    if journal == "wal":  # what a reader makes there
        (project / DB).parent.chmod(0o777)
    (project / QUEUE).parent.chmod(0o777)
    before = everything(project)
    code, out, err = _as_nobody(project, *argv)
    assert (code, out) == (5, "")
    assert err.splitlines()[0] == f"error: {DB}: {_READ_ONLY}"
    after = everything(project)
    assert {path: after[path] for path in before} == before
    assert {path for path in after.keys() - before.keys() if not path.endswith(("-wal", "-shm"))} == set()


@pytest.mark.parametrize("argv", _WRITING, ids=" ".join)
def test_a_folder_that_may_not_be_written_in(project: Path, argv: list[str]) -> None:
    """SQLite needs its journal there: it is the same refusal, found out by trying."""
    (project / DB).chmod(0o666)
    (project / QUEUE).parent.chmod(0o777)
    before = {path: path.read_bytes() for path in (project / DB, project / QUEUE)}
    code, out, err = _as_nobody(project, *argv)
    assert (code, out) == (5, "")
    assert err.startswith(f"error: {DB}: {_FOLDER}")
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["drift"], 1),
        (["drift", "-f", "json"], 1),
        (["reconcile", "plan", "-o", "mine.json"], 1),
        (["reconcile", "resume"], 0),
        (["baseline", "show"], 0),
        (["baseline", "export", "base.jsonl"], 0),
        (["render", "-o", "view.md"], 1),
    ],
    ids=lambda argv: " ".join(argv) if isinstance(argv, list) else None,
)
def test_looking_works(project: Path, argv: list[str], code: int) -> None:
    """What only looks is as it is where the database may be written."""
    before = (project / DB).read_bytes()
    found = _as_nobody(project, *argv)
    assert found[0] == code, found
    assert (project / DB).read_bytes() == before


def test_a_plan_is_interrupted(project: Path, run: Run) -> None:
    """What is in the middle of being applied is recorded as agreed by nobody: it is finished first."""
    execute(project / DB, "UPDATE queue_reconcile SET state = 'prepared'")
    before = everything(project)
    plan_id = run("reconcile", "plan").err.partition("interrupted: ")[2].split()[0]
    found = run("baseline")
    assert found == (5, "", f"error: {plan_id} was interrupted: run `ops-checks reconcile resume` first\n")
    before.pop(str(project / QUEUE) + ".lock", None)
    after = everything(project)
    after.pop(str(project / QUEUE) + ".lock", None)
    assert after == before


def test_an_agreement_that_no_database_can_keep(project: Path, run: Run) -> None:
    """Of a database that may only be read and has no baseline what is equal now is exported, to compare with later."""
    execute(project / DB, "DROP TABLE queue_baseline; DROP TABLE queue_baselines")
    (project / DB).chmod(0o444)
    found = _as_nobody(project, "baseline", "export", "base.jsonl")
    assert found == (0, "baseline b-1 agreed=1 unagreed=2 -> base.jsonl\n", "")
    base = ("--base", "base.jsonl", "--no-blame")
    assert _as_nobody(project, "drift", *base)[1].splitlines()[0].startswith("drift total=3 to_md=0 to_db=0 needs=2 ")
    edit(project, "| ORCH-1 | PENDING |", "| ORCH-1 | BLOCKED |")
    assert "- to_db ORCH-1 claim PENDING -> BLOCKED" in _as_nobody(project, "drift", *base)[1].splitlines()
    assert run("baseline", "export", "mine.jsonl").code == 3  # root may write: a baseline can be recorded
