"""Scales: round values, round times of the queue's zone, and nothing that cannot be drawn."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.formats.html.clock import Clock
from ops_checks.formats.html.scales import (
    Scale,
    drawable,
    log_axis,
    milliseconds,
    percent,
    placed,
    rounded,
    time_axis,
    value_axis,
)
from ops_checks.zones import NamedZone

SEOUL = Clock(540)
BERLIN = Clock(NamedZone("Europe/Berlin"))


def at(clock: Clock, text: str) -> int:
    """Return a wall clock's time in epoch milliseconds."""
    return clock.epoch_ms(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("values", "whole", "labels"),
    [
        ([0.05, 0.31], False, ["0", "0.1", "0.2", "0.3", "0.4"]),
        ([900, 2741.5], False, ["0", "1000", "2000", "3000"]),
        ([0], False, ["0", "0.5", "1"]),
        ([], False, ["0", "0.5", "1"]),
        ([-3, 4], False, ["-4", "-2", "0", "2", "4"]),
        ([2], True, ["0", "1", "2", "3", "4"]),
        ([58], True, ["0", "20", "40", "60"]),
        ([3e-7], False, ["0", "1e-07", "2e-07", "3e-07"]),
    ],
)
def test_value_axis(values: list[float], whole: bool, labels: list[str]) -> None:  # noqa: FBT001 - a column
    """An axis holds 0 and the values, and names a few round values from end to end."""
    scale, ticks = value_axis(values, 100, whole=whole)
    assert [tick.label for tick in ticks] == labels
    assert (ticks[0].at, ticks[-1].at) == ("100", "0")
    assert all(scale.low <= value <= scale.high for value in values)


@pytest.mark.parametrize(
    ("clock", "start", "end", "labels"),
    [
        (SEOUL, "2026-11-24T10:00", "2026-11-24T10:03", ["10:00", "10:01", "10:02", "10:03"]),
        (SEOUL, "2026-11-24T10:00", "2026-11-24T18:00", ["12:00", "15:00", "18:00"]),
        (SEOUL, "2026-11-24T10:00", "2026-11-25T18:00", ["12:00", "25 Nov", "12:00"]),
        (SEOUL, "2026-11-24T10:00", "2026-11-28T09:00", ["25 Nov", "26 Nov", "27 Nov", "28 Nov"]),
        (SEOUL, "2026-11-01T00:00", "2026-11-28T00:00", ["2 Nov", "9 Nov", "16 Nov", "23 Nov"]),
        (SEOUL, "2026-01-15T00:00", "2026-05-01T00:00", ["Feb 2026", "Mar 2026", "Apr 2026", "May 2026"]),
        (SEOUL, "2020-06-01T00:00", "2024-02-01T00:00", ["2021", "2022", "2023", "2024"]),
        # The days of a zone: one of 25 hours among them, and one of 23.
        (BERLIN, "2026-10-24T00:00", "2026-10-27T00:00", ["24 Oct", "25 Oct", "26 Oct", "27 Oct"]),
        (BERLIN, "2026-03-28T12:00", "2026-03-31T12:00", ["29 Mar", "30 Mar", "31 Mar"]),
    ],
)
def test_time_axis(clock: Clock, start: str, end: str, labels: list[str]) -> None:
    """An axis of time names round times as the queue's clock shows them, midnights by their day."""
    _, ticks = time_axis(clock, at(clock, start), at(clock, end))
    assert [tick.label for tick in ticks] == labels


def test_midnights_of_a_zone_with_daylight_saving_are_where_its_days_begin() -> None:
    """The day on which clocks go back takes 25 of 73 hours."""
    scale, ticks = time_axis(BERLIN, at(BERLIN, "2026-10-24T00:00"), at(BERLIN, "2026-10-27T00:00"))
    assert [tick.at for tick in ticks] == ["0%", "32.88%", "67.12%", "100%"]
    assert scale.at(at(BERLIN, "2026-10-26T00:00")) == (24 + 25) / 73


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (10, 46_415, ["10 ms", "100 ms", "1 s", "10 s"]),
        (10, 90, ["10 ms", "20 ms", "50 ms"]),
        (0.01, 1e9, ["0.01 ms", "10 ms", "10 s", "10000 s"]),
        (31, 44, ["31 ms", "44 ms"]),
        (4, 6, ["4 ms", "6 ms"]),
    ],
)
def test_log_axis(low: float, high: float, labels: list[str]) -> None:
    """An axis of durations names powers of ten, with some between where there are few, or its ends."""
    assert [tick.label for tick in log_axis(low, high)[1]] == labels


@pytest.mark.parametrize(
    ("value", "text"),
    [(20, "20 ms"), (316.2278, "316.2 ms"), (999.96, "1000 ms"), (1000, "1 s"), (46_415.9, "46.42 s")],
)
def test_milliseconds(value: float, text: str) -> None:
    """Durations have four digits at most, in the unit that keeps them short."""
    assert milliseconds(value) == text


def test_what_cannot_be_drawn() -> None:
    """No infinity, no NaN and no number without a place on the scale is drawn."""
    assert drawable([1, None, float("inf"), float("nan"), 1e16, -2.5]) == [1, -2.5]
    assert (rounded(2), rounded(1074.00813)) == (2, 1074.0)


@pytest.mark.parametrize(("share", "anchor"), [(0, "start"), (0.05, "start"), (0.5, "middle"), (0.95, "end")])
def test_labels_at_an_end_stand_inside(share: float, anchor: str) -> None:
    """No label is cut off by the end of the page."""
    assert placed(share, "x").anchor == anchor


@given(st.integers(-(2**63), 2**63), st.integers(0, 2**63), st.integers(-840, 840))
def test_any_span_has_few_ticks(start: int, length: int, minutes: int) -> None:
    """Every span of time has at most five names on its axis, in order and inside; one outside the calendar has none."""
    _, ticks = time_axis(Clock(minutes), start, start + length)
    places = [float(tick.at.rstrip("%")) for tick in ticks]
    assert len(ticks) <= 5
    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)


@given(st.lists(st.floats(-1e15, 1e15), max_size=5), st.booleans())
def test_any_values_have_few_ticks(values: list[float], whole: bool) -> None:  # noqa: FBT001 - drawn
    """Every axis has a few ticks and holds its values."""
    scale, ticks = value_axis(values, 100, whole=whole)
    assert 2 <= len(ticks) <= 8
    margin = (scale.high - scale.low) * 1e-6  # nobody sees
    assert all(scale.low - margin <= value <= scale.high + margin for value in values)


@given(st.floats(0, 1), st.floats(0, 1))
def test_places_keep_their_order(one: float, other: float) -> None:
    """What is larger is not farther left."""
    scale = Scale(0, 1)
    low, high = sorted((one, other))
    assert float(percent(scale.at(low))[:-1]) <= float(percent(scale.at(high))[:-1])


def test_times_of_no_year() -> None:
    """A time that no calendar has is a dash, and has no ticks."""
    assert (SEOUL.minute(2**62), SEOUL.day(-(2**62))) == ("-", "-")
    assert time_axis(SEOUL, 2**62, 2**62 + 10)[1] == []
