"""The plot of how many items had each status over time, stacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.formats.html.paths import steps
from ops_checks.formats.html.plot import HEIGHT, NAME, Plot, Table
from ops_checks.formats.html.scales import percent, pixels, time_axis, value_axis
from ops_checks.model import STATUSES
from ops_checks.presentation.limits import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.formats.html.clock import Clock
    from ops_checks.formats.html.scales import Scale
    from ops_checks.report.background import StatesAt

#: From the bottom up: what is worked on, what waits, what is stuck, what has ended.
_ORDER = ("IN_PROGRESS", "PENDING", "BLOCKED", "FAILED", "DONE")
_ENDED = "DONE"
_MOST_MOMENTS = 200
_MOST_STATUSES = 8
_HEIGHT = HEIGHT + 40
_LEAST_FOR_LABEL = 15  # pixels
assert set(_ORDER) == set(STATUSES)  # noqa: S101 - a new status has a place here, or the import fails


class Layer(NamedTuple):
    """A status: its name, the number of its pattern, its area, its newest count, and where its label stands."""

    status: str
    pattern: str
    area: str
    last: str
    label: tuple[str, str] | None


class StatesPlot(Plot, frozen=True, kw_only=True):
    """The layers from the bottom up."""

    layers: tuple[Layer, ...]


def states_plots(states: Sequence[StatesAt], clock: Clock) -> list[StatesPlot]:
    """Return the plot of all that has not ended well, and that of everything where there is more."""
    moments = states[-_MOST_MOMENTS:]
    found = {status for moment in moments for status, count in moment.counts.items() if count > 0}
    ordered = [status for status in _ORDER if status in found] + sorted(found - {*_ORDER})
    unfinished = [status for status in ordered if status != _ENDED]
    kept = [(title, shown) for title, shown in (("Not done yet", unfinished), ("All items", ordered)) if shown]
    if unfinished == ordered:
        kept = kept[-1:]
    more = len(states) - len(moments)
    return [_plot(title, shown[:_MOST_STATUSES], moments, clock, more) for title, shown in kept]


def _plot(title: str, statuses: list[str], moments: Sequence[StatesAt], clock: Clock, more: int) -> StatesPlot:
    across, x_ticks = time_axis(clock, moments[0].at_ms, moments[-1].at_ms)
    sums = [_sums(moment, statuses) for moment in moments]
    up, y_ticks = value_axis([each[-1] for each in sums], _HEIGHT, whole=True)
    return StatesPlot(
        kind="states",
        title=title,
        description=_description(statuses, moments, clock),
        height=_HEIGHT,
        x_ticks=tuple(x_ticks),
        y_ticks=tuple(y_ticks),
        table=_table(statuses, moments, clock, more),
        layers=tuple(_layer(at, statuses, moments, sums, (across, up)) for at in range(len(statuses))),
    )


def _sums(moment: StatesAt, statuses: list[str]) -> list[int]:
    """Return how many items have one of the first statuses, for none, one, two … of them."""
    found = [0]
    for status in statuses:
        found.append(found[-1] + max(0, moment.counts.get(status, 0)))
    return found


def _layer(
    at: int, statuses: list[str], moments: Sequence[StatesAt], sums: list[list[int]], scales: tuple[Scale, Scale]
) -> Layer:
    across, up = scales
    spots = [
        (across.at(moment.at_ms), _HEIGHT * (1 - up.at(each[at + 1])), _HEIGHT * (1 - up.at(each[at])))
        for moment, each in zip(moments, sums, strict=True)
    ]
    pattern = _ORDER.index(statuses[at]) if statuses[at] in _ORDER else len(_ORDER)
    last = str(moments[-1].counts.get(statuses[at], 0))
    return Layer(shorten(statuses[at], NAME), str(pattern), steps(spots), last, _label(spots))


def _label(spots: list[tuple[float, float, float]]) -> tuple[str, str] | None:
    """Return where a layer is thickest, None where that leaves no room for its name."""
    inside = [each for each in spots if 0.15 <= each[0] <= 0.85] or spots  # noqa: PLR2004 - away from the ends
    x, upper, lower = max(inside, key=lambda each: each[2] - each[1])
    if lower - upper < _LEAST_FOR_LABEL:
        return None
    return percent(min(0.85, max(0.15, x))), pixels((upper + lower) / 2 + 4)


def _description(statuses: list[str], moments: Sequence[StatesAt], clock: Clock) -> str:
    first, last = moments[0], moments[-1]
    changes = ", ".join(
        f"{shorten(each, NAME)} {first.counts.get(each, 0)} to {last.counts.get(each, 0)}" for each in statuses
    )
    return f"From {clock.minute(first.at_ms)} to {clock.minute(last.at_ms)} ({clock.name}): {changes}."


def _table(statuses: list[str], moments: Sequence[StatesAt], clock: Clock, more: int) -> Table:
    rows = (
        (clock.minute(moment.at_ms), *(str(moment.counts.get(each, 0)) for each in statuses))
        for moment in reversed(moments)
    )
    return Table((f"At ({clock.name})", *(shorten(each, NAME) for each in statuses)), tuple(rows), more)
