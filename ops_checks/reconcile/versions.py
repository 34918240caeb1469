"""Read the rows of some items out of one version of the document after the other. Pure.

Versions that follow each other have nearly everything in common. Of a version whose table stands between the same
text as the one before, only the rows that are new or gone are looked at.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import compress, count
from operator import ne
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.reconcile.units import ROW, same
from ops_checks.stores.markdown.table import Table, parse_row, plain_id, split_cells

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ops_checks.model import Item

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
    """The version that was read last: the bytes above and below its rows, its rows, and those looked for."""

    above: bytes
    below: bytes
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
        by_id, first, rows = found
        number = next(self._numbers)
        lines = data.split(b"\n")
        start = sum(len(line) + 1 for line in lines[: first - 1])
        end = start + sum(len(line) + 1 for line in lines[first - 1 : first - 1 + rows])
        self._last = None
        table = _split(data[start:end])
        if _AMBIGUOUS not in by_id.values() and _are_framed(table) and not data.endswith(b"\r"):
            self._last = _Frame(data[:start], data[end:], table, by_id, number)
        return Rows(by_id, number)

    def _read_changes(self, data: bytes) -> Rows | None:
        """Return the rows of a version that differs from the last one in rows only, None for another."""
        last = self._last
        if last is None or not (data.startswith(last.above) and data.endswith(last.below)):
            return None
        table = data[len(last.above) : len(data) - len(last.below)]
        if last.below and not table.endswith(b"\n"):
            return None  # what stood below the table's end continues it now
        rows = _split(table)
        differing = _differing(last.rows, rows)
        if differing is None or not _are_framed(differing[1]):
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
        self._last = _Frame(last.above, last.below, rows, by_id, number)
        return Rows(by_id, number, last.number, changed)

    def _parse(self, texts: Iterable[str]) -> tuple[dict[str, str], int, int] | None:
        """Return the rows looked for in a document given as text, the line of its first row, and how many it has."""
        table = Table()
        by_id: dict[str, str] = {}
        first = rows = 0
        for start, lines in table.rows(texts):
            first, rows = first or start, rows + len(lines)
            for line in lines:
                item_id = self._id_of(line)
                if item_id:
                    by_id[item_id] = _AMBIGUOUS if item_id in by_id else line
        return None if table.defects else (by_id, first or table.header_line + 2, rows)

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


def _are_framed(lines: Iterable[bytes]) -> bool:
    """Return whether every line begins with a pipe, and so continues a table whatever stands behind it."""
    return all(line.startswith(b"|") for line in lines)


def _split(table: bytes) -> list[bytes]:
    return table.removesuffix(b"\n").split(b"\n") if table else []


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
