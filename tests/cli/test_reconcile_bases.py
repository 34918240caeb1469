"""`--base git:REV|FILE` and `baseline export`: a base that is not the database's own (RECONCILE sections 2, 3, 7)."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown, select
from database_kinds import every_database
from git_projects import GitProject
from reconcile_checks import DB, ITEMS, QUEUE, assert_published, edit, everything, lay_down

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told
    from database_kinds import InFile

    Run = Callable[..., Told]

_COMMITTED = "is what was committed, not what was agreed: a plan with it is for looking, and never applied\n"


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project whose queues agree on three items."""
    return lay_down(folder)


def _commit(project: Path) -> str:
    """Commit the document as it is, on 2026-02-09, and return the commit."""
    git = GitProject(project, QUEUE)
    git.git("add", QUEUE)
    git.git("commit", "-q", "-m", "one")
    return git.head


def _move(project: Path) -> None:
    """Let the document's ORCH-1 and the database's ORCH-2 move."""
    edit(project, "| ORCH-1 | PENDING | P1 |", "| ORCH-1 | PENDING | P0 |")
    execute(project / DB, "UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-2'")


_LINES = "- to_md ORCH-2 priority P1 -> P2\n- to_db ORCH-1 priority P1 -> P0\n"


@every_database
@pytest.mark.parametrize("revision", ["HEAD", "main", "HEAD^{commit}", ":/one"])
def test_what_moved_since_a_commit(project: Path, run: Run, database_kind: InFile, revision: str) -> None:
    """It needs no baseline, is for looking only, and apply refuses it; nothing is written."""
    commit = _commit(project)
    _move(project)
    before = everything(project)
    found = run("drift", "--no-blame", "--base", f"git:{revision}")
    head = f"drift total=3 to_md=1 to_db=1 needs=0 base=git:{commit[:7]} 2026-02-09 01:00 lineage=ok\n"
    assert (found.code, found.out, found.err) == (
        1,
        head + _LINES,
        f"note: git:{commit[:7]} {_COMMITTED}",
    )
    plan = assert_published(json.loads(run("reconcile", "plan", "--base", f"git:{revision}", "-f", "json").out))
    assert (plan["base"]["source"], plan["base"]["commit"]) == ("git", commit)
    assert plan["db"]["queue_id"] is None
    assert everything(project) == before
    (project / "plan.json").write_text(database_kind.printed(json.dumps(plan)))
    for with_base in (False, True):
        if with_base:
            run("baseline")
        refused = run("reconcile", "apply", "plan.json")
        assert (refused.code, refused.out) == (5, "")
        assert refused.err == (
            f"error: the plan {plan['plan_id']} was made with a version in git as its base, which is for looking only: "
            "plan again without --base\n"
        )
    assert run("import", "--base", f"git:{revision}").code == 5


@every_database
def test_events_before_a_commit_are_no_moves(project: Path, run: Run) -> None:
    """A claim that an event touched since the commit is asked about; one that was touched before is not (rule B4)."""
    _commit(project)
    edit(project, "| PENDING |", "| BLOCKED |")
    for item_id, minute in (("ORCH-1", "2026-02-09 00:59"), ("ORCH-2", "2026-02-09 01:01")):
        values = f"'{item_id}', 'replan', '{{}}', '{minute}'"
        execute(
            project / DB,
            f"INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES ({values})",
        )
    found = run("drift", "--no-blame", "--base", "git:HEAD").out.splitlines()
    assert "- to_db ORCH-1 claim PENDING -> BLOCKED" in found
    assert "- needs ORCH-2 claim there-and-back md=BLOCKED db=PENDING" in found
    assert "- to_db ORCH-3 claim PENDING -> BLOCKED" in found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("git:nope", "git knows no commit of that name"),
        ("git:HEAD..HEAD", "git knows no commit of that name"),
        ("git:HEAD:automation", "git knows no commit of that name"),
        ("git:\x1b[2J", "--base git:\\x1b[2J: git knows no commit of that name"),
        ("git:HEAD~1", f"no {QUEUE} can be read in "),
        ("git:HEAD~2", f"{QUEUE} at git:"),
        ("nothing.jsonl", "nothing.jsonl: no such baseline"),
        ("automation", "automation: is a directory, not a baseline"),
        (QUEUE, f"{QUEUE}:1: no line of a baseline"),
        ("/dev/null", "/dev/null: is a device, not a baseline"),
    ],
)
def test_a_base_that_cannot_be_read(project: Path, run: Run, name: str, words: str) -> None:
    """It is one line that names it, exit code 3, for whoever plans with it."""
    git = GitProject(project, QUEUE)
    git.commit("| id | status |\n|---|---|\n| ORCH-1 | PENDING |\n")
    git.queue.unlink()
    git.commit()
    git.commit(ITEMS)
    for command in (("drift",), ("reconcile", "plan"), ("render",), ("import",)):
        found = run(*command, "--base", name)
        assert (found.code, found.out) == (3, ""), found
        assert words in found.err
        assert found.err.startswith("error: ")
        assert "ops-checks-base" not in found.err


@every_database
def test_without_git(project: Path, run: Run) -> None:
    """There is no version to compare with: the reason is told."""
    found = run("drift", "--base", "git:HEAD")
    assert (found.code, found.out) == (3, "")
    assert found.err.startswith("error: --base git:HEAD: not in a git repository: ")


@pytest.mark.parametrize(
    "options",
    [["--base", "git:"], ["--base", "git:--help"], ["--base", ""], ["--base", "db", "--base", "x"],
     ["--base", "git:HEAD", "--no-base", "union"]],
)  # fmt: skip
def test_a_base_that_is_no_name(project: Path, run: Run, options: list[str]) -> None:
    """It is a usage error."""
    assert run("drift", *options).code == 4


@every_database
def test_what_was_recorded_is_shown(project: Path, run: Run) -> None:
    """With its time, its numbers, and whether the document came after it."""
    assert run("baseline", "show") == (0, "baseline none\n", "")
    run("baseline")
    assert run("baseline", "show") == (0, "baseline b-1 2026-01-02 00:00 agreed=3 unagreed=0 lineage=no-git\n", "")
    _commit(project)
    run("baseline")
    assert run("baseline", "show").out.endswith("baseline b-2 2026-01-02 00:00 agreed=3 unagreed=0 lineage=ok\n")


@every_database
def test_an_exported_baseline(project: Path, run: Run) -> None:
    """It is as good as the one in the database, also for a copy of the database that has none."""
    run("baseline")
    assert run("baseline", "export", "base.jsonl") == (0, "baseline b-1 agreed=3 unagreed=0 -> base.jsonl\n", "")
    assert run("drift", "--base", "base.jsonl") == (0, "drift ok total=3 base=b-1\n", "")
    _move(project)
    own = run("drift")
    assert own.out.count("- to_") == 2
    assert run("drift", "--base", "db") == own
    assert run("drift", "--base", "base.jsonl") == own
    execute(project / DB, "DROP TABLE queue_baseline; DROP TABLE queue_baselines")
    assert run("drift", "--base", "base.jsonl") == own
    plan = assert_published(json.loads(run("drift", "--base", "base.jsonl", "-f", "json").out))
    assert (plan["base"]["source"], plan["base"]["id"], plan["base"]["items"]) == ("file", "b-1", 3)


@every_database
def test_rows_that_are_gone_count(project: Path, run: Run) -> None:
    """Removals are removals, and put back below their old neighbours; many of them are a safety stop."""
    run("baseline")
    run("baseline", "export", "base.jsonl")
    edit(project, "| ORCH-2 | PENDING | P1 | task | done | - | - | - |  |\n", "")
    execute(project / DB, "DELETE FROM queue_items WHERE id = 'ORCH-3'")
    for base in ("db", "base.jsonl"):
        found = run("drift", "--no-blame", "--base", base)
        needs = [line for line in found.out.splitlines() if line.startswith("- ")]
        assert needs == ["- needs ORCH-3 row deleted-in-db", "- needs ORCH-2 row deleted-in-md"]
    items = [item(f"T-{number}") for number in range(10)]
    make_markdown(project / QUEUE, items)
    (project / DB).unlink(missing_ok=True)
    make_database(project / DB, items)
    run("baseline")
    run("baseline", "export", "base.jsonl")
    make_markdown(project / QUEUE, items[:2])
    assert run("drift", "--base", "base.jsonl") == run("drift")
    assert run("drift", "--base", "base.jsonl").out.splitlines()[-1].startswith("stop other-queue-md: 8 of 10 ")


def test_a_plan_with_an_exported_baseline_is_applied(project: Path, run: Run) -> None:
    """To the queue that it is of: there it is compared and set, and the baseline in the database advances."""
    run("baseline")
    run("baseline", "export", "base.jsonl")
    _move(project)
    shutil.copy(project / DB, project / "copy.db")
    execute(project / "copy.db", "DROP TABLE queue_baseline; DROP TABLE queue_baselines")
    planned = run("reconcile", "plan", "--db", "copy.db", "--base", "base.jsonl", "-o", "plan.json")
    assert planned.code == 1
    refused = run("reconcile", "apply", "plan.json", "--db", "copy.db")
    assert refused == (5, "", "error: no baseline: run `ops-checks baseline` first, which changes neither queue\n")
    assert run("reconcile", "apply", "plan.json").code == 0
    assert run("drift") == (0, "drift ok total=3 base=b-2\n", "")


@every_database
def test_a_baseline_of_another_queue(project: Path, run: Run) -> None:
    """It is a safety stop, told by `drift` and refused to a plan; to look all the same takes --max-removed."""
    run("baseline")
    run("baseline", "export", "base.jsonl")
    _move(project)
    execute(project / DB, "UPDATE queue_baselines SET queue_id = 'q-other'")
    found = run("drift", "--base", "base.jsonl")
    stop = "other-queue-db: the baseline is of another queue than the database: name the right pair"
    assert (found.code, found.out.splitlines()[-1].startswith(f"stop {stop}")) == (1, True)
    refused = run("reconcile", "plan", "--base", "base.jsonl", "-o", "plan.json")
    assert (refused.code, refused.out, refused.err.startswith(f"error: {DB}: {stop}")) == (5, "", True)
    assert run("import", "--base", "base.jsonl").code == 5
    assert run("reconcile", "plan", "--base", "base.jsonl", "--max-removed", "3", "-o", "plan.json").code == 1
    plan_id = json.loads((project / "plan.json").read_text())["plan_id"]
    refused = run("reconcile", "apply", "plan.json")
    assert refused == (5, "", f"error: the plan {plan_id} is of another queue: make one of this queue\n")


@every_database
def test_where_a_baseline_is_exported_to(project: Path, run: Run) -> None:
    """Over an older export, never over an input or something else; nothing is half written."""
    missing = run("baseline", "export", "base.jsonl")
    assert missing == (3, "", f"error: {DB}: no baseline: run `ops-checks baseline` first\n")
    run("baseline")
    for _ in range(2):
        assert run("baseline", "export", "base.jsonl").code == 0
    (project / "notes.txt").write_text("mine")
    before = everything(project)
    for path in (QUEUE, f"{QUEUE}.lock", "ops-checks.yaml", "notes.txt"):
        assert run("baseline", "export", path).code == 4
    assert run("baseline", "export", "no/such/folder").code == 3
    execute(project / DB, "UPDATE queue_baseline SET task = 'other' WHERE item_id = 'ORCH-3'")
    changed = everything(project)
    assert run("baseline", "export", "base.jsonl").code == 3
    assert run("baseline", "export", "new.jsonl").code == 3
    assert everything(project) == changed
    assert changed.keys() == before.keys()


def test_a_baseline_is_not_exported_over_its_database(project: Path, run: Run) -> None:
    """It is an input like the document."""
    run("baseline")
    before = everything(project)
    assert run("baseline", "export", DB).code == 4
    assert everything(project) == before


@pytest.mark.parametrize("words", ["export", "show x", "record x", "x"])
def test_what_is_no_action(project: Path, run: Run, words: str) -> None:
    """It is a usage error."""
    assert run("baseline", *words.split()).code == 4


@every_database
def test_git_is_not_asked_by_its_configuration(project: Path, run: Run) -> None:
    """An alias or a helper of the repository is not run."""
    _commit(project)
    for key in ("core.fsmonitor", "core.pager", "alias.rev-parse"):
        subprocess.run(["git", "config", key, "!touch ran"], cwd=project, check=True)
    assert run("drift", "--base", "git:HEAD").code == 0
    assert not (project / "ran").exists()


def test_where_the_document_was(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base knows its document by the path in the repository, else from the database: another one is a remark."""

    def recorded() -> str:
        run("baseline")
        return str(select(project / DB, "SELECT md_path FROM queue_baselines ORDER BY id DESC LIMIT 1")[0][0])

    assert recorded() == "../QUEUE.md"
    _commit(project)
    assert run("drift") == (0, "drift ok total=3 base=b-1\n", "")
    assert recorded() == QUEUE
    monkeypatch.chdir(project / "automation")
    assert run("drift", "--queue", "orchestrator/QUEUE.md", "--db", "orchestrator/db/queue.db").err == ""
    monkeypatch.chdir(project)
    shutil.copytree(project / "automation", project / "else\nwhere")
    moved = "else\nwhere/orchestrator/QUEUE.md"
    found = run("drift", "--queue", moved, "--db", DB)
    remark = (
        f"note: else\\nwhere/orchestrator/QUEUE.md: the baseline was recorded of {QUEUE}: look whether it is the same\n"
    )
    assert found == (0, "drift ok total=3 base=b-2\n", remark)
    planned = run("reconcile", "plan", "--queue", moved, "--db", DB)
    assert (planned.code, planned.err) == (0, remark)


def test_two_clones_have_the_same_path(project: Path, run: Run) -> None:
    """The database goes with the clone, or is copied: the document in it is the same one."""
    _commit(project)
    run("baseline")
    shutil.copytree(project, project / "clone")
    (project / "clone/ops-checks.yaml").unlink()
    clone = ["--queue", f"clone/{QUEUE}", "--db", f"clone/{DB}"]
    assert run("drift", *clone) == (0, "drift ok total=3 base=b-1\n", "")
    (project / "link.md").symlink_to(project / QUEUE)
    assert run("drift", "--queue", "link.md", "--db", DB).err == ""
