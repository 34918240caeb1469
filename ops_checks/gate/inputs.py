"""What the groups of rules evaluate, read from the context's inputs (FORMATS section 4)."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec resolves the fields' types
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.findings import CONSISTENCY, OWN, QUEUE
from ops_checks.gate.queue_reading import read_queue
from ops_checks.gate.remarks import lease_remarks, log_remarks, retry_remarks, window_remarks
from ops_checks.gate.stable_reading import compare_by, must_be_read_whole, read_stable
from ops_checks.report.model import InputRead, LeftOut, Metric
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import LISTED, RECORDED, Rule
from ops_checks.runlog.engines import Wanted, read_log
from ops_checks.runlog.filter import RunFilter, valid_times
from ops_checks.sanitize import visible
from ops_checks.snapshots import SNAPSHOT
from ops_checks.timestamps import duration_text

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.gate.asked import Asked
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.rules.history.judgement import Judgement
    from ops_checks.rules.kpi.queue_statistics import QueueStatistics
    from ops_checks.runlog.grouping import Grouping
    from ops_checks.runlog.stats import RunStats
    from ops_checks.stores.protocol import Snapshot, Store

#: At least so many findings a rule are compared with those of a known report, or twice as many as that has of one.
_COMPARED = 2 * RECORDED
#: The groups of which more findings are kept than are listed, whatever is asked for.
_KEPT_WHOLE = (QUEUE.id, OWN.id)


class Evidence(Struct, frozen=True):
    """What was read for one group of rules: `value` is what its rules measure; the rest goes into the report.

    `outdated` is the error of a run log that says nothing about today, None for one that does; `lacking` are errors by
    rule, of those that need what the input lacks. `left_out` are rules that were not judged, which a remark says;
    `instead` are the rules that measure it in another way.
    """

    value: Any
    inputs: tuple[InputRead, ...]
    metrics: tuple[Metric, ...] = ()
    remarks: tuple[str, ...] = ()
    outdated: str | None = None
    lacking: Mapping[str, str] = {}
    left_out: frozenset[str] = frozenset()
    instead: Mapping[str, Rule] = {}


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
    policy, source = context.policy, context.snapshot
    inputs: list[InputRead] = []

    def note_inputs(left: Snapshot, right: Snapshot, drift: Drift) -> None:
        inputs[:] = (  # of the last reading, which is the one that counts
            store_read("queue", context.md_store, left, drift.total),
            store_read("db", context.db_store, right, drift.total_db),
        )
        from ops_checks.gate.last_agreement import name_sides

        name_sides(left, right, drift)
        if source is not None:
            drift.baseline = None  # where the database is not, no command shows more

    drift = compare_by(
        policy.consistency,
        context.md_store,
        context.db_store,
        keep=keep_for(context, asked),
        on_read=note_inputs,
        is_view=any(rule.of_view for rule in policy.active_rules([CONSISTENCY.id])),
        is_recorded=source is not None,
        settle_s=None if source is None else 0,  # its other side does not go on writing
    )
    if source is not None:
        for note in drift.notes:
            source.note(note)
    return Evidence(drift, tuple(inputs), remarks=tuple(drift.notes))


def read_kpis(context: Context, *, details: bool = True, groupings: tuple[Grouping, ...] = ()) -> Evidence:
    """Read the run log and the queue that KPIs are measured from, and measure every metric.

    `details`: False where no single run and no time range of a log is shown; a limit on unfinished runs counts
    them all the same. `groupings`: what the runs of the log are counted by besides; a snapshot has none of them.
    Raises InputError for what cannot be read.
    """
    if context.snapshot is not None:
        from ops_checks.gate.recorded import read_recorded_kpis

        return read_recorded_kpis(context, context.snapshot)
    read = read_kpi_runs(context, details=details, groupings=groupings)
    return read_stable(context.kpi_store, lambda snapshot: measured(context, read, snapshot))


class RunsRead(NamedTuple):
    """The statistics of the run log, and remarks on what was left out of it; `over_time` as KpiEvidence has it."""

    stats: RunStats
    remarks: tuple[str, ...]
    over_time: Mapping[str, Metric] = {}


def read_kpi_runs(context: Context, *, details: bool = True, groupings: tuple[Grouping, ...] = ()) -> RunsRead:
    """Read the run log for all rules of the policy: those on changes and on budgets too, where it has any.

    The groups of what is returned are those by `groupings`, whatever these need.
    """
    if not context.policy.kpi.own_rules:
        return read_runs(context, details=details, groupings=groupings)
    from ops_checks.gate.over_time import read_runs_over_time  # most policies have none

    return read_runs_over_time(context, details=details, groupings=groupings)


def read_runs(context: Context, *, details: bool = True, groupings: tuple[Grouping, ...] = ()) -> RunsRead:
    """Read the run log, and count its runs by some groupings too; see `read_kpis`."""
    policy = context.policy.kpi
    window = context.window
    remarks: list[str] = []
    run_filter = RunFilter(
        since_ms=window.since_ms,
        until_ms=window.until_ms,
        commands=policy.commands,
        details=details or "unfinished_runs" in policy.thresholds,
        valid_ms=valid_times(context.now_s),
        groupings=groupings,
    )
    runs = read_log(policy.engine, Wanted(context.logs, remarks.append, context.progress), run_filter)
    return RunsRead(runs, (*remarks, *log_remarks(runs), *window_remarks(window, runs, context.now_s, context.zone)))


def measured(context: Context, runs: RunsRead, snapshot: Snapshot, most: int = LISTED) -> Evidence:
    """Measure every metric from what was read of the run log and in a snapshot of the queue, whose items are streamed.

    At most `most` items behind a number of the queue are kept. Raises InputError.
    """
    store = context.kpi_store
    kind = "db" if context.has_database else "queue"
    statistics = read_queue(context, snapshot, most)
    must_be_read_whole(snapshot)
    leases = lease_remarks(store.location, snapshot, context.now_s)
    was_read = _with_retries(store_read(kind, store, snapshot, statistics.items), statistics)
    evidence = KpiEvidence(runs.stats, statistics, context.window.bounded, runs.over_time)
    return Evidence(
        evidence,
        (*logs_read(runs.stats), was_read),
        metrics=tuple(rule.measure(evidence) for rule in BY_METRIC.values()),
        remarks=(*runs.remarks, *retry_remarks(statistics), *leases),
        outdated=outdated(runs.stats, context.policy.kpi.max_log_age_s, context.now_s),
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
        keep=keep_for(context, asked),
        settle_s=policy.consistency.settle_s,
        on_read=note_input,
    )
    return Evidence(judged.judgement, tuple(inputs), remarks=judged.notes, lacking=judged.lacking)


def keep_for(context: Context, asked: Asked) -> int | None:
    """Return how many findings a rule are kept: all where a waiver may be for any, many where any may be known.

    Of what is not listed, those that are kept are recorded.
    """
    known = context.policy.rules
    if any(known[waiver.rule].group == asked.group for waiver in context.policy.waivers) or asked.max_details == 0:
        return 0
    if context.known:
        return max(asked.max_details or 0, _COMPARED, 2 * context.known.most)
    return max(asked.max_details or 0, RECORDED if asked.group in _KEPT_WHOLE else 0) or None


def has_more(context: Context, group: str) -> bool:
    """Return whether more findings of a group are kept than are listed."""
    return bool(context.policy.waivers or context.known or group in _KEPT_WHOLE)


def outdated(runs: RunStats, max_age_s: int | None, now_s: float) -> str | None:
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
    """Return a store as an input of the report: `kind` is `queue` or `db`, `rows` how many items were read.

    A snapshot, which stands for a database, is of its own kind.
    """
    kind, note = (SNAPSHOT, getattr(store, "note", None)) if store.kind == SNAPSHOT else (kind, None)
    newest = snapshot.newest_event()
    return InputRead(kind, store.location, state=snapshot.identity(), rows=rows, newest_event=newest, note=note)


def _with_retries(read: InputRead, queue: QueueStatistics) -> InputRead:
    """Return a store as it was read, with the retries that count and those that do not."""
    if queue.retry_count is None:
        return read
    return replace(read, counted=queue.retry_count, left_out=LeftOut(queue.retries_outside, queue.retries_unread))


def logs_read(runs: RunStats) -> tuple[InputRead, ...]:
    """Return the run logs as inputs of a report."""
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
