"""Replay a run log: what the gate would have measured of it at the end of each hour."""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from ops_checks.errors import InputError
from ops_checks.findings import Verdict
from ops_checks.gate.inputs import read_runs
from ops_checks.gate.past_runs import PastRun
from ops_checks.policy.measuring import measured_by
from ops_checks.report.gate_run import GateRun, RuleRun, Window
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.kpi.run_metrics import RUN_RULES
from ops_checks.runlog.grouping import BY_HOUR, BY_TIME, Grouping, GroupStats
from ops_checks.runlog.stats import RunStats
from ops_checks.timestamps import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.context import Context
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
    """Return a run for the end of each hour of the log, if that lies in some time (epoch seconds); the last may be now.

    Each counts the runs of the policy's window before it, without one all runs before it. Raises InputError.
    """
    kpi = context.policy.kpi
    window_ms = None if kpi.window_s is None else kpi.window_s * 1000
    groups, remarks = _read(context, Grouping(BY_HOUR, window=_reached(since_s, until_s, window_ms)))
    hours = sorted(key for key in groups if isinstance(key, int))
    if not hours:
        return Replay((), (*remarks, *_undated(groups)))
    ends = [end for end in range(hours[0] + HOUR_MS, hours[-1] + 2 * HOUR_MS, HOUR_MS) if _lies(end, since_s, until_s)]
    if len(ends) > MOST_HOURS:
        raise InputError(f"the run log: {len(ends):,} hours, more than {MOST_HOURS:,}: narrow them with --since")
    spans = [(_BEGIN if window_ms is None else end - window_ms, end) for end in ends]
    parts = groups
    if window_ms is not None and window_ms % HOUR_MS:
        bounds = tuple(sorted({*chain(*spans)}))
        parts, _ = _read(context, Grouping(BY_TIME, bounds=bounds))
    settings = measured_by(context.policy, context.zone)
    now_ms = int(context.now_s * 1000)
    runs = tuple(
        PastRun(replace(_run(stats, span, hours, kpi.max_log_age_s, settings), at_ms=min(span[1], now_ms)), "")
        for span, stats in zip(spans, _sliding(parts, spans), strict=True)
    )
    return Replay(runs, (_counted(kpi.window_s), *remarks, *_undated(groups)))


def _read(context: Context, grouping: Grouping) -> tuple[Groups, tuple[str, ...]]:
    """Return the groups of the runs, and remarks; the windows are the grouping's, so that the policy's is left out."""
    policy = context.policy
    whole = context.with_policy(replace(policy, kpi=replace(policy.kpi, window_s=None)))
    read = read_runs(whole, details=False, groupings=(grouping,))
    return (read.stats.groups[0] if read.stats.groups else {}), read.remarks


def _reached(since_s: float | None, until_s: float | None, window_ms: int | None) -> tuple[int, int] | None:
    """Return the time of the runs that any hour counts, None for all; without a window all of the past counts."""
    begin = _BEGIN if since_s is None or window_ms is None else int(since_s * 1000) - window_ms - HOUR_MS
    end = _END if until_s is None else int(until_s * 1000)
    return None if (begin, end) == (_BEGIN, _END) else (begin, end)


def _lies(end_ms: int, since_s: float | None, until_s: float | None) -> bool:
    return (since_s is None or end_ms >= since_s * 1000) and (until_s is None or end_ms < until_s * 1000)


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
    stats: GroupStats, span: tuple[int, int], hours: Sequence[int], max_age_s: int | None, settings: dict[str, object]
) -> GateRun:
    begin, end = span
    evidence = KpiEvidence(RunStats(runs=stats.runs, done=stats.done, failed=stats.failed, durations=stats.durations))
    newest = hours[bisect_left(hours, end) - 1]  # its runs ended within the hour from there on
    is_old = max_age_s is not None and end - newest - HOUR_MS > max_age_s * 1000
    rules = tuple(RuleRun(rule.id, rule.group, "error", Verdict.ERROR, Verdict.ERROR) for rule in RUN_RULES)
    return GateRun(
        at_ms=end,
        verdict=Verdict.PASS,
        exit_code=0,
        tool="",
        window=Window(None if begin == _BEGIN else begin, end),
        settings=settings,
        metrics=tuple(rule.measure(evidence) for rule in RUN_RULES),
        rules=rules if is_old else (),
    )


def _counted(window_s: int | None) -> str:
    """Return what each hour counts."""
    what = "all runs before it, for the policy has no kpi.window" if window_s is None else "the runs of kpi.window, "
    return f"each hour of the log is replayed, and counts {what}{'' if window_s is None else duration_text(window_s)}"


def _undated(groups: Groups) -> tuple[str, ...]:
    undated = groups.get(None)
    return (f"{undated.runs} runs have no ts_epoch_ms: they are in no hour",) if undated else ()
