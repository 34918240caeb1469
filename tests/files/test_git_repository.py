"""Versions of a document come out of git whatever its repository is, and nothing of it runs (RECONCILE section 14)."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import digest
from git_projects import GitProject, program

from ops_checks.files.git_discovery import NoRepository
from ops_checks.files.git_process import GitError, GitTimeoutError
from ops_checks.files.git_repository import GitRepository, open_repository

if TYPE_CHECKING:
    from collections.abc import Callable


REAL_GIT = shutil.which("git")


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let temporary folders be made where they can be seen."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def opened(path: Path, **options: float) -> GitRepository:
    """Return the repository around a document, which must be there."""
    repository = open_repository(str(path), **options)
    assert isinstance(repository, GitRepository), repository
    return repository


def refused(path: Path | str, **options: float) -> NoRepository:
    """Return why there is no repository around a document."""
    repository = open_repository(str(path), **options)
    assert isinstance(repository, NoRepository)
    return repository


def contents(path: Path) -> list[bytes | None]:
    """Return the versions of a document, newest first."""
    with opened(path) as repository:
        versions = repository.versions(most=100)
        found = repository.documents(version.commit for version in versions)
        return [None if content is None else b"".join(content.blocks) for _, content in found]


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    """Return a repository with two versions of a queue."""
    project = GitProject(tmp_path / "project")
    project.commit("one\n")
    project.commit("two\n")
    return project


@pytest.mark.parametrize("path", ["QUEUE.md", "a/b/QUEUE.md", "대기열/큐 *[x] :(top)\x1b'.md", "-q/--all"])
def test_versions_of_a_document_at_any_path(tmp_path: Path, path: str) -> None:
    """A path is a path and never a pattern or an option."""
    project = GitProject(tmp_path, path)
    (tmp_path / "other").write_text("other\n")
    project.commit("one\n")
    project.commit(subject="empty")
    project.commit("two\n")
    assert contents(project.queue) == [b"two\n", b"one\n"]
    assert opened(project.queue).path == path


def test_a_path_with_a_star_is_of_one_document(tmp_path: Path) -> None:
    """A commit that changed another file, which the path as a pattern would name, is no version."""
    project = GitProject(tmp_path, "*.md")
    first = project.commit("one\n")
    (tmp_path / "other.md").write_text("other\n")
    project.commit()
    with opened(project.queue) as repository:
        assert [version.commit for version in repository.versions(most=9)] == [first]


def test_a_line_break_in_the_path_is_said(tmp_path: Path) -> None:
    """Git's answers are lines, so that such a path cannot be told from two."""
    project = GitProject(tmp_path, "a\nb/QUEUE.md")
    project.commit("one\n")
    assert refused(project.queue).reason == "a line break in its path"
    assert refused(GitProject(tmp_path / "x\ny").queue).reason == "a line break in its path"


def test_worktree_submodule_and_detached_head(project: GitProject, tmp_path: Path) -> None:
    """Where `.git` is a file, it leads to the repository; a commit that is checked out needs no branch."""
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"), "HEAD~1")
    assert contents(tmp_path / "tree" / "QUEUE.md") == [b"one\n"]
    outer = GitProject(tmp_path / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(project.folder), "inner")
    assert contents(outer.folder / "inner" / "QUEUE.md") == [b"two\n", b"one\n"]


def test_sha256_objects(tmp_path: Path) -> None:
    """The other object format is read too."""
    project = GitProject(tmp_path, "QUEUE.md", "--object-format=sha256")
    head = project.commit("one\n")
    assert len(head) == 64
    assert contents(project.queue) == [b"one\n"]
    assert opened(project.queue).is_ancestor(head, head)


def test_objects_that_another_repository_lends(project: GitProject, tmp_path: Path) -> None:
    """A clone that shares its objects has all versions."""
    project.git("clone", "-q", "--shared", str(project.folder), str(tmp_path / "clone"))
    assert not list((tmp_path / "clone/.git/objects").glob("??"))
    assert contents(tmp_path / "clone" / "QUEUE.md") == [b"two\n", b"one\n"]


def test_packed_refs_and_objects(project: GitProject) -> None:
    """It makes no difference how git keeps them."""
    project.git("gc", "-q", "--aggressive", "--prune=now")
    project.git("commit-graph", "write", "--reachable", "--changed-paths")
    assert contents(project.queue) == [b"two\n", b"one\n"]


def test_a_shallow_clone_ends_where_it_ends(project: GitProject, tmp_path: Path) -> None:
    """What is not there is not asked for, and the clone is known to be shallow."""
    project.git("clone", "-q", "--depth=1", f"file://{project.folder}", str(tmp_path / "clone"))
    document = tmp_path / "clone" / "QUEUE.md"
    assert contents(document) == [b"two\n"]
    with opened(document) as repository:
        assert repository.is_shallow
        assert repository.shallow == {project.head}
    assert not opened(project.queue).is_shallow


def test_a_symlinked_document_has_the_history_of_its_target(project: GitProject, tmp_path: Path) -> None:
    """As every writer of the document goes to the target."""
    (tmp_path / "link.md").symlink_to(project.queue)
    assert contents(tmp_path / "link.md") == [b"two\n", b"one\n"]
    (tmp_path / "outside.md").write_text("x")
    (project.folder / "in.md").symlink_to(tmp_path / "outside.md")
    assert refused(project.folder / "in.md").absent


def test_variables_of_a_hook_do_not_count(project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document's own folder decides, not what git has set for its hook."""
    other = GitProject(tmp_path / "other")
    other.commit("other\n")
    for name, path in {"GIT_DIR": ".git", "GIT_WORK_TREE": ".", "GIT_INDEX_FILE": ".git/index"}.items():
        monkeypatch.setenv(name, str(other.folder / path))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", "/nowhere")
    assert contents(project.queue) == [b"two\n", b"one\n"]


def test_inside_a_real_hook(project: GitProject, tmp_path: Path) -> None:
    """A check in a pre-commit hook sees the commit that is checked out, not the one being made."""
    out = tmp_path / "out"
    code = (
        "from ops_checks.files.git_repository import open_repository; "
        "r = open_repository('QUEUE.md'); print(r.head, len(r.versions(most=9))); r.close()"
    )
    program(project.folder / ".git/hooks/pre-commit", f'env > {out}.env; {sys.executable} -c "{code}" > {out}')
    head = project.head
    project.commit("three\n")
    assert out.read_text() == f"{head} 2\n"
    assert "GIT_INDEX_FILE" in (tmp_path / "out.env").read_text()


def test_no_repository(tmp_path: Path, project: GitProject) -> None:
    """What is no repository is told from one that cannot be read."""
    assert refused(tmp_path / "QUEUE.md") == NoRepository("not in a git repository", absent=True)
    assert refused(tmp_path / "missing" / "QUEUE.md").absent
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    assert refused(tmp_path / "empty" / "QUEUE.md").absent
    assert refused("\0").reason == "the repository cannot be read (embedded null byte)"
    assert refused(project.folder / ".git" / "QUEUE.md").reason == "a bare repository, or a folder that is no work tree"
    project.git("config", "core.bare", "true")
    assert refused(project.queue).reason == "a bare repository, or a folder that is no work tree"


def test_a_repository_that_git_does_not_understand(project: GitProject) -> None:
    """Git's own words are the reason."""
    project.git("config", "core.repositoryFormatVersion", "99")
    assert "99" in refused(project.queue).reason
    (project.folder / ".git/config").write_text("[core\x1b]0;x\n")
    assert refused(project.queue).reason.startswith("bad config line 1")
    assert not refused(project.queue).absent


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    """There is nothing to read in it, which is no failure."""
    project = GitProject(tmp_path)
    project.write("one\n")
    with opened(project.queue) as repository:
        assert repository.head is None
        assert repository.versions(most=9) == []


def test_a_damaged_branch_is_no_missing_one(project: GitProject) -> None:
    """HEAD without a commit is a beginning only if its branch is not there yet."""
    (project.folder / ".git/refs/heads/main").write_text("damaged\n")
    assert refused(project.queue) == NoRepository("a branch is damaged, and HEAD names no commit")
    (project.folder / ".git/refs/heads/main").unlink()
    assert opened(project.queue).head is None


def test_another_owner_is_named_with_the_setting(
    project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever trusts the repository says so in git's settings, as for git itself, and then it is read."""
    if os.geteuid() == 0:
        for path in (project.folder, project.folder / ".git"):
            os.chown(path, 12345, 12345)
    else:  # nobody else can give a folder away: this git says what git would say
        says = 'echo "fatal: detected dubious ownership" >&2; exit 128'
        fake = f'case "$*" in *rev-parse*) [ -n "$HOME" ] || {{ {says}; }};; esac'
        program(tmp_path / "bin/git", f'{fake}\nexec {REAL_GIT} "$@"')
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.delenv("HOME", raising=False)
    refusal = refused(project.queue)
    assert "safe.directory" in refusal.reason
    assert not refusal.absent
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.gitconfig").write_text("[safe]\n\tdirectory = *\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert contents(project.queue) == [b"two\n", b"one\n"]


def test_git_is_missing(project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without git has a repository that cannot be read."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(project.queue) == NoRepository("git is not installed")


@pytest.mark.parametrize("folders", [".", "", "bin", "./bin:"])
def test_a_program_git_of_the_repository_is_never_run(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, folders: str
) -> None:
    """Git runs in the document's folder, where a relative folder of PATH leads into the repository."""
    for path in ("git", "bin/git"):
        program(project.folder / path, f"touch {project.folder}/ran")
    monkeypatch.setenv("PATH", f"{folders}:{os.environ['PATH']}")
    monkeypatch.chdir(project.folder)
    assert contents(project.queue) == [b"two\n", b"one\n"]
    assert not (project.folder / "ran").exists()


def test_nothing_is_written_and_nothing_stays(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The repository stays as it is, and our own git directory goes."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = digest(project.folder)
    contents(project.queue)
    assert digest(project.folder) == before
    assert list((tmp_path / "temporary").iterdir()) == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert refused(project.queue).reason.startswith("the repository cannot be read")


def test_ancestors(project: GitProject) -> None:
    """Only whole ids of commits that are there are asked for."""
    new, old = project.head, project.git("rev-parse", "HEAD~1")
    with opened(project.queue) as repository:
        assert repository.is_ancestor(old, new)
        assert repository.is_ancestor(new, new)
        assert not repository.is_ancestor(new, old)
        for other in ("", "HEAD", old[:7], "0" * 40, "--all", old + "\n", old.upper() + "x", old + "^"):
            assert not repository.is_ancestor(other, new)


def test_a_merge_leads_to_the_parent_that_the_document_came_from(project: GitProject) -> None:
    """Side branches without an effect are left out, unless they are asked for."""
    begin = project.head
    project.git("checkout", "-q", "-b", "side")
    project.commit("three\n")
    side = project.commit("two\n")
    project.git("checkout", "-q", "main")
    (project.folder / "other").write_text("x")
    project.commit()
    project.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    with opened(project.queue) as repository:
        assert repository.versions(most=9)[0].commit in {begin, side}
        every = {version.commit for version in repository.versions(most=9, since=begin, side_branches=True)}
        assert side in every
        assert project.git("rev-parse", f"{side}~1") in every
        assert begin not in every


def test_a_document_that_came_and_went(project: GitProject) -> None:
    """A commit that took the document out is a version without one, and is told from one that cannot be read."""
    project.queue.unlink()
    gone = project.commit()
    project.queue.mkdir()
    (project.queue / "x").write_text("x")
    folder = project.commit()
    with opened(project.queue) as repository:
        assert not repository.has_document(gone)
        assert repository.has_document(folder)
        found = {commit: content and content.kind for commit, content in repository.documents([gone, folder])}
        assert found == {gone: None, folder: "tree"}
        with pytest.raises(GitError):
            repository.has_document("0" * 40)


def test_blocks_that_nobody_read_are_skipped(project: GitProject) -> None:
    """The next version is the next version, however much of the last one was read."""
    project.commit(b"x" * 1_000_000 + b"\n")
    with opened(project.queue) as repository:
        versions = [version.commit for version in repository.versions(most=9)] * 50
        sizes = [content.size for _, content in repository.documents(versions) if content]
        firsts = [next(content.blocks)[:3] for _, content in repository.documents(versions) if content]
    assert sizes == [1_000_001, 4, 4] * 50
    assert firsts == [b"xxx", b"two", b"one"] * 50


@pytest.mark.parametrize("script", ["{}", "{} & wait", "exec {}", "trap '' TERM; {}", "({})"])
def test_a_git_that_hangs_ends(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    """However it hangs, what it started ends with it."""
    child = program(tmp_path / "child", f"echo $$ > {tmp_path}/pid; while :; do sleep 1; done")
    program(tmp_path / "bin/git", script.format(child))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert refused(project.queue, silent_s=0.5).reason == "git took too long"
    if (tmp_path / "pid").exists():  # on a busy machine it may not have come so far
        assert any(is_gone(int((tmp_path / "pid").read_text())) for _ in range(100_000))


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, also if nobody has asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return True


def test_a_parent_that_ignores_its_children_learns_nothing(project: GitProject) -> None:
    """Every command would seem to succeed, and every base to be an ancestor."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert refused(project.queue).reason.startswith("SIGCHLD is ignored")
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_git_that_hangs_at_first_ends(project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is made to read the repository takes no longer than reading it may, and does not stay."""
    program(tmp_path / "bin/git", f'case "$*" in *init*) sleep 1000;; esac; exec {REAL_GIT} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert refused(project.queue, silent_s=0.5).reason == "git took too long"
    assert list(tmp_path.glob("ops-checks-git-*")) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda repository: repository.is_ancestor(repository.head, repository.head),
        lambda repository: repository.versions(most=9),
        lambda repository: repository.has_document(repository.head),
        lambda repository: list(repository.documents([repository.head])),
        lambda repository: list(repository.commits([repository.head])),
    ],
)
def test_a_git_that_hangs_later_ends(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ask: Callable[[GitRepository], object]
) -> None:
    """Each command has its own time."""
    program(tmp_path / "bin/git", f'[ -e {tmp_path}/hang ] && sleep 1000; exec {REAL_GIT} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with opened(project.queue) as repository:
        (tmp_path / "hang").touch()
        repository._silent_s = 0.05
        with pytest.raises(GitTimeoutError):
            ask(repository)


@pytest.mark.parametrize("script", ["yes", "yes >&2", "exit 3", "kill -9 $$", "echo"])
def test_a_git_that_says_nonsense(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    """Too much, too little, or nothing to the point: there is no history to read."""
    program(tmp_path / "bin/git", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert refused(project.queue).reason


@pytest.mark.parametrize("script", ["yes", "printf x", "cat", "head -c 99999 /dev/zero", "echo HEAD missing", "exit"])
def test_answers_that_are_none(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    """What git says of an object is either that or a failure."""
    program(tmp_path / "bin/git", f'case "$*" in *cat-file*) {script};; *) exec {REAL_GIT} "$@";; esac')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with opened(project.queue, silent_s=5) as repository, pytest.raises(GitError):
        list(repository.documents([project.head]))


def test_a_missing_object_of_a_partial_clone(project: GitProject, tmp_path: Path) -> None:
    """What was not fetched is not there, and is not fetched now."""
    project.git("config", "uploadpack.allowFilter", "true")
    project.git("clone", "-q", "--filter=blob:none", f"file://{project.folder}", str(tmp_path / "clone"))
    assert contents(tmp_path / "clone" / "QUEUE.md") == [b"two\n", None]
    with opened(tmp_path / "clone" / "QUEUE.md") as repository:
        assert repository.has_document(project.git("rev-parse", "HEAD~1"))


def test_damaged_objects(project: GitProject) -> None:
    """A version that git cannot read is a failure, or a version that is not there."""
    blob = project.git("rev-parse", "HEAD~1:QUEUE.md")
    path = project.folder / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    with opened(project.queue) as repository:
        commits = [version.commit for version in repository.versions(most=9)]
        found = []
        with suppress(GitError):
            found += [content and b"".join(content.blocks) for _, content in repository.documents(commits)]
        assert found in ([], [b"two\n", None])
