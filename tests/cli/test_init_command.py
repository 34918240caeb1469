"""`init` as its users meet it: from one side of a queue, in a project, below one, in a work tree of git."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from builders import digest, execute, item, make_database, make_markdown, select
from git_projects import GitProject

from ops_checks.policy.loader import load_policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

OPS = "automation/orchestrator/ops.py"
QUEUE = "automation/orchestrator/QUEUE.md"
DB = "automation/orchestrator/db/queue.db"
LOG = "automation/orchestrator/logs/orch_runs.jsonl"
SCHEMA = "automation/orchestrator/policy.schema.json"
POLICY = "ops-checks.yaml"
ITEMS = [item("T-1"), item("T-2", "IN_PROGRESS", owner_session="s1", started_at_kst="2026-01-01 10:00")]
BASELINE = "baseline b-1 agreed=2 unagreed=0\n"


def listed(kept: str, made: str) -> str:
    """Return what is listed where one side was there and the other was made."""
    paths = [f"made {path}" for path in (OPS, kept, LOG, SCHEMA, POLICY)]
    paths[1] = f"kept {kept}"
    return "".join(f"{line}\n" for line in [*paths, f"made {made}"]) + BASELINE


@pytest.mark.parametrize("name", ["QUEUE.md", "tasks.txt", "queue.db", QUEUE])
def test_from_a_document(folder: Path, run: Run, name: str) -> None:
    """Two commands lead from one's own document to a finding, whatever its name is; the policy remembers it."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    make_markdown(folder / name, ITEMS)
    content = (folder / name).read_bytes()
    assert run("init", "--from", name) == (0, listed(name, DB), "")
    found = run("kpi", "--fail-on-alert")
    assert (found.code, found.out.splitlines()[-1]) == (2, "alert stale_in_progress=1 exceeds 0")
    assert run("consistency-check", "--fields", "all").out == "consistency ok total=2\n"
    assert run("drift").out == "drift ok total=2 base=b-1\n"
    assert (folder / name).read_bytes() == content
    assert load_policy(POLICY).queue == (None if name == QUEUE else name)


@pytest.mark.parametrize("name", ["queue.db", "store", "QUEUE.md", DB])
def test_from_a_database(folder: Path, run: Run, name: str) -> None:
    """So does one's own database; the document names it where people read about it."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    make_database(folder / name, ITEMS)
    assert run("init", "--from", name) == (0, listed(name, QUEUE), "")
    assert run("consistency-check", "--fields", "all").out == "consistency ok total=2\n"
    assert run("drift").out == "drift ok total=2 base=b-1\n"
    assert f"same queue in\n`{name}`" in (folder / QUEUE).read_text()
    assert load_policy(POLICY).db == (None if name == DB else name)


def test_the_other_side_goes_where_it_is_named(folder: Path, run: Run) -> None:
    """`--db` and `--queue` name the side that is made, folders included, and a new policy remembers it."""
    make_markdown(folder / "Q.md", ITEMS)
    told = run("--db", "data/new/q.db", "init", "--from", "Q.md")
    assert told == (0, listed("Q.md", "data/new/q.db"), "")
    assert run("consistency-check").out == "consistency ok total=2\n"
    (folder / POLICY).unlink()
    told = run("init", "--from", str(folder / "data/new/q.db"), "--queue", str(folder / "View.md"))
    assert (told.code, told.err) == (0, "")
    assert run("consistency-check").out == "consistency ok total=2\n"
    policy = load_policy(POLICY)
    assert (policy.queue, policy.db) == ("View.md", "data/new/q.db")
    assert not (folder / QUEUE).exists()
    assert not (folder / DB).exists()


def test_plain_init_obeys_them_too(folder: Path, run: Run) -> None:
    """What is named is made there and nowhere else, and remembered."""
    told = run("init", "--queue", "Q.md", "--db", "d/q.db")
    assert told.out.splitlines()[1:3] == ["made Q.md", "made d/q.db"]
    assert run("consistency-check") == (0, "consistency ok total=0\n", "")
    assert not (folder / QUEUE).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "Q.md", "--queue", "other.md"), "--queue other.md: --from names another one, Q.md"),
        (("--from", "Q.md", "--demo"), "argument --demo: not allowed with argument --from"),
        (("--from", ""), "argument --from: expected a path"),
    ],
)
def test_options_that_cannot_both_hold(folder: Path, run: Run, arguments: tuple[str, ...], message: str) -> None:
    """No option is dropped in silence: usage, and nothing is made."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS)
    before = digest(folder)
    told = run("init", *arguments)
    assert (told.code, told.out) == (4, "")
    assert message in told.err
    assert digest(folder) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "error: source: no such queue: name a queue document or a queue database\n"),
        (b"", "error: source: is empty, neither a document nor a database: restore it from git or a copy\n"),
        (b"# nothing\n", "error: source: no queue table: expected one with the header id | status | "),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "error: source: is a Git LFS pointer"),
        (b"SQLite format 3\0" + b"\0" * 84, "error: source: "),
    ],
)
def test_a_source_that_is_none(folder: Path, run: Run, content: bytes | None, message: str) -> None:
    """What is no queue is named as what it is: exit 3, and nothing is made."""
    if content is not None:
        (folder / "source").write_bytes(content)
    before = digest(folder)
    told = run("init", "--from", "source")
    assert (told.code, told.out) == (3, "")
    assert told.err.startswith(message)
    assert digest(folder) == before


def test_a_second_time(folder: Path, run: Run) -> None:
    """What is there is never made again: refused, with what to do, and nothing changes."""
    make_markdown(folder / "QUEUE.md", ITEMS)
    run("init", "--from", "QUEUE.md")
    before = digest(folder)
    told = run("init", "--from", "QUEUE.md")
    assert (told.code, told.out) == (5, "")
    assert told.err == (
        f"error: {DB}: is there already, and is kept, because init --from makes only a side that is missing: name "
        "another place with --db, or run `ops-checks baseline` to record what both sides agree on\n"
    )
    assert digest(folder) == before


def test_below_a_project(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a project it is that one which is completed, its policy untouched, and no second one is made."""
    (folder / POLICY).write_text("queue: docs/Q.md\n")
    (folder / "docs" / "deep").mkdir(parents=True)
    make_markdown(folder / "docs/Q.md", ITEMS)
    monkeypatch.chdir(folder / "docs/deep")
    told = run("init", "--from", "../Q.md")
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines() == [
        f"made ../../{OPS}", "kept ../Q.md", f"made ../../{LOG}", f"made ../../{SCHEMA}", f"kept ../../{POLICY}",
        f"made ../../{DB}", BASELINE.strip(),
    ]  # fmt: skip
    assert os.listdir() == []
    assert (folder / POLICY).read_text() == "queue: docs/Q.md\n"
    assert run("consistency-check").out == "consistency ok total=2\n"
    assert run("init").out.count("kept ../../") == 6


def test_a_policy_that_names_another_queue(folder: Path, run: Run) -> None:
    """A policy that was there is kept, and what later commands would read in place of this queue is told."""
    make_markdown(folder / "Q.md", ITEMS)
    (folder / POLICY).write_text("timezone: '+00:00'\n")
    told = run("init", "--from", "Q.md")
    advice = f"give them --queue, or name it in {POLICY}"
    assert (told.code, told.err) == (0, f"note: Q.md: other commands read {QUEUE}: {advice}\n")
    assert select(folder / DB, "SELECT DISTINCT created_at FROM queue_items") == [("2026-01-01 15:00",)]


def test_the_environment_names_the_paths(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in the environment are where every command looks, so there the files are made."""
    monkeypatch.setenv("ORCH_QUEUE_MD", "Q.md")
    monkeypatch.setenv("ORCH_DB_PATH", "q.db")
    assert run("init").out.splitlines()[1:3] == ["made Q.md", "made q.db"]
    assert load_policy(POLICY).queue is None


@pytest.mark.parametrize("name", ["a b.md", "quo\"te'.md", "한국어.md", "#x: [y].md", "back\\slash.md", "yes", "1.5"])
def test_names_that_yaml_reads_otherwise(folder: Path, run: Run, name: str) -> None:
    """Whatever the document's name is, the policy says it so that it is read as that."""
    make_markdown(folder / name, ITEMS)
    assert run("init", "--from", name).err == ""
    assert load_policy(POLICY).queue == name
    assert run("consistency-check").code == 0


def test_a_name_that_no_policy_can_hold(folder: Path, run: Run) -> None:
    """The queue is found by an option then, and that is told."""
    name = "line\nbreak.md"
    make_markdown(folder / name, ITEMS)
    told = run("init", "--from", name)
    assert told.code == 0
    assert (
        told.err == f"note: line\\nbreak.md: other commands read {QUEUE}: give them --queue, or name it in {POLICY}\n"
    )


def test_a_name_of_bytes_that_are_no_text(folder: Path, run: Run) -> None:
    """A file may have any name that the system allows."""
    name = os.fsdecode(b"caf\xe9.md")
    try:
        make_markdown(folder / name, ITEMS)
    except OSError:
        pytest.skip("this file system allows no such name")
    (folder / ".git").mkdir()
    assert run("init", "--from", name).code == 0
    assert b"/caf\xe9.md.lock\n" in (folder / ".gitignore").read_bytes()
    assert run("consistency-check", "--queue-path", name).code == 0
    assert run("baseline", "--queue-path", name).code == 0


def test_a_journal_without_its_database(folder: Path, run: Run) -> None:
    """An empty database beside it would take over what is left in it: it is named, and no database is made."""
    (folder / DB).parent.mkdir(parents=True)
    (folder / f"{DB}-wal").write_bytes(b"newest rows")
    told = run("init")
    assert (told.code, told.out) == (3, "")
    assert told.err.startswith(f"error: {DB}: no such database, but {DB}-wal is there")
    assert not (folder / DB).exists()


def status(project: GitProject) -> list[str]:
    """Return the files that git would add."""
    return sorted(line[3:] for line in project.git("status", "--porcelain", "-uall").splitlines())


@pytest.mark.parametrize(
    "arguments", [(), ("--demo",), ("--from", "docs/Q.md"), ("--db", "my.db", "--queue", "docs/Q.md")]
)
def test_what_must_not_be_committed(folder: Path, run: Run, arguments: tuple[str, ...]) -> None:
    """In a work tree git offers to add what belongs to the project, and nothing that programs make beside it."""
    project = GitProject(folder)
    (folder / "docs").mkdir()
    make_markdown(folder / "docs/Q.md", ITEMS)
    told = run("init", *arguments)
    assert (told.code, told.err) == (0, "")
    assert "made .gitignore" in told.out.splitlines()
    db = "my.db" if "--db" in arguments else DB
    with_wal = folder / db
    execute(with_wal, "PRAGMA journal_mode = WAL")
    for suffix in ("-wal", "-shm", "-journal"):
        (folder / f"{db}{suffix}").touch()
    run("baseline")
    run("check", "-f", "json=report.json", "-f", "junit=gate.xml")
    (folder / ".ops-checks-0123456789abcdef.tmp").touch()
    queue = QUEUE if arguments in {(), ("--demo",)} else "docs/Q.md"
    assert status(project) == sorted({".gitignore", "docs/Q.md", queue, OPS, LOG, SCHEMA, POLICY})
    assert (folder / f"{queue}.lock").exists()
    before = (folder / ".gitignore").read_bytes()
    assert "kept .gitignore" in run("init").out
    assert (folder / ".gitignore").read_bytes() == before


def test_git_is_not_run(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository of somebody else could name programs to run; and there may be no git at all."""
    (folder / ".git").mkdir()
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setenv("PATH", "")
    assert "made .gitignore" in run("init").out


def test_a_gitignore_that_cannot_be_written(folder: Path, run: Run) -> None:
    """The project is made all the same."""
    (folder / ".git").mkdir()
    (folder / ".gitignore").symlink_to("elsewhere")
    told = run("init")
    assert (told.code, told.out.count("made ")) == (0, 6)
    assert told.err == (
        "note: .gitignore: is a symlink, which git does not follow: what must not be committed is not added to it\n"
    )


def test_names_of_reports_that_are_taken(folder: Path, run: Run) -> None:
    """A file that has the name of a report may be something else: git goes on offering it."""
    project = GitProject(folder)
    (folder / "queue.json").write_text("{}")
    run("init")
    assert "queue.json" in status(project)
    assert "/report.json" in (folder / ".gitignore").read_text().splitlines()


def test_what_lies_elsewhere_is_not_named(folder: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A database outside of the project's folder is no matter of its `.gitignore`."""
    (folder / ".git").mkdir()
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "q.db"
    assert run("init", "--db", str(elsewhere)).code == 0
    assert "q.db" not in (folder / ".gitignore").read_text()
    assert load_policy(POLICY).db == str(elsewhere)
