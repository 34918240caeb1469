"""Two rows of one item, one on each side of a comparison, as a drift rule sees them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.model import DASHED, NOTHING, STATUSES
from ops_checks.sanitize import one_line

if TYPE_CHECKING:
    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.stores.changes import Reliability
    from ops_checks.stores.protocol import Snapshot

_BLANK = " \t\v\f"
_MOST_ID = 64  # characters: ids are shorter, and splitting a whole row only to find its status takes time


class Row:
    """An item of one side by its comparison key; its cells are parsed and its lease is read on first use."""

    __slots__ = ("_item", "_key", "_number", "_snapshot")

    def __init__(self, snapshot: Snapshot, number: int, key: str) -> None:
        self._snapshot = snapshot
        self._number = number
        self._key = key
        self._item: Item | None = None

    @property
    def number(self) -> int:
        """The line of the row, or its number in the database."""
        return self._number

    @property
    def item(self) -> Item:
        """The item. Raises InputError if the row is malformed."""
        if self._item is None:
            self._item = self._snapshot.item(self._number, self._key)
        return self._item

    @property
    def place(self) -> Place:
        """Where a person finds the item."""
        return self._snapshot.place(self._number, self.item.id)

    @property
    def reliability(self) -> Reliability | None:
        """Lease and attempts of the item, None on a side that keeps none."""
        return self._snapshot.reliability(self.item.id)


class Pair(NamedTuple):
    """An item on both sides, None where a side lacks it: `md` is the side of people, `db` that of machines."""

    md: Row | None
    db: Row | None

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows there are."""
        return tuple(row for row in self if row is not None)


class Difference(NamedTuple):
    """One violation of a drift rule: what it is in one line, the field and both values, the rows to show, and why."""

    item: str
    message: str
    rows: tuple[Row, ...]
    field: str | None = None
    md: str | None = None
    db: str | None = None
    reason: str | None = None


def normal(field: str, text: str) -> str:
    """Return a cell as it is compared: on one line, trimmed, and nothing as `-` where that is how it is written.

    Each store joins notes in its own way: every pipe in them counts as a slash (FORMATS section 1).
    """
    if field == "notes":
        text = text.replace("|", "/")
    return one_line(text).strip(_BLANK) or (NOTHING if field in DASHED else "")


def rendered(field: str, text: str) -> str:
    """Return a cell as `normal` does, and as older tools wrote it into the document: their rendering is equal too.

    They wrote ` / ` for a pipe, and trimmed no-break spaces.
    """
    return _SLASH.sub(" / ", normal(field, text).strip()) or normal(field, "")


#: A pipe with the blanks around it, and what stands for one.
_SLASH = re.compile(r" ?\| ?| / ")


def plain_status(key: str) -> str:
    """Return the status in a comparison key written as `| id | status | …`, or "" if it must be parsed to find it."""
    cells = key[:_MOST_ID].split("|", 3)
    plain = len(cells) > 3 and not cells[0] and cells[1][-1:] != "\\"  # noqa: PLR2004 - one pipe on each side of a cell
    status = cells[2].strip(_BLANK) if plain else ""
    return status if status in STATUSES else ""
