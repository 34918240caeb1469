"""Lines that many programs append to one file: none is mixed, none is lost, and nothing else is written to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from ops_checks.errors import OpsError, UsageError, WriteError
from ops_checks.files.append_line import append_line
from ops_checks.files.file_lock import take_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def is_numbers(head: bytes) -> bool:
    """Return whether a file is of the kind of these tests."""
    return head[:1].isdigit()


def append(path: Path | str, line: bytes, then: Callable[[int], object] = lambda _fd: None) -> None:
    """Append a line and wait for nobody."""
    append_line(str(path), line, "list", is_numbers, until=time.monotonic(), then=then)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b"1\n"),
        (b"", b"1\n"),
        (b"0\n", b"0\n1\n"),
        (b"0", b"0\n1\n"),  # whose writer was killed
        (b"0\n\n", b"0\n\n1\n"),
    ],
)
def test_a_line_begins_on_a_line_of_its_own(tmp_path: Path, before: bytes | None, after: bytes) -> None:
    """Whatever the file ends in; it is made if there is none."""
    path = tmp_path / "list"
    if before is not None:
        path.write_bytes(before)
    append(path, b"1\n")
    assert path.read_bytes() == after


def test_a_line_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line end that a killed writer left out, on a descriptor that only appends."""
    (tmp_path / "list").write_bytes(b"0")
    written = []

    def write(fd: int, data: bytes) -> int:
        written.append((data, bool(os.get_blocking(fd)), os.lseek(fd, 0, os.SEEK_CUR)))
        return original(fd, data)

    original = os.write
    monkeypatch.setattr(os, "write", write)
    append(tmp_path / "list", b"1\n", then=lambda fd: os.pwrite(fd, b"2\n", 0))  # it appends, wherever that is to go
    assert [data for data, *_ in written] == [b"\n1\n"]
    assert (tmp_path / "list").read_bytes() == b"0\n1\n2\n"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda path: path.write_text("# Q"),
            "{}: holds something else than a list, and is kept: name another file",
        ),
        (
            lambda path: path.symlink_to("/etc/hostname"),
            "{}: is a symlink, not a list: name the file itself, or another one",
        ),
        (lambda path: path.symlink_to("nowhere"), "{}: is a symlink, not a list: name the file itself, or another one"),
        (os.mkfifo, "{}: is no regular file, not a list: name the file itself, or another one"),
        (lambda path: path.mkdir(), "{}: is no regular file, not a list: name the file itself, or another one"),
    ],
)
def test_nothing_else_is_written_to(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    """What stands there stays, and the message says what it is; nobody waits for the other end of a FIFO."""
    path = tmp_path / "list"
    make(path)
    before = os.lstat(path)
    with pytest.raises(UsageError) as caught:
        append(path, b"1\n")
    assert caught.value.message == message.format(path)
    assert os.lstat(path).st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no/list", "no/list: its folder is not there: make it, or name another file"),
        ("/dev/null", "/dev/null: is no regular file, not a list: name the file itself, or another one"),
        ("a\0b", "a\\x00b: no list has such a path: name another file"),
    ],
)
def test_paths_that_lead_nowhere(path: str, message: str) -> None:
    """They are told before anything is made."""
    with pytest.raises(UsageError) as caught:
        append(path, b"1\n")
    assert caught.value.message == message


def test_who_holds_it_is_waited_for(tmp_path: Path) -> None:
    """And then named."""
    path = tmp_path / "list"
    held = take_lock(str(path), mode=0o600)
    assert held is not None
    with pytest.raises(
        WriteError, match=r"list: not written, because process \d+ \(.*\) holds it: try again when that"
    ):
        append(path, b"1\n")
    os.close(held)
    append(path, b"1\n")
    assert path.read_bytes() == b"1\n"


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        (lambda _fd, _data: 1, "written only in part: check the disk"),
        (
            OSError(28, "No space left on device"),
            "not written (No space left on device): check the path",
        ),
    ],
)
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: object, message: str) -> None:
    """It is told, and what was there is still there."""

    def write(fd: int, data: bytes) -> int:
        if isinstance(fails, OSError):
            raise fails
        return fails(fd, data)  # type: ignore[operator, no-any-return] # a row of the table

    (tmp_path / "list").write_bytes(b"0\n")
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OpsError, match=r"list: ") as caught:
        append(tmp_path / "list", b"1\n")
    assert message in caught.value.message
    assert (tmp_path / "list").read_bytes() == b"0\n"


def test_a_file_that_was_replaced_meanwhile(tmp_path: Path) -> None:
    """Who waits for the lock writes to the file that is there then, not to the one that was moved away."""
    path = tmp_path / "list"
    path.write_bytes(b"0\n")

    def replace(_fd: int) -> None:
        (tmp_path / "new").write_bytes(b"5\n")
        (tmp_path / "new").rename(path)

    append(path, b"1\n", then=replace)
    append(path, b"6\n")
    assert path.read_bytes() == b"5\n6\n"


#: Appends numbers of its own when it is told to begin, at every other writes the file anew, and tells each.
_WRITER = """
import os, sys, time
from ops_checks.files.append_line import append_line
from ops_checks.files.atomic_write import replace_file

path, first = sys.argv[1], int(sys.argv[2])

def rewrite(fd):
    replace_file(path, os.pread(fd, 1 << 20, 0), state=os.fstat(fd))

print("ready", flush=True)
sys.stdin.readline()
for number in range(first, first + 100):
    then = rewrite if number % 2 else lambda fd: None
    append_line(path, b"%d\\n" % number, "list", lambda _head: True, until=time.monotonic() + 60, then=then)
    print(number, flush=True)
"""


def test_processes_that_append_and_rewrite_at_once(tmp_path: Path) -> None:
    """Of four, two are killed: every line that was told is there, once and whole.

    One that was written and not told may be there too, at most one of each that was killed.
    """
    path = tmp_path / "list"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (1000, 2000, 3000, 4000)
    ]
    assert [writer.stdout.readline() for writer in writers if writer.stdout] == ["ready\n"] * 4
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    told = []
    for count, writer in enumerate(writers[:2], 5):
        assert writer.stdout is not None
        told += [writer.stdout.readline() for _ in range(count)]
        writer.kill()
    for writer in writers:
        assert writer.stdout is not None
        told += [line for line in writer.stdout if line.endswith("\n")]
        writer.communicate()
    found = path.read_text().splitlines(keepends=True)
    assert len(found) == len(set(found))
    assert set(told) <= set(found)
    assert len(set(found) - set(told)) <= 2
    assert len(told) >= 200 + 5 + 6
