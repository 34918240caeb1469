"""Read a Markdown file in chunks of complete lines, and detect changes to it meanwhile."""

from __future__ import annotations

import os
import sys

from ops_checks.errors import ChangingError, InputError
from ops_checks.files.safe_open import FileKind, close_quietly, not_read, open_regular
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ops_checks.files.exchange import Digest

    #: Called while a file is read, with the bytes read so far and the size of the file.
    Progress = Callable[[int, int], object]

#: Small, so that the allocator reuses memory for the text of a block: larger blocks are three times slower.
_BLOCK_BYTES = 1 << 15
QUEUE = FileKind(
    "queue",
    "name a Markdown file with --queue, or run `ops-checks init`, with `--from PATH` if the other side has rows",
)
_LONGEST_LINE_BYTES = 1 << 24
_BOM = "\ufeff"
#: The bytes of a chunk in which the first byte of its first line is: a byte order mark may stand before it.
_BEGINNING = len(_BOM.encode()) + 1
#: What a mark of a merge conflict begins with, the longer the more time it takes to look for: a byte, at a line's
#: beginning, the mark.
_MARKS = ((b"<", b"\n<", b"<<<<<<<"), (b">", b"\n>", b">>>>>>>"))


class Document:
    """The open file at `path`; `stat` is its state when it was opened.

    Raises InputError if it is missing, unreadable or no regular file; never blocks.
    """

    def __init__(self, path: str, progress: Progress | None) -> None:
        self.path = path
        self._progress = progress
        self.may_be_unmerged = False  # so far; the marks may stand in a code block
        self._fd, self.stat = open_regular(path, QUEUE)

    def close(self) -> None:
        """Close the file."""
        close_quietly(self._fd)

    def changed(self) -> bool:
        """Return whether the path leads to another file, or this one was written to."""
        try:
            return _identity(os.stat(self.path)) != _identity(self.stat)
        except OSError:
            return True

    def state(self) -> str:
        """Return an identifier of the state: size in bytes and time of the last change in nanoseconds."""
        return f"size={self.stat.st_size} mtime_ns={self.stat.st_mtime_ns}"

    def identity(self) -> str:
        """Return an identifier of the content: its SHA-256 digest."""
        import hashlib

        digest = hashlib.sha256()
        for block in self._blocks():
            digest.update(block)
        return "sha256:" + digest.hexdigest()

    def content(self) -> bytes:
        """Return the content of the file. Raises InputError, and ChangingError if it was written to meanwhile."""
        data = b"".join(self._blocks())
        self.must_be_whole()
        return data

    def with_lines(
        self, edits: Mapping[int, Callable[[str], list[str]]], digest: Digest, start: tuple[int, int] = (0, 0)
    ) -> Iterator[bytes]:
        """Yield the document with some lines (from 1) replaced by what their edit returns; all other bytes stay.

        `digest` gets what was read. `start` are the lines and bytes before a chunk of `chunks`, none of which is
        edited: up to there, and behind the last edit, nothing is taken apart. Raises ChangingError at the end if the
        file was written to meanwhile.
        """
        before, done = start
        yield from digest.noting(self._blocks(0, done))
        numbers = iter(sorted(edits))
        number = next(numbers, None)
        chunks = self._whole_lines(done)
        while number is not None and (chunk := next(chunks, b"")):
            digest.update(chunk)
            done += len(chunk)
            count = chunk.count(b"\n") or 1
            if number > before + count:
                yield chunk
            else:
                lines = [[line] for line in chunk.split(b"\n")]
                while number is not None and number <= before + count:
                    [line] = lines[number - before - 1]
                    edited = edits[number](line.decode("utf-8", "surrogateescape"))
                    lines[number - before - 1] = [each.encode("utf-8", "surrogateescape") for each in edited]
                    number = next(numbers, None)
                yield b"\n".join(line for group in lines for line in group)
            before += count
        yield from digest.noting(self._blocks(done))
        self.must_be_whole()

    def ends_lines_with_crlf(self) -> bool:
        """Return whether the first line ends with CR LF."""
        first = next(self._whole_lines(), b"")
        return first[: first.find(b"\n") + 1].endswith(b"\r\n")

    def holds(self, seen: Digest) -> bool:
        """Return whether the open file still holds what was read: times of writing can be equal or forged."""
        now = type(seen)()
        for block in self._blocks():
            now.update(block)
        return now.text == seen.text

    def _blocks(self, start: int = 0, end: int = sys.maxsize) -> Iterator[bytes]:
        """Yield the bytes from one offset to another in blocks. Raises InputError."""
        try:
            os.lseek(self._fd, start, os.SEEK_SET)
            done = start
            while block := os.read(self._fd, min(_BLOCK_BYTES, end - done)):
                yield block
                done += len(block)
                if self._progress:
                    self._progress(done, self.stat.st_size)
        except OSError as error:
            raise not_read(self.path, error) from error

    def chunks(self) -> Iterator[str]:
        """Yield the document in chunks of complete lines. Raises InputError at the first byte that is not UTF-8."""
        return (text for _, _, text in self.numbered_chunks())

    def numbered_chunks(self) -> Iterator[tuple[int, bytes, str]]:
        """Yield what `chunks` does, each with the offset of its first byte and the bytes that it was."""
        done = 0
        for chunk in self._whole_lines():
            try:
                text = chunk.decode()
            except UnicodeDecodeError as error:
                self.must_be_whole()
                raise self._not_utf8(chunk, error.start, done) from error
            self.may_be_unmerged = self.may_be_unmerged or _may_be_marked(chunk)
            yield done, chunk, text if done else text.removeprefix(_BOM)
            done += len(chunk)

    def _whole_lines(self, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from the start of a line on, cut at line feeds, so that no line (and no character) is split.

        The last may lack its line feed.
        """
        pending: list[bytes] = []
        size, done = 0, start
        for block in self._blocks(start):
            cut = block.rfind(b"\n") + 1
            if cut:
                yield b"".join((*pending, block[:cut]))
                done += size + cut
                pending, size = [], 0
            pending.append(block[cut:])
            size += len(block) - cut
            if size > _LONGEST_LINE_BYTES:
                where = f"{visible(self.path)}:{self._line_at(done)}"
                what = self.explanation()
                raise (
                    InputError(f"{visible(self.path)}: {what}")
                    if what
                    else InputError(f"{where}: a line of more than 16 MB: expected one row a line")
                )
        if size:
            yield b"".join(pending)

    def explanation(self) -> str | None:
        """Return what the file is in place of a queue, and what to do; None if that is not known."""
        from ops_checks.files.contents import explain, head_of

        return explain(head_of(self._fd), QUEUE)

    def _not_utf8(self, chunk: bytes, at: int, before: int) -> InputError:
        """Return the error for a byte that is not UTF-8: `chunk[at]`, with so many bytes before the chunk."""
        from ops_checks.files.contents import explain

        line = chunk[chunk.rfind(b"\n", 0, at) + 1 :].partition(b"\n")[0]
        what = self.explanation() or explain(line, QUEUE)
        if what:
            return InputError(f"{visible(self.path)}: {what}")
        return InputError(f"{visible(self.path)}:{self._line_at(before + at)}: not UTF-8: save the file as UTF-8")

    def _line_at(self, offset: int) -> int:
        """Return the number, from 1, of the line of the byte at `offset`. Reads from the beginning: for errors only."""
        line = 1
        for block in self._blocks():
            line += block.count(b"\n", 0, max(0, offset))
            offset -= len(block)
        return line

    def must_be_whole(self) -> None:
        """Raise ChangingError if the open file was written to since it was opened: what was read may be torn."""
        now, then = _state(self._fd, self.path), self.stat
        if now.st_nlink < then.st_nlink:  # replaced by another file, which changes this one's ctime and no content
            same = (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns)
        else:
            same = _identity(now) == _identity(then)
        if not same:
            raise ChangingError(f"{visible(self.path)}: changing while read: run the command again")


def _may_be_marked(chunk: bytes) -> bool:
    """Return, cheaply, whether a line of a chunk of whole lines may begin with a mark of a merge conflict."""
    return any(
        byte in chunk and (begins in chunk or byte in chunk[:_BEGINNING]) and mark in chunk
        for byte, begins, mark in _MARKS
    )


def _identity(state: os.stat_result) -> tuple[int, ...]:
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _state(fd: int, path: str) -> os.stat_result:
    try:
        return os.fstat(fd)
    except OSError as error:
        raise not_read(path, error) from error
