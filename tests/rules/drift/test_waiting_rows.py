"""Rows that wait for their partner stay known with the places where they stand."""

from __future__ import annotations

from ops_checks.rules.drift.waiting import Waiting


def test_rows_that_wait_are_told_in_their_order_with_their_numbers() -> None:
    """Numbers may leave gaps; what was noted stays known however often it is asked for, as long as the row waits."""
    waiting = Waiting()
    waiting.note([3, 4], [b"c", b"a"])
    waiting.note([5], [b"gone"])
    waiting.note([9], [b"b"])
    waiting.rows |= {b"a", b"b", b"c"}
    assert waiting.numbered() == [(3, b"c"), (4, b"a"), (9, b"b")]
    waiting.note([1], [b"d"])
    waiting.rows ^= {b"c", b"d"}
    assert waiting.numbered() == waiting.numbered() == [(1, b"d"), (4, b"a"), (9, b"b")]


def test_every_number_of_a_row_is_known() -> None:
    """A row that stands twice is named with both its numbers."""
    waiting = Waiting()
    waiting.note([1, 2, 3], [b"a", b"b", b"a"])
    assert waiting.numbers(b"a") == [1, 3]
