"""A log file to blocks of whole lines, in bounded memory whatever the file is."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Protocol

from ops_checks.atomic import let_go
from ops_checks.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import BinaryIO

#: Hears how many more bytes of a log, as it lies on the disk, were read.
Advance = Callable[[int], object]

#: So much is read and decoded at a time: it stays in the processor's cache, and the allocator
#: gives the memory of the last block again (from 128 KiB on it asks the system for new pages).
BLOCK = 1 << 16
#: A longer line is malformed; it is passed over without being held.
LONGEST_LINE = 16 << 20

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@contextmanager
def opened(path: str) -> Iterator[int]:
    """Open a log and give its descriptor. Raises InputError for what is no readable regular file; never waits."""
    descriptor = _open(path)
    try:
        yield descriptor
    finally:
        let_go(descriptor)


def _open(path: str) -> int:
    if not path:
        raise InputError("the path of the run log is empty; name the log that the runs append to")
    try:
        _check_kind(path, os.stat(path).st_mode)
        # Between the look and the opening a FIFO may have taken the file's place: O_NONBLOCK keeps that from waiting.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:
        raise InputError(f"{path!r}: no run log has such a path; name the log that the runs append to") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        _check_kind(path, os.fstat(descriptor).st_mode)
    except InputError:
        let_go(descriptor)
        raise
    return descriptor


def _check_kind(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = next((name for is_kind, name in _KINDS if is_kind(mode)), "no regular file")
        raise InputError(f"{path}: is {what}, not a run log; name the file that the runs append to")


def _unreadable(path: str, error: OSError) -> InputError:
    if error.errno == errno.ENOENT:
        return InputError(f"{path}: there is no such run log; name the file that the runs append to")
    if error.errno == errno.EACCES:
        return InputError(f"{path}: may not be read by this user; allow it to read the log")
    return InputError(f"{path}: cannot be read: {error.strerror}; name a readable run log")


def compression(path: str, descriptor: int) -> str | None:
    """Return `gzip` or `zstd` where a log is compressed, by its name or its first bytes, else None."""
    head = piece(path, descriptor, 4, 0)
    if path.endswith(".gz") or head.startswith(_GZIP):
        return "gzip"
    return "zstd" if path.endswith(".zst") or head == _ZSTD else None


def reader(
    path: str, descriptor: int, start: int, stop: int, size: int = BLOCK, advance: Advance | None = None
) -> Callable[[], bytes]:
    """Return a function that gives the next bytes of a part of an open file, `b""` at the end.

    `start` and `stop` are byte offsets. A file that was shortened meanwhile ends early. `advance`
    is told how many bytes were read.
    """
    at = start

    def read() -> bytes:
        nonlocal at
        chunk = piece(path, descriptor, min(size, stop - at), at)
        at += len(chunk)
        if advance:
            advance(len(chunk))
        return chunk

    return read


def piece(path: str, descriptor: int, size: int, at: int) -> bytes:
    """Return so many bytes of an open file from an offset on, fewer where it ends. Raises InputError."""
    try:
        return os.pread(descriptor, size, at)
    except OSError as error:
        raise _unreadable(path, error) from None


@contextmanager
def unpacked(
    path: str, descriptor: int, how: str, size: int = BLOCK, advance: Advance | None = None
) -> Iterator[Callable[[], bytes]]:
    """Give a function that reads the next bytes of a compressed log, `b""` at the end.

    `advance` is told how many of the compressed bytes were used up.

    It raises InputError for data that is damaged or ends too early.
    """
    if not os.fstat(descriptor).st_size:
        raise InputError(f"{path}: is empty, and so holds no {how} data; name a whole compressed log")
    with os.fdopen(os.dup(descriptor), "rb") as packed:
        open_stream, damages = _unpacker(path, how)
        with closing(open_stream(packed)) as stream:

            def read() -> bytes:
                before = packed.tell()
                try:
                    return stream.read(size)
                except EOFError:
                    raise InputError(f"{path}: its {how} data ends too early; name a whole compressed log") from None
                except damages as error:
                    what = f"its {how} data is damaged ({error})"
                    raise InputError(f"{path}: {what}; name a whole compressed log") from None
                finally:
                    if advance:
                        advance(packed.tell() - before)

            yield read


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def _unpacker(path: str, how: str) -> tuple[Callable[[BinaryIO], _Stream], tuple[type[Exception], ...]]:
    """Return what opens a compressed stream, and the errors that damaged data raises."""
    if how == "gzip":
        import zlib
        from gzip import GzipFile

        return (lambda packed: GzipFile(fileobj=packed, mode="rb")), (OSError, zlib.error)
    try:
        zstd = _zstd()
    except ImportError:
        raise InputError(f"{path}: reading .zst logs takes one more package: pip install 'ops-checks[zst]'") from None
    return zstd.ZstdFile, (OSError, zstd.ZstdError)


def _zstd() -> ModuleType:
    """Return the standard library's zstd module (Python 3.14), or its backport."""
    from importlib import import_module

    try:
        return import_module("compression.zstd")
    except ImportError:
        return import_module("backports.zstd")


class WholeLines:
    """The bytes of a log as blocks of whole lines, each block ending with a line break.

    In place of a line longer than `longest` there is None. After the last block, `torn` says
    whether bytes without a line break were left over, and were left out.
    """

    def __init__(self, read: Callable[[], bytes], longest: int = LONGEST_LINE) -> None:
        self._read = read
        self._longest = longest
        self.torn = False

    def __iter__(self) -> Iterator[bytes | None]:
        kept: list[bytes | memoryview] = []
        held = 0
        while chunk := self._read():
            end = chunk.rfind(b"\n") + 1
            if end and held + chunk.find(b"\n") > self._longest:
                yield None
                kept, held = [chunk[chunk.find(b"\n") + 1 : end]], 0
            elif end:
                kept.append(memoryview(chunk)[:end])
            if end:
                block = b"".join(kept)
                if block:
                    yield block
                kept, held = [], 0
            rest = chunk[end:]
            held += len(rest)
            kept.append(rest)
            if held > self._longest:  # of such a line nothing needs to be kept but its length
                kept = []
        self.torn = held > 0
