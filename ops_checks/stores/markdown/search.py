"""Find a row of the queue by its id, and validate every other without making an item of it."""

from __future__ import annotations

from itertools import repeat

from ops_checks.model import BLANK, FIELDS, PRIORITIES, STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.model import Item
    from ops_checks.stores.markdown.document import Document
    from ops_checks.stores.markdown.table import Table

_BLANK = BLANK.encode()
_PIPES = len(FIELDS) + 1
#: In place of an escaped pipe while rows are split: no line contains a line feed, and a single one ends a row.
_ESCAPED = b"\n\n"
_STATUSES, _PRIORITIES = frozenset(map(str.encode, STATUSES)), frozenset(map(str.encode, PRIORITIES))


class RowSearch:
    """One pass over a document, for the row of an id (None: of none).

    `found` is its line number and item, None without one, and `start` the lines and bytes before the chunk that it is
    in; `repeats`: two rows have the same id. The table has the defects.
    """

    def __init__(self, document: Document, table: Table, item_id: str | None) -> None:
        self.found: tuple[int, Item] | None = None
        self.start = (0, 0)
        self._document = document
        self._table = table
        self._wanted = None if item_id is None else item_id.encode("utf-8", "surrogateescape")
        self._ids: set[bytes] = set()
        self._rows = self._offset = 0

    @property
    def repeats(self) -> bool:
        """Whether two rows have the same id."""
        return len(self._ids) < self._rows

    def run(self) -> None:
        """Read the document. Raises InputError."""
        for first, lines in self._table.rows(self._to_parse()):
            items = self._table.parsed(first, lines)
            at = self._index([item.id.encode() for _, item in items])
            if at is not None:
                self.found = items[at]

    def _to_parse(self) -> Iterator[str]:
        """Yield the chunks that the table must parse: all but those in which each line is plainly a row."""
        table = self._table
        for offset, chunk, text in self._document.numbered_chunks():
            self._offset = offset
            ids = plain_ids(chunk) if table.goes_on else None
            if ids is None:
                yield text
                continue
            at = self._index(ids)
            if at is not None:
                line = chunk.split(b"\n", at + 1)[at].decode().removesuffix("\r")
                self.found = table.parsed(table.before + at + 1, [line])[0]
            table.before += len(ids)

    def _index(self, ids: list[bytes]) -> int | None:
        """Note the ids of some rows; return the index of the one that is looked for, None if it is not among them."""
        self._ids.update(ids)
        self._rows += len(ids)
        if self._wanted is None or self._wanted not in ids:
            return None
        self.start = (self._table.before, self._offset)
        return ids.index(self._wanted)


def plain_ids(chunk: bytes) -> list[bytes] | None:
    """Return the ids of the rows in a chunk of complete lines, None unless each line is surely an item.

    Builds no items, and no text: a change of one row of a large table spends nearly all its time on validating the
    others. The chunk is UTF-8.
    """
    if b"\r" in chunk:
        chunk = chunk.replace(b"\r\n", b"\n")
    escaped = b"\\" in chunk
    cells = (chunk.replace(b"\\|", _ESCAPED) if escaped else chunk).split(b"|")
    rows, rest = divmod(len(cells), _PIPES)
    framed = not cells[0] and rest == 1 and cells[_PIPES::_PIPES].count(b"\n") == rows and b"\r" not in chunk
    if not (framed and _all_in(_STATUSES, cells[2::_PIPES]) and _all_in(_PRIORITIES, cells[3::_PIPES])):
        return None
    ids = list(map(bytes.strip, cells[1::_PIPES], repeat(_BLANK)))
    if not all(ids):
        return None
    return [each.replace(_ESCAPED, b"|") for each in ids] if escaped else ids


def _all_in(names: frozenset[bytes], cells: list[bytes]) -> bool:
    return all(cell.strip(_BLANK) in names for cell in set(cells))
