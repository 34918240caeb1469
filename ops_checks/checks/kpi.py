"""The KPIs: what is measured, and what a limit says about it (FORMATS section 4, OPS_COMMANDS `kpi`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.checks.evidence import percentile_ranks, rate_interval
from ops_checks.checks.offenders import offenders
from ops_checks.errors import UsageError
from ops_checks.findings import Verdict
from ops_checks.report import Metric, RuleResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ops_checks.checks.queue_facts import QueueFacts
    from ops_checks.policy import Threshold
    from ops_checks.runlog import RunStats

GROUP = "kpi"


class Rule(Struct, frozen=True):
    """A metric that can be limited: its unit, and its rule's title and help.

    `counted`: a count is known from the first sample on; a rate or a percentile needs samples.
    """

    metric: str
    unit: str
    title: str
    help: str
    counted: bool = False

    @property
    def id(self) -> str:
        """The rule's slug: `failure-rate` for `failure_rate`."""
        return self.metric.replace("_", "-")


_SLOW = "Look at the runs listed first: what they waited for, and which command they share."
_RULES = (
    Rule("failure_rate", "ratio", "Failed task outcomes", "Share of task outcomes that are failures: runs of `fail` "
         "among runs of `done` and `fail` with exit code 0. Read the errors of the failed items listed."),
    Rule("success_rate", "ratio", "Successful task outcomes", "Share of task outcomes that are successes: runs of "
         "`done` among runs of `done` and `fail` with exit code 0. Read the errors of the failed items listed."),
    Rule("latency_p50_ms", "ms", "Median run time", f"The time that half of the runs do not exceed. {_SLOW}"),
    Rule("latency_p90_ms", "ms", "Run time, 90th percentile", f"The time that 90 % of the runs do not exceed. {_SLOW}"),
    Rule("latency_p95_ms", "ms", "Run time, 95th percentile", f"The time that 95 % of the runs do not exceed. {_SLOW}"),
    Rule("latency_p99_ms", "ms", "Run time, 99th percentile", f"The time that 99 % of the runs do not exceed. {_SLOW}"),
    Rule("latency_avg_ms", "ms", "Mean run time", f"The mean time of the runs. {_SLOW}"),
    Rule("latency_max_ms", "ms", "Longest run time", f"The time of the longest run. {_SLOW}"),
    Rule("retry_count", "count", "Retries", "How many times items were retried, by the database's events. Find out "
         "why the same items fail again before raising their attempts.", counted=True),
    Rule("stale_in_progress", "count", "Stale items in progress", "Items in progress for longer than allowed, or "
         "without a readable start. Ask the owner; then cancel or retry the item.", counted=True),
    Rule("blocked", "count", "Blocked items", "Items that wait for an operator. Read their notes, then retry or "
         "replan them.", counted=True),
    Rule("pending", "count", "Pending items", "Items that wait to be picked. A long queue asks for more workers or "
         "fewer tasks.", counted=True),
    Rule("oldest_pending_minutes", "minutes", "Longest wait of a pending item", "How long the oldest pending item "
         "has waited. See whether anything picks items at all.", counted=True),
    Rule("malformed_lines", "count", "Malformed lines in the run log", "Lines that are no record, so that other "
         "metrics may miss runs. Find the writer: each record must be one write of one whole line.", counted=True),
    Rule("unfinished_runs", "count", "Runs that never ended", "Starts without an end of the same trace id: still "
         "running, or killed. Look whether the process of each listed run still lives.", counted=True),
)  # fmt: skip

#: Every metric that a policy can limit, by name, in the order of a report.
RULES: Mapping[str, Rule] = {rule.metric: rule for rule in _RULES}

_PERCENTILES = (50, 90, 95, 99)


def measure(runs: RunStats | None, queue: QueueFacts | None) -> tuple[Metric, ...]:
    """Return every metric of RULES, in that order; one without data, or whose input was not read, has no value.

    Rates and percentiles come with their 95 % interval; `samples` is what a metric was computed
    from (outcomes, durations, items, lines or runs).
    """
    measured = {**_of_runs(runs), **_of_queue(queue)}
    return tuple(measured.get(name) or Metric(name, None, rule.unit, 0) for name, rule in RULES.items())


def _of_runs(runs: RunStats | None) -> dict[str, Metric]:
    if runs is None:
        return {}
    metrics = [
        _rate("failure_rate", runs.failed, runs.done + runs.failed),
        _rate("success_rate", runs.done, runs.done + runs.failed),
        *(_percentile(runs, percent) for percent in _PERCENTILES),
        Metric("latency_avg_ms", runs.durations.mean(), "ms", len(runs.durations)),
        Metric("latency_max_ms", runs.durations.max(), "ms", len(runs.durations)),
        Metric("malformed_lines", runs.malformed, "count", runs.lines),
        Metric("unfinished_runs", len(runs.unfinished()) if runs.detailed else None, "count", runs.runs),
    ]
    return {metric.name: metric for metric in metrics}


def _of_queue(queue: QueueFacts | None) -> dict[str, Metric]:
    if queue is None:
        return {}
    metrics = [
        Metric("retry_count", queue.retry_count, "count", queue.retry_count or 0),
        Metric("stale_in_progress", queue.stale_count, "count", queue.counts.get("IN_PROGRESS", 0)),
        Metric("blocked", queue.counts.get("BLOCKED", 0), "count", queue.items),
        Metric("pending", queue.counts.get("PENDING", 0), "count", queue.items),
        Metric("oldest_pending_minutes", queue.oldest_pending_minutes, "minutes", queue.counts.get("PENDING", 0)),
    ]
    return {metric.name: metric for metric in metrics}


def _rate(name: str, hits: int, samples: int) -> Metric:
    low, high = rate_interval(hits, samples) or (None, None)
    return Metric(name, hits / samples if samples else None, "ratio", samples, low, high)


def _percentile(runs: RunStats, percent: int) -> Metric:
    durations = runs.durations
    low, high = percentile_ranks(percent, len(durations))
    return Metric(
        name=f"latency_p{percent}_ms",
        value=durations.percentile(percent),
        unit="ms",
        samples=len(durations),
        low=None if low is None else durations.ranked(low),
        high=None if high is None else durations.ranked(high),
    )


def evaluate(
    metrics: Iterable[Metric],
    thresholds: Mapping[str, Threshold],
    *,
    runs: RunStats | None = None,
    queue: QueueFacts | None = None,
) -> tuple[RuleResult, ...]:
    """Return what each threshold says of its metric, in the order of RULES, with the offenders of a violation.

    A limit is violated only by a value beyond it, never by one that equals it. Without a value, or
    with too few samples, the verdict is `insufficient`, however the policy counts that: see
    `counts_as`. `runs` and `queue` are what the metrics were measured from; the offenders come
    from there. Raises UsageError for a threshold of no known metric.
    """
    unknown = [name for name in thresholds if name not in RULES]
    if unknown:
        raise UsageError(f"kpi thresholds: there is no metric {unknown[0]!r}; the metrics are {', '.join(RULES)}")
    measured = {metric.name: metric for metric in metrics}
    return tuple(
        _evaluate(rule, measured.get(name) or Metric(name, None, rule.unit, 0), thresholds[name], runs, queue)
        for name, rule in RULES.items()
        if name in thresholds
    )


def unjudged(thresholds: Iterable[str], reason: str) -> tuple[RuleResult, ...]:
    """Return the rules of these metrics as `error`: they could not be evaluated, and why."""
    wanted = frozenset(thresholds)
    return tuple(
        RuleResult(rule.id, rule.title, rule.help, GROUP, "error", Verdict.ERROR, reason, unit=rule.unit)
        for name, rule in RULES.items()
        if name in wanted
    )


def counts_as(result: RuleResult, on_insufficient: str) -> Verdict:
    """Return what a result counts as in the verdict of the whole: `insufficient` as the policy has it.

    `on_insufficient` is `pass`, `warn` or `fail`; the result itself stays `insufficient` in every report.
    """
    return Verdict(on_insufficient) if result.verdict is Verdict.INSUFFICIENT else result.verdict


class _Limit(Struct, frozen=True):
    """A condition that has to hold, and the verdict if it does not."""

    operator: str
    limit: float
    verdict: Verdict

    def violated_by(self, value: float) -> bool:
        # Not `value > limit`: what cannot be compared (NaN) has not been shown to be good.
        return not (value <= self.limit if self.operator == "<=" else value >= self.limit)


def _limits(threshold: Threshold) -> list[_Limit]:
    """Return the limits of a threshold, those that weigh most first."""
    verdict = Verdict.FAIL if threshold.severity == "error" else Verdict.WARN
    limits = (
        ("<=", threshold.max, verdict),
        (">=", threshold.min, verdict),
        ("<=", threshold.warn_max, Verdict.WARN),
        (">=", threshold.warn_min, Verdict.WARN),
    )
    return [_Limit(operator, limit, weight) for operator, limit, weight in limits if limit is not None]


def _evaluate(
    rule: Rule, metric: Metric, threshold: Threshold, runs: RunStats | None, queue: QueueFacts | None
) -> RuleResult:
    limits = _limits(threshold)
    value, needed = metric.value, _needed(rule, metric, threshold)
    if value is None or needed:
        return _result(rule, metric, threshold, limits[0] if limits else None, needed=needed or None)
    violated = next((limit for limit in limits if limit.violated_by(value)), None)
    if violated is None:
        return _result(rule, metric, threshold, limits[0] if limits else None, verdict=Verdict.PASS)
    found, more = offenders(rule.id, metric, violated.limit if violated.operator == "<=" else None, runs, queue)
    result = _result(rule, metric, threshold, violated, verdict=violated.verdict)
    return replace(result, findings=found, more_findings=more)


def _needed(rule: Rule, metric: Metric, threshold: Threshold) -> int:
    """Return how many more samples a verdict takes; a count needs none unless the policy asks for them."""
    if rule.counted and (threshold.min_samples <= 1):
        return 0
    return max(0, threshold.min_samples - metric.samples)


def _result(
    rule: Rule,
    metric: Metric,
    threshold: Threshold,
    shown: _Limit | None,
    *,
    verdict: Verdict = Verdict.INSUFFICIENT,
    needed: int | None = None,
) -> RuleResult:
    return RuleResult(
        id=rule.id,
        title=rule.title,
        help=rule.help,
        group=GROUP,
        severity=threshold.severity,
        verdict=verdict,
        message=_message(rule, metric, shown, verdict, needed),
        value=metric.value,
        operator=shown.operator if shown else None,
        limit=shown.limit if shown else None,
        unit=rule.unit,
        samples=metric.samples,
        low=metric.low,
        high=metric.high,
        needed=needed,
    )


def _message(rule: Rule, metric: Metric, shown: _Limit | None, verdict: Verdict, needed: int | None) -> str:
    if verdict is Verdict.INSUFFICIENT:
        more = f"; {needed} more needed" if needed else ""
        return f"{rule.metric} cannot be judged: {metric.samples} samples{more}"
    value = shown_value(metric.value, rule.unit)
    if shown is None:
        return f"{rule.metric} is {value}; no limit is set"
    limit = shown_value(shown.limit, rule.unit)
    if verdict is Verdict.PASS:
        return f"{rule.metric} is {value}, {'at most' if shown.operator == '<=' else 'at least'} {limit}"
    return f"{rule.metric} is {value}, {'above' if shown.operator == '<=' else 'below'} {limit}"


def shown_value(value: float | None, unit: str) -> str:
    """Return a value as the lines of FORMATS section 6 write it: a ratio with four decimals, others without idle zeros.

    No value is `-`.
    """
    if value is None:
        return "-"
    if unit == "ratio":
        return f"{value:.4f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")
