"""The oldest that waits at the end of each stretch of time, of many items in few entries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.rules.history.waits import BEFORE, Waits

STRETCHES = 12
#: From a stretch to another, or for ever; and since when.
SPANS = st.tuples(st.integers(BEFORE, STRETCHES), st.integers(0, STRETCHES), st.booleans(), st.integers(0, 99)).map(
    lambda told: (min(told[:2]), None if told[2] else max(told[:2]), told[3])
)


@given(st.lists(SPANS, max_size=20), st.lists(SPANS, max_size=3), st.sampled_from([1, 2, 3, 5]))
def test_the_oldest_of_each_stretch(before, after, times):
    """Of those that are pending at the end of a stretch, whether they were added before stretches became longer."""
    waits = Waits()
    for begin, end, since in before:
        waits.add(begin, end, since)
    waits.widen(times)
    wide = [(begin // times, end if end is None else end // times, since) for begin, end, since in before]
    for begin, end, since in after:
        waits.add(begin, end, since)
    stretches = [BEFORE, *range(STRETCHES + 2)]
    pending = [
        [since for begin, end, since in wide + after if begin <= at and (end is None or end > at)] for at in stretches
    ]
    expected = [(len(each), min(each, default=None)) for each in pending]
    assert list(waits.at_ends(stretches)) == expected


@pytest.mark.parametrize("times", [1, 5])
def test_many_waits_are_as_many_entries_as_there_are_pairs_of_stretches(times):
    """What is kept grows with the stretches, not with the items."""
    waits = Waits()
    for number in range(20_000):
        waits.add(number % 10, None if number % 7 == 0 else number % 10 + number % 11, number)
    waits.widen(times)
    assert len(waits._kept) <= (20 // times + 1) ** 2
