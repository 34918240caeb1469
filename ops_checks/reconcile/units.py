"""The units of an item: what moves, conflicts and is written as a whole (RECONCILE section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import FIELDS, NOTHING
from ops_checks.rules.drift.inline import same_text
from ops_checks.rules.drift.pair import normal

if TYPE_CHECKING:
    from ops_checks.model import Item

    #: The cells of a unit as they are compared.
    Value = tuple[str, ...]

#: Who holds an item: status, owner and start belong together, or a restored one would overwrite a worker's claim.
CLAIM = "claim"
NOTES = "notes"
#: Whether an item exists at all; it has no cells of its own.
ROW = "row"

#: The cells of each unit, in the order in which a plan lists them.
UNITS = {
    "priority": ("priority",),
    "task": ("task",),
    "success_criteria": ("success_criteria",),
    "due_at_kst": ("due_at_kst",),
    CLAIM: ("status", "owner_session", "started_at_kst"),
    NOTES: ("notes",),
}
#: The units that people write.
PEOPLES = tuple(unit for unit in UNITS if unit not in {CLAIM, NOTES})
#: The claim of an item that nobody has picked.
UNCLAIMED = ("PENDING", NOTHING, NOTHING)

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


def cells(item: Item, unit: str) -> dict[str, str]:
    """Return the cells of a unit as they are written, by field; of `row` all nine."""
    fields = FIELDS if unit == ROW else UNITS[unit]
    return {field: item[FIELDS.index(field)] for field in fields}


def differing(md: Item, db: Item) -> list[str]:
    """Return the units in which two items differ."""
    return [unit for unit in UNITS if not same(md, db, unit)]


def units_of(fields: tuple[str, ...]) -> frozenset[str]:
    """Return the units that some fields touch; a field of the claim stands for the whole claim."""
    return frozenset(unit for unit, members in UNITS.items() if not set(members).isdisjoint(fields))
