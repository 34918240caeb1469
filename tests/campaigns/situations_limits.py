"""Situations of every limit of every metric: its value one unit below, at and above it."""

from __future__ import annotations

import json
from math import nextafter
from typing import TYPE_CHECKING

from tests.campaigns.expected import GREEN, Situation, alert, malformed, warns
from tests.campaigns.operation import METRICS

if TYPE_CHECKING:
    from tests.campaigns.operation import Operation

_RATES = {"failure_rate", "success_rate"}


def _limited(metric: str, **limits: object):
    """Return an operation in which one metric has its value of METRICS and these limits, and no other has any."""

    def change(op: Operation) -> None:
        thresholds = dict.fromkeys(("failure_rate", "latency_p95_ms", "stale_in_progress", "malformed_lines"), "off")
        kpi = {"stale_minutes": 20, "thresholds": {**thresholds, metric: limits}}
        op.policy = json.dumps({"kpi": kpi})
        if metric == "malformed_lines":
            op.edit_log = lambda data: data.replace(b"\n", b"\n{\n", 1)
        if metric == "unfinished_runs":
            op.runs.insert(0, {"event": "run_start", "trace_id": "trace-lost", "command": "pick"})

    return change


def _steps(metric: str) -> tuple[float, float, float]:
    """Return the numbers one unit below, at and above the value of a metric."""
    value = METRICS[metric]
    if metric in _RATES:
        return nextafter(value, 0), value, nextafter(value, 1)
    return value - 1, value, value + 1


def _limits(metric: str):
    """Yield the value of a metric one unit above, at and below each kind of limit."""
    rule, (below, at, above) = metric.replace("_", "-"), _steps(metric)
    found = {"stale_in_progress": (("ORCH-102", None),), "malformed_lines": ((2, None),)}.get(metric, ())
    out = alert(rule, *found)
    if metric == "malformed_lines":  # an input is malformed: that is more than an alert
        out = malformed(2)
    yield Situation(f"{metric} above max", _limited(metric, max=below), out)
    yield Situation(f"{metric} at max", _limited(metric, max=at), GREEN)
    yield Situation(f"{metric} below max", _limited(metric, max=above), GREEN)
    if metric != "malformed_lines":
        yield Situation(f"{metric} above min", _limited(metric, min=below), GREEN)
        yield Situation(f"{metric} at min", _limited(metric, min=at), GREEN)
        yield Situation(f"{metric} below min", _limited(metric, min=above), out)
        yield Situation(f"{metric} below warn_min", _limited(metric, warn_min=above), warns(rule, *found))
    yield Situation(f"{metric} above warn_max", _limited(metric, warn_max=below, max=at), warns(rule, *found))
    yield Situation(f"{metric} at warn_max", _limited(metric, warn_max=at, max=above), GREEN)
    yield Situation(
        f"{metric} above max, a warning", _limited(metric, max=below, severity="warning"), warns(rule, *found)
    )


SITUATIONS = tuple(situation for metric in METRICS for situation in _limits(metric))
