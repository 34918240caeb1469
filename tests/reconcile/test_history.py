"""Git tells whether the document is newer than the base, what came back, and who changed a cell (RECONCILE 3, 14)."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from builders import document, item
from git_projects import TZ_MINUTES, GitProject, program, rows_of

from ops_checks.reconcile import history as history_module
from ops_checks.reconcile.blame import Blame, blame_line
from ops_checks.reconcile.history import DocumentHistory

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.model import Item

ONE = {"ORCH-1": ["priority"]}
ELSEWHERE = "sha256:" + "0" * 64


def digest_of(path: Path) -> str:
    """Return the digest of a document as a base records it."""
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def rows(*priorities: str) -> list[Item]:
    """Return items ORCH-1, ORCH-2, … with these priorities."""
    return [item(f"ORCH-{number}", priority=priority) for number, priority in enumerate(priorities, 1)]


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    """Return a repository without a commit."""
    return GitProject(tmp_path / "project")


class Base:
    """A base as it is recorded of a project now."""

    def __init__(self, project: GitProject) -> None:
        self.commit = project.head
        self.digest = digest_of(project.queue)


def lineage(project: GitProject, base: Base, **options: float) -> tuple[str, str]:
    """Return the lineage of a base."""
    with project.history(**options) as history:
        return tuple(history.lineage(base.commit, base.digest))


def test_the_base_is_older_than_the_commit_checked_out(project: GitProject) -> None:
    """Then the document came after it, whatever it holds by now."""
    project.commit(rows("P1"))
    base = Base(project)
    assert lineage(project, base) == ("ok", "")
    project.commit(rows("P0"))
    project.write(rows("P2"))
    assert lineage(project, base) == ("ok", "")
    project.git("checkout", "-q", "--detach")
    assert lineage(project, base) == ("ok", "")


def test_an_older_checkout_and_another_branch_are_unknown(project: GitProject) -> None:
    """The document may be older than the base: its differences are no moves."""
    project.commit(rows("P2"))
    project.git("checkout", "-q", "-b", "other")
    other = project.commit(rows("P0"))
    project.git("checkout", "-q", "main")
    project.commit(rows("P1"))
    base = Base(project)
    message = f"the baseline's commit {base.commit[:7]} is not in the history of the commit that is checked out"
    for checkout in ("HEAD~1", other):
        project.git("checkout", "-q", checkout)
        assert lineage(project, base) == ("unknown", message)


@pytest.mark.parametrize("way", ["rebase", "squash", "amend", "cherry-pick"])
def test_a_history_written_anew_still_holds_the_version(project: GitProject, way: str) -> None:
    """After a squash or a rebase the version is found by its bytes; what moved is looked for from there on."""
    project.commit(rows("P2"))
    project.git("checkout", "-q", "-b", "side")
    project.commit(rows("P1"))
    base = Base(project)
    project.git("checkout", "-q", "main")
    (project.folder / "other").write_text("x")
    project.commit()
    match way:
        case "rebase":
            project.git("checkout", "-q", "side")
            project.git("rebase", "-q", "main")
        case "squash":
            project.git("merge", "-q", "--squash", "side")
            project.commit(subject="squashed")
        case "cherry-pick":
            project.git("cherry-pick", "side")
        case "amend":
            project.git("checkout", "-q", "side")
            project.git("commit", "-q", "--amend", "-m", "amended")
    assert project.head != base.commit
    assert lineage(project, base) == ("ok", "")
    project.commit(rows("P0"))
    project.commit(rows("P1"))
    with project.history() as history:
        assert history.touched(base.commit, base.digest, ONE, project.now()) == {("ORCH-1", "priority")}
    base.commit = "0" * 40  # as in a clone, which has only what is left of it
    with project.history() as history:
        assert history.touched(base.commit, base.digest, ONE, project.now()) == {("ORCH-1", "priority")}
    lost = Base(project)
    lost.commit, lost.digest = base.commit, ELSEWHERE
    assert lineage(project, lost)[0] == "unknown"


def test_bytes_from_before_the_base_are_not_it(project: GitProject) -> None:
    """Where the base's commit is still there, a move before it is no move since."""
    project.commit(rows("P1"))
    project.commit(rows("P0"))
    project.commit(rows("P1"))
    base = Base(project)
    project.git("commit", "-q", "--amend", "-m", "amended")
    assert lineage(project, base) == ("ok", "")
    assert touched(project, base) == set()
    project.git("checkout", "-q", "HEAD~2")
    assert lineage(project, base) == ("ok", "")
    assert touched(project, base) == set()
    project.git("checkout", "-q", "main~1")
    assert lineage(project, base)[0] == "unknown"


def test_line_ends_that_git_converts(project: GitProject) -> None:
    """The base saw CRLF, and git keeps LF: it is the same version."""
    project.git("config", "core.autocrlf", "true")
    project.commit(document(rows("P1")).replace("\n", "\r\n"))
    base = Base(project)
    project.git("commit", "-q", "--amend", "-m", "amended")
    assert b"\r" not in project.git("cat-file", "-p", "HEAD:QUEUE.md").encode()
    assert lineage(project, base) == ("ok", "")


def test_no_git_at_all(tmp_path: Path) -> None:
    """Without git there is nothing to go by, unless the base had a commit."""
    (tmp_path / "QUEUE.md").write_text(document(rows("P1")))
    with DocumentHistory(str(tmp_path / "QUEUE.md"), zone=TZ_MINUTES) as history:
        assert history.head is None
        assert history.lineage(None, ELSEWHERE) == ("no-git", "")
        assert history.lineage("0" * 40, ELSEWHERE) == ("unknown", "not in a git repository")
        assert history.touched(None, ELSEWHERE, ONE, {}) == frozenset()
        assert blame_line("md", history.blame(ONE, {})["ORCH-1", "priority"]) == "md: unknown (not in a git repository)"
        assert history.remarks == []


def test_git_that_never_had_the_document(project: GitProject) -> None:
    """Nothing is committed, or not the document: no checkout has changed it."""
    project.write(rows("P1"))
    digest = digest_of(project.queue)
    with project.history() as history:
        assert history.head is None
        assert history.lineage(None, digest) == ("no-git", "")
        assert history.lineage("0" * 40, digest) == (
            "unknown",
            "nothing is committed, and the baseline names a commit",
        )
        line = blame_line("md", history.blame(ONE, project.now())["ORCH-1", "priority"])
        assert line == "md: unknown (not in git's last commit)"
    (project.folder / ".gitignore").write_text("QUEUE.md\n")
    first = project.commit()
    project.git("checkout", "-q", "--orphan", "other")
    project.commit()
    with project.history() as history:
        assert history.head == project.head
        assert history.lineage(None, digest) == ("no-git", "")
        assert history.lineage(first, digest) == ("no-git", "")
        assert history.touched(first, digest, ONE, project.now()) == frozenset()
        line = blame_line("md", history.blame(ONE, project.now())["ORCH-1", "priority"])
        assert line == "md: unknown (not in git's last commit)"


def test_a_base_from_before_the_first_commit(project: GitProject) -> None:
    """It has no commit, and is found by its bytes once they are committed."""
    project.write(rows("P1"))
    digest = digest_of(project.queue)
    project.commit()
    project.commit(rows("P0"))
    with project.history() as history:
        assert history.lineage(None, digest) == ("ok", "")
        message = "the baseline's document is not in the history of the commit that is checked out"
        assert history.lineage(None, ELSEWHERE) == ("unknown", message)


@pytest.mark.parametrize(
    "commit", ["", "HEAD", "--all", "main", "x" * 40, "0" * 40, "0" * 64, "\x1b[31m\n", "HEAD^{/x}"]
)
def test_a_commit_that_is_none(project: GitProject, commit: str) -> None:
    """What a damaged base names as its commit is never handed to git as anything else."""
    project.commit(rows("P1"))
    with project.history() as history:
        found = history.lineage(commit, ELSEWHERE)
    assert found.state == "unknown"
    assert found.message.isprintable()


def test_a_shallow_history(project: GitProject, tmp_path: Path) -> None:
    """What the clone has counts; where it ends before the base, the message says how to get the rest."""
    project.commit(rows("P2", "P2"))
    old = Base(project)
    project.commit(rows("P1", "P2"))
    base = Base(project)
    project.commit(rows("P1", "P0"))
    clone = GitProject(tmp_path / "clone")
    clone.git("fetch", "-q", "--depth=2", f"file://{project.folder}", "main")
    clone.git("checkout", "-q", "-B", "main", "FETCH_HEAD")
    advice = "the history is shallow and ends before the baseline: git fetch --unshallow"
    assert lineage(clone, base) == ("ok", "")
    assert lineage(clone, old) == ("unknown", advice)
    base.commit = old.commit
    assert lineage(clone, base) == ("ok", "")
    with clone.history() as history:
        blames = history.blame({"ORCH-1": ["priority"], "ORCH-2": ["priority"]}, clone.now())
    lines = [blame_line("md", blame, "QUEUE.md") for blame in blames.values()]
    assert lines == [
        f"md: at or before {clone.git('rev-parse', 'HEAD~1')[:7]} QUEUE.md:7",
        f"md: {clone.head[:7]} (JM, 2026-02-09 01:03) QUEUE.md:8",
    ]
    clone.git("fetch", "-q", "--unshallow", f"file://{project.folder}", "main")
    assert lineage(clone, old) == ("ok", "")


def test_too_many_versions(project: GitProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan must not depend on how many a machine reads before it gives up: over the limit it is unknown."""
    monkeypatch.setattr("ops_checks.reconcile.lineage.MOST_VERSIONS", 3)
    project.commit(rows("P1"))
    base = Base(project)
    for number in range(3):
        project.commit(rows(f"P{number % 2 * 2}"))
    assert lineage(project, base) == ("ok", "")
    project.commit(rows("P1"))
    assert lineage(project, base) == ("unknown", "over 3 versions since the baseline")
    base.commit, base.digest = "0" * 40, ELSEWHERE
    assert lineage(project, base) == ("unknown", "over 3 versions, none of them the baseline's")
    with project.history() as history:
        assert history.touched(base.commit, base.digest, ONE, project.now()) == frozenset()


def touched(project: GitProject, base: Base, wanted: dict[str, list[str]] | None = None) -> set[tuple[str, str]]:
    """Return what moved and came back."""
    wanted = wanted or {"ORCH-1": ["priority", "claim", "notes", "row"], "ORCH-2": ["priority"]}
    with project.history() as history:
        found = set(history.touched(base.commit, base.digest, wanted, project.now()))
        assert history.remarks == []
    return found


def test_there_and_back(project: GitProject) -> None:
    """A unit that left its base in a commit and came back counts, also if the way back is not committed."""
    project.commit(rows("P1", "P1"))
    base = Base(project)
    assert touched(project, base) == set()
    project.commit(rows("P0", "P1"))
    project.write(rows("P1", "P1"))
    assert touched(project, base) == {("ORCH-1", "priority")}
    project.commit(rows("P1", "P1"))
    assert touched(project, base) == {("ORCH-1", "priority")}
    assert touched(project, base, {"ORCH-2": ["priority"], "ORCH-9": ["priority"]}) == set()
    assert touched(project, Base(project)) == set()


def test_what_was_before_the_base_is_no_move(project: GitProject) -> None:
    """Apply's own edit, committed later, and what the base saw uncommitted."""
    project.commit(rows("P2", "P1"))
    base = Base(project)  # and then priority P1 was agreed, in a document that is not committed yet
    project.commit(rows("P2", "P0"))
    project.commit(rows("P1", "P0"))
    assert touched(project, base) == {*()}
    project.commit(rows("P1", "P1"))
    assert touched(project, base) == {("ORCH-2", "priority")}


def test_a_side_branch_without_effect_counts(project: GitProject) -> None:
    """Git leaves out a merged branch that changed nothing in the end: who worked on it did see the move."""
    project.commit(rows("P1"))
    base = Base(project)
    project.git("checkout", "-q", "-b", "side")
    project.commit(rows("P0"))
    project.commit(rows("P1"))
    project.git("checkout", "-q", "main")
    (project.folder / "other").write_text("x")
    project.commit()
    project.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    assert touched(project, base) == {("ORCH-1", "priority")}


def test_an_old_branch_that_never_had_the_base_does_not_count(project: GitProject) -> None:
    """It only carries the value from before along."""
    project.commit(rows("P2", "P1"))
    project.git("checkout", "-q", "-b", "old")
    project.git("checkout", "-q", "main")
    project.commit(rows("P1", "P1"))
    base = Base(project)
    project.git("checkout", "-q", "old")
    project.commit(document(rows("P2", "P1")) + "\nmore prose\n")
    project.git("checkout", "-q", "main")
    project.commit("<!-- x -->\n\n" + document(rows("P1", "P1")))
    project.git("merge", "-q", "--no-ff", "-m", "merge", "old")
    assert touched(project, base) == set()


def test_a_form_is_no_move_and_a_lost_row_has_no_value(project: GitProject) -> None:
    """Blanks, other rows and other units do not count, nor does a row that was taken out and put back."""
    project.commit(rows("P1", "P1"))
    base = Base(project)
    text = document(rows("P1", "P0"))
    project.commit(text.replace("| P1 |", "|   P1|").replace("| ORCH-2", "|ORCH-2"))
    project.commit(document([rows("P1", "P0")[1]]))
    project.commit(document(rows("P1", "P0")[::-1]))
    assert touched(project, base, {"ORCH-1": ["priority"]}) == set()


def test_versions_that_are_no_queue_are_passed_over(project: GitProject) -> None:
    """And that is told; what is around them counts."""
    project.commit(rows("P1"))
    base = Base(project)
    broken = project.commit("<<<<<<< x\n")
    project.commit(rows("P0"))
    project.commit(rows("P1"))
    with project.history() as history:
        assert history.touched(base.commit, base.digest, ONE, project.now()) == {("ORCH-1", "priority")}
        assert history.remarks == [f"{project.queue}: versions in git that are no readable queue: 1 ({broken[:7]}, …)"]


def test_if_git_fails_while_moves_are_looked_for_all_count(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A person is asked: a move back must not be undone because a version could not be read."""
    project.commit(rows("P1"))
    base = Base(project)
    project.commit(rows("P1", "P1"))
    git = shutil.which("git")
    program(tmp_path / "bin/git", f'case "$*" in *cat-file*) exit 1;; *) exec {git} "$@";; esac')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with project.history() as history:
        assert history.lineage(base.commit, base.digest).state == "ok"
        assert history.touched(base.commit, base.digest, ONE, project.now()) == {("ORCH-1", "priority")}
        assert history.remarks == [
            f"{project.queue}: its versions since the baseline cannot be read (git stopped): asked about each move"
        ]
        assert history.blame(ONE, project.now())["ORCH-1", "priority"] == Blame("unknown", subject="git stopped")


def lines(project: GitProject, wanted: dict[str, list[str]], **options: float) -> list[str]:
    """Return the lines of blame for units, in order."""
    with project.history(**options) as history:
        found = history.blame(wanted, project.now())
        assert list(found) == [(item_id, unit) for item_id, units in wanted.items() for unit in units]
        return [blame_line("md", blame, "QUEUE.md") for blame in found.values()]


def test_blame_is_of_the_cell_and_not_of_the_line(project: GitProject) -> None:
    """Who touched the notes last did not set the priority."""
    project.commit([item(), item("ORCH-2")])
    first = project.head[:7]
    project.commit([item(priority="P0"), item("ORCH-2")], "raise", GIT_AUTHOR_NAME="김철수")
    raised = project.head[:7]
    project.commit([item(priority="P0", notes="x"), item("ORCH-2")])
    noted = project.head[:7]
    project.write("<!-- new -->\n" + document([item(priority="P0", notes="x", status="BLOCKED"), item("ORCH-2")]))
    assert lines(project, {"ORCH-1": ["priority", "notes", "claim", "task", "row"], "ORCH-2": ["priority"]}) == [
        f"md: {raised} (김철수, 2026-02-09 01:02) QUEUE.md:8",
        f"md: {noted} (JM, 2026-02-09 01:03) QUEUE.md:8",
        "md: uncommitted QUEUE.md:8",
        f"md: {first} (JM, 2026-02-09 01:01) QUEUE.md:8",
        f"md: {first} (JM, 2026-02-09 01:01) QUEUE.md:8",
        f"md: {first} (JM, 2026-02-09 01:01) QUEUE.md:9",
    ]


def test_blame_of_a_row_that_is_gone(project: GitProject) -> None:
    """It is the commit in which it vanished, or nobody's yet; one that never was is nobody's."""
    project.commit(rows("P1", "P1", "P1"))
    project.commit(rows("P1", "P1"))
    removed = project.head[:7]
    project.commit(rows("P0", "P1"))
    project.write(rows("P0"))
    assert lines(project, {"ORCH-3": ["row", "priority"], "ORCH-2": ["row"], "ORCH-9": ["row"]}) == [
        f"md: removed in {removed} (JM, 2026-02-09 01:02)",
        f"md: removed in {removed} (JM, 2026-02-09 01:02)",
        "md: uncommitted",
        "md: unknown (no version that can be read has it)",
    ]


def test_blame_goes_into_the_branch_that_a_cell_came_from(project: GitProject) -> None:
    """And to the merge itself for what it made up, or left out."""
    begin = rows(*["P1"] * 60)
    project.commit(begin)
    first = project.head[:7]

    def with_priority(items: list[Item], number: int, priority: str) -> list[Item]:
        return [each.with_cells([("priority", priority)]) if n == number else each for n, each in enumerate(items, 1)]

    project.git("checkout", "-q", "-b", "side")
    theirs = with_priority(begin, 1, "P0")
    project.commit([*theirs, item("ORCH-99")])
    side = project.head[:7]
    project.git("checkout", "-q", "main")
    ours = with_priority(begin, 30, "P2")
    project.commit(ours)
    main = project.head[:7]
    project.git("merge", "-q", "--no-ff", "--no-commit", "side", check=False)
    project.commit(with_priority(with_priority(with_priority(begin, 1, "P0"), 30, "P2"), 60, "P0"), "merge")
    merge = project.head[:7]
    found = lines(project, {f"ORCH-{number}": ["priority"] for number in (1, 30, 60, 2)} | {"ORCH-99": ["row"]})
    assert [line.split()[1] for line in found] == [side, main, merge, first, "removed"]
    assert found[4].startswith(f"md: removed in {merge} ")


def test_blame_passes_versions_that_cannot_be_read(project: GitProject) -> None:
    """The cell is followed through a broken version, also through a row that is broken or stands twice."""
    project.commit(rows("P1", "P1"))
    first = project.head[:7]
    text = document(rows("P1", "P0"))
    project.commit(text.replace("| ORCH-1 | PENDING", "| ORCH-1 | OPEN"))
    second = project.head[:7]
    row = next(line for line in text.splitlines() if "ORCH-1 " in line)
    project.commit(text.replace(row, f"{row}\n{row}"))
    project.commit("nothing\n")
    project.commit(rows("P1", "P0"))
    found = lines(project, {"ORCH-1": ["priority"], "ORCH-2": ["priority"]})
    assert [line.split()[1] for line in found] == [first, second]
    project.commit(rows("P2", "P0"))
    changed = project.head[:7]
    project.commit("nothing\n")
    project.commit(rows("P2", "P2"))
    found = lines(project, {"ORCH-1": ["priority"], "ORCH-2": ["priority"]})
    assert [line.split()[1] for line in found] == [changed, project.head[:7]]


def test_a_history_that_begins_unreadable(project: GitProject) -> None:
    """Before the first version that can be read anything may have been."""
    project.commit("nothing\n")
    first = project.commit(rows("P1"))
    assert lines(project, ONE) == [f"md: at or before {first[:7]} QUEUE.md:7"]


def test_limits_of_blame(project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So many versions, and so long: then it is known only from when on at the latest."""
    for number in range(5):
        project.commit(rows("P1", f"P{number % 3}"))
    monkeypatch.setattr(history_module, "MOST_BLAMED", 3)
    third = project.git("rev-parse", "HEAD~2")[:7]
    wanted = {"ORCH-1": ["priority"], "ORCH-2": ["priority"]}
    assert lines(project, wanted) == [
        f"md: at or before {third} QUEUE.md:7",
        f"md: {project.head[:7]} (JM, 2026-02-09 01:05) QUEUE.md:8",
    ]
    assert lines(project, ONE, blame_s=0.0) == ["md: unknown (git took too long)"]
    git = shutil.which("git")
    script = (
        f'case "$*" in *cat-file*--batch*) head -1 | {git} cat-file --batch; sleep 1000;; *) exec {git} "$@";; esac'
    )
    program(tmp_path / "bin/git", script)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        assert lines(project, ONE, silent_s=1.0) == [f"md: at or before {project.head[:7]} QUEUE.md:7"]


def test_a_document_that_was_renamed(project: GitProject) -> None:
    """Its history begins with its present name."""
    (project.folder / "OLD.md").write_text(document(rows("P1")))
    project.commit()
    base = project.head
    project.git("mv", "OLD.md", "QUEUE.md")
    renamed = project.commit()
    assert lines(project, ONE) == [f"md: {renamed[:7]} (JM, 2026-02-09 01:02) QUEUE.md:7"]
    with project.history() as history:
        assert history.lineage(base, ELSEWHERE).state == "ok"


def test_a_large_document_is_read_as_a_stream(project: GitProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is the same, whatever the size."""
    monkeypatch.setattr("ops_checks.reconcile.versions._WHOLE_BYTES", 10)
    begin = rows(*["P1"] * 2000)
    project.commit(begin)
    first = project.head[:7]
    project.commit([*begin[:-1], begin[-1].with_cells([("priority", "P0")])])
    found = lines(project, {"ORCH-1": ["priority"], "ORCH-2000": ["priority"]})
    assert [line.split()[1] for line in found] == [first, project.head[:7]]


def test_a_repository_that_hangs_is_asked_once(project: GitProject) -> None:
    """Objects behind a pipe that nobody writes to: one wait is enough for everything."""
    project.commit(rows("P1"))
    os.mkfifo(project.folder / ".git/objects/info/alternates")
    with project.history(silent_s=0.5) as history:
        assert history.lineage(None, ELSEWHERE) == ("unknown", "git took too long")
        assert history.blame(ONE, project.now())["ORCH-1", "priority"] == Blame("unknown", subject="git took too long")
        assert history.head is None


def test_now_may_hold_more_than_is_wanted(project: GitProject) -> None:
    """Whoever compared the queues has rows that nobody asks about."""
    project.commit(rows("P1", "P1"))
    with project.history() as history:
        assert history.blame({}, rows_of(project.queue)) == {}
        assert history.touched(project.head, ELSEWHERE, {}, rows_of(project.queue)) == frozenset()
