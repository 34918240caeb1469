"""Run the gate and collect what lies behind its numbers, for a page: nothing of it changes a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.errors import OpsError, unexpected
from ops_checks.findings import KPI
from ops_checks.gate.event_background import read_events
from ops_checks.gate.inputs import read_kpis
from ops_checks.gate.kpi_groups import grouping_by
from ops_checks.gate.readers import READERS
from ops_checks.gate.run import run_gate
from ops_checks.report.background import Background
from ops_checks.rules.kpi.breakdown import breakdown
from ops_checks.rules.kpi.groups import BY_OWNER
from ops_checks.rules.kpi.timelines import Times, latency_bins, timelines
from ops_checks.runlog.grouping import BY_COMMAND, BY_ERROR, TooManyGroupsError
from ops_checks.stores.transaction_protocol import Database
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from ops_checks.context import Context
    from ops_checks.gate.asked import Asked
    from ops_checks.gate.inputs import Evidence
    from ops_checks.report.model import Report
    from ops_checks.rules.kpi.timelines import Window
    from ops_checks.runlog.grouping import Grouping, Groups
    from ops_checks.runlog.stats import RunStats

#: What runs are grouped by besides time, in the order in which it is shown.
_BREAKDOWNS = (BY_OWNER, BY_COMMAND, BY_ERROR)


def run_with_background(
    context: Context,
    *,
    only: str | Collection[str] | None = None,
    fail_level: str = "error",
    max_details: int | None = None,
) -> Report:
    """Return what `run_gate` returns, with the background of it, for which the run log is read no second time.

    What cannot be collected is left out, and a note of the background says why. Raises what `run_gate` raises.
    """
    log = _LogReading(context)
    report = run_gate(
        context,
        only=only,
        fail_level=fail_level,
        max_details=max_details,
        readers={**READERS, KPI.id: log.read},
    )
    return replace(report, background=_collect(context, log, report))


class _LogReading:
    """Reads the evidence of the KPIs, with the runs of the log grouped.

    `groups` are those by time and then by each of `_BREAKDOWNS`, as far as they are to be had; `runs` is None where
    nothing is.
    """

    def __init__(self, context: Context) -> None:
        self.times = Times(context.now_s, context.zone)
        self.window: Window = (None, None)
        self.runs: RunStats | None = None
        self.groups: Sequence[Groups] = ()
        self.notes: list[str] = []

    def read(self, context: Context, _asked: Asked) -> Evidence:
        """Return the evidence. Where it cannot be had with all groups, or any, it is read without."""
        self.window = context.window.since_ms, context.window.until_ms
        try:
            evidence = self._grouped(context, *_breakdowns(context))
        except TooManyGroupsError as error:
            evidence = self._grouped(context)
            self.notes.append(f"who and what fails is not shown: {reason(error)}")
        except Exception as error:  # noqa: BLE001 - reading without groups decides what it is worth
            evidence = read_kpis(context)
            self.notes.append(f"the run log is not shown over time: {reason(error)}")
        return evidence

    def _grouped(self, context: Context, *breakdowns: Grouping) -> Evidence:
        groupings = (self.times.grouping, *breakdowns)
        evidence = read_kpis(context, groupings=groupings)
        self.runs = evidence.value.runs
        self.groups = self.runs.groups[-len(groupings) :] if self.runs else ()
        return evidence


def _breakdowns(context: Context) -> list[Grouping]:
    """Return what else the runs are grouped by; a snapshot has no runs. Raises InputError."""
    return [] if context.snapshot is not None else [grouping_by(context, by) for by in _BREAKDOWNS]


def _collect(context: Context, log: _LogReading, report: Report) -> Background:
    """Return the background of a report."""
    of_log = _attempt("the run log", lambda: _of_log(context, log, report))
    of_events = _attempt("the events", lambda: _of_events(context, log, report))
    measured = {metric.name for metric in report.metrics}
    levels = (line for line in of_events.timelines if line.metric in measured)
    return replace(
        of_log,
        timelines=(*of_log.timelines, *levels),
        states=of_events.states,
        lanes=of_events.lanes,
        more_lanes=of_events.more_lanes,
        notes=(*log.notes, *of_log.notes, *of_events.notes),
    )


def _attempt(what: str, collect: Callable[[], Background]) -> Background:
    """Return what can be collected, or nothing and a note."""
    try:
        return collect()
    except Exception as error:  # noqa: BLE001 - a report must not depend on it
        return Background(notes=(f"{what}: not shown: {reason(error)}",))


def reason(error: Exception) -> str:
    """Return in words why something could not be collected."""
    return error.message if isinstance(error, OpsError) else unexpected(error)


def _of_log(context: Context, log: _LogReading, report: Report) -> Background:
    if log.runs is None:
        return Background(notes=() if log.notes else ("no run log was read: there are no metrics of runs over time",))
    by_time, *others = log.groups
    found = (breakdown(by, log.runs, groups, context.zone) for by, groups in zip(_BREAKDOWNS, others, strict=False))
    return Background(
        timelines=timelines(log.times, by_time, log.window, report.rules),
        latency=latency_bins(log.runs.durations),
        breakdowns=tuple(each for each in found if each is not None),
        notes=tuple(_left_out(context, log, by_time)),
    )


def _left_out(context: Context, log: _LogReading, by_time: Groups) -> Iterator[str]:
    """Yield notes on the runs that are not shown over time."""
    if None in by_time:
        yield f"runs without a time, which are not shown over time: {by_time[None].runs}"
    since = log.times.since(log.window)
    before = sum(group.runs for key, group in by_time.items() if isinstance(key, int) and key < since)
    if before:
        shown = queue_time(since / 1000, context.zone)
        yield f"runs before {shown}, which are not shown over time, as the window is so much shorter: {before}"


def _of_events(context: Context, log: _LogReading, report: Report) -> Background:
    store = context.db_store if any(read.kind == "db" for read in report.inputs) else None
    if not isinstance(store, Database):
        return Background(notes=("no database was read: what the queue was like before is told by its events",))
    return read_events(store, context, log.window, log.times.since(log.window), report.rules)
