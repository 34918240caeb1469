"""The offenders behind a violated KPI: runs, items and lines, each with the place where a person looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.findings import Finding, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.checks.queue_facts import QueueFacts
    from ops_checks.report import Metric
    from ops_checks.runlog import Run, RunStats

#: So many offenders are listed; the others are counted.
LISTED = 20

Found = tuple[tuple[Finding, ...], int]
_NOTHING: Found = ((), 0)


def offenders(rule: str, metric: Metric, above: float | None, runs: RunStats | None, queue: QueueFacts | None) -> Found:
    """Return the worst offenders of a violated rule, and how many more there are.

    `above` is the limit that was exceeded, or None where the value fell below one.
    """
    name = metric.name
    if name in _BY_RUNS and runs is not None:
        return _BY_RUNS[name](rule, runs)
    if name == "stale_in_progress" and queue is not None:
        return _stale(rule, queue)
    if name.startswith("latency_") and runs is not None and above is not None:
        return _slow(rule, runs, above)
    return _NOTHING


def _slow(rule: str, runs: RunStats, limit: float) -> Found:
    slow = [run for run in runs.slowest if run.duration_ms is not None and run.duration_ms > limit]
    found = tuple(_of_run(rule, run, f"{_named(run)} took {run.duration_ms:.15g} ms", "over the limit") for run in slow)
    return found, runs.durations.above(limit) - len(found)


def _failed(rule: str, runs: RunStats) -> Found:
    """Return the failed outcomes, the latest first."""
    found = tuple(_of_run(rule, run, f"{_named(run)} failed") for run in reversed(runs.failures))
    return found, runs.failed - len(found)


def _unfinished(rule: str, runs: RunStats) -> Found:
    """Return the starts without an end, the longest ago first."""
    unfinished = runs.unfinished()
    found = tuple(_of_run(rule, run, f"{_named(run)} started and has not ended") for run in unfinished[:LISTED])
    return found, len(unfinished) - len(found)


def _malformed(rule: str, runs: RunStats) -> Found:
    found = tuple(
        Finding(
            rule, f"malformed line: {defect.reason}", reason=defect.reason, places=(Place(defect.path, defect.line),)
        )
        for defect in runs.defects
    )
    return found, runs.malformed - len(found)


def _stale(rule: str, queue: QueueFacts) -> Found:
    found = tuple(
        Finding(
            rule, f"{stale.item} is stale", stale.item, value=stale.minutes, reason=stale.reason, places=(stale.place,)
        )
        for stale in queue.stale
    )
    return found, queue.stale_count - len(found)


_BY_RUNS: dict[str, Callable[[str, RunStats], Found]] = {
    "failure_rate": _failed,
    "success_rate": _failed,
    "malformed_lines": _malformed,
    "unfinished_runs": _unfinished,
}


def _named(run: Run) -> str:
    return run.item or run.trace or f"a run of {run.command}"


def _of_run(rule: str, run: Run, message: str, reason: str | None = None) -> Finding:
    return Finding(
        rule=rule,
        message=message,
        item=run.item,
        value=run.duration_ms,
        trace=run.trace,
        reason=reason,
        places=(Place(run.path, run.line),),
    )
