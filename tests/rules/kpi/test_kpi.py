from __future__ import annotations

import math
from array import array
from typing import Any

import pytest
from msgspec.structs import replace

from ops_checks.findings import Place, Verdict
from ops_checks.policy.model import DEFAULT_THRESHOLDS
from ops_checks.report.model import Metric, RuleResult
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.kpi.queue_statistics import Listed, ListedItem, QueueStatistics
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import Threshold, counts_as, evaluate, value_text
from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.stats import Defect, Run, RunStats


def runs(durations: list[float] | None = None, **values: Any) -> RunStats:
    """Run statistics with these durations."""
    stats = RunStats(**values)
    stats.durations.add(durations or [])
    return stats


def metric(name: str, stats: RunStats | None = None, queue: QueueStatistics | None = None) -> Metric:
    """One measured metric."""
    return BY_METRIC[name].measure(KpiEvidence(stats, queue))


def measure(stats: RunStats | None, queue: QueueStatistics | None) -> list[Metric]:
    """Every metric, in the order of the rules."""
    return [rule.measure(KpiEvidence(stats, queue)) for rule in BY_METRIC.values()]


def evaluated(thresholds: dict[str, Threshold], stats: RunStats | None = None) -> list[RuleResult]:
    """Return the results of the rules that have a threshold."""
    limited = (rule for name, rule in BY_METRIC.items() if name in thresholds)
    return [evaluate(rule, KpiEvidence(stats), thresholds[rule.metric]) for rule in limited]


def judged(name: str, value: float | None, samples: int = 10, **limits: Any) -> RuleResult:
    """Return what a threshold says of a value."""
    rule = replace(BY_METRIC[name], measure=lambda _evidence: Metric(name, value, "", samples))
    return evaluate(rule, KpiEvidence(), Threshold(**limits))


# --- measuring


def test_every_metric_is_measured() -> None:
    """All metrics come in the order of the rules, with the rules' units, also where nothing was read."""
    for found in (measure(None, None), measure(RunStats(), QueueStatistics())):
        assert [(metric.name, metric.unit) for metric in found] == [
            (name, rule.unit) for name, rule in BY_METRIC.items()
        ]
    assert all(metric.value is None for metric in measure(None, None))


def test_no_data() -> None:
    """Of an empty log rates and latencies have no value; what can be counted is 0."""
    values = {metric.name: metric.value for metric in measure(RunStats(), QueueStatistics())}
    assert values == {
        "failure_rate": None,
        "success_rate": None,
        "latency_p50_ms": None,
        "latency_p90_ms": None,
        "latency_p95_ms": None,
        "latency_p99_ms": None,
        "latency_avg_ms": None,
        "latency_max_ms": None,
        "retry_count": None,
        "stale_in_progress": 0,
        "blocked": 0,
        "pending": 0,
        "oldest_pending_minutes": None,
        "malformed_lines": 0,
        "unfinished_runs": 0,
    }


@pytest.mark.parametrize("failed", range(11))
def test_rates(failed: int) -> None:
    """Both rates are exact quotients of the outcomes: never one minus the other."""
    stats = runs(done=10 - failed, failed=failed)
    assert metric("failure_rate", stats).value == failed / 10
    assert metric("success_rate", stats).value == (10 - failed) / 10
    assert metric("failure_rate", stats).samples == 10


def test_intervals() -> None:
    """A rate has Wilson's interval, a percentile the values at its ranks, open where no value bounds it."""
    rate = metric("failure_rate", runs(done=19, failed=1))
    assert (rate.low, rate.high) == (pytest.approx(0.0089, abs=1e-4), pytest.approx(0.2361, abs=1e-4))
    stats = runs([float(number) for number in range(1, 101)])
    median = metric("latency_p50_ms", stats)
    assert (median.value, median.low, median.high, median.samples) == (50.0, 40.0, 61.0, 100)
    assert (metric("latency_p99_ms", stats).low, metric("latency_p99_ms", stats).high) == (97.0, None)


def test_latencies() -> None:
    """The latency metrics are the percentiles, the mean and the maximum of the durations."""
    stats = runs([1.0, 9999.0])
    names = ("latency_p50_ms", "latency_p90_ms", "latency_p95_ms", "latency_p99_ms", "latency_avg_ms", "latency_max_ms")
    assert [metric(name, stats).value for name in names] == [1.0, 9999.0, 9999.0, 9999.0, 5000.0, 9999.0]


def test_counts_of_the_queue() -> None:
    """The queue's metrics are its counts; without a database there is no retry count."""
    queue = QueueStatistics(
        items=9,
        counts={"PENDING": 4, "IN_PROGRESS": 3, "BLOCKED": 2},
        stale=Listed(total=1),
        retry_count=7,
        oldest_pending_minutes=2.5,
    )
    names = ("retry_count", "stale_in_progress", "blocked", "pending", "oldest_pending_minutes")
    assert [metric(name, None, queue).value for name in names] == [7, 1, 2, 4, 2.5]
    assert [metric(name, None, queue).samples for name in names] == [7, 3, 9, 9, 4]
    assert metric("retry_count", None, QueueStatistics(items=9)).value is None


def test_counts_of_the_log() -> None:
    """Malformed lines and unfinished runs are counted; the latter are unknown where they were not asked for."""
    stats = runs(lines=5, malformed=2, runs=3, open_runs={1: (Run("log", 1, trace="a"),)})
    assert [metric(name, stats).value for name in ("malformed_lines", "unfinished_runs")] == [2, 1]
    assert [metric(name, stats).samples for name in ("malformed_lines", "unfinished_runs")] == [5, 3]
    assert metric("unfinished_runs", runs(detailed=False)).value is None


# --- judging


@pytest.mark.parametrize(
    ("limits", "below", "at", "above"),
    [
        ({"max": 10}, "pass", "pass", "fail"),
        ({"min": 10}, "fail", "pass", "pass"),
        ({"warn_max": 10}, "pass", "pass", "warn"),
        ({"warn_min": 10}, "warn", "pass", "pass"),
        ({"max": 10, "severity": "warning"}, "pass", "pass", "warn"),
        ({"min": 10, "severity": "warning"}, "warn", "pass", "pass"),
        ({"max": 10, "warn_max": 9}, "pass", "warn", "fail"),
        ({"max": 10, "min": 10}, "fail", "pass", "fail"),
        ({"max": 11, "warn_max": 8}, "warn", "warn", "warn"),
        ({}, "pass", "pass", "pass"),
    ],
)
@pytest.mark.parametrize("name", list(BY_METRIC))
def test_limits(name: str, limits: dict[str, Any], below: str, at: str, above: str) -> None:
    """Only a value beyond a limit violates it, for every metric: one unit below, at and above."""
    assert [judged(name, value, **limits).verdict for value in (9, 10, 11)] == [below, at, above]


def test_limits_are_exact() -> None:
    """The next number beyond a limit violates it: nothing is rounded before it is compared."""
    assert judged("failure_rate", math.nextafter(0.2, 1), max=0.2).verdict == "fail"
    assert judged("failure_rate", math.nextafter(0.2, 0), min=0.2).verdict == "fail"
    assert judged("failure_rate", 0.2, max=0.2, min=0.2).verdict == "pass"


@pytest.mark.parametrize(("failed", "verdict"), [(1, "pass"), (2, "pass"), (3, "fail")])
def test_default_failure_rate(failed: int, verdict: str) -> None:
    """A failure rate of exactly 0.2 passes; one more failure in ten is an alert."""
    stats = runs(done=10 - failed, failed=failed)
    results = evaluated({"failure_rate": DEFAULT_THRESHOLDS["failure_rate"]}, stats)
    assert [result.verdict for result in results] == [verdict]


def test_every_quotient_meets_its_own_limit() -> None:
    """A limit written as the rate's own decimal is never violated by it, in either direction."""
    for failed in range(1, 1000):
        stats = runs(done=1000 - failed, failed=failed)
        limit = float(f"0.{failed:03d}")
        thresholds = {"failure_rate": Threshold(max=limit), "success_rate": Threshold(min=float(f"{1000 - failed}e-3"))}
        assert {result.verdict for result in evaluated(thresholds, stats)} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("name", "value", "samples", "min_samples", "verdict", "needed"),
    [
        ("failure_rate", None, 0, 1, "insufficient", 1),
        ("failure_rate", None, 0, 0, "insufficient", None),
        ("failure_rate", 0.5, 9, 10, "insufficient", 1),
        ("failure_rate", 0.5, 10, 10, "fail", None),
        ("failure_rate", 0.5, 11, 10, "fail", None),
        ("latency_p95_ms", None, 0, 1, "insufficient", 1),
        ("latency_p95_ms", 1.0, 4, 30, "insufficient", 26),
        ("retry_count", None, 0, 1, "insufficient", None),
        ("retry_count", 0, 0, 1, "pass", None),
        ("stale_in_progress", 0, 0, 1, "pass", None),
        ("stale_in_progress", 1, 1, 1, "fail", None),
        ("stale_in_progress", 1, 1, 5, "insufficient", 4),
        ("malformed_lines", 0, 0, 1, "pass", None),
        ("oldest_pending_minutes", None, 3, 1, "insufficient", None),
    ],
)
def test_insufficient(
    *, name: str, value: float | None, samples: int, min_samples: int, verdict: str, needed: int | None
) -> None:
    """No value, or too few samples, is no verdict; a count of nothing is a count."""
    result = judged(name, value, samples, max=0.1, min_samples=min_samples)
    assert (result.verdict, result.needed, result.samples) == (verdict, needed, samples)
    assert (result.operator, result.limit) == ("<=", 0.1)


@pytest.mark.parametrize("value", [float("nan")])
def test_not_a_number(value: float) -> None:
    """What cannot be compared has not been shown to be good."""
    assert judged("latency_avg_ms", value, max=10).verdict == "fail"
    assert judged("latency_avg_ms", value, min=10).verdict == "fail"


@pytest.mark.parametrize(("on_insufficient", "verdict"), [("pass", "pass"), ("warn", "warn"), ("fail", "fail")])
def test_counts_as(on_insufficient: str, verdict: str) -> None:
    """The policy says what `insufficient` counts as; other verdicts count as themselves, and the result stays."""
    insufficient = judged("failure_rate", None, 0, max=1)
    assert counts_as(insufficient, on_insufficient, "error") == verdict
    assert insufficient.verdict == "insufficient"
    for value, expected in ((0, "pass"), (2, "fail")):
        assert counts_as(judged("failure_rate", value, max=1), on_insufficient, "error") == expected


@pytest.mark.parametrize(
    ("limits", "value", "operator", "limit", "message"),
    [
        ({"max": 0.2, "warn_max": 0.1}, 0.3, "<=", 0.2, "failure_rate is 0.3000, above 0.2000"),
        ({"max": 0.2, "warn_max": 0.1}, 0.15, "<=", 0.1, "failure_rate is 0.1500, above 0.1000"),
        ({"max": 0.2, "warn_max": 0.1}, 0.05, "<=", 0.2, "failure_rate is 0.0500, at most 0.2000"),
        ({"max": 0.9, "min": 0.2}, 0.1, ">=", 0.2, "failure_rate is 0.1000, below 0.2000"),
        ({"min": 0.2}, 0.2, ">=", 0.2, "failure_rate is 0.2000, at least 0.2000"),
        ({"max": 0.2}, None, "<=", 0.2, "failure_rate cannot be judged: 0 samples; 1 more needed"),
        ({}, 0.2, None, None, "failure_rate is 0.2000; no limit is set"),
        ({}, None, None, None, "failure_rate cannot be judged: 0 samples; 1 more needed"),
    ],
)
def test_result(
    limits: dict[str, Any], value: float | None, operator: str | None, limit: float | None, message: str
) -> None:
    """A result shows the limit that decided, and says so in words."""
    result = judged("failure_rate", value, 0 if value is None else 10, **limits)
    assert (result.operator, result.limit, result.message) == (operator, limit, message)
    assert (result.id, result.group, result.unit, result.value) == ("failure-rate", "kpi", "ratio", value)
    assert result.title
    assert result.help


def test_only_what_is_limited() -> None:
    """There is one result a threshold, in the order of the rules, and none for other metrics."""
    thresholds = {"pending": Threshold(max=1), "failure_rate": Threshold(max=1)}
    assert [result.id for result in evaluated(thresholds)] == ["failure-rate", "pending"]
    assert [result.verdict for result in evaluated(thresholds)] == ["insufficient", "insufficient"]


def test_rules() -> None:
    """Every rule has its own slug, a title and a help that is whole sentences."""
    assert len(BY_METRIC) == 15
    for rule in BY_METRIC.values():
        assert rule.title
        assert rule.help.endswith(".")
        assert "  " not in rule.help


# --- offenders


def offenders(
    name: str, stats: RunStats | None = None, queue: QueueStatistics | None = None, **limits: Any
) -> RuleResult:
    """Return the result of a threshold on statistics."""
    return evaluate(BY_METRIC[name], KpiEvidence(stats, queue), Threshold(**limits))


def slow(line: int, duration: float, **more: Any) -> Run:
    """Return a slow run."""
    return Run("log", line, "pick", duration, **more)


@pytest.mark.parametrize("name", [name for name in BY_METRIC if name.startswith("latency_")])
def test_slow_runs(name: str) -> None:
    """Behind a latency stand the runs over the limit, the longest first, and how many more there were."""
    kept = (slow(3, 90.0, trace="t3", item="ORCH-3"), slow(1, 80.5, trace="t1"), slow(2, 10.0))
    stats = runs([90.0, 80.5, 70.0, *[10.0] * 2], slowest=kept)
    result = offenders(name, stats, max=10)
    if result.verdict == "pass":
        assert result.findings == ()
        return
    assert [
        (found.rule, found.item, found.trace, found.value, found.message, found.places) for found in result.findings
    ] == [
        (result.id, "ORCH-3", "t3", 90.0, "ORCH-3 took 90 ms", (Place("log", 3),)),
        (result.id, None, "t1", 80.5, "t1 took 80.5 ms", (Place("log", 1),)),
    ]
    assert result.more_findings == 1


def test_too_fast() -> None:
    """A latency below its minimum has no offenders."""
    assert offenders("latency_avg_ms", runs([5.0], slowest=(slow(1, 5.0),)), min=10).findings == ()


@pytest.mark.parametrize(("name", "limits"), [("failure_rate", {"max": 0.1}), ("success_rate", {"min": 0.9})])
def test_failed_items(name: str, limits: dict[str, Any]) -> None:
    """Behind a rate stand the failed items, the latest first, and how many more there were."""
    stats = runs(done=1, failed=5, failures=(slow(1, 1.0, item="ORCH-1"), slow(9, 1.0, trace="t9")))
    result = offenders(name, stats, **limits)
    assert [(found.message, found.item, found.trace, found.places) for found in result.findings] == [
        ("t9 failed", None, "t9", (Place("log", 9),)),
        ("ORCH-1 failed", "ORCH-1", None, (Place("log", 1),)),
    ]
    assert result.more_findings == 3


def test_stale_items() -> None:
    """Behind stale items stand the items with their reason and place, and how many more there are."""
    stale = ListedItem("ORCH-1", Place("QUEUE.md", 4), 61.5, "in progress since then")
    result = offenders("stale_in_progress", None, QueueStatistics(stale=Listed((stale,), 3)), max=0)
    (found,) = result.findings
    assert (found.item, found.value, found.reason, found.places) == (
        "ORCH-1", 61.5, "in progress since then", (Place("QUEUE.md", 4),)
    )  # fmt: skip
    assert result.more_findings == 2


def test_malformed_lines() -> None:
    """Behind malformed lines stand the first of them with place and reason, and how many more there are."""
    stats = runs(lines=9, malformed=2, defects=(Defect("log", 4, "not UTF-8"),))
    result = offenders("malformed_lines", stats, max=0)
    (found,) = result.findings
    assert (found.message, found.reason, found.places) == (
        "malformed line: not UTF-8", "not UTF-8", (Place("log", 4),)
    )  # fmt: skip
    assert result.more_findings == 1


def test_unfinished_runs() -> None:
    """Behind unfinished runs stand the first twenty starts, and how many more there are."""
    starts = {line: (Run("log", line, trace=f"t{line}"),) for line in range(30, 0, -1)}
    result = offenders("unfinished_runs", runs(open_runs=starts, early_ends=array("q")), max=0)
    assert [found.trace for found in result.findings] == [f"t{line}" for line in range(1, 21)]
    assert result.findings[0].message == "t1 started and has not ended"
    assert result.more_findings == 10


LISTED = Listed((ListedItem("ORCH-1", Place("Q", 4), 3.0, "why"), ListedItem("ORCH-2", Place("Q", 5), 1.0)), 5)


@pytest.mark.parametrize(
    ("name", "messages", "more"),
    [
        ("retry_count", ["ORCH-1 was retried", "ORCH-2 was retried"], 3),
        ("stale_in_progress", ["ORCH-1 is stale", "ORCH-2 is stale"], 3),
        ("blocked", ["ORCH-1 is blocked", "ORCH-2 is blocked"], 3),
        ("pending", ["ORCH-1 is pending", "ORCH-2 is pending"], 3),
        ("oldest_pending_minutes", ["ORCH-1 waits to be picked"], 1),
    ],
)
def test_the_items_behind_a_number(name: str, messages: list[str], more: int) -> None:
    """Behind a number of the queue stand its items with place and reason, and how many more there are."""
    queue = QueueStatistics(
        items=9,
        counts={"BLOCKED": 5, "PENDING": 5, "IN_PROGRESS": 5},
        stale=LISTED,
        blocked=LISTED,
        pending=LISTED,
        retried=LISTED,
        retry_count=5,
        oldest_pending_minutes=3.0,
        waiting=LISTED,
        waits=array("d", [3.0, 1.0, 2.5, 0.5]),
    )
    result = offenders(name, None, queue, max=2)
    assert (result.verdict, result.more_findings) == ("fail", more)
    assert [found.message for found in result.findings] == messages
    assert (result.findings[0].item, result.findings[0].reason) == ("ORCH-1", "why")
    assert result.findings[0].places == (Place("Q", 4),)


@pytest.mark.parametrize("name", ["blocked", "pending", "oldest_pending_minutes"])
def test_too_few_blame_nobody(name: str) -> None:
    """A number of the queue below its minimum has no offender."""
    queue = QueueStatistics(counts={"BLOCKED": 1, "PENDING": 1}, blocked=LISTED, pending=LISTED, waiting=LISTED)
    assert offenders(name, None, queue, min=10).findings == ()


def test_violation_without_its_inputs() -> None:
    """Metrics alone are enough for a verdict; the offenders then stay unnamed."""
    for name in BY_METRIC:
        result = judged(name, 11, max=10)
        assert (result.verdict, result.findings) == ("fail", ())


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ms", "-"),
        (0.5, "ratio", "0.5000"),
        (9999.0, "ms", "9999"),
        (2000, "ms", "2000"),
        (200.5, "ms", "200.5"),
        (200.456, "ms", "200.46"),
        (100.0, "count", "100"),
        (0, "count", "0"),
    ],
)
def test_value_text(value: float | None, unit: str, text: str) -> None:
    """Values are shown as the specified lines show them: whole numbers without a point, ratios with four decimals."""
    assert value_text(value, unit) == text


def test_durations_are_shared() -> None:
    """Measuring and naming offenders leave the statistics as they were."""
    stats = runs([3.0, 1.0, 2.0], slowest=(slow(1, 3.0),))
    before = [stats.durations.ranked(rank) for rank in (1, 2, 3)]
    offenders("latency_max_ms", stats, max=1)
    assert isinstance(stats.durations, Durations)
    assert [stats.durations.ranked(rank) for rank in (1, 2, 3)] == before


def test_what_a_later_run_compares_with() -> None:
    """A percentile has its interval at several confidences, as far as anything bounds it, and a mean has its spread."""
    stats = runs([float(number) for number in range(1, 9)])
    median = metric("latency_p50_ms", stats)
    assert [(each.confidence, each.low, each.high) for each in median.intervals] == [
        (0.9, 2.0, 7.0),
        (0.95, 1.0, 8.0),
        (0.98, 1.0, 8.0),
        (0.99, 1.0, 8.0),
    ]
    spread = metric("latency_avg_ms", stats).spread
    assert spread is not None
    assert (spread.deviation, spread.skewness) == (pytest.approx(6**0.5), 0.0)


def test_a_run_without_details_keeps_them_back() -> None:
    """Where nobody asked for details, a percentile has its usual interval alone, and a mean no spread."""
    stats = runs([float(number) for number in range(1, 9)], detailed=False)
    assert metric("latency_p50_ms", stats).intervals == ()
    assert metric("latency_avg_ms", stats).spread is None
