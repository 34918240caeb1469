"""Plots as data: where each value lies, what is marked, and what is said of it in words."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ops_checks.formats.html.clock import Clock
from ops_checks.formats.html.lanes_plot import lanes_plot
from ops_checks.formats.html.latency_plot import latency_plot
from ops_checks.formats.html.states_plot import states_plots
from ops_checks.formats.html.timeline_plot import timeline_plot
from ops_checks.report.background import Bin, Lane, Point, Span, StatesAt, Timeline
from ops_checks.rules.history.queue_timelines import QUEUE_METRICS
from ops_checks.rules.kpi.timelines import METRICS, MOST_POINTS

DAY = 86_400_000
HOUR = 3_600_000
START = 1_767_193_200_000  # 2026-01-01 00:00 in Seoul
SEOUL = Clock(540)


def rate(*values: float | None, **changes: object) -> Timeline:
    """Return a failure rate by the day, limited to 0.2."""
    points = tuple(Point(START + at * DAY, value, samples=10) for at, value in enumerate(values))
    return replace(Timeline("failure_rate", "ratio", "Failures", DAY, points, "<=", 0.2), **changes)


def test_a_timeline() -> None:
    """A value stands in the middle of its step; one over the limit is marked, named and counted."""
    plot = timeline_plot(rate(0.1, 0.4), SEOUL, 1)
    assert [tick.label for tick in plot.y_ticks] == ["0", "0.1", "0.2", "0.3", "0.4"]
    assert plot.line == "M250 99L750 0"
    assert [(dot.x, dot.y, dot.is_out, dot.words) for dot in plot.dots] == [
        ("25%", "99", False, "2026-01-01: 0.1, 10 samples"),
        ("75%", "0", True, "2026-01-02: 0.4, 10 samples"),
    ]
    assert (plot.limit.at, plot.limit.label) == ("66", "limit <= 0.2")
    assert plot.description == (
        "From 2026-01-01 to 2026-01-02 (UTC+09:00): lowest 0.1, highest 0.4, last 0.4. "
        "The limit <= 0.2 is not met in 1 of 2 steps."
    )
    assert plot.table.rows == (
        ("2026-01-02", "0.4", "-", "-", "10", "not met"),
        ("2026-01-01", "0.1", "-", "-", "10", ""),
    )


@pytest.mark.parametrize(
    ("values", "line", "said"),
    [
        ((0.2, None, 0.1), "M166.7 0h0M833.3 66h0", "lowest 0.1, highest 0.2, last 0.1."),
        ((None, None), "", "no data."),
        ((0.1, float("nan")), "M250 66h0", ""),
        ((0.0, 0.0), "M250 132L750 132", "lowest 0, highest 0, last 0."),
    ],
)
def test_gaps(values: tuple[float | None, ...], line: str, said: str) -> None:
    """No line leads over a step without data, and a value alone is a dot."""
    plot = timeline_plot(rate(*values), SEOUL, 1)
    assert plot.line == line
    assert said in plot.description


def test_intervals_do_not_flatten_the_values() -> None:
    """Of wide intervals no more is drawn than twice the values; a step without one has none."""
    points = (Point(START, 0.1, 0.0, 1.0, 3), Point(START + DAY, 0.1, 0.05, 0.2, 30), Point(START + 2 * DAY, 0.1))
    plot = timeline_plot(rate(points=points), SEOUL, 1)
    assert plot.y_ticks[-1].label == "0.4"
    assert plot.band == "M166.7 0L500 66L500 115.5L166.7 132Z"


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        (None, None, None),
        (START + DAY, None, ("50%", "50%")),
        (START + DAY, START + 2 * DAY, ("50%", "50%")),
        (None, START + DAY, ("0%", "50%")),
        (START - 9 * DAY, START + 9 * DAY, None),
        (START + 9 * DAY, START + 99 * DAY, None),
    ],
)
def test_windows(start: int | None, end: int | None, window: tuple[str, str] | None) -> None:
    """What of the plot lies in the window of the report's own value is marked, unless that is all of it or nothing."""
    plot = timeline_plot(rate(0.1, 0.1, window_start_ms=start, window_end_ms=end), SEOUL, 1)
    assert plot.window == window


def test_a_lower_limit() -> None:
    """A success rate is out where it is below its limit."""
    plot = timeline_plot(rate(0.1, 0.4, operator=">="), SEOUL, 1)
    assert [dot.is_out for dot in plot.dots] == [True, False]


def test_a_limit_that_is_met() -> None:
    """Where every step meets the limit, that is said."""
    assert timeline_plot(rate(0.1, 0.2), SEOUL, 1).description.endswith("The limit <= 0.2 is met in all 2 steps.")


def test_hours_are_told_with_their_minute() -> None:
    """Steps of less than a day are named by their time."""
    points = (Point(START + HOUR, 1.23456, samples=1),)
    plot = timeline_plot(rate(points=points, step_ms=HOUR, limit=None), SEOUL, 1)
    assert plot.dots[0].words == "2026-01-01 01:00: 1.235, 1 sample"
    assert plot.table.rows[0][:2] == ("2026-01-01 01:00", "1.2346")


def test_all_points_of_a_gate_run_are_shown() -> None:
    """The timelines that a gate run collects, as many as there are, have room for all of their points."""
    collected = [*METRICS, "runs", *QUEUE_METRICS]
    plot = timeline_plot(rate(*[0.1] * MOST_POINTS), SEOUL, len(collected))
    assert (len(plot.table.rows), plot.table.more) == (MOST_POINTS, 0)


def test_of_many_points_the_newest_are_shown() -> None:
    """Timelines share so many points; of many the dots are those out of the limit, and the rest is counted."""
    plot = timeline_plot(rate(*[0.1] * 1100, 0.4), SEOUL, 2)
    assert (len(plot.table.rows), plot.table.more) == (700, 401)
    assert [dot.is_out for dot in plot.dots] == [True]
    assert timeline_plot(rate(*[0.4] * 100), SEOUL, 1).dots == ()


def test_latency() -> None:
    """Bars stand on a logarithmic scale, values are marked by their names, empty bins have no bar."""
    plot = latency_plot([Bin(10, 100, 4), Bin(100, 1000, 0), Bin(1000, 10_000, 2)], [("limit", 1000), ("p95", None)])
    assert [tuple(bar) for bar in plot.bars] == [
        ("0%", "33.33%", "0", "132", "10 ms to 100 ms: 4 runs"),
        ("66.67%", "33.33%", "66", "66", "1 s to 10 s: 2 runs"),
    ]
    assert [(tick.at, tick.label) for tick in plot.marks] == [("66.67%", "limit 1 s")]
    assert [tick.label for tick in plot.x_ticks] == ["10 ms", "100 ms", "1 s", "10 s"]
    assert plot.description == "6 runs from 10 ms to 10 s; most, 4, took 10 ms to 100 ms. The scale is logarithmic."
    assert plot.table.rows[1] == ("100 ms", "1000 ms", "0")


@pytest.mark.parametrize("bins", [[], [Bin(float("nan"), 1, 1)], [Bin(1, float("inf"), 1)]])
def test_no_latency(bins: list[Bin]) -> None:
    """Without a bin that can be drawn there is no plot."""
    assert latency_plot(bins, []) is None


def test_runs_of_no_time() -> None:
    """A bin that begins at 0 has a place on a scale that has no 0."""
    assert latency_plot([Bin(0, 1, 2)], []).bars[0][:2] == ("0%", "100%")


def test_states() -> None:
    """Layers lie on each other from the bottom up, hold until the next moment, and DONE has a plot of its own."""
    moments = [
        StatesAt(START, {"PENDING": 2, "DONE": 2}),
        StatesAt(START + DAY, {"PENDING": 1, "DONE": 3, "FAILED": 0}),
    ]
    open_items, everything = states_plots(moments, SEOUL)
    assert (open_items.title, everything.title) == ("Not done yet", "All items")
    assert [layer.status for layer in everything.layers] == ["PENDING", "DONE"]
    pending, done = everything.layers
    assert pending.area == "M0 86V86H1000V129H1000V172H1000V172H0Z"
    assert done.area == "M0 0V0H1000V0H1000V129H1000V86H0Z"
    assert (pending.last, done.last) == ("1", "3")
    assert (
        everything.description == "From 2026-01-01 00:00 to 2026-01-02 00:00 (UTC+09:00): PENDING 2 to 1, DONE 2 to 3."
    )
    assert everything.table.heads == ("At (UTC+09:00)", "PENDING", "DONE")
    assert everything.table.rows == (("2026-01-02 00:00", "1", "3"), ("2026-01-01 00:00", "2", "2"))


def test_one_plot_where_nothing_is_done() -> None:
    """No plot says the same twice, and a status of another program has its layer."""
    (plot,) = states_plots([StatesAt(START, {"PENDING": 2, "LATER": 1})], SEOUL)
    assert [(layer.status, layer.pattern) for layer in plot.layers] == [("PENDING", "1"), ("LATER", "5")]
    assert states_plots([StatesAt(START, {"PENDING": 0})], SEOUL) == []


def test_lanes() -> None:
    """What one owner holds at once lies in rows below each other; what is held still leads to the end."""
    lane = Lane(
        "s1",
        (Span("A", START, START + 2 * HOUR), Span("B", START + HOUR), Span("C", START + 2 * HOUR, START + 3 * HOUR)),
        2,
    )
    plot = lanes_plot([lane, Lane("s2", ())], 3, START + 4 * HOUR, SEOUL)
    (drawn,) = plot.lanes
    assert drawn.name == "s1: 5 items"
    assert [tuple(bar) for bar in drawn.bars] == [
        ("0%", "50%", "18", "A: 2026-01-01 00:00 to 2026-01-01 02:00", False),
        ("25%", "75%", "33", "B: since 2026-01-01 01:00, still held", True),
        ("50%", "25%", "18", "C: 2026-01-01 02:00 to 2026-01-01 03:00", False),
    ]
    assert plot.description == (
        "1 owner held 3 items, 1 still held; not shown: 4 more owners, 2 more items. Times are of UTC+09:00."
    )
    assert plot.table.rows[1] == ("s1", "B", "2026-01-01 01:00", "still held")
    assert plot.table.more == 2


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("worker:core-1", "worker:core-1"),
        ("agent:main:subagent:0e00c142-c2cc-4b1e-9d0c-51c9b5b0f6d2", "agent:main:su…c-51c9b5b0f6d2"),
    ],
)
def test_names_of_lanes_fit_on_a_phone(owner: str, name: str) -> None:
    """Of a long name its beginning and its end are shown, by which sessions differ; the table has all of it."""
    plot = lanes_plot([Lane(owner, (Span("A", START, START + HOUR),))], 0, START + HOUR, SEOUL)
    assert plot.lanes[0].name == f"{name}: 1 item"
    assert plot.table.rows[0][0] == owner


def test_nobody_held_anything() -> None:
    """Without a span there is no plot."""
    assert lanes_plot([Lane("s1", ())], 0, START, SEOUL) is None


def test_many_at_once() -> None:
    """A lane has six rows at most: what is held beside so many others lies over the last one."""
    lane = Lane("s1", tuple(Span(f"I-{at}", START, START + HOUR) for at in range(9)))
    bars = lanes_plot([lane], 0, START + HOUR, SEOUL).lanes[0].bars
    assert len({bar.y for bar in bars}) == 6
