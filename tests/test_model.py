"""Items: nine cells with names."""

from __future__ import annotations

import copy
import pickle

import pytest

from ops_checks.model import FIELDS, Item

NAMED = {"id": "A-1", "status": "PENDING", "priority": "P1", "task": "t", "success_criteria": "s"}


def test_an_item_by_field_names() -> None:
    """What is not named is nothing: `-` for owner, start and due, an empty text for notes."""
    item = Item(**NAMED)
    assert item == Item(["A-1", "PENDING", "P1", "t", "s", "-", "-", "-", ""])
    assert Item(**NAMED, notes="n", owner_session="w").owner_session == "w"


@pytest.mark.parametrize("wrong", [{"task": None}, {"colour": "red"}])
def test_a_field_that_is_missing_or_unknown(wrong: dict[str, str | None]) -> None:
    """A field that is left out, or that there is none of, is an error that names it and the fields."""
    fields = {name: text for name, text in {**NAMED, **wrong}.items() if text is not None}
    with pytest.raises(TypeError, match=f"missing or unknown: {next(iter(wrong))}"):
        Item(**fields)


def test_cells_or_fields() -> None:
    """An item is made of cells or of fields, not of both."""
    with pytest.raises(TypeError, match="not both"):
        Item(FIELDS, id="A-1")


def test_an_item_can_be_copied() -> None:
    """Copies and pickles of an item are that item."""
    item = Item(**NAMED)
    for other in (copy.copy(item), copy.deepcopy(item), pickle.loads(pickle.dumps(item)), Item.from_cells(item)):
        assert (type(other), other) == (Item, item)
