"""What a plan asks of the units of an item, besides what every comparison does (RECONCILE section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import FIELDS, NOTHING
from ops_checks.rules.drift.units import CLAIM, NOTES, UNITS, equal, same, value

if TYPE_CHECKING:
    from ops_checks.model import Item

#: Whether an item exists at all; it has no cells of its own.
ROW = "row"

#: The units that people write.
PEOPLES = tuple(unit for unit in UNITS if unit not in {CLAIM, NOTES})
#: The claim of an item that nobody has picked.
UNCLAIMED = ("PENDING", NOTHING, NOTHING)


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


__all__ = [
    "CLAIM",
    "NOTES",
    "PEOPLES",
    "ROW",
    "UNCLAIMED",
    "UNITS",
    "cells",
    "differing",
    "equal",
    "same",
    "units_of",
    "value",
]
