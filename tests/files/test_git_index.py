"""Git's lock is found and waited for, not for ever, and nothing of git's is written (SAFETY "Writing", "git")."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from builders import digest

from ops_checks.files import git_index
from ops_checks.files.git_index import GitIndex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Clock:
    """A clock that moves only when somebody sleeps; `then` is called once, at the first sleep."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self.now_s = 2_000_000_000.0
        self.slept_s = 0.0
        self._then = then

    def time(self) -> float:
        """Return the time."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds
        self.slept_s += seconds
        then, self._then = self._then, lambda: None
        then()


def git(folder: Path, *words: str) -> None:
    """Run git in a folder."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def aged(git_folder: Path, clock: Clock, seconds: float) -> None:
    """Let the last change of a folder of git's lie so many seconds back."""
    os.utime(git_folder, (clock.now_s - seconds,) * 2)


@pytest.fixture(params=["main", "worktree", "submodule", "below"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Return a document in a work tree of each kind, and the folder of its index."""
    main = tmp_path / "main"
    main.mkdir()
    git(main, "init", "-q")
    git(main, "commit", "-q", "--allow-empty", "-m", "x")
    match request.param:
        case "worktree":
            git(main, "worktree", "add", "-q", str(tmp_path / "tree"))
            return tmp_path / "tree" / "QUEUE.md", main / ".git" / "worktrees" / "tree"
        case "submodule":
            inner = tmp_path / "main" / "inner"
            git(main, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(main), "inner")
            return inner / "QUEUE.md", main / ".git" / "modules" / "inner"
        case "below":
            (main / "a" / "b").mkdir(parents=True)
            return main / "a" / "b" / "QUEUE.md", main / ".git"
    return main / "QUEUE.md", main / ".git"


def test_a_lock_is_waited_for(place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """While git holds its lock nothing is done; when it is gone there is nothing to say."""
    document, folder = place
    lock = folder / "index.lock"
    clock = Clock(lock.unlink)
    monkeypatch.setattr(git_index, "time", clock)
    lock.touch()
    aged(folder, clock, 60)
    index = GitIndex(str(document))
    assert index.busy()
    index.wait()
    aged(folder, clock, 60)
    assert (index.busy(), index.remarks, lock.exists()) == (False, [], False)
    assert 0 < clock.slept_s < 0.3


@pytest.mark.parametrize(
    ("age_s", "words"),
    [(-5, "0s"), (42.5, "44s"), (7 * 60, "7m"), (3 * 3600 + 59 * 60, "3h"), (50 * 3600, "2d")],
)
def test_a_lock_that_stays_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age_s: float, words: str) -> None:
    """An editor open on a commit message, or a crash, holds it for hours: after two seconds it is told, once."""
    git(tmp_path, "init", "-q")
    clock = Clock()
    monkeypatch.setattr(git_index, "time", clock)
    lock = tmp_path / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (clock.now_s - age_s,) * 2)
    aged(tmp_path / ".git", clock, 60)
    before = digest(tmp_path)
    index = GitIndex(str(tmp_path / "QUEUE.md"))
    for _ in range(3):
        index.wait()
        index.settle()
    assert 2 <= clock.slept_s < 2.1
    assert index.remarks == [
        f"{lock}: has been there for {words}, so that git is at work or was interrupted: went on after 2 s"
    ]
    assert (index.busy(), digest(tmp_path)) == (False, before)


def test_between_two_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment after git has changed something it may be about to write files: that is waited for as well."""
    git(tmp_path, "init", "-q")
    clock = Clock()
    monkeypatch.setattr(git_index, "time", clock)
    aged(tmp_path / ".git", clock, 0.02)
    index = GitIndex(str(tmp_path / "QUEUE.md"))
    assert index.at_work()
    index.settle()
    assert 0.05 < clock.slept_s < 0.1
    assert (index.at_work(), index.remarks) == (False, [])


@pytest.mark.parametrize(
    "pointer", [None, b"", b"gitdir: nowhere\n", b"gitdir:", b"\xff\x00", b"x" * 100_000, "folder"]
)
def test_no_work_tree(tmp_path: Path, pointer: bytes | str | None) -> None:
    """Without git, or with something else under its name, nothing is waited for."""
    if pointer == "folder":
        (tmp_path / ".git").mkdir()
        os.utime(tmp_path / ".git", (0, 0))
    elif isinstance(pointer, bytes):
        (tmp_path / ".git").write_bytes(pointer)
    index = GitIndex(str(tmp_path / "QUEUE.md"))
    index.wait()
    index.settle()
    assert (index.at_work(), index.remarks) == (False, [])
