"""The units of an item: what moves, conflicts and is written as a whole (RECONCILE section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import FIELDS
from ops_checks.rules.drift.pair import normal
from ops_checks.rules.drift.same_text import same_text

if TYPE_CHECKING:
    from ops_checks.model import Item

    #: The cells of a unit as they are compared.
    Value = tuple[str, ...]

#: Who holds an item: status, owner and start belong together, or a restored one would overwrite a worker's claim.
CLAIM = "claim"
NOTES = "notes"

#: The cells of each unit, in the order in which a plan lists them.
UNITS = {
    "priority": ("priority",),
    "task": ("task",),
    "success_criteria": ("success_criteria",),
    "due_at_kst": ("due_at_kst",),
    CLAIM: ("status", "owner_session", "started_at_kst"),
    NOTES: ("notes",),
}
#: The unit of each cell.
UNIT_OF = {field: unit for unit, fields in UNITS.items() for field in fields}

_AT = {unit: tuple((field, FIELDS.index(field)) for field in fields) for unit, fields in UNITS.items()}


def value(item: Item, unit: str) -> Value:
    """Return the cells of a unit on one line and trimmed, nothing as `-`; `equal` compares them."""
    return tuple(normal(field, item[at]) for field, at in _AT[unit])


def equal(one: Value, other: Value) -> bool:
    """Return whether two values of a unit are the same to `consistency-check`: also where a formatter escaped one."""
    return one == other or all(map(same_text, one, other))


def same(left: Item, right: Item, unit: str) -> bool:
    """Return whether two items are equal in a unit: most cells are so to the letter."""
    return all(left[at] == right[at] for _, at in _AT[unit]) or equal(value(left, unit), value(right, unit))
