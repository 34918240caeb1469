"""Read the KPIs of now and those that they are compared with: of an earlier window, or of a saved report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.errors import InputError, UsageError
from ops_checks.gate.inputs import measured, read_kpi_runs
from ops_checks.gate.queue_reading import retries_within
from ops_checks.gate.stable_reading import read_stable
from ops_checks.policy.earlier_windows import EARLIER
from ops_checks.policy.window import Window
from ops_checks.report.model import Metric
from ops_checks.report.saved import read_report
from ops_checks.rules.kpi.comparison import Measured, compare
from ops_checks.rules.kpi.evidence import evidence_of
from ops_checks.rules.kpi.run_metrics import RUN_RULES
from ops_checks.rules.kpi.samples import KINDS, Events, Samples, check_published
from ops_checks.runlog.grouping import BY_TIME, Grouping, GroupStats
from ops_checks.sanitize import visible
from ops_checks.suggestions import did_you_mean
from ops_checks.timestamps import duration_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.context import Context
    from ops_checks.gate.inputs import Evidence
    from ops_checks.report.model import Report
    from ops_checks.rules.kpi.comparison import Comparison
    from ops_checks.runlog.stats import RunStats

_RETRIES = "retry_count"


class KpisCompared(Struct, frozen=True):
    """What was read now, and how it compares; `window` is of now, `before` of what it is compared with, None: all time.

    `report` is the saved report, `made_ms` when it was made (epoch milliseconds); None for an earlier window.
    """

    evidence: Evidence
    comparison: Comparison
    window: Window
    before: Window | None
    notes: tuple[str, ...] = ()
    report: str | None = None
    made_ms: int | None = None


def compare_kpis(context: Context, against: str) -> KpisCompared:
    """Read the KPIs and compare them with one of EARLIER, or with a saved report at a path.

    Raises UsageError for a window that cannot be compared so, InputError for what cannot be read.
    """
    if against in EARLIER:
        return _with_window(context, against)
    meant = did_you_mean(against, EARLIER)
    if meant and not os.path.lexists(against):
        raise UsageError(f"--compare {visible(against)}: no such file: expected {', '.join(EARLIER)} or FILE{meant}")
    return _with_report(context, against)


def _with_window(context: Context, against: str) -> KpisCompared:
    window = context.window
    if window.since_s is None:
        raise UsageError(
            f"--compare {against}: there is no window to be compared: say which with --window 7d or --since, or "
            "with kpi.window in the policy"
        )
    window = window.ended(context.now_s)
    before = EARLIER[against](window, context.zone)
    bounds = (before.since_ms or 0, before.until_ms or 0)
    runs = read_kpi_runs(context, details=False, groupings=(Grouping(BY_TIME, bounds),))
    earlier = runs.stats.groups[0].get(bounds[0], GroupStats()) if runs.stats.groups else GroupStats()
    evidence, found = read_stable(
        context.kpi_store,
        lambda snapshot: (measured(context, runs, snapshot), retries_within(context, snapshot, before)),
    )
    retries = None if found is None else found.count
    theirs = _earlier_metrics(earlier, retries)
    samples = Samples(
        earlier.done, earlier.failed, earlier.durations, None if retries is None else Events(retries, before.seconds)
    )
    compared = compare(_of_window(evidence, window), _measured(theirs, samples))
    return KpisCompared(evidence, compared, window, before)


def _earlier_metrics(earlier: GroupStats, retries: int | None) -> dict[str, Metric]:
    """Return the metrics of an earlier window: those that are measured of its runs, and its retries."""
    evidence = evidence_of(earlier)
    found = {rule.metric: rule.measure(evidence) for rule in RUN_RULES}
    known = retries if retries or earlier.runs else None  # of a time without any runs nothing is known
    return found | {_RETRIES: Metric(_RETRIES, known, "count", known or 0)}


def _of_window(evidence: Evidence, window: Window) -> dict[str, Measured]:
    """Return the metrics of now, with the samples that their noise is known from."""
    runs: RunStats = evidence.value.runs
    metrics = {metric.name: metric for metric in evidence.metrics}
    retries = metrics[_RETRIES].value
    events = None if retries is None or window.since_s is None else Events(int(retries), window.seconds)
    return _measured(metrics, Samples(runs.done, runs.failed, runs.durations, events))


def _measured(metrics: Mapping[str, Metric], samples: Samples) -> dict[str, Measured]:
    return {
        name: Measured(metric, KINDS[name].of_window(samples) if name in KINDS and metric.value is not None else None)
        for name, metric in metrics.items()
    }


def _with_report(context: Context, path: str) -> KpisCompared:
    report = read_report(path)
    metrics = {metric.name: metric for metric in report.metrics}
    if not metrics.keys() & KINDS.keys():
        raise InputError(f"{visible(path)}: holds no KPIs: make it with `ops-checks kpi -f json=FILE`, or with `check`")
    for metric in metrics.values():
        check_published(metric, path)
    whole = context.window.ended(context.now_s)
    runs = read_kpi_runs(context, details=False)
    evidence = read_stable(context.kpi_store, lambda snapshot: measured(context, runs, snapshot))
    before = _window_of(report)
    time = None if before is None or whole.since_s is None else before.seconds
    theirs = {
        name: Measured(metric, KINDS[name].of_published(metric, time) if name in KINDS else None)
        for name, metric in metrics.items()
    }
    compared = compare(_of_window(evidence, whole), theirs)
    notes = _notes(context, report, path, whole, before)
    return KpisCompared(evidence, compared, whole, before, notes, path, report.created_ms)


def _window_of(report: Report) -> Window | None:
    """Return the window of a saved report, None where it has none or says none."""
    found = report.window
    if found is None or found.begin_ms is None:
        return None
    until_s = None if found.end_ms is None else found.end_ms / 1000
    window = Window(found.begin_ms / 1000, until_s).ended(report.created_ms / 1000)
    return window if window.seconds > 0 else None


def _notes(context: Context, report: Report, path: str, window: Window, before: Window | None) -> tuple[str, ...]:
    """Return lines on what makes a saved report and now two different things."""
    name, notes = visible(path), []
    digest = next((read.state for read in report.inputs if read.kind == "policy"), None)
    if digest != context.policy.digest:
        notes.append(f"{name} was made by another policy: what it measured may differ (kpi.commands, say)")
    if (before is None) is not (window.since_s is None):
        other = "has no window, or does not say which," if before is None else "has a window,"
        notes.append(f"{name} {other} and this run has {'one' if before is None else 'none'}: other runs are compared")
    elif before is not None and round(before.seconds) != round(window.seconds):
        lengths = f"{duration_text(before.seconds)} long, this run's {duration_text(window.seconds)}"
        notes.append(f"{name}: its window is {lengths}: retries are compared for the same time")
    if before is None or window.since_s is None or before.bounds[1] > window.since_s:
        notes.append(f"{name} may hold the same runs as this run: then a change is shown less easily")
    return tuple(notes)
