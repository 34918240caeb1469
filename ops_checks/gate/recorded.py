"""The KPIs of a snapshot: as the host measured them, held against the limits that hold here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from ops_checks.errors import InputError
from ops_checks.findings import Finding, Place
from ops_checks.gate.inputs import Evidence, logs_read, outdated, store_read
from ops_checks.report.model import Bounds, LeftOut, Metric, Spread
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import LISTED, Offenders
from ops_checks.rules.waivers import offered
from ops_checks.runlog.stats import LogRead, RunStats
from ops_checks.sanitize import visible
from ops_checks.timestamps import offset_text, zone_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops_checks.context import Context
    from ops_checks.policy.model import Policy
    from ops_checks.report.model import InputRead
    from ops_checks.rules.rule import Limit, Rule
    from ops_checks.snapshots.kpi_rows import FindingRow, Kpis, MetricRow, OverTimeRow
    from ops_checks.snapshots.reading import SnapshotRead
    from ops_checks.snapshots.source import SnapshotSource


def read_recorded_kpis(context: Context, source: SnapshotSource) -> Evidence:
    """Return the KPIs of a snapshot. Raises InputError where it cannot be relied on, or was measured otherwise."""
    read = source.read(context.now_s, context.zone)
    kpis = read.head.kpis
    _must_be_measured_alike(context, read)
    rows = {row.rule: row for row in kpis.metrics}
    known = [(rule, rows[rule.id]) for rule in BY_METRIC.values() if _is_of(rule, rows.get(rule.id))]
    keep = offered(context.policy.waivers)
    over_time, lacking = _over_time(context.policy, read)
    was_read = store_read("db", read.store, read.store.snapshot(), read.head.db.items)
    runs = RunStats(logs=tuple(LogRead(**asdict(log)) for log in kpis.logs))
    remarks = (*map(visible, kpis.remarks), *_unknown_totals(context, read.path, known))
    return Evidence(
        KpiEvidence(over_time=over_time),
        (
            *(replace(log, note=_noted(log)) for log in logs_read(runs)),
            _with_retries(was_read, kpis),
        ),
        metrics=tuple(_metric(rule, row) for rule, row in known),
        remarks=remarks,
        outdated=outdated(runs, context.policy.kpi.max_log_age_s, context.now_s),
        lacking={
            rule.id: f"{visible(read.path)}: {rule.metric} is not in the snapshot: make it with this ops-checks"
            for rule in BY_METRIC.values()
            if not _is_of(rule, rows.get(rule.id))
        }
        | lacking,
        instead={rule.id: _as_recorded(rule, row, read.path, keep) for rule, row in known},
    )


def _over_time(policy: Policy, read: SnapshotRead) -> tuple[dict[str, Metric], dict[str, str]]:
    """Return what the rules on changes and on budgets measured there, or by rule why that does not hold here."""
    rules, found = policy.kpi.own_rules, read.head.kpis.over_time
    if not rules:
        return {}, {}
    if found is None or found.settings != policy.kpi.over_time_settings:
        why = "is not in the snapshot" if found is None else "was measured by other kpi.regression and kpi.budgets"
        return {}, {rule.id: f"{visible(read.path)}: {rule.id} {why}: make it by this policy" for rule in rules}
    rows = {row.rule: row for row in found.metrics}
    lacking = {
        rule.id: f"{visible(read.path)}: lacks {rule.id}: make it again" for rule in rules if rule.id not in rows
    }
    return {rule.id: _metric_over_time(rule, rows[rule.id]) for rule in rules if rule.id in rows}, lacking


def _metric_over_time(rule: Rule, row: OverTimeRow) -> Metric:
    words = visible(row.words)
    return Metric(rule.metric, row.value, rule.unit, row.samples, row.low, row.high, needed=row.needed, words=words)


def _is_of(rule: Rule, row: MetricRow | None) -> bool:
    return row is not None and row.unit == rule.unit


def _must_be_measured_alike(context: Context, read: SnapshotRead) -> None:
    """Raise InputError where the policy here measures otherwise than the host's did: the numbers mean another thing."""
    policy, settings = context.policy.kpi, read.head.kpis.settings
    here_and_there = {
        "kpi.window": (_span(policy.window_s), _span(settings.window_s)),
        "kpi.since": (_or_not_set(policy.since), _or_not_set(settings.since)),
        "kpi.until": (_or_not_set(policy.until), _or_not_set(settings.until)),
        "kpi.commands": (_names(policy.commands), _names(settings.commands)),
        "kpi.stale_minutes": (str(policy.stale_minutes), str(settings.stale_minutes)),
        "timezone": (zone_text(context.zone), _zone_there(read)),
    }
    differing = [
        f"{name} is {here} here, {there} there" for name, (here, there) in here_and_there.items() if here != there
    ]
    if differing:
        raise InputError(
            f"{visible(read.path)}: its KPIs were measured otherwise: {'; '.join(differing)}: make it by this "
            "policy, or leave the KPIs out with `ops-checks check --only consistency`"
        )


def _zone_there(read: SnapshotRead) -> str:
    return visible(read.head.kpis.settings.timezone or offset_text(read.head.timezone_minutes))


def _or_not_set(text: str | None) -> str:
    return "not set" if text is None else visible(text)


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "not set"
    unit, size = next(each for each in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)) if seconds % each[1] == 0)
    return f"{seconds // size}{unit}"


def _names(commands: frozenset[str] | list[str] | None) -> str:
    return "not set" if commands is None else visible(", ".join(sorted(commands)))


def _with_retries(read: InputRead, kpis: Kpis) -> InputRead:
    retries = kpis.retries
    if retries is None:
        return read
    return replace(read, counted=retries.counted, left_out=LeftOut(retries.outside_window, retries.undated))


def _noted(log: InputRead) -> str:
    return "; ".join(filter(None, ("as the snapshot has it", log.note)))


def _metric(rule: Rule, row: MetricRow) -> Metric:
    return Metric(
        rule.metric,
        row.value,
        rule.unit,
        row.samples,
        row.low,
        row.high,
        row.unread,
        intervals=tuple(Bounds(each.confidence, each.low, each.high) for each in row.intervals),
        spread=None if row.spread is None else Spread(row.spread.deviation, row.spread.skewness),
    )


def _as_recorded(rule: Rule, row: MetricRow, path: str, keep: frozenset[str]) -> Rule:
    """Return a rule that measures what the host measured, and lists what the host listed."""
    metric = _metric(rule, row)
    return replace(rule, measure=lambda _: metric, offenders=_offenders(row, path, keep))


def _offenders(row: MetricRow, path: str, keep: frozenset[str]) -> Callable[[Rule, object, Limit], Offenders]:
    def offenders(rule: Rule, _evidence: object, limit: Limit) -> Offenders:
        if limit.operator == ">=" and not row.below:
            return Offenders()
        beyond = _beyond(row, limit.limit)
        listed = [each for number, each in enumerate(beyond) if number < LISTED or each.item in keep]
        total = _total(row, limit.limit)
        found = tuple(_finding(rule, each, path) for each in listed)
        return Offenders(found, max(0, (len(beyond) if total is None else total) - len(found)))

    return offenders


def _beyond(row: MetricRow, limit: float) -> list[FindingRow]:
    return [each for each in row.findings if not row.by_limit or each.value is None or each.value > limit]


def _total(row: MetricRow, limit: float) -> int | None:
    """Return how many are beyond a limit, None where the host did not count them: the listed ones all are."""
    if not row.by_limit:
        return row.total
    counted = next((each.total for each in row.totals if each.limit == limit), None)
    if counted is not None:
        return counted
    beyond = [each for each in _beyond(row, limit) if each.value is not None]
    valued = [each for each in row.findings if each.value is not None]
    return len(beyond) + row.always if len(beyond) < len(valued) or row.total == len(row.findings) else None


def _unknown_totals(context: Context, path: str, known: list[tuple[Rule, MetricRow]]) -> Iterator[str]:
    """Yield a remark on each limit beyond which are more than the snapshot lists, nobody knows how many."""
    for rule, row in known:
        threshold = context.policy.threshold(rule)
        limits = () if threshold is None else (threshold.max, threshold.warn_max)
        if any(limit is not None and _total(row, limit) is None for limit in limits):
            yield (
                f"{visible(path)}: {rule.metric}: at least {len(row.findings)} are beyond the limit; "
                "how many more is not in the snapshot, which was made with other limits"
            )


def _finding(rule: Rule, row: FindingRow, path: str) -> Finding:
    return Finding(
        rule.id,
        row.message,
        row.item,
        value=row.value,
        trace=row.trace,
        reason=row.reason,
        places=tuple(Place(path if at.table else at.path, at.line, at.column, at.table, at.key) for at in row.places),
        task=row.task,
        owner=row.owner,
        priority=row.priority,
    )
