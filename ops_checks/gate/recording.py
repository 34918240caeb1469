"""Make a snapshot: the database as it is at one moment, its newest baseline, and the KPIs as they are measured here."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import asdict, replace

from ops_checks import __version__
from ops_checks.errors import UsageError
from ops_checks.findings import Verdict
from ops_checks.gate.inputs import measured, read_kpi_runs
from ops_checks.report.model import LeftOut
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import Limit, Threshold
from ops_checks.sanitize import visible
from ops_checks.snapshots.document import SCHEMA, DatabaseRead, Document, Head, ItemRow
from ops_checks.snapshots.kpi_rows import (
    BoundsRow,
    FindingRow,
    Kpis,
    LimitTotal,
    LogRow,
    MetricRow,
    OverTime,
    OverTimeRow,
    PlaceRow,
    RetriesRow,
    Settings,
    SpreadRow,
)
from ops_checks.stores.baseline_json import header_json, row_json
from ops_checks.stores.transaction_protocol import Database
from ops_checks.timestamps import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ops_checks.context import Context
    from ops_checks.findings import Finding
    from ops_checks.gate.inputs import Evidence
    from ops_checks.policy.model import Policy
    from ops_checks.rules.rule import Offenders, Rule
    from ops_checks.stores.baseline import Baseline
    from ops_checks.stores.details import Details
    from ops_checks.stores.transaction_protocol import AgreementReader, DatabaseSnapshot

    #: Makes the stream of a file, as often as it is needed.
    Chunks = Callable[[], Iterable[bytes]]

#: So many items behind a number of the queue are in a snapshot: a policy of another day may waive some of them.
_MOST_LISTED = 1_000
#: Integers up to here are the same as a double.
_EXACT = 1 << 53


class Recorded(NamedTuple):
    """What a snapshot has: the number of items, the name of the baseline if there is one, notes for who made it."""

    items: int
    baseline: str | None
    made_at: str
    notes: tuple[str, ...] = ()


def record(context: Context, write: Callable[[Chunks], None]) -> Recorded:
    """Let a snapshot of the database and the KPIs be written; `write` gets what streams it.

    All of the database is of one moment. Raises InputError for what cannot be read, UsageError for a store that keeps
    no agreement.
    """
    store = context.db_store
    if not isinstance(store, Database):
        raise UsageError(f"{visible(context.db)}: is no database: name a queue database with --db")
    of_all = context.with_policy(_limiting_all(context))
    runs = read_kpi_runs(of_all)
    with store.snapshot() as snapshot:
        evidence = measured(of_all, runs, snapshot, _MOST_LISTED)
        agreement = snapshot.agreement()
        baseline, notes = _baseline(agreement)
        head = _head(context, snapshot, evidence)
        header = header_json(baseline) if baseline else None

        def chunks() -> Iterator[bytes]:
            rows = map(row_json, agreement.every_row()) if baseline else ()
            return Document(head, header, rows, map(_item, snapshot.details())).chunks()

        write(chunks)
    return Recorded(head.db.items, baseline.name if baseline else None, head.made_at, notes)


def _limiting_all(context: Context) -> Policy:
    """Return the policy with a limit on every metric: what one needs is read only where it has one."""
    kpi = context.policy.kpi
    thresholds = {metric: kpi.thresholds.get(metric, Threshold(max=0)) for metric in BY_METRIC}
    return replace(context.policy, kpi=replace(kpi, thresholds=thresholds))


def _baseline(agreement: AgreementReader) -> tuple[Baseline | None, tuple[str, ...]]:
    """Return the newest agreement, and a note where there is none that can be relied on."""
    found = agreement.baseline()
    if found is None:
        return None, ("no baseline: a row that is added elsewhere will be drift there: `ops-checks baseline` first",)
    if agreement.interrupted() is not None:
        why = "a plan was interrupted while it was applied: `ops-checks reconcile resume` finishes it"
        return None, (f"{found.name} is not in the snapshot, because {why}",)
    return found, ()


def _item(details: Details) -> ItemRow:
    values: tuple[Any, ...] = (*details.item, _text(details.created_at), _text(details.updated_at))  # valid cells
    return ItemRow(*values)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _head(context: Context, snapshot: DatabaseSnapshot, evidence: Evidence) -> Head:
    queue = evidence.value.queue
    return Head(
        schema=SCHEMA,
        made_at=rfc3339(context.now_s, context.zone),
        made_ms=int(context.now_s * 1000),
        tool=f"ops-checks {__version__}",
        timezone_minutes=context.tz_minutes,
        db=DatabaseRead(context.db, snapshot.identity(), snapshot.newest_event(), queue.items, list(snapshot.gone())),
        kpis=_kpis(context, evidence),
    )


def _kpis(context: Context, evidence: Evidence) -> Kpis:
    policy, queue = context.policy.kpi, evidence.value.queue
    commands = None if policy.commands is None else sorted(policy.commands)
    left_out = LeftOut(queue.retries_outside, queue.retries_unread)
    retries = RetriesRow(queue.retry_count, left_out.outside_window, left_out.undated)
    return Kpis(
        Settings(policy.window_s, commands, policy.stale_minutes, context.timezone, policy.since, policy.until),
        [_metric(context, rule, evidence) for rule in BY_METRIC.values()],
        [LogRow(**asdict(log)) for log in evidence.value.runs.logs],
        None if queue.retry_count is None else retries,
        list(evidence.remarks),
        _over_time(context, evidence),
    )


def _over_time(context: Context, evidence: Evidence) -> OverTime | None:
    """Return what the rules on changes and on budgets measured, None where the policy has none."""
    kpi = context.policy.kpi
    if not kpi.own_rules:
        return None
    rows = [
        OverTimeRow(rule.id, metric.value, metric.samples, metric.low, metric.high, metric.needed, metric.words)
        for rule in kpi.own_rules
        for metric in (rule.measure(evidence.value),)
    ]
    return OverTime(kpi.over_time_settings, rows)


def _metric(context: Context, rule: Rule, evidence: Evidence) -> MetricRow:
    """Return what a rule measures, and whom it would list: at no limit, and how many at those of the policy."""
    metric = rule.measure(evidence.value)

    def beyond(limit: float, operator: str = "<=") -> Offenders:
        return rule.offenders(rule, evidence.value, Limit(operator, limit, Verdict.FAIL))

    every, none = beyond(-inf), _total(beyond(inf))
    threshold = context.policy.threshold(rule)
    limits = {each for each in (threshold.max, threshold.warn_max) if each is not None} if threshold else set()
    total = _total(every)
    return MetricRow(
        rule=rule.id,
        value=_number(metric.value),
        unit=rule.unit,
        samples=metric.samples,
        low=_number(metric.low),
        high=_number(metric.high),
        unread=metric.unread,
        total=total,
        by_limit=none < total,
        always=none,
        totals=[LimitTotal(limit, _total(beyond(limit))) for limit in sorted(limits)] if none < total else [],
        below=bool(_total(beyond(inf, ">="))),
        findings=[_finding(each) for each in every.findings],
        intervals=[BoundsRow(each.confidence, _number(each.low), _number(each.high)) for each in metric.intervals],
        spread=None if metric.spread is None else SpreadRow(metric.spread.deviation, metric.spread.skewness),
    )


def _total(offenders: Offenders) -> int:
    return len(offenders.findings) + offenders.more


def _finding(finding: Finding) -> FindingRow:
    return FindingRow(
        finding.message,
        finding.item,
        _number(finding.value),
        finding.trace,
        finding.reason,
        [PlaceRow(*place) for place in finding.places],
        finding.task,
        finding.owner,
        finding.priority,
    )


def _number(value: float | None) -> float | None:
    """Return a number as every reader of JSON reads it."""
    return float(value) if isinstance(value, int) and abs(value) > _EXACT else value
