"""Rules on the runs of the log: the rate of failed outcomes, and run times (FORMATS section 4)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ops_checks.findings import KPI, Finding, Place
from ops_checks.report.model import Bounds, Metric, Spread
from ops_checks.rules.rule import Offenders, Rule, Threshold, metric_message
from ops_checks.statistics.intervals import CONFIDENCE, percentile_ranks, rate_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.rules.kpi.evidence import KpiEvidence
    from ops_checks.rules.rule import Limit
    from ops_checks.runlog.percentiles import Durations
    from ops_checks.runlog.stats import Run, RunStats

#: At what confidences the intervals of a percentile are published: those of several metrics that are judged at once.
PUBLISHED_CONFIDENCES = (0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)


def run_finding(rule: Rule, run: Run, what: str, reason: str | None = None) -> Finding:
    """Return the finding of one run: `what` it did, after the item, trace or command that names it."""
    name = run.item or run.trace or f"a run of {run.command}"
    return Finding(
        rule=rule.id,
        message=f"{name} {what}",
        item=run.item,
        value=run.duration_ms,
        trace=run.trace,
        reason=reason,
        places=(Place(run.path, run.line),),
    )


def _measure_rate(name: str, hits: Callable[[RunStats], int], evidence: KpiEvidence) -> Metric:
    runs = evidence.runs
    if runs is None:
        return Metric(name, None, "ratio", 0)
    samples = runs.done + runs.failed
    low, high = rate_interval(hits(runs), samples) or (None, None)
    return Metric(name, hits(runs) / samples if samples else None, "ratio", samples, low, high)


def _failed_outcomes(rule: Rule, evidence: KpiEvidence, _limit: Limit) -> Offenders:
    """Return the failed outcomes, the latest first."""
    runs = evidence.runs
    if runs is None:
        return Offenders()
    found = tuple(run_finding(rule, run, "failed") for run in reversed(runs.failures))
    return Offenders(found, runs.failed - len(found))


def _measure_percentile(percent: int, evidence: KpiEvidence) -> Metric:
    name = f"latency_p{percent}_ms"
    if evidence.runs is None:
        return Metric(name, None, "ms", 0)
    durations = evidence.runs.durations
    usual = _bounds(percent, durations, CONFIDENCE)
    return Metric(
        name=name,
        value=durations.percentile(percent),
        unit="ms",
        samples=len(durations),
        low=usual.low,
        high=usual.high,
        intervals=_intervals(percent, durations) if evidence.runs.detailed else (),
    )


def _intervals(percent: int, durations: Durations) -> tuple[Bounds, ...]:
    """Return the intervals of a percentile at the confidences that are published, as far as anything bounds it."""
    found = [_bounds(percent, durations, confidence) for confidence in PUBLISHED_CONFIDENCES]
    return tuple(each for each in found if (each.low, each.high) != (None, None))


def _bounds(percent: int, durations: Durations, confidence: float) -> Bounds:
    ranks = percentile_ranks(percent, len(durations), confidence)
    return Bounds(confidence, *(None if rank is None else durations.ranked(rank) for rank in ranks))


def _measure_mean(evidence: KpiEvidence) -> Metric:
    name, unit, runs = "latency_avg_ms", "ms", evidence.runs
    moments = runs.durations.moments() if runs and runs.detailed else None
    if moments is not None:
        return Metric(name, moments.mean, unit, moments.samples, spread=Spread(moments.deviation, moments.skewness))
    durations = runs.durations if runs else ()
    return Metric(name, durations.mean() if durations else None, unit, len(durations))


def _measure_longest(evidence: KpiEvidence) -> Metric:
    durations = evidence.runs.durations if evidence.runs else ()
    return Metric("latency_max_ms", durations.max() if durations else None, "ms", len(durations))


def _slow_runs(rule: Rule, evidence: KpiEvidence, limit: Limit) -> Offenders:
    """Return the runs over the limit, the slowest first; a value below a limit has no offender."""
    runs = evidence.runs
    if runs is None or limit.operator != "<=":
        return Offenders()
    slow = [run for run in runs.slowest if run.duration_ms is not None and run.duration_ms > limit.limit]
    found = tuple(run_finding(rule, run, f"took {run.duration_ms:.15g} ms", "over the limit") for run in slow)
    return Offenders(found, runs.durations.above(limit.limit) - len(found))


_rate = partial(Rule, group=KPI.id, of_log=True, unit="ratio", offenders=_failed_outcomes, message=metric_message)
_latency = partial(Rule, group=KPI.id, of_log=True, unit="ms", offenders=_slow_runs, message=metric_message)
_ADVICE = "Look at the runs listed first: what they waited for, and which command they share."


def _percentile(percent: int, title: str, share: str, *examples: Any, **more: Any) -> Rule:  # noqa: ANN401 - fields of Rule
    """Return the rule of a percentile of the run times, which `share` of the runs do not exceed."""
    default = more.get("default")
    return _latency(
        id=f"latency-p{percent}-ms",
        title=title,
        help=f"The time that {share} of the runs do not exceed. {_ADVICE}",
        measure=partial(_measure_percentile, percent),
        change="time_increase",
        summary=f"Milliseconds that {share} of the runs did not exceed."
        + (f" Default: `max: {default.max:g}`." if default else ""),
        examples=examples,
        **more,
    )


#: The rules on runs, in the order of a report.
RUN_RULES = (
    _rate(
        id="failure-rate",
        title="Failed task outcomes",
        help="Share of task outcomes that are failures: runs of `fail` among runs of `done` and `fail` with exit code "
        "0. Read the errors of the failed items listed.",
        measure=partial(_measure_rate, "failure_rate", lambda runs: runs.failed),
        default=Threshold(max=0.2),
        option="--max-failure-rate",
        change="rate_increase",
        summary="Failed tasks among the finished ones, from 0 to 1. Default: `max: 0.2`.",
        examples=(0.1, {"max": 0.2, "warn_max": 0.1, "min_samples": 20}),
    ),
    _rate(
        id="success-rate",
        title="Successful task outcomes",
        help="Share of task outcomes that are successes: runs of `done` among runs of `done` and `fail` with exit code "
        "0. Read the errors of the failed items listed.",
        measure=partial(_measure_rate, "success_rate", lambda runs: runs.done),
        min_is_short=True,
        change="rate_decrease",
        summary="Tasks done among the finished ones, from 0 to 1. A bare number is short for `min`, as more is better "
        "here.",
        examples=(0.9, {"min": 0.8, "warn_min": 0.9}),
    ),
    _percentile(50, "Median run time", "half", 500),
    _percentile(90, "Run time, 90th percentile", "90 %", 1000),
    _percentile(
        95,
        "Run time, 95th percentile",
        "95 %",
        1500,
        {"max": 2000, "warn_max": 1500, "min_samples": 20},
        default=Threshold(max=2000),
        option="--max-latency-p95-ms",
    ),
    _percentile(99, "Run time, 99th percentile", "99 %", 5000),
    _latency(
        id="latency-avg-ms",
        title="Mean run time",
        help=f"The mean time of the runs. {_ADVICE}",
        measure=_measure_mean,
        change="time_increase",
        summary="Mean of the runs' milliseconds.",
        examples=(800,),
    ),
    _latency(
        id="latency-max-ms",
        title="Longest run time",
        help=f"The time of the longest run. {_ADVICE}",
        measure=_measure_longest,
        summary="Milliseconds of the slowest run.",
        examples=(60000,),
    ),
)
