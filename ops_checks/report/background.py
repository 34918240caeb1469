"""The records of what lies behind a gate run: how its numbers came about in time, and who and what they are of."""

from __future__ import annotations

from msgspec import Struct


class Point(Struct, frozen=True):
    """A metric at a time: its value over the step that begins there, None where there is no data.

    `at_ms` is epoch milliseconds; `low` and `high` bound the 95 % interval where one is defined; `samples` is what the
    value was computed from.
    """

    at_ms: int
    value: float | None
    low: float | None = None
    high: float | None = None
    samples: int = 0


class Timeline(Struct, frozen=True):
    """A metric over time, one point each `step_ms` milliseconds, in ascending order.

    `metric` and `unit` are those of the report's metric, `title` is for people. `operator` (`<=` or `>=`) and `limit`
    are what the policy demands of it, None where no rule does. The window (epoch milliseconds) is what the report's own
    value was computed from, None on a side where it is open.
    """

    metric: str
    unit: str
    title: str
    step_ms: int
    points: tuple[Point, ...]
    operator: str | None = None
    limit: float | None = None
    window_start_ms: int | None = None
    window_end_ms: int | None = None


class Bin(Struct, frozen=True):
    """How many runs took from `low` up to `high` milliseconds."""

    low: float
    high: float
    count: int


class StatesAt(Struct, frozen=True):
    """How many items had each status at a time (epoch milliseconds)."""

    at_ms: int
    counts: dict[str, int]


class Span(Struct, frozen=True):
    """An item that was held from one time to another, epoch milliseconds; `end_ms` None: it is held still."""

    item: str
    start_ms: int
    end_ms: int | None = None


class Lane(Struct, frozen=True):
    """What one owner held, by time of start; `more` counts the spans not listed."""

    owner: str
    spans: tuple[Span, ...]
    more: int = 0


class BreakdownRow(Struct, frozen=True):
    """The runs of one group: `failed` of them failed; `failure_rate` from 0 to 1, `p95` in milliseconds."""

    name: str
    runs: int
    failed: int
    failure_rate: float | None = None
    p95: float | None = None


class Breakdown(Struct, frozen=True):
    """The runs grouped by what `by` names (`owner`, `command`, `error`, …); `more` counts the groups not listed."""

    by: str
    rows: tuple[BreakdownRow, ...]
    more: int = 0


class FieldDrift(Struct, frozen=True):
    """A field in which both queues differ: its value in each, and who or what set each, where that is known."""

    item: str
    field: str
    markdown: str | None
    database: str | None
    md_blame: str | None = None
    db_blame: str | None = None


class Background(Struct, frozen=True):
    """All that lies behind a report; what was not collected is empty, and `notes` tell why.

    `latency` holds the runs by their duration, on a logarithmic scale; `states` the queue over time, ascending;
    `lanes` who held what, and `more_lanes` how many owners are not listed.
    """

    timelines: tuple[Timeline, ...] = ()
    latency: tuple[Bin, ...] = ()
    states: tuple[StatesAt, ...] = ()
    lanes: tuple[Lane, ...] = ()
    more_lanes: int = 0
    breakdowns: tuple[Breakdown, ...] = ()
    drift: tuple[FieldDrift, ...] = ()
    notes: tuple[str, ...] = ()
