"""What the groups of rules evaluate, read from the context's inputs (FORMATS section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ops_checks.findings import CONSISTENCY, KPI
from ops_checks.gate.stable_reading import compare, read_stable
from ops_checks.report.model import InputRead, Metric
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.kpi.queue_statistics import queue_statistics
from ops_checks.rules.registry import BY_METRIC
from ops_checks.runlog.reader import expand_logs, read_runs
from ops_checks.timestamps import start_epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ops_checks.context import Context
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.rules.kpi.queue_statistics import QueueStatistics
    from ops_checks.runlog.stats import RunStats
    from ops_checks.stores.protocol import Snapshot, Store


class Evidence(Struct, frozen=True):
    """What was read for one group of rules: `value` is what its rules measure; the rest goes into the report."""

    value: Any
    inputs: tuple[InputRead, ...]
    metrics: tuple[Metric, ...] = ()
    remarks: tuple[str, ...] = ()


def policy_read(context: Context) -> InputRead:
    """Return the policy as an input of the report; without a file its path is empty, and a note says what holds."""
    policy = context.policy
    if policy.path is None:
        return InputRead("policy", "", note="given by a program" if context.policy_in_code else "none, defaults")
    return InputRead("policy", policy.path, state=policy.digest)


def read_drift(context: Context) -> Evidence:
    """Compare both stores. Raises InputError for what cannot be read, ChangingError if it does not stand still."""
    policy = context.policy
    inputs: list[InputRead] = []

    def note_inputs(left: Snapshot, right: Snapshot, drift: Drift) -> None:
        inputs[:] = (  # of the last reading, which is the one that counts
            _store_read("queue", context.md_store, left, drift.total),
            _store_read("db", context.db_store, right, drift.total_db),
        )

    drift = compare(
        context.md_store,
        context.db_store,
        fields=policy.consistency.fields,
        ignore_statuses=policy.consistency.ignore_statuses,
        keep=0 if policy.waivers else None,  # a waiver may be for any of them
        on_read=note_inputs,
    )
    return Evidence(drift, tuple(inputs), remarks=tuple(drift.remarks))


def read_kpis(context: Context, *, details: bool = True) -> Evidence:
    """Read the run log and the queue that KPIs are measured from, and measure every metric.

    `details`: False where no single run and no time range of a log is shown; a limit on unfinished runs counts
    them all the same. Raises InputError for what cannot be read.
    """
    policy = context.policy.kpi
    runs = read_runs(
        expand_logs(context.logs),
        since_ms=None if policy.window_s is None else int((context.now_s - policy.window_s) * 1000),
        commands=policy.commands,
        details=details or "unfinished_runs" in policy.thresholds,
        progress=context.progress,
    )
    store = context.kpi_store
    kind = "db" if store is context.db_store else "queue"

    def read(snapshot: Snapshot) -> tuple[QueueStatistics, InputRead, list[str]]:
        statistics = _statistics(context, snapshot)
        return statistics, _store_read(kind, store, snapshot, statistics.items), snapshot.remarks()

    statistics, store_read, remarks = read_stable(store, read)
    evidence = KpiEvidence(runs, statistics)
    return Evidence(
        evidence,
        (*_logs_read(runs), store_read),
        metrics=tuple(rule.measure(evidence) for rule in BY_METRIC.values()),
        remarks=(*remarks, *_log_remarks(runs)),
    )


#: How the evidence of each group of rules is read, by the group's id, in the order of a report.
READERS: Mapping[str, Callable[[Context], Evidence]] = {CONSISTENCY.id: read_drift, KPI.id: read_kpis}


def _statistics(context: Context, snapshot: Snapshot) -> QueueStatistics:
    """Return the statistics of a queue; the items behind a number that no rule limits are not asked for."""
    limited = context.policy.kpi.thresholds
    made = snapshot.pending_since()
    oldest = next(made, None)
    if oldest is not None and start_epoch(oldest[1], context.tz_minutes) is None:
        made, oldest = iter(()), None  # what cannot be read hides whether it is older than the others
    later = made if "oldest_pending_minutes" in limited else ()
    return queue_statistics(
        snapshot.items(),
        snapshot.place,
        now_s=context.now_s,
        tz_minutes=context.tz_minutes,
        stale_minutes=context.policy.kpi.stale_minutes,
        retry_count=snapshot.retry_count(),
        retries=snapshot.retries() if "retry_count" in limited else (),
        pending_since=(*(() if oldest is None else (oldest,)), *later),
    )


def _store_read(kind: str, store: Store, snapshot: Snapshot, rows: int) -> InputRead:
    return InputRead(kind, store.location, state=snapshot.identity(), rows=rows, newest_event=snapshot.newest_event())


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
        return ()
    return (f"{runs.undated} runs have no ts_epoch_ms: they cannot be shown to lie in the window, and were left out",)
