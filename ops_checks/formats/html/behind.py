"""What the page shows of what lies behind the numbers: latency, the queue over time, workers, groups of runs, drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import astuple

from ops_checks.formats.html.lanes_plot import lanes_plot
from ops_checks.formats.html.latency_plot import latency_plot
from ops_checks.formats.html.plot import NAME
from ops_checks.formats.html.rule_sections import sides
from ops_checks.formats.html.scales import percent
from ops_checks.formats.html.sizes import bytes_of, cut
from ops_checks.formats.html.states_plot import states_plots
from ops_checks.presentation.limits import fitting
from ops_checks.presentation.wording import number

if TYPE_CHECKING:
    from ops_checks.formats.html.clock import Clock
    from ops_checks.formats.html.plot import Plot
    from ops_checks.report.background import Background, Breakdown, FieldDrift
    from ops_checks.report.model import Report

_MOST_GROUPS, _MOST_BREAKDOWNS = 40, 8
#: Bytes of all rows of the drift, and of the markup around the texts of one.
_DRIFT, _DRIFT_ROW = 100_000, 160


class Group(Struct, frozen=True):
    """A group of runs in texts; `share` is that of all failures that are listed, in words and as a length."""

    name: str
    runs: str
    failed: str
    rate: str
    p95: str
    share: str
    length: str


class Groups(Struct, frozen=True):
    """The runs by one thing, and how many groups are not listed."""

    by: str
    rows: tuple[Group, ...]
    more: int


class Differing(Struct, frozen=True):
    """A field in which both queues differ, in texts."""

    item: str
    field: str
    markdown: str
    md_blame: str
    database: str
    db_blame: str


class Behind(Struct, frozen=True):
    """All sections; what there is nothing of is empty."""

    latency: Plot | None
    states: tuple[Plot, ...]
    lanes: Plot | None
    groups: tuple[Groups, ...]
    drift: tuple[Differing, ...]
    more_drift: int


def behind(report: Report, background: Background, clock: Clock) -> Behind:
    """Return what lies behind a report, as the page shows it."""
    differing = [_differing(each) for each in background.drift]
    shown = fitting(differing, _DRIFT, _size)
    return Behind(
        latency_plot(background.latency, _marks(report)),
        tuple(states_plots(background.states, clock)) if background.states else (),
        lanes_plot(background.lanes, background.more_lanes, report.created_ms, clock),
        tuple(map(_groups, background.breakdowns[:_MOST_BREAKDOWNS])),
        tuple(shown),
        len(differing) - len(shown),
    )


def _marks(report: Report) -> list[tuple[str, float | None]]:
    """Return the values to be marked among latencies: the percentile that has a limit, and its limit."""
    rules = [rule for rule in report.rules if rule.id.startswith("latency-p") and rule.unit == "ms"]
    return [mark for rule in rules[:1] for mark in (("limit", rule.limit), (_short(rule.id), rule.value))]


def _short(rule_id: str) -> str:
    return rule_id.removeprefix("latency-").removesuffix("-ms")


def _groups(breakdown: Breakdown) -> Groups:
    rows = breakdown.rows[:_MOST_GROUPS]
    failed = sum(max(row.failed, 0) for row in breakdown.rows)
    return Groups(
        cut(breakdown.by, NAME),
        tuple(
            Group(
                cut(row.name, 2 * NAME),
                str(row.runs),
                str(row.failed),
                number(row.failure_rate),
                number(row.p95, "ms"),
                percent(round(share, 3)),
                percent(share),
            )
            for row in rows
            for share in [max(row.failed, 0) / failed if failed else 0]
        ),
        breakdown.more + len(breakdown.rows) - len(rows),
    )


def _differing(drift: FieldDrift) -> Differing:
    markdown, database = sides(drift.markdown, drift.database)
    texts = (drift.item, drift.field, markdown, drift.md_blame or "", database, drift.db_blame or "")
    return Differing(*map(cut, texts))


def _size(row: Differing) -> int:
    return _DRIFT_ROW + bytes_of(astuple(row))
