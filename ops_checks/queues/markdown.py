"""The Markdown queue: read as a stream, changed one line at a time (FORMATS section 1, SAFETY "Writing")."""

from __future__ import annotations

import os
import stat

from ops_checks.atomic import let_go, replace_file
from ops_checks.errors import ChangingError, InputError, RefusedError, WriteError
from ops_checks.model import FIELDS
from ops_checks.queues.table import Table, edit_row, parse_row
from ops_checks.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.queues.changes import Change, Decide

    Progress = Callable[[int, int], object]

_BLOCK_BYTES = 1 << 18
_LONGEST_LINE_BYTES = 1 << 24
_BOM = "\ufeff"


class MarkdownQueue:
    """The queue in a Markdown document at `path`; `lock_timeout_s` bounds the wait for other writers."""

    kind = "md"

    def __init__(self, path: str, *, lock_timeout_s: float, progress: Progress | None = None) -> None:
        self.path = path
        self._lock_timeout_s = lock_timeout_s
        self._progress = progress

    def view(self) -> MarkdownView:
        """Return a view of the document as it is when the view is entered."""
        return MarkdownView(self.path, self._progress)

    def preview(self, item_id: str, decide: Decide) -> Change:
        """Decide on an item and write nothing. Raises what `change` raises."""
        with self.view() as view:
            return decide(self._find(view, item_id)[1], None)

    def change(self, item_id: str, decide: Decide) -> Change:
        """Decide on an item under the lock and replace its row; every other byte of the file stays.

        Raises RefusedError (unknown id, or as `decide`), InputError (missing or malformed), WriteError
        (lock not had in time, disk). Then the file is as it was.
        """
        from ops_checks.queues.lock import locked

        with locked(self.path, self._lock_timeout_s), self.view() as view:
            number, item = self._find(view, item_id)
            change = decide(item, None)
            self._write(view, number, change)
            return change

    def _find(self, view: MarkdownView, item_id: str) -> tuple[int, Item]:
        found = None
        for number, item in view.items():  # to the end: a malformed table is never written to
            if item.id == item_id:
                found = (number, item)
        if found is None:
            raise RefusedError(f"{visible(self.path)}: no item {visible(item_id)}: see the id column of the queue")
        return found

    def _write(self, view: MarkdownView, number: int, change: Change) -> None:
        data = view.content()
        start, end = _line_span(data, number)
        line = data[start:end].decode()
        edited = edit_row(line, _changed_cells(change))
        if parse_row(edited.removesuffix("\r")) != change.after:
            raise WriteError(
                f"{visible(self.path)}:{number}: not written, the row could not be edited without harm: check its cells"
            )
        replace_file(
            self.path,
            (data[:start], edited.encode(), data[end:]),
            seen=view.stat,
        )


def _changed_cells(change: Change) -> list[tuple[str, str]]:
    pairs = zip(FIELDS, change.before, change.after, strict=True)
    return [(field, after) for field, before, after in pairs if before != after]


def _line_span(data: bytes, number: int) -> tuple[int, int]:
    """Return where line `number` (from 1) stands in the file, without its line feed."""
    start = 0
    for _ in range(number - 1):
        start = data.index(b"\n", start) + 1
    end = data.find(b"\n", start)
    return start, len(data) if end < 0 else end


class MarkdownView:
    """One state of the document: the file that stood at the path when the view was entered."""

    def __init__(self, path: str, progress: Progress | None = None) -> None:
        self._path = path
        self._progress = progress
        self._fd = -1
        self._table = Table()
        self.stat: os.stat_result

    def __enter__(self) -> Self:
        """Open the file. Raises InputError if it is missing, unreadable or no regular file; never blocks."""
        self._fd = _open_regular(self._path)
        self.stat = _state(self._fd, self._path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        let_go(self._fd)

    def items(self) -> Iterator[tuple[int, Item]]:
        """Stream line number and item of every row. Raises InputError with all defects, also duplicate ids."""
        lines: dict[str, int] = {}
        self._table = Table()
        for number, item in self._table.items(self._chunks()):
            if lines.setdefault(item.id, number) != number:
                self._table.defect(number, f"duplicate id {visible(item.id)}, first in line {lines[item.id]}")
            elif not self._table.defects:
                yield number, item
        self._conclude()

    def rows(self) -> Iterator[tuple[int, str]]:
        """Stream line number and text of every row, as it is written. Raises InputError if there is no one table."""
        self._table = Table()
        yield from self._table.rows(self._chunks())
        self._conclude()

    def changed(self) -> bool:
        """Tell whether another file stands at the path, or this one was written to."""
        try:
            return _identity(os.stat(self._path)) != _identity(self.stat)
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

    def place(self, number: int, item_id: str) -> Place:  # noqa: ARG002 - a line needs no id
        """Return the file and line of an item."""
        from ops_checks.findings import Place

        return Place(self._path, line=number)

    def retry_count(self) -> int | None:
        """Return None: a document keeps no events."""
        return None

    def newest_event(self) -> str | None:
        """Return None: a document keeps no events."""
        return None

    def pending_since(self) -> str | None:
        """Return None: a document does not tell when an item was made."""
        return None

    def remarks(self) -> list[str]:
        """Return one line for the rows that stand outside the table, where GFM does not read them."""
        strays = self._table.strays
        if not strays:
            return []
        more = f" and {len(strays) - 1} more" if len(strays) > 1 else ""
        return [
            f"{visible(self._path)}:{strays[0]}: looks like a row of the queue, but the table ended above it{more}: "
            "take out the line between"
        ]

    def content(self) -> bytes:
        """Return the whole file. Raises ChangingError if it is not the one the view was entered with."""
        data = b"".join(self._blocks())
        self._must_be_whole()
        return data

    def _blocks(self) -> Iterator[bytes]:
        try:
            os.lseek(self._fd, 0, os.SEEK_SET)
            done = 0
            while block := os.read(self._fd, _BLOCK_BYTES):
                yield block
                done += len(block)
                if self._progress:
                    self._progress(done, self.stat.st_size)
        except OSError as error:
            raise InputError(f"{visible(self._path)}: cannot be read ({error.strerror}): check the disk") from error

    def _chunks(self) -> Iterator[str]:
        """Yield the document in chunks of whole lines. Raises InputError at the first byte that is not UTF-8."""
        lines = 0
        for chunk in _whole_lines(self._path, self._blocks()):
            try:
                text = chunk.decode()
            except UnicodeDecodeError as error:
                self._must_be_whole()
                line = lines + chunk.count(b"\n", 0, error.start) + 1
                raise InputError(f"{visible(self._path)}:{line}: not UTF-8: save the file as UTF-8") from error
            yield text if lines else text.removeprefix(_BOM)
            lines += chunk.count(b"\n")

    def _conclude(self) -> None:
        self._must_be_whole()
        if not self._table.defects:
            return
        _let_a_writer_finish()
        if self.changed():
            raise ChangingError(f"{visible(self._path)}: changing while read: run the command again")
        first, *others = [self._locate(number, message) for number, message in self._table.defects]
        if self._table.more:
            others.append(f"{visible(self._path)}: and {self._table.more} more defects")
        raise InputError(first, tuple(others))

    def _must_be_whole(self) -> None:
        """Raise ChangingError if the open file was written to while it was read: what was seen may be torn."""
        now, then = _state(self._fd, self._path), self.stat
        if now.st_nlink < then.st_nlink:  # replaced by another file, which changes this one's ctime and no content
            same = (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns)
        else:
            same = _identity(now) == _identity(then)
        if not same:
            raise ChangingError(f"{visible(self._path)}: changing while read: run the command again")

    def _locate(self, number: int, message: str) -> str:
        return f"{visible(self._path)}:{number}: {message}" if number else f"{visible(self._path)}: {message}"


def _whole_lines(path: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut blocks at line feeds, so that no line (and no character) is split; the last may lack its line feed."""
    pending: list[bytes] = []
    size = lines = 0
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut:
            yield b"".join((*pending, block[:cut]))
            pending, size = [], 0
            lines += block.count(b"\n")
        pending.append(block[cut:])
        size += len(block) - cut
        if size > _LONGEST_LINE_BYTES:
            raise InputError(f"{visible(path)}:{lines + 1}: a line of more than 16 MB: expected one row a line")
    if size:
        yield b"".join(pending)


def _let_a_writer_finish() -> None:
    """Wait the moment an editor takes between emptying a file and filling it, before calling it malformed."""
    import time

    time.sleep(0.02)


def _identity(state: os.stat_result) -> tuple[int, ...]:
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _state(fd: int, path: str) -> os.stat_result:
    try:
        return os.fstat(fd)
    except OSError as error:
        raise InputError(f"{visible(path)}: cannot be read ({error.strerror}): check the disk") from error


def _open_regular(path: str) -> int:
    """Open a regular file for reading. Raises InputError for everything else, without waiting for a pipe's writer."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise InputError(f"{visible(path)}: no such queue: name one with --queue, or run `ops-checks init`") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{visible(path)}: cannot be opened ({reason}): check the path and its permissions") from error
    if not stat.S_ISREG(_state(fd, path).st_mode):
        let_go(fd)
        raise InputError(f"{visible(path)}: is no regular file: name a Markdown file with --queue")
    return fd
