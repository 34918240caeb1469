"""The plot of a metric over time: its values, their intervals, the limit, and the window of the report's own value."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.formats.html.paths import band, line
from ops_checks.formats.html.plot import HEIGHT, NAME, Plot, Table
from ops_checks.formats.html.scales import Scale, drawable, percent, pixels, placed, rounded, time_axis, value_axis
from ops_checks.presentation.limits import shorten
from ops_checks.presentation.wording import number, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.formats.html.clock import Clock
    from ops_checks.formats.html.scales import Tick
    from ops_checks.report.background import Point, Timeline

#: So many points, the newest ones, are drawn and listed, of all timelines together.
_MOST_POINTS = 1400
#: Of more points those out of the limit have a dot, and of still more none.
_MOST_DOTS = 62
_DAY_MS = 86_400_000


class Dot(NamedTuple):
    """A value: x in percent, y in pixels, the words of its tooltip, and whether it is out of the limit."""

    x: str
    y: str
    words: str
    is_out: bool


class TimelinePlot(Plot, frozen=True, kw_only=True):
    """Paths of the line and of the intervals; `limit` and `window` are None where there is none.

    `limit` is a height with the words at it, `window` a left end and a width in percent.
    """

    line: str
    band: str
    dots: tuple[Dot, ...]
    limit: Tick | None
    window: tuple[str, str] | None


def timeline_plot(timeline: Timeline, clock: Clock, of: int) -> TimelinePlot:
    """Return the plot of a timeline that has a point at least, and is one `of` so many."""
    points = timeline.points[-max(_MOST_POINTS // of, 1) :]
    step = max(timeline.step_ms, 1)
    across, x_ticks = time_axis(clock, points[0].at_ms, points[-1].at_ms + step)
    up, y_ticks = value_axis(_heights(timeline, points), HEIGHT)
    drawn = list(_runs(points))
    spots = [[(across.at(each.at_ms + step / 2), _y(up, each.value)) for each in run] for run in drawn]
    said = [
        Dot(percent(x), pixels(y), _words(timeline, each, clock), _is_out(timeline, each.value))
        for run, places in zip(drawn, spots, strict=True)
        for each, (x, y) in zip(run, places, strict=True)
    ]
    return TimelinePlot(
        kind="timeline",
        title=shorten(timeline.title, NAME),
        description=_description(timeline, points, clock),
        height=HEIGHT,
        x_ticks=tuple(x_ticks),
        y_ticks=tuple(y_ticks),
        table=_table(timeline, points, clock),
        line=line(spots),
        band=band(_intervals(drawn, across, up, step)),
        dots=_dots(said),
        limit=_limit(timeline, up),
        window=_window(timeline, across),
    )


def _dots(dots: list[Dot]) -> tuple[Dot, ...]:
    out = [dot for dot in dots if dot.is_out]
    return next((tuple(each) for each in (dots, out) if len(each) <= _MOST_DOTS), ())


def _heights(timeline: Timeline, points: Iterable[Point]) -> list[float]:
    """Return the values that the axis holds: of intervals as much as leaves room for the values."""
    values = drawable([*(point.value for point in points), timeline.limit])
    most = 2 * max(values, default=0)
    return [*values, *(min(high, most) for high in drawable(point.high for point in points))]


def _runs(points: Iterable[Point]) -> Iterable[list[Point]]:
    """Yield the points between gaps."""
    for is_drawn, run in groupby(points, lambda point: bool(drawable([point.value]))):
        if is_drawn:
            yield list(run)


def _intervals(
    runs: Iterable[list[Point]], across: Scale, up: Scale, step: int
) -> Iterable[list[tuple[float, float, float]]]:
    for points in runs:
        for is_known, run in groupby(points, lambda point: len(drawable([point.low, point.high])) > 1):
            if is_known:
                yield [(across.at(each.at_ms + step / 2), _y(up, each.high), _y(up, each.low)) for each in run]


def _y(up: Scale, value: float | None) -> float:
    return HEIGHT * (1 - up.at(value or 0))


def _is_out(timeline: Timeline, value: float | None) -> bool:
    """Return whether a value does not meet the limit."""
    if value is None or timeline.limit is None:
        return False
    return value < timeline.limit if timeline.operator == ">=" else value > timeline.limit


def _limit(timeline: Timeline, up: Scale) -> Tick | None:
    if not drawable([timeline.limit]):
        return None
    return placed(1, _condition(timeline))._replace(at=pixels(_y(up, timeline.limit)))


def _condition(timeline: Timeline) -> str:
    return f"limit {timeline.operator or '<='} {number(timeline.limit, timeline.unit)}"


def _window(timeline: Timeline, across: Scale) -> tuple[str, str] | None:
    """Return what of the plot lies in the window, None where that is all of it or nothing."""
    start, end = timeline.window_start_ms, timeline.window_end_ms
    left = 0.0 if start is None else across.at(start)
    right = 1.0 if end is None else across.at(end)
    return (percent(left), percent(right - left)) if left < right and (left, right) != (0, 1) else None


def _time(timeline: Timeline, point: Point, clock: Clock) -> str:
    return clock.day(point.at_ms) if timeline.step_ms >= _DAY_MS else clock.minute(point.at_ms)


def _words(timeline: Timeline, point: Point, clock: Clock) -> str:
    return f"{_time(timeline, point, clock)}: {_value(timeline, point)}, {_samples(point)}"


def _value(timeline: Timeline, point: Point) -> str:
    return number(None if point.value is None else rounded(point.value), timeline.unit)


def _samples(point: Point) -> str:
    return plural(point.samples, "sample", "samples")


def _description(timeline: Timeline, points: tuple[Point, ...], clock: Clock) -> str:
    """Return what the plot shows, in words."""
    ends = f"From {_time(timeline, points[0], clock)} to {_time(timeline, points[-1], clock)} ({clock.name})"
    found = [point.value for point in points if point.value is not None]
    if not found:
        return f"{ends}: no data."
    lowest, highest, last = (number(rounded(each), timeline.unit) for each in (min(found), max(found), found[-1]))
    text = f"{ends}: lowest {lowest}, highest {highest}, last {last}."
    if timeline.limit is None:
        return text
    out = sum(_is_out(timeline, value) for value in found)
    steps = plural(len(found), "step", "steps")
    return f"{text} The {_condition(timeline)} is " + (
        f"not met in {out} of {steps}." if out else f"met in all {steps}."
    )


def _table(timeline: Timeline, points: tuple[Point, ...], clock: Clock) -> Table:
    rows = (
        (
            _time(timeline, point, clock),
            number(point.value, timeline.unit),
            number(point.low),
            number(point.high),
            str(point.samples),
            "not met" if _is_out(timeline, point.value) else "",
        )
        for point in reversed(points)
    )
    heads = (f"From ({clock.name})", "Value", "95 % from", "to", "Samples", "Limit")
    return Table(heads, tuple(rows), len(timeline.points) - len(points))
