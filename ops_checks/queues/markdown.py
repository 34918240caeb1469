"""The Markdown queue: read as a stream, changed one line at a time (FORMATS section 1, SAFETY "Writing")."""

from __future__ import annotations

from ops_checks.atomic import replace_file
from ops_checks.errors import ChangingError, InputError, RefusedError, WriteError
from ops_checks.model import FIELDS
from ops_checks.queues.document import Document
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
    from ops_checks.queues.document import Progress
    from ops_checks.queues.table import Rows


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

        view.replace_line(number, edited)


def _changed_cells(change: Change) -> list[tuple[str, str]]:
    pairs = zip(FIELDS, change.before, change.after, strict=True)
    return [(field, after) for field, before, after in pairs if before != after]


class MarkdownView:
    """One state of the document: the file that stood at the path when the view was entered."""

    def __init__(self, path: str, progress: Progress | None = None) -> None:
        self._path = path
        self._progress = progress
        self._table = Table()
        self._document: Document

    def __enter__(self) -> Self:
        """Open the file. Raises InputError if it is missing, unreadable or no regular file; never blocks."""
        self._document = Document(self._path, self._progress)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._document.close()

    def items(self) -> Iterator[tuple[int, Item]]:
        """Stream line number and item of every row. Raises InputError with all defects, also duplicate ids."""
        numbers: dict[str, int] = {}
        self._table = Table()
        for first, lines in self._table.rows(self._document.chunks()):
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
        found = self._search(item_id)
        if found is None:
            raise RefusedError(f"{visible(self._path)}: no item {visible(item_id)}: see the id column of the queue")
        return found

    def check(self) -> None:
        """Raise what `items` raises, in less time."""
        self._search(None)

    def _search(self, item_id: str | None) -> tuple[int, Item] | None:
        self._table = Table()
        ids: set[str] = set()
        count, found = 0, None
        for first, lines in self._table.rows(self._document.chunks()):
            plain = plain_ids(lines)
            named = [item.id for _, item in self._table.parsed(first, lines)] if plain is None else plain
            ids.update(named)
            count += len(lines)
            if item_id in named:
                found = next(pair for pair in self._table.parsed(first, lines) if pair[1].id == item_id)
        if self._table.defects or len(ids) < count:
            for _ in self.items():  # it tells what is wrong
                pass
        self._document.must_be_whole()
        return found

    def may_hold(self, ids: Iterable[str]) -> bool:
        """Tell whether any ids are asked for: to know more, the whole document would have to be read."""
        return any(True for _ in ids)

    def rows(self) -> Iterator[Rows]:
        """Stream the rows as they are written. Raises InputError if there is no one table."""
        self._table = Table()
        yield from self._table.rows(self._document.chunks())
        self._conclude()

    def changed(self) -> bool:
        """Tell whether another file stands at the path, or this one was written to."""
        return self._document.changed()

    def state(self) -> str:
        """Name the state by size and time of the last change (nanoseconds)."""
        return self._document.state()

    def identity(self) -> str:
        """Name the state by a digest of the file."""
        return self._document.identity()

    def content(self) -> bytes:
        """Return the whole file. Raises ChangingError if it is not the one the view was entered with."""
        return self._document.content()

    def replace_line(self, number: int, edit: Callable[[str], str]) -> None:
        """Replace one line by what `edit` makes of it, in one step; every other byte of the file stays.

        Raises WriteError, ChangingError, and what `edit` does; then the file is as it was.
        """
        replace_file(self._path, self._document.with_line(number, edit), seen=self._document.stat)

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

    def _conclude(self) -> None:
        self._document.must_be_whole()
        if not self._table.defects:
            return
        _let_a_writer_finish()
        if self.changed():
            raise ChangingError(f"{visible(self._path)}: changing while read: run the command again")
        first, *others = [self._locate(number, message) for number, message in sorted(self._table.defects)]
        if self._table.more:
            others.append(f"{visible(self._path)}: and {self._table.more} more defects")
        raise InputError(first, tuple(others))

    def _locate(self, number: int, message: str) -> str:
        return f"{visible(self._path)}:{number}: {message}" if number else f"{visible(self._path)}: {message}"


def _let_a_writer_finish() -> None:
    """Wait the moment an editor takes between emptying a file and filling it, before calling it malformed."""
    import time

    time.sleep(0.02)
