"""A file is replaced whole or not at all, and stays the same kind of file."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops_checks.errors import ChangedError, WriteError
from ops_checks.files.atomic_write import _sweep, replace_file
from ops_checks.files.new_file import create_file
from ops_checks.files.safe_open import close_quietly


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return a file with some content, alone in a folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "QUEUE.md"
    path.write_bytes(b"old\r\n")
    return path


def names(path: Path) -> list[str]:
    """Return what lies beside the file, itself included."""
    return sorted(beside.name for beside in path.parent.iterdir())


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"", b""),
        (b"new", b"new"),
        ([], b""),
        ([b"a\r\n", b"", b"\xff\x00"], b"a\r\n\xff\x00"),
        ((b"%d," % number for number in range(3)), b"0,1,2,"),
        ([b"x" * 300_000, b"y"], b"x" * 300_000 + b"y"),
    ],
)
def test_content(target: Path, data, content: bytes):
    """The new content is exactly the bytes given, whole or in chunks, and nothing stays beside the file."""
    replace_file(str(target), data)
    assert target.read_bytes() == content
    assert names(target) == ["QUEUE.md"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o777, 0o604])
def test_mode_stays(target: Path, mode: int):
    """The mode stays, whatever the umask says."""
    target.chmod(mode)
    before = os.umask(0o077)
    try:
        replace_file(str(target), b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_owner_stays(target: Path):
    """Owner and group stay, and so do the mode bits that a change of owner clears."""
    os.chown(target, 12345, 23456)
    target.chmod(0o2755)
    replace_file(str(target), b"new")
    state = target.stat()
    assert (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) == (12345, 23456, 0o2755)


@pytest.mark.skipif(sys.platform != "linux", reason="extended attributes as Linux has them")
def test_user_attributes_stay(target: Path):
    """What a user noted on the file stays on it."""
    try:
        os.setxattr(target, "user.origin", b"handbook")
    except OSError:
        pytest.skip("this file system keeps no attributes")
    replace_file(str(target), b"new")
    assert os.getxattr(target, "user.origin") == b"handbook"


def test_symlink_stays(target: Path, tmp_path: Path):
    """A symlink stays one; the file it leads to is replaced, in that file's folder."""
    link = tmp_path / "link.md"
    link.symlink_to("folder/QUEUE.md")
    second = tmp_path / "second.md"
    second.symlink_to("link.md")
    replace_file(str(second), b"new")
    assert (second.is_symlink(), link.is_symlink(), target.is_symlink()) == (True, True, False)
    assert target.read_bytes() == b"new"
    assert names(link) == ["folder", "link.md", "second.md"]


def test_relative_path(target: Path, monkeypatch: pytest.MonkeyPatch):
    """A bare name is a file in the current folder."""
    monkeypatch.chdir(target.parent)
    replace_file("QUEUE.md", b"new")
    assert target.read_bytes() == b"new"


def test_long_name(target: Path):
    """A name as long as the system allows leaves room for the temporary one."""
    path = target.with_name("q" * 255)
    path.write_bytes(b"old")
    replace_file(str(path), b"new")
    assert path.read_bytes() == b"new"


def _hard_link(path: Path) -> None:
    path.with_name("other").hardlink_to(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_hard_link, "not written, because the file has 2 hard links and only this one would change"),
        (_folder, "not written, because it is not a regular file; name one"),
        (_pipe, "not written, because it is not a regular file; name one"),
        (_socket, "not written, because it is not a regular file; name one"),
        (_dangling, "not written (No such file or directory), the file is as it was"),
        (_loop, "not written (Too many levels of symbolic links), the file is as it was"),
        (Path.unlink, "not written (No such file or directory), the file is as it was"),
    ],
)
def test_refusals(target: Path, spoil, message: str):
    """What is no plain file of one name is refused at once, and nothing is created."""
    spoil(target)
    before = names(target)
    with pytest.raises(WriteError) as caught:
        replace_file(str(target), b"new")
    assert caught.value.message.startswith(f"{target}: {message}")
    assert names(target) == before


@pytest.mark.parametrize("path", ["", "a\0b", "\udc80", "no/such/folder/x", "x" * 5000])
def test_impossible_paths(path: str):
    """A path that no file can have is an error like any other, on one line."""
    with pytest.raises(WriteError, match=r"\A[^\n\0]*: not written[^\n\0]*\Z"):
        replace_file(path, b"new")


def test_failing_source_changes_nothing(target: Path):
    """When the content cannot be made, the original stands, and the reason passes through."""

    def chunks():
        yield b"new" * 200_000
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        replace_file(str(target), chunks())
    assert target.read_bytes() == b"old\r\n"
    assert names(target) == ["QUEUE.md"]


def test_interrupt_changes_nothing(target: Path):
    """An interrupt while writing leaves the original and no temporary file."""

    def chunks():
        yield b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(str(target), chunks())
    assert target.read_bytes() == b"old\r\n"
    assert names(target) == ["QUEUE.md"]


def test_temporary_file_is_private_until_it_is_whole(target: Path):
    """While it is written, the temporary file has the mode of the original: nobody reads what they may not."""
    target.chmod(0o640)
    seen = []

    def chunks():
        (beside,) = (path for path in target.parent.iterdir() if path != target)
        seen.append(stat.S_IMODE(beside.stat().st_mode))
        yield b"new"

    replace_file(str(target), chunks())
    assert seen == [0o640]


def test_planted_name_is_not_followed(target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A symlink under the temporary name is refused and stays, and the file it leads to is never made."""
    monkeypatch.setattr(os, "urandom", bytes)
    planted = target.with_name(".ops-checks-0000000000000000.tmp")
    planted.symlink_to(tmp_path / "victim")
    with pytest.raises(WriteError, match="File exists"):
        replace_file(str(target), b"new")
    assert planted.is_symlink()
    assert not (tmp_path / "victim").exists()
    assert target.read_bytes() == b"old\r\n"


def test_change_during_the_write_is_kept(target: Path):
    """A file that changes while the new content is written is not replaced."""

    def chunks():
        yield b"new"
        target.write_bytes(b"OLD\r\n")

    with pytest.raises(ChangedError, match="not written, because another program changed the file meanwhile; run"):
        replace_file(str(target), chunks())
    assert target.read_bytes() == b"OLD\r\n"
    assert names(target) == ["QUEUE.md"]


# What follows runs in a process of its own, because it takes rights or room away from it.

_REPLACE = """
import os, resource, sys
{prelude}
from ops_checks.files.atomic_write import replace_file
from ops_checks.errors import ChangedError, WriteError
try:
    replace_file(sys.argv[1], b"n" * 100_000)
except WriteError as error:
    print(error.message)
"""


def run(target: Path, prelude: str = "", *wrapper: str) -> subprocess.CompletedProcess[str]:
    """Replace the file in a process of its own, after some prelude, and return what it said."""
    command = [*wrapper, sys.executable, "-c", _REPLACE.format(prelude=prelude), str(target)]
    folder = Path(__file__).parents[2]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_no_room(target: Path):
    """When the disk takes only a part, the original stands and nothing stays beside it."""
    done = run(target, "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))")
    assert done.stdout.startswith(f"{target}: not written (File too large), the file is as it was")
    assert target.read_bytes() == b"old\r\n"
    assert names(target) == ["QUEUE.md"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("owner", "mode", "folder_mode", "message"),
    [
        (0, 0o666, 0o777, "not written (Operation not permitted), the file is as it was"),
        (54321, 0o444, 0o777, "not written, because this user may only read it; ask its owner"),
        (54321, 0o644, 0o555, "not written (Permission denied), the file is as it was"),
    ],
)
def test_rights(target: Path, owner: int, mode: int, folder_mode: int, message: str):
    """A file whose owner cannot be kept, or that is protected itself or by its folder, stays as it was."""
    for folder in (target.parent, *target.parent.parents[:-2]):  # below /tmp, all that leads here
        folder.chmod(0o755)
    target.parent.chmod(folder_mode)
    os.chown(target, owner, owner)
    target.chmod(mode)
    imports = "import ops_checks.files.atomic_write, ops_checks.errors"
    done = run(
        target, f"{imports}; os.setgroups([]); os.setresgid(54321, 54321, 54321); os.setresuid(54321, 54321, 54321)"
    )
    assert done.stdout.startswith(f"{target}: {message}"), done.stderr
    assert target.read_bytes() == b"old\r\n"
    assert names(target) == ["QUEUE.md"]


def traced(target: Path, calls: str, *options: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Replace the file under strace; return the run and the trace of the given system calls."""
    trace = target.parent.parent / "trace"
    done = run(target, "", "strace", "-f", "-o", str(trace), "-e", f"trace={calls}", *options)
    return done, trace.read_text()


@pytest.mark.needs("strace")
def test_order_on_disk(target: Path):
    """The content is on disk before the name leads to it, and the name is on disk before success is reported."""
    _, trace = traced(target, "fsync,rename,renameat,renameat2")
    ours = [line for line in trace.splitlines() if "fsync(" in line or ".ops-checks-" in line]  # coverage renames too
    calls = [line.split("(")[0].split()[-1].rstrip("2").removesuffix("at") for line in ours]
    assert calls == ["fsync", "rename", "fsync"]


@pytest.mark.needs("strace")
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EDQUOT"])
@pytest.mark.parametrize("call", ["fsync", "rename,renameat,renameat2", "fchmod"])
def test_fault(target: Path, call: str, error: str):
    """A fault of any step before the new name leaves the original and nothing beside it."""
    done, _ = traced(target, call, "-e", f"inject={call}:error={error}:when=1")
    assert ": not written (" in done.stdout
    assert target.read_bytes() == b"old\r\n"
    assert names(target) == ["QUEUE.md"]


@pytest.mark.needs("strace")
@pytest.mark.parametrize(("error", "said"), [("EIO", True), ("EINVAL", False)])
def test_fault_after_the_rename(target: Path, error: str, said: bool):  # noqa: FBT001 - a column of the table
    """When only the folder cannot be synced, the new content stands, and the error says what that means."""
    done, _ = traced(target, "fsync", "-e", f"inject=fsync:error={error}:when=2")
    assert ("written, but it may not survive a power cut" in done.stdout) is said
    assert target.read_bytes() == b"n" * 100_000
    assert names(target) == ["QUEUE.md"]


@pytest.mark.needs("strace")
@pytest.mark.parametrize(
    ("call", "when"),
    [("fchmod", 1), ("write", 1), ("fsync", 1), ("rename,renameat,renameat2", 1), ("fsync", 2), ("close", 3)],
)
def test_killed(target: Path, call: str, when: int):
    """A process that is killed at any step leaves the whole old content or the whole new."""
    done, _ = traced(target, call, "-e", f"inject={call}:signal=KILL:when={when}")
    assert done.returncode != 0
    assert target.read_bytes() in (b"old\r\n", b"n" * 100_000)
    assert len(names(target)) <= 2


def test_light():
    """Importing the module brings in nothing that an operator would wait for."""
    heavy = "pathlib tempfile shutil dataclasses typing random contextlib"
    code = f"import sys, ops_checks.files.atomic_write; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]"


def test_what_a_killed_program_left_long_ago_is_removed(target: Path):
    """A temporary file goes an hour after its program; a younger one, a link and a file of another name stay."""
    planted = [f".ops-checks-{digit * 16}.tmp" for digit in "012"]
    for name in (*planted[:2], ".ops-checks.md"):
        target.with_name(name).write_bytes(b"half")
    target.with_name(planted[2]).symlink_to(target)
    an_hour_ago = target.stat().st_mtime - 3700
    for name in (planted[0], planted[2], ".ops-checks.md"):
        os.utime(target.with_name(name), (an_hour_ago, an_hour_ago), follow_symlinks=False)
    replace_file(str(target), b"new")
    assert names(target) == [planted[1], planted[2], ".ops-checks.md", "QUEUE.md"]


def test_what_cannot_be_swept_stays(target: Path):
    """Sweeping is a courtesy: what goes wrong with it does not matter."""
    folder_fd = os.open(target.parent, os.O_RDONLY)
    _sweep(folder_fd, "gone.md")
    close_quietly(folder_fd)
    assert names(target) == ["QUEUE.md"]


def test_letting_go_says_nothing():
    """A descriptor that cannot be closed, for it is closed, is no error."""
    fd = os.open(os.devnull, os.O_RDONLY)
    close_quietly(fd)
    close_quietly(fd)


@contextmanager
def no_room():
    """Let no file grow beyond a few bytes: writing more fails as on a full disk, also what pytest itself writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(("write", "left"), [(create_file, []), (replace_file, [b"old"])])
def test_a_file_that_cannot_be_written_whole(tmp_path, write, left):
    """A new file is not there at all then, an existing one is as it was, and nothing is left beside it."""
    path = tmp_path / "file"
    for content in left:
        path.write_bytes(content)
    with no_room(), pytest.raises(WriteError, match="File too large"):
        write(str(path), b"x" * 1000)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == left


@pytest.mark.parametrize("changed", [False, True])
def test_a_new_file_whose_program_was_killed(target: Path, changed: bool):  # noqa: FBT001 - a column of the table
    """A file that still has its temporary name from when it was made has no second name, and can be replaced."""
    target.with_name(".ops-checks-0123456789abcdef.tmp").hardlink_to(target)
    seen = target.stat()
    if changed:
        target.write_bytes(b"OLD\r\n")
        with pytest.raises(ChangedError, match="another program changed"):
            replace_file(str(target), b"new", state=seen)
    else:
        replace_file(str(target), b"new", state=seen)
    assert target.read_bytes() == (b"OLD\r\n" if changed else b"new")
    assert names(target) == ["QUEUE.md"]


def test_a_second_name_that_stays_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file that has its name is made, even if its temporary name stays; the next version removes that."""
    path = tmp_path / "report.json"

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", failing)
        assert create_file(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 2
    replace_file(str(path), b"newer")
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]
