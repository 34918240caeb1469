"""Scales of plots: where a value lies between the ends of an axis, and which values an axis names."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ops_checks.presentation.wording import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from ops_checks.formats.html.clock import Clock

#: So wide is a plot in its own units, which are stretched to the width of the page.
WIDTH = 1000
#: A larger value is told in the table and not drawn: a double has no places left for what is beside it.
_LARGEST = 1e15
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EDGE = 0.08  # nearer to an end of the axis a label would be cut off


class Scale(Struct, frozen=True):
    """A linear scale from `low` to `high`, which is more."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return where a value lies, from 0 to 1; what lies outside is at the end."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


class Tick(NamedTuple):
    """A place on an axis with its label: x in percent, or y in pixels; `anchor` is which end of the label is there."""

    at: str
    label: str
    anchor: str = "middle"


def drawable(values: Iterable[float | None]) -> list[float]:
    """Return the values that can be drawn."""
    return [value for value in values if value is not None and math.isfinite(value) and abs(value) <= _LARGEST]


def steps(low: float, high: float, most: int) -> list[float]:
    """Return round values from `low` to `high`, at equal distances of 1, 2 or 5 times a power of ten, about `most`."""
    size = _round_step((high - low) / most)
    return [at * size for at in range(math.floor(low / size + 1e-9), math.ceil(high / size - 1e-9) + 1)]


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= least * (1 - 1e-9)), 10 * power)


def value_axis(values: Iterable[float], height: int, *, most: int = 4, whole: bool = False) -> tuple[Scale, list[Tick]]:
    """Return a vertical scale that holds 0 and the values, between round ends, and its ticks.

    `height` is in pixels; `whole`: only whole numbers are named.
    """
    found = [0.0, *values]
    low, high = min(found), max(found)
    if low == high or (whole and high - low < most):
        high = low + (most if whole else 1)
    marks = steps(low, high, most)
    scale = Scale(marks[0], marks[-1])
    return scale, [Tick(pixels(height * (1 - scale.at(mark))), number(round(mark, 12))) for mark in marks]


def time_axis(clock: Clock, start_ms: int, end_ms: int, *, most: int = 4) -> tuple[Scale, list[Tick]]:
    """Return a horizontal scale of epoch milliseconds and its ticks, at round times of the zone, about `most`."""
    scale = Scale(start_ms, max(end_ms, start_ms + 1))
    for size, moments in _time_steps(clock, start_ms):
        if (end_ms - start_ms) / size <= most:
            return scale, [
                placed(scale.at(at), label) for at, label in _until(moments, end_ms) if start_ms <= at <= end_ms
            ]
    return scale, []


def log_axis(low: float, high: float, *, most: int = 5) -> tuple[Scale, list[Tick]]:
    """Return a horizontal logarithmic scale of milliseconds (its ends are powers), and its ticks."""
    scale = Scale(math.log10(low), math.log10(high))
    for factors in ((1, 2, 5), (1, 3), (1,)):
        marks = [
            factor * 10.0**power
            for power in range(math.floor(scale.low), math.ceil(scale.high) + 1)
            for factor in factors
            if low <= factor * 10.0**power <= high
        ]
        if len(marks) <= most:
            break
    marks = marks[:: math.ceil(len(marks) / most)] if len(marks) > 1 else [low, high]
    return scale, [placed(scale.at(math.log10(mark)), milliseconds(mark)) for mark in marks]


def milliseconds(value: float) -> str:
    """Return milliseconds in the unit that keeps them short: `20 ms`, `5 s`."""
    return number(rounded(value), "ms") if value < 1000 else number(rounded(value / 1000), "s")  # noqa: PLR2004 - of a second


def rounded(value: float) -> float:
    """Return a number of four digits, for a sentence: the table has all of them."""
    return value if isinstance(value, int) else float(f"{value:.4g}")


def placed(share: float, label: str) -> Tick:
    """Return a tick at a share of the width; a label at an end stands inside."""
    anchor = "start" if share < _EDGE else "end" if share > 1 - _EDGE else "middle"
    return Tick(percent(share), label, anchor)


def percent(share: float) -> str:
    """Return a share of the width as SVG has it: `12.5%`."""
    return f"{_short(share * 100)}%"


def pixels(value: float) -> str:
    """Return a length with one decimal at most."""
    return _short(value, 1)


def _short(value: float, decimals: int = 2) -> str:
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _time_steps(clock: Clock, start_ms: int) -> Iterator[tuple[int, Iterator[tuple[int, str]]]]:
    """Yield the sizes of steps, in milliseconds, each with the round times from about `start_ms` on."""
    start = clock.local(start_ms)
    if start is None:
        return
    for minutes in (1, 5, 15, 30, 60, 180, 360, 720):
        yield minutes * 60_000, _clock_times(clock, start, minutes)
    for days in (1, 2, 7, 14):
        yield days * 86_400_000, _days(clock, start, days)
    for months in (1, 3, 6, 12, 60, 240, 1200, 12_000):
        yield months * 2_629_746_000, _months(clock, start, months)


def _until(moments: Iterator[tuple[int, str]], end_ms: int) -> Iterator[tuple[int, str]]:
    """Yield moments up to a time; the calendar ends with the year 9999."""
    try:
        for at, label in moments:
            if at > end_ms:
                return
            yield at, label
    except (OverflowError, ValueError):
        return


def _clock_times(clock: Clock, start: datetime, minutes: int) -> Iterator[tuple[int, str]]:
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        for at in range(0, 1440, minutes):
            moment = day.replace(hour=at // 60, minute=at % 60)
            yield clock.epoch_ms(moment), f"{moment:%H:%M}" if at else _day(moment)
        day += timedelta(days=1)


def _days(clock: Clock, start: datetime, days: int) -> Iterator[tuple[int, str]]:
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    day -= timedelta(days=(day.toordinal() - 1) % days)  # weeks begin on Mondays
    while True:
        yield clock.epoch_ms(day), _day(day)
        day += timedelta(days=days)


def _months(clock: Clock, start: datetime, months: int) -> Iterator[tuple[int, str]]:
    first = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    at = (first.year * 12 + first.month - 1) // months * months
    while True:
        if at >= 12:  # noqa: PLR2004 - the calendar begins with the year 1
            moment = first.replace(year=at // 12, month=at % 12 + 1)
            yield clock.epoch_ms(moment), f"{moment.year}" if months >= 12 else f"{_MONTHS[at % 12]} {moment.year}"  # noqa: PLR2004
        at += months


def _day(moment: datetime) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1]}"
