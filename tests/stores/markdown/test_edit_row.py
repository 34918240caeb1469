"""Editing a row of the table, cell by cell: any field, whatever stands at the ends of the row."""

from __future__ import annotations

import pytest

from ops_checks.model import FIELDS
from ops_checks.stores.markdown.table import edit_row, split_cells

_CELLS = [f"cell {number}" for number in range(len(FIELDS))]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("ends", ["| {} |", "{} |", "| {}", "{}", "  |{}|\t"])
def test_any_cell_is_edited_alone(field: str, ends: str) -> None:
    """One cell is replaced, and every other character stays, with and without pipes at the ends."""
    number = FIELDS.index(field)
    row = ends.format(" | ".join(_CELLS))
    edited = edit_row(row, [(field, "new")])
    assert edited == row.replace(f"cell {number}", "new")
    assert split_cells(edited) == [*_CELLS[:number], "new", *_CELLS[number + 1 :]]
