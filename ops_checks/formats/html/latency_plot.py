"""The plot of how long runs took: how many took how long, on a logarithmic scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.formats.html.plot import HEIGHT, Plot, Table
from ops_checks.formats.html.scales import drawable, log_axis, milliseconds, percent, pixels, placed, value_axis
from ops_checks.presentation.wording import number, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ops_checks.formats.html.scales import Scale, Tick
    from ops_checks.report.background import Bin

#: The shortest time that has a place on the scale, in milliseconds.
_SHORTEST = 0.01
_MOST_BINS = 200


class Bar(NamedTuple):
    """A bin: left end and width in percent, top and height in pixels, the words of its tooltip."""

    x: str
    width: str
    y: str
    height: str
    words: str


class LatencyPlot(Plot, frozen=True, kw_only=True):
    """A bar for each bin, and marks of single values."""

    bars: tuple[Bar, ...]
    marks: tuple[Tick, ...]


def latency_plot(bins: Sequence[Bin], marks: Iterable[tuple[str, float | None]]) -> LatencyPlot | None:
    """Return the plot of bins of milliseconds; `marks` are values with their names. None where nothing can be drawn."""
    drawn = [each for each in bins[:_MOST_BINS] if len(drawable([each.low, each.high])) > 1 and each.count >= 0]
    if not drawn:
        return None
    low = max(min(each.low for each in drawn), _SHORTEST)
    across, x_ticks = log_axis(low, max(*(each.high for each in drawn), 2 * low))
    up, y_ticks = value_axis([each.count for each in drawn], HEIGHT, whole=True)
    return LatencyPlot(
        kind="latency",
        title="How long runs took",
        description=_description(drawn),
        height=HEIGHT,
        x_ticks=tuple(x_ticks),
        y_ticks=tuple(y_ticks),
        table=Table(
            ("From", "Up to", "Runs"),
            tuple((number(each.low, "ms"), number(each.high, "ms"), str(each.count)) for each in drawn),
            len(bins) - len(drawn),
        ),
        bars=tuple(_bar(each, across, up) for each in drawn if each.count),
        marks=tuple(
            placed(_share(across, value), f"{name} {milliseconds(value)}")
            for name, value in marks
            if value is not None and drawable([value])
        ),
    )


def _share(across: Scale, value: float) -> float:
    return across.at(math.log10(max(value, _SHORTEST)))


def _bar(one: Bin, across: Scale, up: Scale) -> Bar:
    left, right = _share(across, one.low), _share(across, one.high)
    top = HEIGHT * (1 - up.at(one.count))
    words = f"{milliseconds(one.low)} to {milliseconds(one.high)}: {plural(one.count, 'run', 'runs')}"
    return Bar(percent(left), percent(max(right - left, 0)), pixels(top), pixels(HEIGHT - top), words)


def _description(bins: Sequence[Bin]) -> str:
    total = sum(each.count for each in bins)
    most = max(bins, key=lambda each: each.count)
    return (
        f"{plural(total, 'run', 'runs')} from {milliseconds(bins[0].low)} to {milliseconds(bins[-1].high)}; "
        f"most, {most.count}, took {milliseconds(most.low)} to {milliseconds(most.high)}. The scale is logarithmic."
    )
