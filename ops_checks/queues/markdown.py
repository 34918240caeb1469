"""The Markdown queue: read as a stream, changed one line at a time (FORMATS section 1, SAFETY "Writing")."""

from __future__ import annotations

import os
import stat

from ops_checks.atomic import let_go, replace_file
from ops_checks.errors import ChangingError, InputError, RefusedError, WriteError
from ops_checks.model import FIELDS
from ops_checks.queues.table import Table, edit_row, parse_row, plain_ids
from ops_checks.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Self

    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.queues.changes import Change, Decide
    from ops_checks.queues.table import Rows

    Progress = Callable[[int, int], object]

#: So much is read at a time that the text of it, too, takes memory which the allocator has at hand.
#: So small that the text of a block lies in memory which the allocator has at hand: larger ones are three times slower.
_BLOCK_BYTES = 1 << 15
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
            return decide(view.find(item_id)[1], None)

    def change(self, item_id: str, decide: Decide) -> Change:
        """Decide on an item under the lock and replace its row; every other byte of the file stays.

        Raises RefusedError (unknown id, or as `decide`), InputError (missing or malformed), WriteError
        (lock not had in time, disk). Then the file is as it was.
        """
        from ops_checks.queues.lock import locked

        with locked(self.path, self._lock_timeout_s), self.view() as view:
            number, item = view.find(item_id)
            change = decide(item, None)
            self._write(view, number, change)
            return change

    def _write(self, view: MarkdownView, number: int, change: Change) -> None:
        def edited(line: str) -> str:
            row = edit_row(line, _changed_cells(change))
            if parse_row(row.removesuffix("\r")) != change.after:
                raise WriteError(
                    f"{visible(self.path)}:{number}: not written, the row could not be edited without harm: "
                    "check its cells"
                )
            return row

        replace_file(self.path, view.with_line(number, edited), seen=view.stat)


def _changed_cells(change: Change) -> list[tuple[str, str]]:
    pairs = zip(FIELDS, change.before, change.after, strict=True)
    return [(field, after) for field, before, after in pairs if before != after]


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
        numbers: dict[str, int] = {}
        self._table = Table()
        for first, lines in self._table.rows(self._chunks()):
            items = self._table.parsed(first, lines)
            for number, item in items:
                if numbers.setdefault(item[0], number) != number:
                    self._table.defect(number, f"duplicate id {visible(item.id)}, first in line {numbers[item.id]}")
            if not self._table.defects:
                yield from items
        self._conclude()

    def find(self, item_id: str) -> tuple[int, Item]:
        """Return line number and item of an id, having looked at every row: a malformed table is never written to.

        Raises RefusedError if there is none, and what `items` raises.
        """
        self._table = Table()
        ids: set[str] = set()
        count, found = 0, None
        for first, lines in self._table.rows(self._chunks()):
            plain = plain_ids(lines)
            named = [item.id for _, item in self._table.parsed(first, lines)] if plain is None else plain
            ids.update(named)
            count += len(lines)
            if item_id in named:
                found = next(pair for pair in self._table.parsed(first, lines) if pair[1].id == item_id)
        if self._table.defects or len(ids) < count:
            for _ in self.items():  # it tells what is wrong
                pass
        self._must_be_whole()
        if found is None:
            raise RefusedError(f"{visible(self._path)}: no item {visible(item_id)}: see the id column of the queue")
        return found

    def rows(self) -> Iterator[Rows]:
        """Stream the rows as they are written. Raises InputError if there is no one table."""
        self._table = Table()
        yield from self._table.rows(self._chunks())
        self._conclude()

    def holds(self, ids: Iterable[str]) -> bool:
        """Tell whether the document has an item with one of these ids. Reads all of it."""
        wanted = frozenset(ids)
        return bool(wanted) and any(item.id in wanted for _, item in self.items())

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

    def with_line(self, number: int, edit: Callable[[str], str]) -> Iterator[bytes]:
        """Yield the document with one line replaced by what `edit` makes of it; all other bytes as they are.

        Raises ChangingError at the end if it is not the document that the view was entered with.
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
        self._must_be_whole()

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
        done = 0
        for chunk in self._whole_lines():
            try:
                text = chunk.decode()
            except UnicodeDecodeError as error:
                self._must_be_whole()
                line = self._line_at(done + error.start)
                raise InputError(f"{visible(self._path)}:{line}: not UTF-8: save the file as UTF-8") from error
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
                where = f"{visible(self._path)}:{self._line_at(done)}"
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

    def _conclude(self) -> None:
        self._must_be_whole()
        if not self._table.defects:
            return
        _let_a_writer_finish()
        if self.changed():
            raise ChangingError(f"{visible(self._path)}: changing while read: run the command again")
        first, *others = [self._locate(number, message) for number, message in sorted(self._table.defects)]
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
