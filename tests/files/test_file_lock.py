"""A lock holds while its file has its name, and who holds it is named (SAFETY "Writing the Markdown queue")."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from ops_checks.errors import WriteError
from ops_checks.files.file_lock import lock_holders, lock_stands, take_lock

if TYPE_CHECKING:
    from pathlib import Path


def held(name: Path) -> int:
    """Take the lock and return its descriptor."""
    fd = take_lock(str(name), mode=0o664)
    assert fd is not None
    return fd


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    """A second holder gets None when the time is up, and the lock as soon as it is released."""
    name = tmp_path / "Q.md.lock"
    first = held(name)
    assert take_lock(str(name), mode=0o664, until=time.monotonic()) is None
    os.close(first)
    os.close(held(name))
    assert name.exists()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_mode(tmp_path: Path, umask: int) -> None:
    """The lock file has the mode that was asked for, less what the umask takes."""
    before = os.umask(umask)
    try:
        os.close(held(tmp_path / "lock"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o664 & ~umask


@pytest.mark.parametrize("how", ["removed", "replaced", "folder removed"])
def test_a_lock_file_that_is_taken_away(tmp_path: Path, how: str) -> None:
    """A lock on a file that has lost its name guards nothing, and the holder can find out."""
    folder = tmp_path / "folder"
    folder.mkdir()
    name = folder / "lock"
    fd = held(name)
    assert lock_stands(fd, str(name))
    name.unlink()
    if how == "replaced":
        name.touch()
    if how == "folder removed":
        folder.rmdir()
    assert not lock_stands(fd, str(name))
    os.close(fd)


def test_a_lock_file_that_is_taken_away_while_it_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gets the lock of a file that has just lost its name asks again."""
    name, real, calls = tmp_path / "lock", fcntl.flock, []

    def flock(fd: int, operation: int) -> None:
        if not calls:
            name.unlink()
        calls.append(operation)
        real(fd, operation)

    monkeypatch.setattr("fcntl.flock", flock)
    fd = held(name)
    assert (len(calls), lock_stands(fd, str(name))) == (2, True)
    os.close(fd)


def test_a_folder_that_nothing_may_be_made_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told is that, and not that there is no such file yet."""
    opened = os.open

    def refuse(name: str, flags: int, *rest: int) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return opened(name, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(WriteError, match=r"lock: the lock cannot be taken \(Permission denied\)"):
        take_lock(str(tmp_path / "lock"), mode=0o664)


@pytest.mark.parametrize("what", ["symlink", "folder", "fifo"])
def test_what_is_no_lock_file(tmp_path: Path, what: str) -> None:
    """A planted name is not followed and not waited for."""
    name = tmp_path / "lock"
    match what:
        case "symlink":
            name.symlink_to(tmp_path / "planted")
        case "folder":
            name.mkdir()
        case "fifo":
            os.mkfifo(name)
    with pytest.raises(WriteError, match="lock: the lock cannot be taken"):
        take_lock(str(name), mode=0o664)
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOLCK, "this file system has no locks"),
        (errno.ENOSYS, "this file system has no locks"),
        (errno.EOPNOTSUPP, "this file system has no locks"),
        (errno.EIO, "the lock cannot be taken"),
    ],
)
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    """What cannot be locked is an error that says so, never a change without a lock."""

    def flock(_fd: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(WriteError, match=words):
        take_lock(str(tmp_path / "lock"), mode=0o664)


def test_an_interrupt_releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between locking and returning leaves no descriptor open."""
    name = tmp_path / "lock"

    def interrupted(*_args: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("ops_checks.files.file_lock.lock_stands", interrupted)
    with pytest.raises(KeyboardInterrupt):
        take_lock(str(name), mode=0o664)
    monkeypatch.undo()
    os.close(held(name))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_lock_file_of_another_user(tmp_path: Path) -> None:
    """A lock file that may only be read can be locked."""
    name = tmp_path / "lock"
    name.touch(0o444)
    tmp_path.chmod(0o755)
    code = (
        "import os, sys; from ops_checks.files.file_lock import take_lock; os.setuid(65534); "
        "print(take_lock(sys.argv[1], mode=0o664) is not None)"
    )
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", code, str(name)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="where the system lists its locks")
def test_holders_are_named(tmp_path: Path) -> None:
    """The processes that hold a lock are named with their command lines; where there are none, nobody is."""
    name = tmp_path / "lock"
    code = "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, 2); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        other.stdout.readline()
        assert lock_holders(str(name), str(tmp_path / "none")).startswith(f"process {other.pid} (")
        other.communicate(b"\n")
    assert lock_holders(str(name)) == "another program"
