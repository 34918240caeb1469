"""Weeks of runs through the whole gate: what it reports is what the simulated rules say of the same runs."""

from __future__ import annotations

import tempfile
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops_checks.rules.kpi.regression import LAST_WEEK, PREVIOUS, Regression, measure_changes
from tests.campaigns.operation import NOW_S, Operation
from tests.campaigns.regress_weeks import WEEKS
from tests.campaigns.verdicts import gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from tests.campaigns.regress_weeks import Week

_WEEK_MS = 7 * 86_400_000
_POLICY = """\
kpi:
  window: 7d
  on_insufficient: pass
  thresholds: {failure_rate: off, latency_p95_ms: off}
  regression:
    failure_rate: {max_increase: 0.05, against: previous}
    latency_p50_ms: {max_increase: 10%}
    latency_p99_ms: {max_increase: 50, severity: warning}
    latency_avg_ms: {max_increase: 0%, confidence: 0.9}
"""
_RULES = (
    Regression("failure_rate", 0.05, against=PREVIOUS),
    Regression("latency_p50_ms", 10, relative=True),
    Regression("latency_p99_ms", 50, severity="warning"),
    Regression("latency_avg_ms", 0, relative=True, confidence=0.9),
)


def gate_problems(random: Generator) -> list[str]:
    """Return what the gate says otherwise than the rules do of the same samples, of a few pairs of weeks."""
    pairs = [(WEEKS[name](random, worse), WEEKS[name](random, 1)) for name in WEEKS for worse in (1, 1.5)]
    return [problem for now, before in pairs for problem in _problems(now, before, random)]


def _problems(now: Week, before: Week, random: Generator) -> Iterator[str]:
    operation = Operation(runs=[*_records(before, 2, random), *_records(now, 1, random)], policy=_POLICY)
    with tempfile.TemporaryDirectory(prefix="regress-") as name, chdir(name):
        operation.lay_down(Path(name))
        code, lines, report = gate(operation)
    found = {rule["id"]: rule for rule in report["rules"]} if report else {}
    earlier = before.side()
    expected = measure_changes(_RULES, now.side(), {LAST_WEEK: earlier, PREVIOUS: earlier})
    fails = False
    for rule in _RULES:
        metric, said = expected[rule.id], found.get(rule.id, {})
        beyond = metric.value is not None and metric.value > rule.most
        verdict = "insufficient" if metric.value is None else "pass" if not beyond else _SEVERITIES[rule.severity]
        fails = fails or verdict == "fail"
        if (said.get("verdict"), said.get("value"), said.get("samples")) != (verdict, metric.value, metric.samples):
            yield f"the gate says {said} of {rule.id}, expected {verdict} {metric}"
    if code != (2 if fails else 0):
        yield f"exit code {code}: {lines[:3]}"


_SEVERITIES = {"error": "fail", "warning": "warn"}


def _records(week: Week, weeks_ago: int, random: Generator) -> list[dict[str, Any]]:
    """Return the ends of the runs of a week, at random times in it."""
    outcomes = ["fail" if failed else "done" for failed in week.failed]
    commands = outcomes + ["pick"] * (len(week.times) - len(outcomes))
    offsets = random.integers(1_000, _WEEK_MS - 1_000, len(commands))
    begin = NOW_S * 1000 - weeks_ago * _WEEK_MS
    return [
        {
            "event": "run_end",
            "trace_id": f"trace-{weeks_ago}{number:011x}",
            "command": command,
            "ts_epoch_ms": begin + int(offset),
            "exit_code": 0,
            "duration_ms": float(took),
        }
        for number, (command, offset, took) in enumerate(zip(commands, offsets, week.times, strict=True))
    ]
