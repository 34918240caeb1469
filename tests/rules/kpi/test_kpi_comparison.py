from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ops_checks.errors import InputError
from ops_checks.report.model import Bounds, Metric, Spread
from ops_checks.rules.kpi.comparison import NOT_SHOWN, UNTOLD, Measured, MetricChange, compare
from ops_checks.rules.kpi.samples import KINDS, UNJUDGED, Events, Samples, check_published
from ops_checks.rules.registry import BY_METRIC, OF_NOW
from ops_checks.runlog.percentiles import Durations
from ops_checks.statistics.changes import HIGHER, LOWER


def durations(values: list[float]) -> Durations:
    """Return run times."""
    found = Durations()
    found.add(values)
    return found


def window(
    done: int = 0, failed: int = 0, values: list[float] | None = None, retries: Events | None = None
) -> dict[str, Measured]:
    """Return the metrics of a window: the rates, a median, the mean, the retries, and one that is not judged."""
    times = durations(values or [])
    samples = Samples(done, failed, times, retries)
    outcomes = done + failed
    metrics = (
        Metric("failure_rate", failed / outcomes if outcomes else None, "ratio", outcomes),
        Metric("success_rate", done / outcomes if outcomes else None, "ratio", outcomes),
        Metric("latency_p50_ms", times.percentile(50), "ms", len(times)),
        Metric("latency_avg_ms", times.mean(), "ms", len(times)),
        Metric("retry_count", retries.events if retries else None, "count", retries.events if retries else 0),
        Metric("blocked", 3, "count", 9),
    )
    return {
        each.name: Measured(each, KINDS[each.name].of_window(samples) if each.name in KINDS else None)
        for each in metrics
    }


def published(metric: Metric, time: float | None = None) -> dict[str, Measured]:
    """Return a metric of a saved report."""
    return {metric.name: Measured(metric, KINDS[metric.name].of_published(metric, time))}


def changes(now: dict[str, Measured], before: dict[str, Measured]) -> dict[str, MetricChange]:
    """Return the changes by metric."""
    return {each.name: each for each in compare(now, before).changes}


def test_every_metric_is_judged_or_says_why_not() -> None:
    """Each metric of the registry can be judged, or has a reason; those of now are never judged."""
    assert KINDS.keys() | UNJUDGED.keys() == BY_METRIC.keys()
    assert not KINDS.keys() & UNJUDGED.keys()
    assert UNJUDGED.keys() >= set(OF_NOW)


SLOW, FAST = [float(n) for n in range(150, 250)], [float(n) for n in range(100, 200)]


@pytest.mark.parametrize(
    ("now", "before", "verdicts"),
    [
        ({}, {}, dict.fromkeys(KINDS, UNTOLD)),
        ({"done": 90, "failed": 10}, {"done": 90, "failed": 10}, {"failure_rate": NOT_SHOWN}),
        ({"done": 70, "failed": 30}, {"done": 95, "failed": 5}, {"failure_rate": HIGHER, "success_rate": LOWER}),
        ({"done": 95, "failed": 5}, {"done": 70, "failed": 30}, {"failure_rate": LOWER, "success_rate": HIGHER}),
        ({"done": 1}, {"done": 500, "failed": 500}, {"failure_rate": UNTOLD, "success_rate": UNTOLD}),
        ({"failed": 3}, {"done": 1000}, {"failure_rate": HIGHER}),
        ({"values": SLOW}, {"values": FAST}, {"latency_p50_ms": HIGHER, "latency_avg_ms": HIGHER}),
        ({"values": FAST}, {"values": FAST}, {"latency_p50_ms": NOT_SHOWN, "latency_avg_ms": NOT_SHOWN}),
        ({"values": SLOW[:5]}, {"values": FAST}, {"latency_p50_ms": UNTOLD, "latency_avg_ms": UNTOLD}),
        ({"values": [5.0] * 99}, {"values": [5.0] * 99}, {"latency_p50_ms": NOT_SHOWN, "latency_avg_ms": NOT_SHOWN}),
        ({"retries": Events(20, 7)}, {"retries": Events(5, 7)}, {"retry_count": HIGHER}),
        ({"retries": Events(20, 7)}, {"retries": Events(5, 1)}, {"retry_count": NOT_SHOWN}),
        ({"retries": Events(0, 7)}, {"retries": Events(0, 7)}, {"retry_count": NOT_SHOWN}),
        ({"retries": Events(0, 7)}, {}, {"retry_count": UNTOLD}),
    ],
)
def test_verdicts(now: dict[str, Any], before: dict[str, Any], verdicts: dict[str, str]) -> None:
    """A metric is higher or lower if that is shown; else no difference is shown, or none can be."""
    found = changes(window(**now), window(**before))
    assert {name: found[name].verdict for name in found if name in verdicts} == {
        name: verdict for name, verdict in verdicts.items() if name in found
    }
    assert found["blocked"].verdict is None
    assert found["blocked"].reason == "as it is at one moment"


def test_several_metrics_are_judged_at_once() -> None:
    """What would be shown alone is not where more metrics are judged, unless they are surer; both rates are one."""
    rate = {"done": 84, "failed": 16}, {"done": 94, "failed": 6}
    alone = compare(window(**rate[0]), window(**rate[1]))
    assert (alone.judged, alone.changes[0].verdict, alone.changes[0].confidence) == (1, HIGHER, 0.95)
    more = {"values": FAST, "retries": Events(9, 1)}
    among = compare(window(**rate[0], **more), window(**rate[1], **more))
    assert (among.judged, among.changes[0].verdict) == (4, NOT_SHOWN)
    assert among.changes[0].confidence == pytest.approx(1 - 0.05 / 4)
    assert among.changes[0].needed == 142


def test_what_is_shown_first_lets_more_be_shown() -> None:
    """Holm's step-down: after the surest ones the others are judged among fewer."""
    now, before = window(84, 16, SLOW, Events(40, 1)), window(94, 6, FAST, Events(9, 1))
    found = changes(now, before)
    assert {name: each.verdict for name, each in found.items() if each.verdict} == {
        "failure_rate": HIGHER,
        "success_rate": LOWER,
        "latency_p50_ms": HIGHER,
        "latency_avg_ms": HIGHER,
        "retry_count": HIGHER,
    }
    assert found["failure_rate"].confidence == 0.95
    assert found["latency_p50_ms"].confidence == pytest.approx(1 - 0.05 / 4)


def test_what_is_needed() -> None:
    """What cannot be told says how many samples lack, now and before."""
    found = changes(window(3, 0, SLOW[:5]), window(2, 1, FAST[:20]))
    rate, median, mean = (found[name] for name in ("failure_rate", "latency_p50_ms", "latency_avg_ms"))
    assert (rate.needed, rate.needed_before) == (2, 2)
    assert (median.needed, median.needed_before) == (2, None)
    assert (mean.needed, mean.needed_before) == (25, 10)


UNSURE = "the report has no interval that is sure enough"
INTERVALS = (Bounds(0.9, 90, 110), Bounds(0.95, 80, 120), Bounds(0.99, 10, 400))


@pytest.mark.parametrize(
    ("metric", "verdict", "reason"),
    [
        # one metric alone is judged at 95 %, which older reports have
        (Metric("latency_p50_ms", 100, "ms", 500, 80, 120), HIGHER, ""),
        (Metric("latency_p50_ms", 100, "ms", 500), UNTOLD, UNSURE),
        (Metric("latency_p50_ms", 100, "ms", 500, intervals=INTERVALS[:1]), UNTOLD, UNSURE),
        (Metric("latency_p50_ms", 100, "ms", 500, intervals=INTERVALS), HIGHER, ""),
        (Metric("latency_p50_ms", 100, "ms", 500, intervals=INTERVALS[2:]), NOT_SHOWN, ""),
        (Metric("latency_p50_ms", 100, "ms", 3, 80, None), UNTOLD, ""),
        (Metric("latency_p50_ms", None, "ms", 0), UNTOLD, "there was none before"),
        (Metric("latency_avg_ms", 100, "ms", 500), UNTOLD, "the report does not say how sure it is"),
        (Metric("latency_avg_ms", 100, "ms", 500, spread=Spread(40, 0.5)), HIGHER, ""),
        (Metric("latency_avg_ms", 100, "ms", 500, spread=Spread(40, 9)), UNTOLD, ""),
        (Metric("failure_rate", 0.05, "ratio", 200), HIGHER, ""),
        (Metric("retry_count", 5, "count", 5), UNTOLD, "the report does not say how sure it is"),
    ],
)  # fmt: skip
def test_a_saved_report(metric: Metric, verdict: str, reason: str) -> None:
    """Of a saved report holds what it publishes: nothing is shown by an interval that is not sure enough."""
    now = window(60, 40, SLOW, Events(20, 1))
    if verdict is not UNTOLD or metric.name != "retry_count":
        now = {metric.name: now[metric.name]}
    found = changes(now, published(metric))[metric.name]
    assert (found.verdict, found.reason) == (verdict, reason)


def test_retries_of_a_report_with_a_window() -> None:
    """Retries of a saved report are compared for the same time, where its window is known."""
    now = window(retries=Events(20, 1.0))
    found = changes(now, published(Metric("retry_count", 35, "count", 35), 7.0))["retry_count"]
    assert (found.verdict, found.low) == (HIGHER, pytest.approx(7.68, abs=0.01))
    assert (found.now, found.before, found.change) == (20, 35, 15)


@pytest.mark.parametrize(
    "metric",
    [
        Metric("failure_rate", 1.01, "ratio", 10),
        Metric("failure_rate", -0.01, "ratio", 10),
        Metric("failure_rate", 0.5, "ratio", 10**9 + 1),
        Metric("retry_count", 1e15, "count", 3),
        Metric("latency_p50_ms", -1, "ms", 3),
        Metric("latency_p50_ms", 5, "ms", 3, 6, 7),
        Metric("latency_p50_ms", 5, "ms", 3, 4, 4.5),
        Metric("latency_p50_ms", 5, "ms", 3, intervals=(Bounds(0.9, 5, 5), Bounds(0.95, 1, 2))),
    ],
)
def test_impossible_metrics(metric: Metric) -> None:
    """A published metric that no run can have measured is an error that names it."""
    with pytest.raises(InputError, match=f"^r.json: metrics: {metric.name}: no run measures "):
        check_published(metric, "r.json")


@pytest.mark.parametrize(
    "metric",
    [
        Metric("latency_p50_ms", None, "ms", 0, 3, 4),
        Metric("latency_p50_ms", 1e308, "ms", 3, 0, None),
        Metric("oldest_pending_minutes", 1e12, "minutes", 3),
        Metric("failure_rate", 1, "ratio", 10**9),
    ],
)
def test_possible_metrics(metric: Metric) -> None:
    """What may have been measured is none."""
    check_published(replace(metric), "r.json")
