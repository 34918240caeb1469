"""Change many rows of a document at once: all of them, or none (RECONCILE section 9, SAFETY "Writing")."""

from __future__ import annotations

import time
from collections import defaultdict
from functools import partial

from ops_checks.errors import InputError, WriteError
from ops_checks.files.exchange import changed, clear_leftovers
from ops_checks.files.git_index import GitIndex
from ops_checks.model import BLANK, FIELDS
from ops_checks.sanitize import one_line, visible
from ops_checks.stores.markdown.lock import locked
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot
from ops_checks.stores.markdown.table import edit_row, parse_row, render_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change

    Edit = Callable[[str], list[str]]

#: Before a document that is being written to is read again.
_PAUSE_S = 0.01


class RowEdits:
    """What is to become of some rows: `cells` to replace by id, ids to remove, and items to insert.

    `inserted` are pairs of an item and the id of the row above it: TOP for the first place, LAST for the last.
    """

    TOP, LAST = object(), object()

    def __init__(self) -> None:
        self.cells: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.removed: set[str] = set()
        self.inserted: list[tuple[Item, object]] = []

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.cells or self.removed or self.inserted)


def row_edits(changes: Iterable[Change]) -> RowEdits:
    """Return what changes are to the rows of a document."""
    edits = RowEdits()
    for change in changes:
        pairs = zip(FIELDS, change.before, change.after, strict=True)
        new = [(name, after) for name, before, after in pairs if before != after]
        if new:
            edits.cells[change.before.id] += new
    return edits


def edited_document(path: str, snapshot: MarkdownSnapshot, edits: RowEdits) -> Iterator[bytes]:
    """Stream the document that an open snapshot read as it would be written with some edits; nothing is written.

    Raises WriteError for an edit that cannot be made, ChangingError at the end if the document changed meanwhile.
    """
    lines, _ = _line_edits(path, snapshot, edits)
    return snapshot.with_lines(lines)


class MarkdownTransaction:
    """Nobody who takes the document's lock writes to it from entering on; what others do is found when it is written.

    Raises WriteError if the lock is not had in time, InputError if there is no document.
    """

    def __init__(self, path: str, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._git = GitIndex(path)
        self._lock: AbstractContextManager[Callable[[], bool]]
        self._guarded: Callable[[], bool]
        self._stands: Callable[[], bool] = lambda: True
        self._rows: Mapping[str, Item | None] = {}

    def __enter__(self) -> Self:
        """Take the lock, when git has written what it is writing."""
        self._git.wait()
        self._lock = locked(self._path, self._timeout_s, time.monotonic() + self._timeout_s)
        self._guarded = self._lock.__enter__()
        try:
            clear_leftovers(self._path)
        except BaseException:  # KeyboardInterrupt too: `__exit__` is not called then
            self._lock.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock."""
        self._lock.__exit__(kind, error, trace)

    def snapshot(self) -> MarkdownSnapshot:
        """Return a snapshot of the document, to be read and then written over."""
        return MarkdownSnapshot(self._path)

    def write(self, snapshot: MarkdownSnapshot, edits: RowEdits) -> None:
        """Write the edits over what an open snapshot read; every byte outside of the rows stays as it was.

        Raises ChangedError, ChangingError (another program wrote to the document: begin again), WriteError; then the
        document is as it was.
        """
        lines, self._rows = _line_edits(self._path, snapshot, edits)
        self._stands = snapshot.replace_lines(lines, lambda: self._guarded() and not self._git.busy())

    def settle(self) -> list[str]:
        """Wait for git, and return remarks.

        Raises WriteError if a row is not as it was written, because another program has since put its own version of
        the document there; one that wrote elsewhere in the document has undone nothing.
        """
        self._git.settle()
        undone = [] if self._stands() else self._undone(time.monotonic() + self._timeout_s)
        if undone:
            more = f" and {len(undone) - 1} more" if len(undone) > 1 else ""
            raise WriteError(
                f"{visible(self._path)}: {visible(undone[0])}{more}: was written, and another program has since put a "
                "version there that says otherwise: look at the document, then run `ops-checks drift`"
            )
        return list(self._git.remarks)

    def _undone(self, until: float) -> list[str]:
        """Return the ids of the rows that do not read as they were written; all, if the document cannot be read."""
        while True:
            try:
                with self.snapshot() as snapshot:
                    now = {item.id: item for _, item in snapshot.items() if item.id in self._rows}
            except InputError:  # it may be written to just now
                if time.monotonic() >= until:
                    return list(self._rows)
                time.sleep(_PAUSE_S)
            else:
                return [item_id for item_id, item in self._rows.items() if now.get(item_id) != item]


def _line_edits(
    path: str, snapshot: MarkdownSnapshot, edits: RowEdits
) -> tuple[Mapping[int, Edit], Mapping[str, Item | None]]:
    """Return the edits by line, and by id what each row is then, None for none.

    Raises WriteError for a row that is not there.
    """
    wanted = {*edits.cells, *edits.removed, *(above for _, above in edits.inserted if isinstance(above, str))}
    found: dict[str, tuple[int, Item]] = {}
    last = 0
    for number, item in snapshot.items():
        last = number
        if item.id in wanted:
            found[item.id] = (number, item)
    missing = sorted({*edits.cells, *edits.removed} - found.keys())
    if missing:
        raise WriteError(f"{visible(path)}: no row {visible(missing[0])}: look at the document")
    changes: dict[int, list[Edit]] = defaultdict(list)
    for item_id, cells in edits.cells.items():
        number, item = found[item_id]
        changes[number].append(partial(_with_cells, path, number, item, cells))
    for item_id in edits.removed:
        number, item = found[item_id]
        changes[number].append(partial(_without, path, item))
    below = _below(edits, found, top=snapshot.delimiter_line, last=last or snapshot.delimiter_line)
    rows = {number: [_row(path, item) for item in items] for number, items in below.items()}
    crlf = snapshot.ends_lines_with_crlf()
    lines = {
        number: partial(_edited, changes.get(number, ()), rows.get(number, ()), crlf)
        for number in changes.keys() | rows.keys()
    }
    after: dict[str, Item | None] = dict.fromkeys((*edits.removed, *edits.cells))
    changed_items = [found[item_id][1].with_cells(cells) for item_id, cells in edits.cells.items()]
    after |= {item.id: _on_one_line(item) for item in (*changed_items, *(item for item, _ in edits.inserted))}
    return lines, after


def _below(edits: RowEdits, found: Mapping[str, tuple[int, Item]], *, top: int, last: int) -> Mapping[int, list[Item]]:
    """Return the items to insert below each line, in their order; where the row above is gone, below the last."""
    below: dict[int, list[Item]] = defaultdict(list)
    for item, above in edits.inserted:
        number = top if above is RowEdits.TOP else last
        if isinstance(above, str) and above in found:
            number = found[above][0]
        below[number].append(item)
    return below


def _edited(changes: Iterable[Edit], rows: Iterable[str], crlf: bool, line: str) -> list[str]:  # noqa: FBT001 - a partial's
    """Return what becomes of a line: itself as its changes make it, then the new rows, indented and ended as it is."""
    lines = [line]
    for change in changes:
        lines = change(lines[0]) if lines else []
    indent = line[: len(line) - len(line.lstrip(BLANK))]
    new = [indent + row for row in rows]
    if not new:
        return lines
    texts = [*(each.removesuffix("\r") for each in lines), *new]
    if not crlf:
        return texts
    last = "\r" if line.endswith("\r") else ""  # of a document that does not end its last line
    return [*(each + "\r" for each in texts[:-1]), texts[-1] + last]


def _with_cells(path: str, number: int, item: Item, cells: Iterable[tuple[str, str]], line: str) -> list[str]:
    _must_be(path, item, line)
    row = edit_row(line, cells)
    _must_read_as(f"{visible(path)}:{number}", item.with_cells(cells), row)
    return [row]


def _without(path: str, item: Item, line: str) -> list[str]:
    _must_be(path, item, line)
    return []


def _row(path: str, item: Item) -> str:
    """Return the row of a new item. Raises WriteError for one that would not read back as the item."""
    row = render_row(item)
    _must_read_as(visible(path), item, row)
    return row


def _must_be(path: str, item: Item, line: str) -> None:
    if parse_row(line.removesuffix("\r")) != item:  # written to in place, since it was read
        raise changed(path)


def _on_one_line(item: Item) -> Item:
    """Return an item as a row can hold it."""
    return item.with_cells((name, one_line(cell).strip(BLANK)) for name, cell in zip(FIELDS, item, strict=True))


def _must_read_as(where: str, item: Item, row: str) -> None:
    if parse_row(row.removesuffix("\r")) != _on_one_line(item):
        raise WriteError(f"{where}: not written, {visible(item.id)} could not be written without harm: check its cells")
