"""Rules on changes: what is shown of an increase, what is said of it, and when nothing can be said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks import help as manual
from ops_checks.findings import Verdict
from ops_checks.report.model import Metric
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.kpi.regression import (
    COMPARED,
    LAST_WEEK,
    PREVIOUS,
    Regression,
    measure_changes,
    regression_rule,
    side_of_report,
    side_of_runs,
)
from ops_checks.rules.kpi.samples import KINDS, Samples
from ops_checks.rules.rule import evaluate
from ops_checks.runlog.grouping import GroupStats
from ops_checks.runlog.percentiles import Durations


def runs(*durations: float, done: int = 0, failed: int = 0) -> GroupStats:
    """Return the statistics of a window."""
    stats = GroupStats(done + failed, done, failed, durations=Durations())
    stats.durations.add(durations)
    return stats


def times(samples: int, factor: float = 1, offset: float = 0) -> GroupStats:
    """Return runs that took 1, 2, … 100 ms and again, each so many times as long, and so many milliseconds more."""
    return runs(*(float(factor * (1 + number % 100) + offset) for number in range(samples)))


def judged(now: GroupStats, before: GroupStats, *regressions: Regression) -> dict[str, tuple[str, str]]:
    """Return verdict and message of each rule, all of them judged at once."""
    earlier = side_of_runs(before)
    measured = measure_changes(regressions, side_of_runs(now), {LAST_WEEK: earlier, PREVIOUS: earlier})
    rules = [regression_rule(each) for each in regressions]
    results = [evaluate(rule, KpiEvidence(over_time=measured), rule.default) for rule in rules]
    return {result.id: (result.verdict.value, result.message) for result in results}


P95 = Regression("latency_p95_ms", 10, relative=True)
P50 = Regression("latency_p50_ms", 10, relative=True)
P50_MS = Regression("latency_p50_ms", 20, against=PREVIOUS, severity="warning")
MEAN = Regression("latency_avg_ms", 5)
FAILURES = Regression("failure_rate", 0.05)
SUCCESSES = Regression("success_rate", 0.05)
MANY_FAIL, FEW_FAIL = runs(done=80, failed=20), runs(done=196, failed=4)

CASES = {
    "as before": (
        times(1000),
        times(1000),
        P95,
        "pass",
        "latency_p95_ms is 95 ms of 1000 runs, a week before 95 ms of 1000: +0 % (95 % interval -2.31 % to +2.36 %); "
        "within the limit of +10 %",
    ),
    "a third more": (
        times(1000, 1.3),
        times(1000),
        P50,
        "fail",
        "latency_p50_ms is 65 ms of 1000 runs, a week before 50 ms of 1000: +30 % (95 % interval +17.77 % to "
        "+43.5 %); at least +21.07 % of it at 95 % confidence, beyond the limit of +10 %",
    ),
    "more, but not shown": (
        times(100, 1.3),
        times(100),
        P50,
        "pass",
        "latency_p50_ms is 65 ms of 100 runs, a week before 50 ms of 100: +30 % (95 % interval -3.56 % to +75.24 %); "
        "not shown to be beyond the limit of +10 %",
    ),
    "in milliseconds, a warning": (
        times(1000, offset=40),
        times(1000),
        P50_MS,
        "warn",
        "latency_p50_ms is 90 ms of 1000 runs, right before 50 ms of 1000: +40 ms (95 % interval +35 ms to "
        "+45 ms); at least +36.39 ms of it at 95 % confidence, beyond the limit of +20 ms",
    ),
    "too few of the week before": (
        times(1000),
        times(50),
        P95,
        "insufficient",
        "latency_p95_ms cannot be compared: 1000 runs now, 50 a week before; 59 of each are needed",
    ),
    "nothing of the week before": (
        times(1000),
        runs(),
        P95,
        "insufficient",
        "latency_p95_ms cannot be compared: 1000 runs now, 0 a week before; 59 of each are needed",
    ),
    "a percentage of nothing": (
        times(100),
        times(100, 0),
        P50,
        "insufficient",
        "latency_p50_ms cannot be compared: a week before it was 0, and nothing is a percentage of that: limit it in "
        "ms",
    ),
    "nothing, as before": (
        times(100, 0),
        times(100, 0),
        P50,
        "pass",
        "latency_p50_ms is 0 ms of 100 runs, a week before 0 ms of 100: +0 % (95 % interval -100 % to unknown); not "
        "shown to be beyond the limit of +10 %",
    ),
    "a mean": (
        times(1000, 1.5),
        times(1000),
        MEAN,
        "fail",
        "latency_avg_ms is 75.75 ms of 1000 runs, a week before 50.5 ms of 1000: +25.25 ms (95 % interval +22.02 ms to "
        "+28.48 ms); at least +22.54 ms of it at 95 % confidence, beyond the limit of +5 ms",
    ),
    "a mean of a few very long runs": (
        runs(*[1.0] * 99, 1000.0),
        times(100),
        MEAN,
        "insufficient",
        "latency_avg_ms cannot be compared: 100 runs now, 100 a week before; 2426 of each are needed",
    ),
    "more failures": (
        MANY_FAIL,
        FEW_FAIL,
        FAILURES,
        "fail",
        "failure_rate is 0.2000 of 100 outcomes, a week before 0.0200 of 200: +0.1800 (95 % interval +0.1068 to "
        "+0.2697); at least +0.1178 of it at 95 % confidence, beyond the limit of +0.0500",
    ),
    "more failures by the interval, but not by the exact test": (
        runs(done=5, failed=5),
        runs(done=9, failed=1),
        FAILURES,
        "pass",
        "failure_rate is 0.5000 of 10 outcomes, a week before 0.1000 of 10: +0.4000 (95 % interval "
        "-0.0024 to +0.6759); not shown to be beyond the limit of +0.0500",
    ),
    "fewer successes": (
        MANY_FAIL,
        FEW_FAIL,
        SUCCESSES,
        "fail",
        "success_rate is 0.8000 of 100 outcomes, a week before 0.9800 of 200: -0.1800 (95 % interval -0.2697 to "
        "-0.1068); at least -0.1178 of it at 95 % confidence, beyond the limit of -0.0500",
    ),
    "fewer failures": (
        runs(done=98, failed=2),
        runs(done=160, failed=40),
        FAILURES,
        "pass",
        "failure_rate is 0.0200 of 100 outcomes, a week before 0.2000 of 200: -0.1800 (95 % interval -0.2426 to "
        "-0.1096); within the limit of +0.0500",
    ),
    "too few outcomes to show anything": (
        runs(failed=2),
        runs(done=2),
        FAILURES,
        "insufficient",
        "failure_rate cannot be compared: 2 outcomes now, 2 a week before; 3 of each are needed",
    ),
}


@pytest.mark.parametrize(("now", "before", "regression", "verdict", "message"), CASES.values(), ids=CASES)
def test_what_is_said(now, before, regression, verdict, message):
    """A rule fails only where more than its limit is shown, and says both values, their samples, and how sure it is."""
    assert judged(now, before, regression)[regression.id] == (verdict, message)


def test_the_manual_shows_what_is_said():
    """The message in the manual is one that a rule says."""
    assert CASES["a third more"][-1] in " ".join(manual.page("budgets").split())


def test_a_metric_that_fell_and_one_that_rose_are_the_same():
    """A fall of the success rate is a rise of the failure rate."""
    before = {LAST_WEEK: side_of_runs(FEW_FAIL)}
    failures, successes = measure_changes((FAILURES, SUCCESSES), side_of_runs(MANY_FAIL), before).values()
    found = [(each.value, each.low, each.high) for each in (failures, successes)]
    assert found[0] == pytest.approx(found[1])


def test_rules_are_judged_all_at_once():
    """What one rule alone would show, it does not show among others: each must be surer, as there are more of them."""
    now, before = runs(done=90, failed=10), runs(done=98, failed=2)
    alone = Regression("failure_rate", 0)
    others = tuple(Regression(metric, 100, relative=True) for metric in COMPARED if metric.startswith("latency"))
    now.durations.add(map(float, range(1000)))
    before.durations.add(map(float, range(1000)))
    assert judged(now, before, alone)[alone.id][0] == "fail"
    assert judged(now, before, alone, *others)[alone.id][0] == "pass"


def test_a_rule_is_as_sure_as_it_says():
    """Beside a rule with another confidence one is decided by its own."""
    now, before = runs(done=90, failed=10), runs(done=98, failed=2)
    sure = Regression("failure_rate", 0, confidence=0.999)
    less = Regression("success_rate", 0, confidence=0.9)
    assert [verdict for verdict, _ in judged(now, before, sure, less).values()] == ["pass", "fail"]


def test_against_a_report():
    """What a report published is compared as a window is, as far as its intervals are as sure as they have to be."""
    seen = Metric("failure_rate", 0.02, "ratio", 200), Metric("latency_p50_ms", 50, "ms", 1000, 47, 54)
    side = side_of_report({metric.name: metric for metric in seen})
    now = runs(*times(1000, 1.3).durations.counts.elements(), done=80, failed=20)
    against = "reports/41.json"
    rules = [
        Regression("failure_rate", 0.05, against=against, confidence=0.9),
        Regression("latency_p50_ms", 10, relative=True, against=against, confidence=0.9),
        Regression("latency_p95_ms", 10, relative=True, against=against, confidence=0.9),
    ]
    alone = [measure_changes((rule,), side_of_runs(now), {against: side})[rule.id] for rule in rules]
    assert [metric.words for metric in alone] == [
        "failure_rate is 0.2000 of 100 outcomes, in reports/41.json 0.0200 of 200: +0.1800 (95 % interval +0.1068 to "
        "+0.2697)",
        "latency_p50_ms is 65 ms of 1000 runs, in reports/41.json 50 ms of 1000: +30 % (95 % interval +17.77 % to "
        "+43.5 %)",
        "latency_p95_ms cannot be compared: 1000 runs now, 0 in reports/41.json; 45 of each are needed",
    ]
    surer = Regression("latency_p50_ms", 10, relative=True, against=against, confidence=0.99)
    measured = measure_changes((surer,), side_of_runs(now), {against: side})[surer.id]
    assert (measured.value, measured.words) == (
        None,
        "latency_p50_ms cannot be compared: in reports/41.json is no interval of it that is as sure as it has to be",
    )


def test_without_a_reading_there_is_no_verdict():
    """A rule whose evidence was not measured is never a pass."""
    rule = regression_rule(P95)
    assert evaluate(rule, KpiEvidence(), rule.default).verdict is Verdict.INSUFFICIENT


samples = st.lists(st.integers(0, 60), min_size=60, max_size=150).map(lambda each: runs(*map(float, each)))


@given(samples, samples, st.sampled_from(["latency_p50_ms", "latency_p95_ms", "latency_avg_ms"]), st.booleans())
def test_what_fails_is_more_than_the_limit(now, before, metric, relative):
    """What is shown is never more than there is, never less than 0, and a limit at it is kept."""
    free = Regression(metric, 0, relative=relative)
    found = measure_changes((free,), side_of_runs(now), {LAST_WEEK: side_of_runs(before)})[free.id]
    if found.value is not None:
        ours, theirs = (KINDS[metric].of_window(Samples(0, 0, each.durations)) for each in (now, before))
        change = KINDS[metric].change(ours, theirs)
        value, was = (each.estimate(0.95).value for each in (change.now, change.before))
        seen = value - was if not relative else (value / was - 1) * 100 if was else 0
        assert 0 <= found.value <= max(0, seen) + 0.0001
        if found.value:
            verdicts = [
                judged(now, before, Regression(metric, most, relative=relative))[free.id][0]
                for most in (found.value, found.value - 0.0001)
            ]
            assert verdicts == ["pass", "fail"]
