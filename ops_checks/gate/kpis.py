"""Collect what the KPIs are measured from, and judge it: run log, queue, limits (FORMATS section 4)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.checks.kpi import evaluate, measure
from ops_checks.checks.queue_facts import QueueFacts, queue_facts
from ops_checks.clock import start_epoch
from ops_checks.findings import Verdict
from ops_checks.gate import look
from ops_checks.policy import KpiPolicy, Threshold
from ops_checks.queues import open_database, open_markdown
from ops_checks.report import InputRead, Metric, RuleResult
from ops_checks.runlog import RunStats, expand_logs, read_runs
from ops_checks.text import visible

if TYPE_CHECKING:
    from ops_checks.queues import Queue, View
    from ops_checks.runlog import Progress
    from ops_checks.settings import Settings


class Kpis(Struct, frozen=True):
    """Every metric as measured, what each limit says of it, and what was read for it."""

    metrics: tuple[Metric, ...]
    rules: tuple[RuleResult, ...]
    inputs: tuple[InputRead, ...]
    remarks: tuple[str, ...] = ()

    def value(self, name: str) -> float | None:
        """Return the value of a metric, None where there is no data."""
        return next(metric.value for metric in self.metrics if metric.name == name)


def judge(
    settings: Settings,
    policy: KpiPolicy,
    *,
    now_s: float,
    lock_timeout_s: float,
    details: bool = True,
    progress: Progress | None = None,
) -> Kpis:
    """Read the run log and the queue, and judge them by the policy.

    The queue is the database, or the Markdown queue if no database was named and there is none at
    the default path. `now_s` is in epoch seconds. `details`: False where no single run and no time
    range of a log is shown; a limit on unfinished runs counts them all the same. `progress`
    hears how far the reading of the logs is. Raises InputError for what cannot be read.
    """
    since_ms = None if policy.window_s is None else int((now_s - policy.window_s) * 1000)
    runs = read_runs(
        expand_logs(settings.logs),
        since_ms=since_ms,
        commands=policy.commands,
        details=details or "unfinished_runs" in policy.thresholds,
        cache_home=settings.cache_home if policy.log_cache else None,
        progress=progress,
    )
    queue = _queue(settings, lock_timeout_s)
    facts, queue_read, remarks = look(queue, lambda view: _facts(queue, view, settings, policy, now_s))
    metrics = measure(runs, facts)
    rules = evaluate(metrics, policy.thresholds, runs=runs, queue=facts)
    return Kpis(metrics, rules, (*_logs_read(runs), queue_read), (*remarks, *_log_remarks(runs)))


def with_limits(
    policy: KpiPolicy,
    *,
    failure_rate: float | None = None,
    latency_p95_ms: float | None = None,
    stale_in_progress: float | None = None,
    stale_minutes: int | None = None,
) -> KpiPolicy:
    """Return the policy with the limits that the command line names in place of its own."""
    named = {"failure_rate": failure_rate, "latency_p95_ms": latency_p95_ms, "stale_in_progress": stale_in_progress}
    thresholds = dict(policy.thresholds)
    for metric, limit in named.items():
        if limit is not None:
            thresholds[metric] = replace(thresholds.get(metric, Threshold()), max=limit)
    minutes = policy.stale_minutes if stale_minutes is None else stale_minutes
    return replace(policy, thresholds=thresholds, stale_minutes=minutes)


def must_be_read(rule: RuleResult) -> RuleResult:
    """Return the rule on malformed lines as `error` if it fails: an input is malformed, so its metrics may miss runs.

    Every other rule, and a violation that only warns, stays (FORMATS sections 3 and 7).
    """
    if rule.id != "malformed-lines" or rule.verdict is not Verdict.FAIL:
        return rule
    first = rule.findings[0]
    more = f" (and {rule.value - 1:g} more malformed lines)" if rule.value and rule.value > 1 else ""
    message = f"{visible(str(first.places[0]))}: {first.message}{more}: mend its writer, then set the line aside"
    return replace(rule, verdict=Verdict.ERROR, message=message)


def _queue(settings: Settings, lock_timeout_s: float) -> Queue:
    if settings.db_named or os.path.lexists(settings.db):
        return open_database(settings.db, lock_timeout_s=lock_timeout_s)
    return open_markdown(settings.queue, lock_timeout_s=lock_timeout_s)


def _facts(
    queue: Queue, view: View, settings: Settings, policy: KpiPolicy, now_s: float
) -> tuple[QueueFacts, InputRead, list[str]]:
    since = view.pending_since()
    facts = queue_facts(
        view.items(),
        view.place,
        now_s=now_s,
        tz_minutes=settings.tz_minutes,
        stale_minutes=policy.stale_minutes,
        retry_count=view.retry_count(),
        pending_since_s=None if since is None else start_epoch(since, settings.tz_minutes),
    )
    return facts, input_read(queue, view, facts.items), view.remarks()


def input_read(queue: Queue, view: View, rows: int) -> InputRead:
    """Return what a report tells of a queue that was read."""
    kind = "queue" if queue.kind == "md" else queue.kind
    return InputRead(kind, queue.path, state=view.identity(), rows=rows, newest_event=view.newest_event())


def _logs_read(runs: RunStats) -> tuple[InputRead, ...]:
    return tuple(
        InputRead(
            "log",
            log.path,
            lines=log.lines,
            newest_event=log.newest,
            first_ms=log.first_ms,
            last_ms=log.last_ms,
            note="its last line was being written, and was left out" if log.torn_tail else None,
        )
        for log in runs.logs
    )


def _log_remarks(runs: RunStats) -> tuple[str, ...]:
    if not runs.undated:
        return runs.notes
    undated = f"{runs.undated} runs have no ts_epoch_ms: they cannot be shown to lie in the window, and were left out"
    return (*runs.notes, undated)
