"""A log file to blocks of whole lines, in bounded memory whatever the file is."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager

from ops_checks.errors import InputError, install_extra
from ops_checks.files.safe_open import close_quietly, not_read, open_regular
from ops_checks.runlog.log_file import LOG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import BinaryIO, Protocol

    #: Called with the number of further bytes of a log that were read, compressed ones counted as on the disk.
    Advance = Callable[[int], object]

    class _Stream(Protocol):
        def read(self, size: int, /) -> bytes: ...

        def close(self) -> None: ...


#: Bytes that are read and decoded at a time: a block fits into the processor's cache, and the allocator reuses the
#: memory of the block before it (from 128 KiB on it asks the system for new pages).
BLOCK_BYTES = 1 << 16
#: A longer line is malformed, and its bytes are dropped as they are read.
LONGEST_LINE_BYTES = 16 << 20

#: What a packed log may unpack to: so many bytes, or so many for each byte of it, whichever is more. Ordinary logs
#: unpack to ten times their size, uniform ones to a hundred and thirty; a few kilobytes may be packed to hours of work.
MOST_UNPACKED_BYTES = 512 << 20
_MOST_RATIO = 50
#: A shorter line takes as long as one of so many bytes, and counts as one.
_LEAST_LINE_BYTES = 200

_FIRST_BYTES = 16

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


@contextmanager
def open_log(path: str) -> Iterator[int]:
    """Open a log and yield its descriptor. Never waits; raises InputError for anything but a readable regular file."""
    descriptor, _ = open_regular(path, LOG)
    try:
        yield descriptor
    finally:
        close_quietly(descriptor)


def detect_compression(path: str, descriptor: int) -> str | None:
    """Return `gzip` or `zstd` for a log that is compressed by its name or its first bytes, else None."""
    return detect_by(path, read_at(path, descriptor, 4, 0))


def detect_by(path: str, head: bytes) -> str | None:
    """Return what `detect_compression` returns, by a log's name and its first bytes."""
    if path.endswith(".gz") or head.startswith(_GZIP_MAGIC):
        return "gzip"
    return "zstd" if path.endswith(".zst") or head.startswith(_ZSTD_MAGIC) else None


def range_reader(
    path: str, descriptor: int, start: int, stop: int, size: int = BLOCK_BYTES, advance: Advance | None = None
) -> Callable[[], bytes]:
    """Return a function that returns the next bytes of an open file from offset `start` to `stop`, `b""` at the end.

    It returns at most `size` bytes at a time. A file that was shortened meanwhile ends early.
    """
    at = start

    def read() -> bytes:
        nonlocal at
        chunk = read_at(path, descriptor, min(size, stop - at), at)
        at += len(chunk)
        if advance:
            advance(len(chunk))
        return chunk

    return read


def read_at(path: str, descriptor: int, size: int, offset: int) -> bytes:
    """Return `size` bytes of an open file from an offset on, fewer where it ends. Raises InputError."""
    try:
        return os.pread(descriptor, size, offset)
    except OSError as error:
        raise not_read(path, error) from error


@contextmanager
def decompress(
    path: str, descriptor: int, compression: str, size: int = BLOCK_BYTES, advance: Advance | None = None
) -> Iterator[Callable[[], bytes]]:
    """Yield a function that returns the next bytes of a compressed log, at most `size`, and `b""` at the end.

    It raises InputError for data that is damaged or ends too early, or unpacks to more than MOST_UNPACKED_BYTES and
    fifty times its size; and so does entering for an empty file.
    """
    packed = os.fstat(descriptor).st_size
    with (
        os.fdopen(os.dup(descriptor), "rb") as compressed,
        unpacking(path, compressed, packed, compression, size, advance) as read,
    ):
        yield read


@contextmanager
def unpacking(
    path: str,
    compressed: BinaryIO,
    packed: int,
    compression: str,
    size: int = BLOCK_BYTES,
    advance: Advance | None = None,
) -> Iterator[Callable[[], bytes]]:
    """Yield what `decompress` yields, for an open file of `packed` bytes."""
    if not packed:
        raise InputError(f"{path}: is empty, and so holds no {compression} data; name a whole compressed log")
    open_stream, damage_errors = _decompressor(path, compression)
    with closing(open_stream(compressed)) as stream:
        left = most = max(MOST_UNPACKED_BYTES, _MOST_RATIO * packed)

        def read() -> bytes:
            nonlocal left
            before = compressed.tell()
            try:
                data = stream.read(size)
            except EOFError:
                raise _damaged(path, f"{compression} data ends too early") from None
            except damage_errors as error:
                raise _damaged(path, f"{compression} data is damaged ({error})") from None
            finally:
                if advance:
                    advance(compressed.tell() - before)
            left -= max(len(data), data.count(b"\n") * _LEAST_LINE_BYTES)
            if left < 0:
                raise _too_large(path, most)
            return data

        yield read


def _too_large(path: str, most: int) -> InputError:
    return InputError(
        f"{path}: unpacks to more than {most >> 20} MB (a line counts as {_LEAST_LINE_BYTES} bytes or more), "
        "too much for a packed log of its size; unpack it and name the plain log"
    )


def _damaged(path: str, what: str) -> InputError:
    return InputError(f"{path}: its {what}; name a whole compressed log")


def _decompressor(path: str, compression: str) -> tuple[Callable[[BinaryIO], _Stream], tuple[type[Exception], ...]]:
    """Return what opens a compressed stream, and the errors that damaged data raises."""
    if compression == "gzip":
        import zlib
        from gzip import GzipFile

        return (lambda compressed: GzipFile(fileobj=compressed, mode="rb")), (OSError, zlib.error)
    try:
        zstd = _import_zstd()
    except ImportError:
        raise InputError(f"{path}: reading .zst logs takes one more package: {install_extra('zst')}") from None
    return zstd.ZstdFile, (OSError, zstd.ZstdError)


def _import_zstd() -> ModuleType:
    """Return the standard library's zstd module (Python 3.14), or its backport."""
    from importlib import import_module

    try:
        return import_module("compression.zstd")
    except ImportError:
        return import_module("backports.zstd")


class LineBlocks:
    """The bytes that `read` returns chunk by chunk, as blocks of whole lines; each block ends with a line break.

    In place of a line longer than `longest` bytes there is None. After the last block, `torn` is True if bytes without
    a line break were left over; they are in no block. `begins` are the first bytes of the line that was read last in
    parts.
    """

    def __init__(self, read: Callable[[], bytes], longest: int = LONGEST_LINE_BYTES) -> None:
        self._read = read
        self.longest = longest
        self.torn = False
        self.begins = b""

    def __iter__(self) -> Iterator[bytes | None]:
        pending: list[bytes | memoryview] = []  # the beginning of a line, without a line break so far
        pending_bytes = 0
        while chunk := self._read():
            end = chunk.rfind(b"\n") + 1
            if end:
                begin = 0
                if pending_bytes + (first := chunk.find(b"\n")) > self.longest:
                    yield None
                    pending, begin = [], first + 1
                pending.append(memoryview(chunk)[begin:end])
                if block := b"".join(pending):
                    yield block
                pending, pending_bytes = [], 0
            rest = chunk[end:]
            if not pending_bytes:
                self.begins = rest[:_FIRST_BYTES]
            pending_bytes += len(rest)
            pending.append(rest)
            if pending_bytes > self.longest:  # only the length of such a line matters
                pending = []
        self.torn = pending_bytes > 0


class FileBlocks:
    """The bytes of an open file between two offsets as LineBlocks has them, which copies none of them.

    Behind the last line break of a block there may be the beginning of a line, which the next one has whole.
    """

    def __init__(
        self, path: str, descriptor: int, start: int, stop: int, size: int, advance: Advance | None = None
    ) -> None:
        self._read = (path, descriptor)
        self._at = start
        self._stop = stop
        self._size = size
        self._advance = advance
        self.longest = LONGEST_LINE_BYTES
        self.torn = False
        self.begins = b""

    def __iter__(self) -> Iterator[bytes | None]:
        while self._at < self._stop:
            chunk = read_at(*self._read, min(self._size, self._stop - self._at), self._at)
            whole = chunk.rfind(b"\n") + 1
            if not whole:
                break
            if self._advance:
                self._advance(whole)
            yield chunk
            self._at += whole
        rest = LineBlocks(range_reader(*self._read, self._at, self._stop, self._size, self._advance))
        for block in rest:
            self.begins = rest.begins
            yield block
        self.torn = rest.torn
