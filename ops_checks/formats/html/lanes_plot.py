"""The plot of who held which item when: a lane for each owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.formats.html.plot import NAME, Plot, Table
from ops_checks.formats.html.scales import percent, time_axis
from ops_checks.presentation.limits import shorten
from ops_checks.presentation.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.formats.html.clock import Clock
    from ops_checks.formats.html.scales import Scale
    from ops_checks.report.background import Lane, Span

_MOST_LANES = 40
_MOST_SPANS = 400  # of all lanes together
_MOST_ROWS = 6  # of a lane; what is held beside so many others lies over the last one
_NAME, _BAR, _GAP = 18, 12, 3  # pixels
_BEGIN, _END = 13, 14  # characters of a long name


class Bar(NamedTuple):
    """A span: left end and width in percent, top in pixels, the words of its tooltip, whether it is held still."""

    x: str
    width: str
    y: str
    words: str
    is_held: bool


class LaneDrawn(NamedTuple):
    """An owner: the name with what they held, at which height it stands, and the bars below it."""

    name: str
    y: str
    bars: tuple[Bar, ...]


class LanesPlot(Plot, frozen=True, kw_only=True):
    """`end` is what the bars of items that are held still lead to."""

    lanes: tuple[LaneDrawn, ...]
    bar_height: int = _BAR


def lanes_plot(lanes: Sequence[Lane], more_lanes: int, now_ms: int, clock: Clock) -> LanesPlot | None:
    """Return the plot of lanes up to a time, None where nobody held anything."""
    kept = [lane for lane in lanes if lane.spans][:_MOST_LANES]
    if not kept:
        return None
    shown = [(lane, lane.spans[-(_MOST_SPANS // len(kept)) :]) for lane in kept]
    spans = [span for _, each in shown for span in each]
    start = min(span.start_ms for span in spans)
    end = max(_end(span, now_ms) for span in spans)
    across, x_ticks = time_axis(clock, start, end)
    drawn, height = _drawn(shown, across, end, clock)
    left_out = sum(lane.more + len(lane.spans) - len(each) for lane, each in shown)
    return LanesPlot(
        kind="lanes",
        title="Who held what",
        description=_description(shown, more_lanes + len(lanes) - len(shown), left_out, clock),
        height=height,
        x_ticks=tuple(x_ticks),
        table=Table(("Owner", "Item", f"From ({clock.name})", "To"), tuple(_rows(shown, clock)), left_out),
        lanes=drawn,
    )


def _end(span: Span, now_ms: int) -> int:
    return max(span.start_ms, now_ms if span.end_ms is None else span.end_ms)


def _drawn(
    lanes: list[tuple[Lane, tuple[Span, ...]]], across: Scale, now_ms: int, clock: Clock
) -> tuple[tuple[LaneDrawn, ...], int]:
    """Return the lanes, one below the other, and how high they are together."""
    found, top = [], 0
    for lane, spans in lanes:
        rows = _rows_of(spans, now_ms)
        bars = tuple(_bar(span, row, top + _NAME, across, now_ms, clock) for span, row in zip(spans, rows, strict=True))
        held = plural(len(spans) + lane.more, "item", "items")
        found.append(LaneDrawn(f"{_name(lane.owner)}: {held}", str(top + _NAME - 5), bars))
        top += _NAME + (max(rows) + 1) * (_BAR + _GAP) + _GAP
    return tuple(found), top


def _name(owner: str) -> str:
    """Return a name that fits on a phone: of a long one its beginning and its end, by which sessions differ."""
    return owner if len(owner) <= _BEGIN + _END else f"{owner[:_BEGIN]}…{owner[-_END:]}"


def _rows_of(spans: Sequence[Span], now_ms: int) -> list[int]:
    """Return a row for each span, so that no two in one row overlap as far as the rows last."""
    ends: list[int] = []
    rows = []
    for span in spans:
        free = next((at for at, end in enumerate(ends) if end <= span.start_ms), len(ends))
        row = min(free, _MOST_ROWS - 1)
        end = _end(span, now_ms)
        if row == len(ends):
            ends.append(end)
        else:
            ends[row] = max(ends[row], end)
        rows.append(row)
    return rows


def _bar(span: Span, row: int, top: int, across: Scale, now_ms: int, clock: Clock) -> Bar:
    left, right = across.at(span.start_ms), across.at(_end(span, now_ms))
    y = str(top + row * (_BAR + _GAP))
    return Bar(percent(left), percent(right - left), y, _words(span, clock), span.end_ms is None)


def _words(span: Span, clock: Clock) -> str:
    start = clock.minute(span.start_ms)
    held = f"since {start}, still held" if span.end_ms is None else f"{start} to {clock.minute(span.end_ms)}"
    return f"{shorten(span.item, NAME)}: {held}"


def _until(span: Span, clock: Clock) -> str:
    return "still held" if span.end_ms is None else clock.minute(span.end_ms)


def _description(lanes: list[tuple[Lane, tuple[Span, ...]]], more: int, left_out: int, clock: Clock) -> str:
    held = sum(span.end_ms is None for _, spans in lanes for span in spans)
    total = sum(len(spans) for _, spans in lanes)
    text = f"{plural(len(lanes), 'owner', 'owners')} held {plural(total, 'item', 'items')}, {held} still held"
    rest = [f"{more} more owners"] * bool(more) + [f"{left_out} more items"] * bool(left_out)
    return f"{text}{'; not shown: ' if rest else ''}{', '.join(rest)}. Times are of {clock.name}."


def _rows(lanes: list[tuple[Lane, tuple[Span, ...]]], clock: Clock) -> Iterator[tuple[str, ...]]:
    for lane, spans in lanes:
        for span in spans:
            yield shorten(lane.owner, NAME), shorten(span.item, NAME), clock.minute(span.start_ms), _until(span, clock)
