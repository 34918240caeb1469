"""Items of the queue and their fields (FORMATS section 1).

Every command imports this, `status` included, so it imports next to nothing: `typing`, `enum` and
`dataclasses` would each take more start-up time than `status` takes in all.
"""

from __future__ import annotations

from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Self

STATUSES = ("PENDING", "IN_PROGRESS", "BLOCKED", "FAILED", "DONE")
TERMINAL = ("DONE", "FAILED")
PRIORITIES = ("P0", "P1", "P2")

#: The cells of a row, in the order of the queue's table.
FIELDS = (
    "id",
    "status",
    "priority",
    "task",
    "success_criteria",
    "owner_session",
    "started_at_kst",
    "due_at_kst",
    "notes",
)

#: Fields in which no value is written `-`; null and empty text are equal to it (FORMATS section 6).
DASHED = ("owner_session", "started_at_kst", "due_at_kst")
NOTHING = "-"

#: What Markdown trims around a cell, and no value of a row begins or ends with. Never a no-break space: `DONE\u00a0` is
#: not `DONE`.
BLANK = " \t\v\f\r"
#: The most rows that are none which one reading reports (FORMATS section 1).
MAX_DEFECTS = 20

#: Between an item's notes, the older first. In a document other programs split rows at every pipe (FORMATS section 1).
DB_NOTES_SEPARATOR = " | "
MD_NOTES_SEPARATOR = " / "


#: Digits: longer numbers in ids are no counters, and slow to convert.
_LONGEST_NUMBER = 18


#: The values of the fields that may be omitted.
_DEFAULTS = {**dict.fromkeys(DASHED, NOTHING), "notes": ""}


_INDEXES = {field: index for index, field in enumerate(FIELDS)}


def _cell(index: int) -> Any:  # noqa: ANN401 - each attribute below declares its type
    return property(itemgetter(index))


class Item(tuple[str, ...]):
    """One task of the queue: the nine cells of FIELDS, in that order, as text.

    A tuple with names, because a comparison of a million rows allows nothing slower. Built by field names
    (`Item(id="ORCH-1", status="PENDING", priority="P1", task="…", success_criteria="…")`; the others have
    defaults), or from an iterable of the nine cells. Raises TypeError for a field that is missing or unknown.
    """

    __slots__ = ()

    def __new__(cls, cells: Iterable[str] | None = None, /, **fields: str) -> Self:
        """Return the item of nine cells, or of named fields. Raises TypeError."""
        if cells is not None and fields:
            raise TypeError("give the cells or the fields, not both")
        if cells is None:
            named = {**_DEFAULTS, **fields}
            wrong = sorted(named.keys() ^ set(FIELDS))
            if wrong:
                raise TypeError(f"an item has the fields {', '.join(FIELDS)}: missing or unknown: {', '.join(wrong)}")
            cells = [named[field] for field in FIELDS]
        return super().__new__(cls, cells)

    #: Return the item of nine cells as fast as a tuple, unchecked: for a million of them.
    from_cells: Callable[[Iterable[str]], Item] = classmethod(tuple.__new__)  # type: ignore[assignment] # bound when looked up

    id: str = _cell(0)
    status: str = _cell(1)
    priority: str = _cell(2)
    task: str = _cell(3)
    success_criteria: str = _cell(4)
    owner_session: str = _cell(5)
    started_at_kst: str = _cell(6)
    due_at_kst: str = _cell(7)
    notes: str = _cell(8)

    def with_cells(self, cells: Iterable[tuple[str, str]]) -> Item:
        """Return this item with some cells replaced, given as pairs of field name and text."""
        changed = list(self)
        for field, cell in cells:
            changed[_INDEXES[field]] = cell
        return Item.from_cells(changed)


def last_note(notes: str) -> str:
    """Return the newest part of an item's notes, in either store's way of joining them."""
    return notes.rpartition(DB_NOTES_SEPARATOR)[2].rpartition(MD_NOTES_SEPARATOR)[2]


def id_order(item_id: str) -> tuple[str, int, str]:
    """Return a sort key for ids in natural order: `ORCH-9` before `ORCH-10` (FORMATS section 6)."""
    prefix, _, number = item_id.rpartition("-")
    counted = number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER
    return (prefix, int(number) if counted else -1, item_id)
