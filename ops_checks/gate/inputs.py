"""What the groups of rules evaluate, read from the context's inputs (FORMATS section 4)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.findings import CONSISTENCY
from ops_checks.gate.last_agreement import note_agreement
from ops_checks.gate.stable_reading import compare_by, must_be_read_whole, read_stable
from ops_checks.report.model import InputRead, LeftOut, Metric
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.kpi.queue_statistics import queue_statistics
from ops_checks.rules.kpi.retries import Retries, windowed_retries
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.waivers import offered
from ops_checks.runlog.engines import Wanted, read_log
from ops_checks.runlog.filter import RunFilter, valid_times
from ops_checks.sanitize import visible
from ops_checks.timestamps import duration_text, expiry_defect, start_epoch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ops_checks.context import Context
    from ops_checks.gate.asked import Asked
    from ops_checks.policy.model import Policy
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.rules.history.judgement import Judgement
    from ops_checks.rules.kpi.queue_statistics import QueueStatistics
    from ops_checks.runlog.stats import RunStats
    from ops_checks.stores.protocol import Snapshot, Store


_NAMED = 3  # logs that a remark names
#: So many leases that cannot be understood are named.
_LEASES_NAMED = 5


class Evidence(Struct, frozen=True):
    """What was read for one group of rules: `value` is what its rules measure; the rest goes into the report.

    `outdated` is the error of a run log that says nothing about today, None for one that does; `lacking` are errors by
    rule, of those that need what the input lacks. `left_out` are rules that were not judged, which a remark says.
    """

    value: Any
    inputs: tuple[InputRead, ...]
    metrics: tuple[Metric, ...] = ()
    remarks: tuple[str, ...] = ()
    outdated: str | None = None
    lacking: Mapping[str, str] = {}
    left_out: frozenset[str] = frozenset()


def policy_read(context: Context) -> InputRead:
    """Return the policy as an input of the report; without a file its path is empty, and a note says what holds."""
    policy = context.policy
    if policy.path is None:
        return InputRead("policy", "", note="given by a program" if context.policy_in_code else "none, defaults")
    return InputRead("policy", policy.path, state=policy.digest)


def read_drift(context: Context, asked: Asked) -> Evidence:
    """Compare both stores, and keep as many findings a rule as are asked for.

    Raises InputError for what cannot be read, ChangingError if it does not stand still.
    """
    policy = context.policy
    inputs: list[InputRead] = []

    def note_inputs(left: Snapshot, right: Snapshot, drift: Drift) -> None:
        inputs[:] = (  # of the last reading, which is the one that counts
            store_read("queue", context.md_store, left, drift.total),
            store_read("db", context.db_store, right, drift.total_db),
        )
        note_agreement(left, right, drift)

    drift = compare_by(
        policy.consistency,
        context.md_store,
        context.db_store,
        keep=keep_for(policy, asked),
        on_read=note_inputs,
        is_view=any(rule.of_view for rule in policy.active_rules([CONSISTENCY.id])),
    )
    return Evidence(drift, tuple(inputs), remarks=tuple(drift.notes))


def read_kpis(context: Context, *, details: bool = True) -> Evidence:
    """Read the run log and the queue that KPIs are measured from, and measure every metric.

    `details`: False where no single run and no time range of a log is shown; a limit on unfinished runs counts
    them all the same. Raises InputError for what cannot be read.
    """
    policy = context.policy.kpi
    remarks: list[str] = []
    run_filter = RunFilter(
        since_ms=None if policy.window_s is None else int((context.now_s - policy.window_s) * 1000),
        commands=policy.commands,
        details=details or "unfinished_runs" in policy.thresholds,
        valid_ms=valid_times(context.now_s),
    )
    runs = read_log(policy.engine, Wanted(context.logs, remarks.append, context.progress), run_filter)
    store = context.kpi_store
    kind = "db" if store is context.db_store else "queue"

    def read(snapshot: Snapshot) -> tuple[QueueStatistics, InputRead, tuple[str, ...]]:
        statistics = _statistics(context, snapshot)
        must_be_read_whole(snapshot)
        leases = _lease_remarks(store.location, snapshot, context.now_s)
        was_read = _with_retries(store_read(kind, store, snapshot, statistics.items), statistics)
        return statistics, was_read, leases

    statistics, was_read, leases = read_stable(store, read)
    evidence = KpiEvidence(runs, statistics)
    return Evidence(
        evidence,
        (*_logs_read(runs), was_read),
        metrics=tuple(rule.measure(evidence) for rule in BY_METRIC.values()),
        remarks=(*remarks, *_log_remarks(runs), *_retry_remarks(statistics), *leases),
        outdated=_outdated(runs, policy.max_log_age_s, context.now_s),
    )


def read_histories(context: Context, asked: Asked) -> Evidence:
    """Judge the events of the database, and keep as many findings a rule as are asked for.

    Raises InputError for what cannot be read.
    """
    from ops_checks.gate.histories import judge_histories  # most policies leave it out

    policy, store = context.policy, context.db_store
    inputs: list[InputRead] = []

    def note_input(snapshot: Snapshot, found: Judgement) -> None:
        inputs[:] = (
            store_read("db", store, snapshot, found.items),
        )  # of the last reading, which is the one that counts

    judged = judge_histories(
        store,
        keep=keep_for(policy, asked),
        settle_s=policy.consistency.settle_s,
        on_read=note_input,
    )
    return Evidence(judged.judgement, tuple(inputs), remarks=judged.notes, lacking=judged.lacking)


def keep_for(policy: Policy, asked: Asked) -> int | None:
    """Return how many findings a rule are kept: all of them where a waiver may be for any."""
    known = policy.rules
    waived = any(known[waiver.rule].group == asked.group for waiver in policy.waivers)
    return 0 if waived else asked.max_details


def _statistics(context: Context, snapshot: Snapshot) -> QueueStatistics:
    """Return the statistics of a queue; the items behind a number that no rule limits are not asked for."""
    limited = context.policy.kpi.thresholds
    all_waits = "oldest_pending_minutes" in limited
    pending_since = snapshot.pending_since()
    retries = _retries(context, snapshot)
    return queue_statistics(
        snapshot.items(),
        snapshot.place,
        now_s=context.now_s,
        tz_minutes=context.tz_minutes,
        stale_minutes=context.policy.kpi.stale_minutes,
        retry_count=None if retries is None else retries.count,
        retries=retries.by_item if retries else (),
        retries_outside=retries.outside if retries else 0,
        retries_unread=retries.unread if retries else 0,
        pending_since=pending_since if all_waits else _first_dated(pending_since, context.tz_minutes),
        all_waits=all_waits,
        offered=offered(context.policy.waivers),
        get=snapshot.get,
    )


def _retries(context: Context, snapshot: Snapshot) -> Retries | None:
    """Return the retries in the window, None for a store that keeps no events."""
    count = snapshot.retry_count()
    window_s = context.policy.kpi.window_s
    if count is None:
        return None
    if window_s is None:
        limited = "retry_count" in context.policy.kpi.thresholds
        return Retries(tuple(islice(snapshot.retries(), None if limited else 0)), count)
    least, greatest = valid_times(context.now_s)
    return windowed_retries(
        snapshot.retry_times(),
        since_s=context.now_s - window_s,
        valid_s=(least / 1000, greatest / 1000),
        tz_minutes=context.tz_minutes,
    )


def _first_dated(pending_since: Iterable[tuple[str, str]], tz_minutes: int) -> Iterator[tuple[str, str]]:
    """Yield ids and times up to the first that can be read: that one is the oldest."""
    for item_id, text in pending_since:
        yield item_id, text
        if start_epoch(text, tz_minutes) is not None:
            return


def _outdated(runs: RunStats, max_age_s: int | None, now_s: float) -> str | None:
    """Return the error of logs whose newest record is older than `max_age_s`; empty ones count if all are empty."""
    logs = [log for log in runs.logs if log.lines] or list(runs.logs)
    newest = max(logs, key=lambda log: log.newest_ms or 0, default=None)
    if newest is None or newest.newest_ms is None or max_age_s is None:
        return None
    age_s = now_s - newest.newest_ms / 1000
    if age_s <= max_age_s:
        return None
    what = "was last written to" if newest.last_ms is None else "has its newest record from"
    return (
        f"{visible(newest.path)}: {what} {duration_text(age_s)} ago, more than kpi.max_log_age "
        f"{duration_text(max_age_s)}: it says nothing about today: find out why nothing writes to it, or name the "
        "log that is written to"
    )


def store_read(kind: str, store: Store, snapshot: Snapshot, rows: int) -> InputRead:
    """Return a store as an input of the report: `kind` is `queue` or `db`, `rows` how many items were read."""
    return InputRead(kind, store.location, state=snapshot.identity(), rows=rows, newest_event=snapshot.newest_event())


def _with_retries(read: InputRead, queue: QueueStatistics) -> InputRead:
    """Return a store as it was read, with the retries that count and those that do not."""
    if queue.retry_count is None:
        return read
    return replace(read, counted=queue.retry_count, left_out=LeftOut(queue.retries_outside, queue.retries_unread))


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
            counted=log.runs,
            left_out=LeftOut(log.outside, log.undated, log.repeated),
        )
        for log in runs.logs
    )


def _lease_remarks(location: str, snapshot: Snapshot, now_s: float) -> tuple[str, ...]:
    """Return a line on the leases that `retry` would refuse: nothing is wrong yet, and in an incident it is too late.

    It counts for nothing: whether their items are stale is told by their starts (FORMATS sections 4 and 5).
    """
    defects = ((item_id, expiry_defect(value, now_s)) for item_id, value in snapshot.leases_beyond(now_s))
    odd = [f"{visible(item_id)} lease_expires_at {visible(defect)}" for item_id, defect in defects if defect]
    if not odd:
        return ()
    more = f" and {len(odd) - _LEASES_NAMED} more" if len(odd) > _LEASES_NAMED else ""
    return (
        f"{visible(location)}: leases of which nobody can tell when they end, so that they cannot be retried: "
        f"{', '.join(odd[:_LEASES_NAMED])}{more}: mend their writer; cancel and replan clear them",
    )


def _log_remarks(runs: RunStats) -> tuple[str, ...]:
    remarks = []
    if runs.undated:
        remarks.append(
            f"{runs.undated} runs have no ts_epoch_ms: they cannot be shown to lie in the window, and were left out"
        )
    repeated = [log for log in runs.logs if log.repeated]
    if repeated:
        logs = ", ".join(f"{visible(log.path)} ({log.repeated})" for log in repeated[:_NAMED])
        more = f" and {len(repeated) - _NAMED} more logs" if len(repeated) > _NAMED else ""
        remarks.append(
            "ends of runs that equal an earlier one of the same trace_id and time were counted once: "
            f"{logs}{more}: find out who writes them twice"
        )
    return tuple(remarks)


def _retry_remarks(queue: QueueStatistics) -> tuple[str, ...]:
    if not queue.retries_unread:
        return ()
    return (
        f"{queue.retries_unread} retried events have a created_at that is no time (expected YYYY-MM-DD HH:MM): "
        "they cannot be shown to lie in the window, and were left out",
    )
