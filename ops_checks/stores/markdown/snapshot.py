"""A snapshot of the Markdown queue, read as a stream (FORMATS section 1)."""

from __future__ import annotations

from ops_checks.errors import ChangingError, InputError
from ops_checks.sanitize import visible
from ops_checks.stores.markdown.document import Document
from ops_checks.stores.markdown.table import Table, parse_row, plain_id, row_defect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.stores.changes import Stored
    from ops_checks.stores.details import Details
    from ops_checks.stores.event import Event
    from ops_checks.stores.markdown.document import Progress
    from ops_checks.stores.protocol import Keys


#: In characters: an output's beginning is compared with so many bytes at most.
_LONGEST_BEGINNING = 120


class MarkdownSnapshot:
    """One state of the document: the file at the path when the snapshot was entered."""

    def __init__(self, path: str, progress: Progress | None = None) -> None:
        self._path = path
        self._progress = progress
        self._table = Table()
        self._start = (0, 0)  # lines and bytes before the chunk of the row that was found last
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

    def details(self) -> Iterator[Details]:
        """Stream the rows as `items` does: a document knows no more of them. Raises what `items` raises."""
        from ops_checks.stores.details import NOTHING_MORE, Details

        return (Details((number, item, *NOTHING_MORE)) for number, item in self.items())

    def details_of(self, item_id: str) -> Details | None:
        """Return the row of an id, or None. Raises what `items` raises."""
        from ops_checks.stores.details import NOTHING_MORE, Details

        found = self.find(item_id)
        return None if found is None else Details((*found, *NOTHING_MORE))

    def find(self, item_id: str) -> tuple[int, Item] | None:
        """Return line number and item of an id, or None. Parses every row: a malformed table is never written to.

        Raises what `items` raises.
        """
        return self._search(item_id)

    def get(self, item_id: str) -> Item | None:
        """Return an item by its id, None if there is none; see `find`."""
        found = self.find(item_id)
        return found[1] if found else None

    def check(self) -> None:
        """Raise what `items` raises, in less time."""
        self._search(None)

    def _search(self, item_id: str | None) -> tuple[int, Item] | None:
        from ops_checks.stores.markdown.search import RowSearch

        self._table = Table()
        search = RowSearch(self._document, self._table, item_id)
        search.run()
        if search.repeats:
            for _ in self.items():  # raises the defects with their lines
                pass
        self._conclude()
        self._start = search.start
        return search.found

    def may_hold(self, ids: Iterable[str]) -> bool:
        """Return whether there are any ids: looking them up would take reading the document."""
        return any(True for _ in ids)

    def keys(self) -> Iterator[Keys]:
        """Stream the rows as they are written. Raises InputError unless there is exactly one table."""
        self._table = Table()
        yield from self._table.rows(self._document.chunks())
        self._conclude()

    def item_id(self, number: int, key: str) -> str:
        """Return the id in a row. Raises InputError for a malformed one."""
        return plain_id(key) or self.item(number, key).id

    def item(self, number: int, key: str) -> Item:
        """Return the item of a row. Raises InputError, with its line, for a malformed one."""
        item = parse_row(key)
        if item is None:
            raise self._misread() or InputError(self._locate(number, row_defect(key)))
        return item

    def reliability(self, item_id: str) -> None:  # noqa: ARG002 - whichever item it is
        """Return None: a document has neither leases nor attempts."""
        return

    def changed(self) -> bool:
        """Return whether the path leads to another file, or this one was written to."""
        return self._document.changed()

    def state(self) -> str:
        """Return an identifier of the state: size in bytes and time of the last change in nanoseconds."""
        return self._document.state()

    def identity(self) -> str:
        """Return an identifier of the content: its SHA-256 digest."""
        return self._document.identity()

    def content(self) -> bytes:
        """Return the content of the file. Raises ChangingError if it was written to since the snapshot was entered."""
        return self._document.content()

    @property
    def delimiter_line(self) -> int:
        """The line of the delimiter row under the queue's header. Read the items first."""
        return self._table.header_line + 1

    def ends_lines_with_crlf(self) -> bool:
        """Return whether the first line of the document ends with CR LF."""
        return self._document.ends_lines_with_crlf()

    def beginning(self) -> str:
        """Return the text above the rows, as far as it is short: by it one knows another version of the document."""
        self.check()
        lines = next(self._document.chunks(), "").split("\n")
        return "\n".join(lines[: self.delimiter_line])[:_LONGEST_BEGINNING]

    def with_lines(self, edits: Mapping[int, Callable[[str], list[str]]]) -> Iterator[bytes]:
        """Stream the file with some lines replaced, as `replace_lines` would write it.

        Raises ChangingError at the end if the file was written to meanwhile.
        """
        from ops_checks.files.exchange import Digest

        return self._document.with_lines(edits, Digest())

    def replace_lines(
        self, edits: Mapping[int, Callable[[str], list[str]]], ready: Callable[[], bool]
    ) -> Callable[[], bool]:
        """Replace some lines by what the edit of each returns, atomically; every other byte of the file stays.

        `ready` is called directly before the new version gets the file's name, and returns whether it may.
        Returns a function that tells whether the path still leads to what was written. Raises WriteError, ChangedError
        and ChangingError (begin again), and what an edit does; then the file is as it was.
        """
        from ops_checks.files.atomic_write import replace_file
        from ops_checks.files.exchange import Digest, Seen

        document, digest = self._document, Digest()
        start = self._start if min(edits, default=0) > self._start[0] else (0, 0)
        seen = Seen(document.stat, digest, unchanged=lambda: document.holds(digest), ready=ready)
        replace_file(self._path, document.with_lines(edits, digest, start), seen=seen)
        return lambda: seen.stands(self._path)

    def place(self, number: int, item_id: str) -> Place:  # noqa: ARG002 - a line needs no id
        """Return the file and line of an item."""
        from ops_checks.findings import Place

        return Place(self._path, line=number)

    def events(self, item_id: str) -> Iterator[Event]:  # noqa: ARG002 - whichever item it is
        """Return nothing: a document has no events."""
        return iter(())

    def retries(self) -> Iterator[tuple[str, int]]:
        """Return nothing: a document has no events."""
        return iter(())

    def retry_times(self) -> Iterator[tuple[str, object, int]]:
        """Return nothing: a document has no events."""
        return iter(())

    def retry_count(self) -> None:
        """Return None: a document has no events."""
        return

    def newest_event(self) -> None:
        """Return None: a document has no events."""
        return

    def pending_since(self) -> Iterator[tuple[str, str]]:
        """Return nothing: a document has no creation times."""
        return iter(())

    def leases_beyond(self, epoch_s: float) -> Iterator[tuple[str, Stored]]:  # noqa: ARG002 - whenever they would end
        """Return nothing: a document has no leases."""
        return iter(())

    def remarks(self) -> list[str]:
        """Return one line about the rows below the table's end, which GFM does not read as rows."""
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
        misread = self._misread()
        if not (self._table.defects or misread):
            return
        _wait_for_a_writer()
        if self.changed():
            raise ChangingError(f"{visible(self._path)}: changing while read: run the command again")
        if misread:
            raise misread
        first, *others = [self._locate(number, message) for number, message in sorted(self._table.defects)]
        if self._table.more:
            others.append(f"{visible(self._path)}: and {self._table.more} more defects")
        raise InputError(first, tuple(others))

    def _misread(self) -> InputError | None:
        """Return the error for a document that is unmerged, or that is no queue but something else; None if neither.

        Its rows are what they seem to be on no side of a merge, and mending them one by one would lose one.
        """
        document = self._document
        if document.may_be_unmerged:
            from ops_checks.stores.markdown.misreadings import conflict

            found = conflict(document.chunks())
            if found:
                return InputError(self._locate(*found))
        if self._table.header_line:
            return None
        if not document.stat.st_size:
            return InputError(
                self._locate(0, "no queue table, because the file is empty: restore it from git or a copy")
            )
        what = document.explanation()
        if what:
            return InputError(self._locate(0, what))
        from ops_checks.stores.markdown.misreadings import nearly_a_header

        near = nearly_a_header(document.chunks())
        return InputError(self._locate(*near)) if near else None

    def _locate(self, number: int, message: str) -> str:
        return f"{visible(self._path)}:{number}: {message}" if number else f"{visible(self._path)}: {message}"


def _wait_for_a_writer() -> None:
    """Wait for the time an editor takes between truncating a file and writing it: it may look malformed only then."""
    import time

    time.sleep(0.02)
