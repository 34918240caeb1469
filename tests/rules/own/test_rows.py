"""What the rows of a rule in SQL mean: one finding an item, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.errors import InputError
from ops_checks.findings import Place
from ops_checks.rules.own.rows import LONGEST_ID, findings_of


def place(item: str) -> Place:
    """Return a location."""
    return Place("q.db", table="queue_items", key=item)


def messages(columns: tuple[str, ...], *rows: tuple[object, ...], keep: int | None = None) -> list[str]:
    """Return the messages of what is found."""
    return [each.message for each in findings_of("r", columns, rows, place, keep)[0]]


@pytest.mark.parametrize(
    ("columns", "row", "message"),
    [
        (("id",), ("A-1",), "A-1 is found"),
        (("id",), (7,), "7 is found"),
        (("id",), (b"\xff",), "x'ff' is found"),
        (("id",), (float("nan"),), "nan is found"),
        (("id", "n", "t"), ("A-1", None, "x"), "A-1 n=null, t=x"),
        (("id", "t"), ("A-1", "\x1b]52;\n\u202e"), "A-1 t=\\x1b]52;\\n\\u202e"),
        (("id", "t"), ("A-1", "x" * 81), "A-1 t=" + "x" * 79 + "…"),
        (("id", "n" * 41), ("A-1", 1), "A-1 " + "n" * 39 + "…=1"),
        (("id", *"abcdefghij"), ("A-1", *range(8)), "A-1 a=0, b=1, c=2, d=3, e=4, f=5, g=6, h=7 and 2 more"),
    ],
)
def test_a_row_is_shown(columns, row, message):
    """Each further column by its name, bounded, and with nothing in it that a terminal obeys."""
    assert messages(columns, row) == [message]


@pytest.mark.parametrize("value", [None, "", "x" * (LONGEST_ID + 1), b"x" * 501])
def test_a_row_that_names_no_item_is_an_error(value):
    """Whatever it says: nobody could be told what it is about."""
    with pytest.raises(InputError, match="the first column of row 2"):
        messages(("id",), ("A-1",), (value,))


def test_an_item_counts_once():
    """Its first row is shown, wherever the further ones stand."""
    rows = [("A-1", 1), ("B-1", 2), ("A-1", 3)]
    assert messages(("id", "n"), *rows) == ["A-1 n=1 (2 rows)", "B-1 n=2"]
    assert messages(("id", "n"), *rows, keep=1) == ["A-1 n=1 (2 rows)"]


@given(st.lists(st.sampled_from("ABCDEFGH"), max_size=40), st.integers(0, 10))
def test_the_count_is_that_of_the_items(ids, keep):
    """However many are kept; those have fingerprints of their own, in the order of the rows."""
    found, total = findings_of("r", ("id",), [(each,) for each in ids], place, keep)
    items = list(dict.fromkeys(ids))
    assert total == len(items)
    assert [each.item for each in found] == (items[:keep] if keep else items)
    assert len({each.fingerprint for each in found}) == len(found)
