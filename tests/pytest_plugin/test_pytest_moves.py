"""A failed check of drift names the side that moved and who moved it, as `ops-checks drift`; nothing rests on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from builders import aged, execute, item
from git_projects import GitProject, program
from queue_projects import DB, ITEMS, QUEUE, Project

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ("pytester",)

HELP = (
    "  help: An item has different values on both sides. `ops-checks drift` tells which side moved since the last "
    "`ops-checks baseline`, and `ops-checks reconcile plan` what goes over."
)
MORE = "  more: ops-checks check --only consistency"


def ops_checks(project: Project, *words: str) -> str:
    """Run a command in the project and return what it prints."""
    command = [sys.executable, "-m", "ops_checks", *words]
    return subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=False).stdout


def edit(project: Project, old: str, new: str) -> None:
    """Change the document as a person does."""
    path = project.path / QUEUE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    half_an_hour_ago = time.time() - 1800  # not the time of the version before: git would take it for that
    os.utime(path, (half_an_hour_ago, half_an_hour_ago))


def sql(project: Project, script: str) -> None:
    """Change the database as a program does."""
    execute(project.path / DB, script)
    aged(project.path / DB)


def failure(result: pytest.RunResult, rule: str) -> list[str]:
    """Return the lines of a check's failure."""
    lines = result.outlines
    begin = next(at for at, line in enumerate(lines) if line.strip("_ ") == rule) + 1
    end = next(at for at, line in enumerate(lines) if at > begin and line.startswith(("____", "====", "----")))
    return [line for line in lines[begin:end] if not line.startswith("[gw")]


@pytest.fixture
def moved(project: Project) -> Project:
    """Return a project in git of which both sides moved since the baseline: a commit, and an event."""
    repository = GitProject(project.path)
    repository.commit()
    ops_checks(project, "baseline")
    edit(project, "| ORCH-1 | PENDING | P1 |", "| ORCH-1 | PENDING | P0 |")
    repository.commit(subject="urgent")
    sql(
        project,
        "UPDATE queue_items SET status = 'DONE', owner_session = 'worker:core-2' WHERE id = 'ORCH-2';"
        "INSERT INTO queue_events (item_id, event_type, payload_json, created_at)"
        """ VALUES ('ORCH-2', 'done', '{"actor": "worker:core-2"}', '2026-02-09 02:00')""",
    )
    return project


@pytest.mark.parametrize("options", [(), ("-n2",)])
def test_the_lines_of_drift(moved: Project, options: tuple[str, ...]) -> None:
    """Below each finding stand the lines that `drift` prints of its unit, once for all its fields."""
    moved.plugins += ("xdist",)
    drift = ops_checks(moved, "drift").splitlines()
    to_md, to_db = drift[1:4], drift[4:7]
    assert to_md[0] == "- to_md ORCH-2 claim PENDING -> DONE"
    assert to_db[0] == "- to_db ORCH-1 priority P1 -> P0"

    result = moved.pytest(*options)

    assert failure(result, "field-mismatch") == [
        "fields that differ between the queues: 3",
        "  value 3, limit <= 0, samples 3",
        f"  {QUEUE}:7 ORCH-1 priority: md=P0 db=P1",
        *(f"    {line}" for line in to_db),
        f"  {QUEUE}:8 ORCH-2 status: md=PENDING db=DONE",
        *(f"    {line}" for line in to_md),
        f"  {QUEUE}:8 ORCH-2 owner_session: md=- db=worker:core-2",
        HELP,
        MORE,
    ]
    assert "JM, " in to_db[1]
    assert to_md[1] == "    db: done by worker:core-2, 2026-02-09 02:00 (event 1)"


def test_without_a_baseline(project: Project) -> None:
    """Nobody can tell: the text is as it always was, with a line on how to find out."""
    project.drift()
    assert failure(project.pytest(), "field-mismatch") == [
        "fields that differ between the queues: 1",
        "  value 1, limit <= 0, samples 3",
        f"  {QUEUE}:8 ORCH-2 status: md=PENDING db=DONE",
        "  drift: no baseline: `ops-checks baseline` records what is equal; from then on it is told which side moved, "
        "and who",
        HELP,
        MORE,
    ]


def test_rows(project: Project) -> None:
    """A row that one side lacks has the lines of its row."""
    ops_checks(project, "baseline")
    project_row = next(line for line in (project.path / QUEUE).read_text().splitlines() if "ORCH-3" in line)
    edit(project, project_row + "\n", "")
    found = failure(project.pytest(), "missing-in-md")
    assert found[2:6] == [
        f"  {DB}:queue_items:ORCH-3 ORCH-3 is not in the Markdown queue",
        "    - needs ORCH-3 row deleted-in-md",
        "        db: updated_at 2026-01-01 00:00, no event",
        "        help: --prefer ORCH-3=db puts the row back; --prefer ORCH-3=md takes the item out of the database",
    ]


def test_a_warning_has_them_too(moved: Project) -> None:
    """The warning of a rule that does not fail has the same lines."""
    moved.write("ops-checks.yaml", "consistency: {severity: {field-mismatch: warning}}\n")
    result = moved.pytest()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*- to_db ORCH-1 priority P1 -> P0"])


def _no_git(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(project.path / "empty"))


def _broken_head(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.path / ".git" / "HEAD").write_text("nonsense\n")


def _damaged_base(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    sql(project, "UPDATE queue_baseline SET priority = 'P2'")


def _no_base_table(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    sql(project, "DROP TABLE queue_baseline")


def _other_database(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "def broken(*args, **options):\n    raise RuntimeError('out\\x1b of order')\nmoves.make_plan = broken\n"
    project.write("conftest.py", f"from ops_checks.reconcile import moves\n{code}")


@pytest.mark.parametrize("options", [(), ("-n2",)])
@pytest.mark.parametrize(
    ("fault", "remark"),
    [
        (_no_git, f"  drift: {QUEUE}: lineage unknown: git is not installed"),
        (_broken_head, f"  drift: {QUEUE}: lineage unknown: *"),
        (_damaged_base, f"  drift: which side moved is unknown: {DB}: the baseline is damaged (*"),
        (_no_base_table, f"  drift: which side moved is unknown: {DB}: the baseline is damaged (*"),
        (_other_database, "  drift: which side moved is unknown: unexpected RuntimeError (out*x1b of order)*"),
    ],
)
def test_what_goes_wrong_is_a_line(
    moved: Project, monkeypatch: pytest.MonkeyPatch, fault: object, remark: str, options: tuple[str, ...]
) -> None:
    """Whatever keeps it from being known is one line; the checks fail as they did, and no other does."""
    moved.plugins += ("xdist",)
    fault(moved, monkeypatch)  # type: ignore[operator]

    result = moved.pytest(*options)

    result.assert_outcomes(passed=7, failed=1)
    found = failure(result, "field-mismatch")
    result.stdout.fnmatch_lines([remark])
    assert [re.sub(r" \(only the \w+ differs from b-1\)$", "", line) for line in found] == [
        "fields that differ between the queues: 3",
        "  value 3, limit <= 0, samples 3",
        f"  {QUEUE}:7 ORCH-1 priority: md=P0 db=P1",
        f"  {QUEUE}:8 ORCH-2 status: md=PENDING db=DONE",
        f"  {QUEUE}:8 ORCH-2 owner_session: md=- db=worker:core-2",
        found[-3],
        HELP,
        MORE,
    ]


def test_a_history_that_ends_early(moved: Project) -> None:
    """Of a shallow clone, as pipelines make them, the lines are there as in `drift`, and one says what is missing."""
    repository = GitProject.__new__(GitProject)
    repository.folder, repository.time_s = moved.path, 0
    (moved.path / ".git" / "shallow").write_text(repository.head + "\n")
    found = failure(moved.pytest(), "field-mismatch")
    assert "    - to_md ORCH-2 claim PENDING -> DONE" in found
    assert "    - needs ORCH-1 priority lineage md=P0 db=P1" in found
    assert found[-3].endswith("the history is shallow and ends before the baseline: git fetch --unshallow")


def test_no_program_of_the_repository_runs(moved: Project, tmp_path: Path) -> None:
    """What the repository's configuration names is not run."""
    marker = tmp_path / "ran"
    script = program(tmp_path / "hostile", f"touch {marker}\ncat")
    repository = GitProject.__new__(GitProject)
    repository.folder, repository.time_s = moved.path, 0
    for name in ("core.fsmonitor", "filter.x.clean", "diff.x.textconv", "gpg.program", "core.pager", "core.editor"):
        repository.git("config", name, str(script))
    (moved.path / ".gitattributes").write_text("*.md filter=x diff=x\n")

    result = moved.pytest()

    result.stdout.fnmatch_lines(["*- to_db ORCH-1 priority P1 -> P0", "*md: * (JM, *"])
    assert not marker.exists()


def test_many_items(project: Project) -> None:
    """Ten thousand items that drifted make a text of the same length, in several processes too."""
    items = [item(f"ORCH-{number}") for number in range(10_000)]
    project.queues(items, items)
    ops_checks(project, "baseline")
    sql(project, "UPDATE queue_items SET status = 'DONE', owner_session = 'w'")
    project.plugins += ("xdist",)

    result = project.pytest("-n2")

    found = failure(result, "field-mismatch")
    assert len(found) < 60
    assert sum(line.startswith("    - to_md ORCH-") for line in found) == 5
    assert "  and 19990 more" in found
    assert len(os.linesep.join(found)) < 5_000


def test_the_session_writes_nothing(moved: Project) -> None:
    """Neither queue is written to, nor the repository."""
    before = {path: path.read_bytes() for path in moved.path.rglob("*") if path.is_file() and ".git" not in path.name}
    moved.pytest("-pno:cacheprovider")
    after = {path: path.read_bytes() for path in before}
    assert after == before
    assert [each.id for each in ITEMS] == ["ORCH-1", "ORCH-2", "ORCH-3"]
