"""Regular files are opened without waiting, up to a size, with one set of messages; everything else is refused."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from ops_checks.errors import InputError, UsageError
from ops_checks.files import safe_open
from ops_checks.files.safe_open import FileKind, open_regular, read_regular, stat_regular

if TYPE_CHECKING:
    from collections.abc import Callable

KIND = FileKind("thing", "name a thing", most_bytes=10, wrong_path=UsageError)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _path: None, "x: no such thing: name a thing"),
        (Path.mkdir, "x: is a directory, not a thing: name a thing"),
        (os.mkfifo, "x: is a FIFO, not a thing: name a thing"),
        (_socket, "x: is a socket, not a thing: name a thing"),
        (lambda path: path.symlink_to("/dev/zero"), "x: is a device, not a thing: name a thing"),
        (
            lambda path: path.symlink_to(path.name),
            "x: cannot be opened (Too many levels of symbolic links): check the path and its permissions",
        ),
        (lambda path: path.write_bytes(b"x" * 11), "x: over 10 bytes, too large for a thing"),
    ],
)
@pytest.mark.parametrize("how", [stat_regular, open_regular, read_regular])
def test_what_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: Callable[[str, FileKind], object],
    make: Callable[[Path], object],
    message: str,
) -> None:
    """What is no regular file of a sensible size is one line that names it and what to do; no descriptor stays open."""
    monkeypatch.chdir(tmp_path)
    make(Path("x"))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(UsageError) as caught:
        how("x", KIND)
    assert caught.value.message == message
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("path", ["", "a\0b", "\udc80", "x" * 300])
def test_paths_that_no_file_has(path: str) -> None:
    """A path that no file can have is one line without control characters."""
    with pytest.raises(UsageError) as caught:
        read_regular(path, KIND)
    assert caught.value.message.isprintable()


def test_what_is_read(tmp_path: Path) -> None:
    """A regular file is read whole, a symlink to one too; an empty one is empty."""
    (tmp_path / "x").write_bytes(b"0123456789")
    (tmp_path / "link").symlink_to("x")
    (tmp_path / "empty").touch()
    assert [read_regular(str(tmp_path / name), KIND) for name in ("x", "link", "empty")] == [b"0123456789"] * 2 + [b""]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.write_bytes(b"x" * 11)])
def test_what_takes_the_place_after_the_first_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object]
) -> None:
    """A FIFO or a larger file that stands there when it is opened is refused too, and never waited for."""
    make(tmp_path / "x")
    monkeypatch.setattr(safe_open.os, "stat", lambda _path: SimpleNamespace(st_mode=stat.S_IFREG, st_size=0))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(UsageError, match=r"is a FIFO|over 10 bytes"):
        open_regular(str(tmp_path / "x"), KIND)
    assert os.listdir("/proc/self/fd") == before


def test_a_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is held when the file is read as well as when it is opened."""
    (tmp_path / "x").write_bytes(b"x" * 11)
    small = SimpleNamespace(st_mode=stat.S_IFREG, st_size=0)
    monkeypatch.setattr(safe_open.os, "stat", lambda _path: small)
    monkeypatch.setattr(safe_open.os, "fstat", lambda _fd: small)
    with pytest.raises(UsageError, match="over 10 bytes"):
        read_regular(str(tmp_path / "x"), KIND)


def test_a_failing_disk_is_the_systems_fault() -> None:
    """A read that fails is no wrong path, whatever the kind says of those."""
    with pytest.raises(InputError, match=r"/proc/self/mem: cannot be read \(Input/output error\): check the disk"):
        read_regular("/proc/self/mem", KIND)
