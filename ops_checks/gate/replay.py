"""Replay a run log: what the gate would have measured of it at the end of each hour."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from ops_checks.errors import InputError, UsageError
from ops_checks.findings import Verdict
from ops_checks.gate.inputs import read_runs
from ops_checks.gate.past_runs import PastRun
from ops_checks.policy.measuring import measured_by
from ops_checks.policy.window import kpi_window, window_settings
from ops_checks.presentation.wording import plural
from ops_checks.report.gate_run import GateRun, RuleRun, metric_run
from ops_checks.report.model import Window
from ops_checks.rules.kpi.evidence import evidence_of
from ops_checks.rules.kpi.run_metrics import RUN_RULES
from ops_checks.runlog.grouping import BY_HOUR, BY_TIME, Grouping, GroupStats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.context import Context
    from ops_checks.policy.model import KpiPolicy
    from ops_checks.runlog.grouping import Groups

HOUR_MS = 3_600_000
#: So many hours are replayed; one run with a wrong time would make them millions.
MOST_HOURS = 10_000
_BEGIN, _END = -(2**63), 2**63 - 1

#: The ids of the rules that can be replayed: those on the runs themselves. Lines that are none have no time, a run that
#: never ended may have ended later, and what the queue was like is in no log.
REPLAYED = frozenset(rule.id for rule in RUN_RULES)


class Replay(NamedTuple):
    """What the gate would have measured hour by hour, and remarks on what was read and how it was counted."""

    runs: tuple[PastRun, ...]
    remarks: tuple[str, ...]


def replay(context: Context, *, since_s: float | None = None, until_s: float | None = None) -> Replay:
    """Return a run for the end of each hour of the log that is over, of those that lie in some time (epoch seconds).

    Each counts the runs of the policy's window as it was then, without one all runs before it. Raises InputError.
    """
    groups, remarks = _read(context, Grouping(BY_HOUR, window=_reached(context, since_s, until_s)))
    hours = sorted(key for key in groups if isinstance(key, int))
    first, last = (hours[0], hours[-1]) if hours else (0, -HOUR_MS)
    until_ms = min(context.now_s * 1000, until_s * 1000 - 1 if until_s is not None else _END)
    ends = [
        end for end in range(first + HOUR_MS, last + 2 * HOUR_MS, HOUR_MS) if (since_s or 0) * 1000 <= end <= until_ms
    ]
    if len(ends) > MOST_HOURS:
        raise InputError(f"the run log: {len(ends):,} hours, more than {MOST_HOURS:,}: narrow them with --since")
    spans = {end: span for end in ends if (span := _span(context, end))}
    bounds = {bound for span in spans.values() for bound in span if bound != _BEGIN}
    parts = groups
    if any(bound % HOUR_MS for bound in bounds):
        parts, _ = _read(context, Grouping(BY_TIME, bounds=tuple(sorted({*bounds, *hours[:1]}))))
    settings = measured_by(context.policy, context.zone)
    max_age_s = context.policy.kpi.max_log_age_s
    runs = tuple(
        PastRun(_run(stats, end, span, hours, max_age_s, settings), "")
        for (end, span), stats in zip(spans.items(), _sliding(parts, [*spans.values()]), strict=True)
    )
    return Replay(runs, (_counted(context.policy.kpi), *remarks, *_left_out(groups, len(ends) - len(spans))))


def _read(context: Context, grouping: Grouping) -> tuple[Groups, tuple[str, ...]]:
    """Return the groups of the runs, and remarks; the windows are the grouping's, so that the policy's is left out."""
    policy = context.policy
    whole = replace(policy.kpi, window_s=None, since=None, until=None)
    read = read_runs(context.with_policy(replace(policy, kpi=whole)), details=False, groupings=(grouping,))
    return (read.stats.groups[0] if read.stats.groups else {}), read.remarks


def _span(context: Context, end_ms: int) -> tuple[int, int] | None:
    """Return from when to when runs counted at a time, None if nothing could lie between."""
    try:
        window = kpi_window(context.policy.kpi, end_ms / 1000, context.zone)
    except UsageError:
        return None
    begin = _BEGIN if window.since_ms is None else window.since_ms
    return begin, end_ms if window.until_ms is None else min(window.until_ms, end_ms)


def _reached(context: Context, since_s: float | None, until_s: float | None) -> tuple[int, int] | None:
    """Return the time of the runs that any hour counts, None for all; windows begin later and later."""
    first = None if since_s is None else _span(context, int(since_s * 1000))
    begin = _BEGIN if first is None or first[0] == _BEGIN else first[0] - HOUR_MS
    end = _END if until_s is None else int(until_s * 1000)
    return None if (begin, end) == (_BEGIN, _END) else (begin, end)


def _sliding(groups: Groups, spans: Sequence[tuple[int, int]]) -> Iterator[GroupStats]:
    """Yield the statistics of the groups that begin in each of the spans, which move on in time; always the same one.

    A group is added when the end of a span passes its beginning, and removed when the beginning does.
    """
    keys: list[int] = sorted(key for key in groups if isinstance(key, int))
    stats, first, last = GroupStats(), 0, 0
    for begin, end in spans:
        while last < len(keys) and keys[last] < end:
            stats.add(groups[keys[last]])
            last += 1
        while first < last and keys[first] < begin:
            stats.remove(groups[keys[first]])
            first += 1
        yield stats


def _run(
    stats: GroupStats,
    end: int,
    span: tuple[int, int],
    hours: Sequence[int],
    max_age_s: int | None,
    settings: dict[str, object],
) -> GateRun:
    evidence = evidence_of(stats)
    newest = hours[bisect_left(hours, end) - 1]  # its runs ended within the hour from there on
    is_old = max_age_s is not None and end - newest - HOUR_MS > max_age_s * 1000
    rules = tuple(RuleRun(rule.id, rule.group, "error", Verdict.ERROR, Verdict.ERROR) for rule in RUN_RULES)
    return GateRun(
        at_ms=end,
        verdict=Verdict.PASS,
        exit_code=0,
        tool="",
        window=Window(None if span[0] == _BEGIN else span[0], span[1]),
        settings=settings,
        metrics=tuple(metric_run(rule.measure(evidence)) for rule in RUN_RULES),
        rules=rules if is_old else (),
    )


def _counted(kpi: KpiPolicy) -> str:
    """Return what each hour counts."""
    given = window_settings(kpi)
    what = f"the window of the KPIs as it was then: {given}" if given else "all runs before it: there is no kpi.window"
    return f"each hour of the log is replayed, with {what}"


def _left_out(groups: Groups, hours: int) -> Iterator[str]:
    if groups.get(None):
        yield f"{plural(groups[None].runs, 'run has', 'runs have')} no ts_epoch_ms: in no hour"
    if hours:
        yield f"{plural(hours, 'hour is', 'hours are')} left out: nothing could lie in the window of the KPIs then"
