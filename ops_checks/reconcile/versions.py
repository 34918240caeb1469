"""Read the rows of some items out of one version of the document after the other. Pure.

Versions that follow each other have nearly everything in common. Of a version whose table is headed as the one before,
only the text around the table, where it is another, and the rows that are new or gone are looked at.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import compress, count
from operator import ne
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.reconcile.units import ROW, same
from ops_checks.stores.markdown.table import Table, parse_row, plain_id, split_cells

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ops_checks.model import Item

#: The end of lines that begin with a pipe.
_PAST_ROWS = re.compile(rb"\n(?!\|)")
_ANY_ROW = b"|\n"
#: In place of a row that is one of several of its id.
_AMBIGUOUS = ""
_MOST_KNOWN = 1 << 15
#: A version is read as a whole up to this size, in bytes, and as a stream above.
_WHOLE_BYTES = 1 << 22
_LONGEST_LINE_BYTES = 1 << 24
_BOM = "\ufeff"


class Rows:
    """The rows, as they are written, of the items that are looked for, in one version: `by_id`.

    `number` is the version's; `changed` are the ids whose rows differ from those in version `previous`.
    """

    __slots__ = ("_changed", "_number", "_previous", "by_id")

    def __init__(
        self, by_id: dict[str, str], number: int = -1, previous: int = -2, changed: Collection[str] = ()
    ) -> None:
        self.by_id = by_id
        self._number = number
        self._previous = previous
        self._changed = changed

    def differing(self, other: Rows) -> Collection[str]:
        """Return the ids whose rows are not the same to the letter in both versions."""
        if self._previous == other._number:
            return self._changed
        if other._previous == self._number:
            return other._changed
        mine, theirs = self.by_id, other.by_id
        return [item_id for item_id in mine.keys() | theirs.keys() if mine.get(item_id) != theirs.get(item_id)]


class _Frame(NamedTuple):
    """The version that was read last: its table's header and delimiter row, the text around, its rows.

    `around`: the bytes above the header, and those below the last row. `by_id` are the rows that are looked for.
    """

    heading: bytes
    around: tuple[bytes, bytes]
    rows: list[bytes]
    by_id: dict[str, str]
    number: int


class RowReader:
    """Reader of the rows of some items: those of others are only passed by."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._wanted = frozenset(ids)
        self._known: dict[str, str] = {}  # the id of a row, "" for one that is not looked for
        self._last: _Frame | None = None
        self._numbers = count()

    def read(self, blocks: Iterable[bytes], size: int) -> Rows | None:
        """Return the rows of a version, given in blocks of `size` bytes in all; None if it is no queue."""
        try:
            if size > _WHOLE_BYTES:
                found = self._parse(_texts(blocks))
                return None if found is None else Rows(found[0], next(self._numbers))
            data = b"".join(blocks)
            if data.endswith(b"\r"):  # as part of a row that has no line feed yet
                self._last = None
            return self._read_changes(data) or self._read_whole(data)
        except ValueError:  # not UTF-8, or a line without end
            return None

    def _read_whole(self, data: bytes) -> Rows | None:
        found = self._parse([data.decode().removeprefix(_BOM)])
        if found is None:
            return None
        by_id, header = found
        number = next(self._numbers)
        head = data.removeprefix(_BOM.encode()).split(b"\n", header + 1)[header - 1 : header + 1]
        heading = b"\n".join([*head, b""])
        unsure = _AMBIGUOUS in by_id.values() or data.endswith(b"\r")
        parts = None if unsure else _parts(data, heading)
        self._last = None
        if parts is not None and _is_frame(heading, parts[0]):
            self._last = _Frame(heading, *parts, by_id, number)
        return Rows(by_id, number)

    def _read_changes(self, data: bytes) -> Rows | None:
        """Return the rows of a version whose table is headed as the last one's, None for another."""
        last = self._last
        parts = None if last is None else _parts(data, last.heading)
        if last is None or parts is None:
            return None
        around, rows = parts
        differing = _differing(last.rows, rows)
        if differing is None or not (around == last.around or _is_frame(last.heading, around)):
            return None
        old, new = ([(self._id_of(line), line) for line in map(_text, lines)] for lines in differing)
        by_id = {**last.by_id}
        for item_id, _ in old:
            by_id.pop(item_id, None)
        for item_id, line in new:
            if item_id in by_id:
                return None  # it stands there twice
            if item_id:
                by_id[item_id] = line
        changed = {item_id for item_id, _ in (*old, *new) if item_id}
        number = next(self._numbers)
        self._last = _Frame(last.heading, around, rows, by_id, number)
        return Rows(by_id, number, last.number, changed)

    def _parse(self, texts: Iterable[str]) -> tuple[dict[str, str], int] | None:
        """Return the rows looked for in a document given as text, and the line of the table's header."""
        table = Table()
        by_id: dict[str, str] = {}
        for _, lines in table.rows(texts):
            for line in lines:
                item_id = self._id_of(line)
                if item_id:
                    by_id[item_id] = _AMBIGUOUS if item_id in by_id else line
        return None if table.defects else (by_id, table.header_line)

    def _id_of(self, line: str) -> str:
        item_id = self._known.get(line)
        if item_id is None:
            item_id = plain_id(line) or next(iter(split_cells(line)), "")
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            item_id = self._known[line] = item_id if item_id in self._wanted else ""
        return item_id


def item_in(rows: Rows | None, item_id: str) -> tuple[bool, Item | None]:
    """Return whether it can be read what a version says of an item, and the item, None if it has no row."""
    row = None if rows is None else rows.by_id.get(item_id)
    item = None if row is None else _parsed(row)
    return rows is not None and (row is None) == (item is None), item


@lru_cache(maxsize=1 << 12)
def _parsed(row: str) -> Item | None:
    return parse_row(row) if row else None


def equal(left: Item | None, right: Item | None, unit: str) -> bool:
    """Return whether a unit is the same in two versions of an item; of `row` only whether there is one in both."""
    if left is None or right is None:
        return left is right
    return unit == ROW or same(left, right, unit)


def _differing(old: list[bytes], new: list[bytes]) -> tuple[Collection[bytes], Collection[bytes]] | None:
    """Return the rows that only one of two versions has, or None if one stands in the newer version twice.

    Most versions change rows where they stand, or add some at the end.
    """
    changed = list(compress(range(len(old)), map(ne, old, new)))
    if len(new) >= len(old) >= 2 * len(changed):
        return [old[at] for at in changed], [*(new[at] for at in changed), *new[len(old) :]]
    before, after = set(old), set(new)
    return (before - after, after - before) if len(after) == len(new) else None


def _parts(data: bytes, heading: bytes) -> tuple[tuple[bytes, bytes], list[bytes]] | None:
    """Return the text around a table and its rows, None if there is no such heading: the lines that begin with a pipe.

    Each of them continues a table, whatever stands behind the pipe.
    """
    start = data.find(heading) + len(heading)
    if start < len(heading):
        return None
    past = _PAST_ROWS.search(data, start - 1)
    end = past.end() if past else len(data)
    rows = data[start:end].removesuffix(b"\n").split(b"\n") if end > start else []
    return (data[: start - len(heading)], data[end:]), rows


def _is_frame(heading: bytes, around: tuple[bytes, bytes]) -> bool:
    """Return whether a table between these texts is the document's one, and its rows all that begin with a pipe."""
    above, below = around
    text = b"".join((above, heading, _ANY_ROW, below)).decode().removeprefix(_BOM)
    table = Table()
    found = [(start, len(lines)) for start, lines in table.rows([text])]
    return found == [(above.count(b"\n") + 3, 1)] and not table.defects


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode()


def _texts(blocks: Iterable[bytes]) -> Iterator[str]:
    """Yield a version in chunks of complete lines. Raises ValueError."""
    bom, rest = _BOM, b""
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut:
            yield (rest + block[:cut]).decode().removeprefix(bom)
            bom, rest = "", b""
        rest += block[cut:]
        if len(rest) > _LONGEST_LINE_BYTES:
            raise ValueError("a line without end")
    if rest:
        yield rest.decode().removeprefix(bom)
