"""A Markdown file as it is read: an open file, in chunks of whole lines, and whether it stood still meanwhile."""

from __future__ import annotations

import os

from ops_checks.errors import ChangingError, InputError
from ops_checks.files.safe_open import FileKind, close_quietly, not_read, open_regular
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    #: Gets, for each reading, how many of how many bytes are read.
    Progress = Callable[[int, int], object]

#: So small that the text of a block lies in memory which the allocator has at hand: larger ones are three times slower.
_BLOCK_BYTES = 1 << 15
QUEUE = FileKind("queue", "name a Markdown file with --queue, or run `ops-checks init`")
_LONGEST_LINE_BYTES = 1 << 24
_BOM = "\ufeff"


class Document:
    """The file that stood at `path` when it was opened; `stat` is its state then.

    Raises InputError if it is missing, unreadable or no regular file; never blocks.
    """

    def __init__(self, path: str, progress: Progress | None) -> None:
        self.path = path
        self._progress = progress
        self._fd, self.stat = open_regular(path, QUEUE)

    def close(self) -> None:
        """Close the file."""
        close_quietly(self._fd)

    def changed(self) -> bool:
        """Return whether another file stands at the path, or this one was written to."""
        try:
            return _identity(os.stat(self.path)) != _identity(self.stat)
        except OSError:
            return True

    def state(self) -> str:
        """Name the state by size and time of the last change (nanoseconds)."""
        return f"size={self.stat.st_size} mtime_ns={self.stat.st_mtime_ns}"

    def identity(self) -> str:
        """Name the state by a digest of the file."""
        import hashlib

        digest = hashlib.sha256()
        for block in self._blocks():
            digest.update(block)
        return "sha256:" + digest.hexdigest()

    def content(self) -> bytes:
        """Return the whole file. Raises ChangingError if it is not the one that was opened."""
        data = b"".join(self._blocks())
        self.must_be_whole()
        return data

    def with_line(self, number: int, edit: Callable[[str], str]) -> Iterator[bytes]:
        """Yield the document with one line replaced by `edit(line)`; all other bytes as they are.

        Raises ChangingError at the end if it is not the document that was opened.
        """
        before = 0
        for chunk in self._whole_lines():
            count = chunk.count(b"\n") or 1
            if before < number <= before + count:
                lines = chunk.split(b"\n")
                lines[number - before - 1] = edit(lines[number - before - 1].decode()).encode()
                yield b"\n".join(lines)
            else:
                yield chunk
            before += count
        self.must_be_whole()

    def _blocks(self) -> Iterator[bytes]:
        """Yield the bytes from the beginning, some at a time. Raises InputError."""
        try:
            os.lseek(self._fd, 0, os.SEEK_SET)
            done = 0
            while block := os.read(self._fd, _BLOCK_BYTES):
                yield block
                done += len(block)
                if self._progress:
                    self._progress(done, self.stat.st_size)
        except OSError as error:
            raise not_read(self.path, error) from error

    def chunks(self) -> Iterator[str]:
        """Yield the document in chunks of whole lines. Raises InputError at the first byte that is not UTF-8."""
        done = 0
        for chunk in self._whole_lines():
            try:
                text = chunk.decode()
            except UnicodeDecodeError as error:
                self.must_be_whole()
                line = self._line_at(done + error.start)
                raise InputError(f"{visible(self.path)}:{line}: not UTF-8: save the file as UTF-8") from error
            yield text if done else text.removeprefix(_BOM)
            done += len(chunk)

    def _whole_lines(self) -> Iterator[bytes]:
        """Cut the blocks at line feeds, so that no line (and no character) is split; the last one may lack its own."""
        pending: list[bytes] = []
        size = done = 0
        for block in self._blocks():
            cut = block.rfind(b"\n") + 1
            if cut:
                yield b"".join((*pending, block[:cut]))
                done += size + cut
                pending, size = [], 0
            pending.append(block[cut:])
            size += len(block) - cut
            if size > _LONGEST_LINE_BYTES:
                where = f"{visible(self.path)}:{self._line_at(done)}"
                raise InputError(f"{where}: a line of more than 16 MB: expected one row a line")
        if size:
            yield b"".join(pending)

    def _line_at(self, offset: int) -> int:
        """Return the number of the line in which a byte stands. Reads from the beginning: only an error wants it."""
        line = 1
        for block in self._blocks():
            line += block.count(b"\n", 0, max(0, offset))
            offset -= len(block)
        return line

    def must_be_whole(self) -> None:
        """Raise ChangingError if the open file was written to while it was read: what was seen may be torn."""
        now, then = _state(self._fd, self.path), self.stat
        if now.st_nlink < then.st_nlink:  # replaced by another file, which changes this one's ctime and no content
            same = (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns)
        else:
            same = _identity(now) == _identity(then)
        if not same:
            raise ChangingError(f"{visible(self.path)}: changing while read: run the command again")


def _identity(state: os.stat_result) -> tuple[int, ...]:
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _state(fd: int, path: str) -> os.stat_result:
    try:
        return os.fstat(fd)
    except OSError as error:
        raise not_read(path, error) from error
