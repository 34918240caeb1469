"""Past gate runs as lines, as published JSON and as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from ops_checks.cli.csv_record import csv_record
from ops_checks.report.serialize import iso_utc
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import value_text
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.gate.past_runs import PastRun
    from ops_checks.report.gate_run import GateRun
    from ops_checks.timestamps import Zone

HISTORY_SHOW_SCHEMA = "ops-checks/history-show/1"


def history_lines(past: Sequence[PastRun], zone: Zone) -> Iterator[str]:
    """Yield how many runs there are, and a line for each: when, verdict, what failed, and what its limits judged."""
    failed = sum(each.run.exit_code != 0 for each in past)
    yield f"history runs={len(past)} passed={len(past) - failed} failed={failed}"
    for each in past:
        run = each.run
        words = [
            f"- {queue_time(run.at_ms / 1000, zone)} {run.verdict} exit={run.exit_code}",
            f"failed={','.join(rule.id for rule in run.failed) or '-'}",
            *(f"{metric.name}={value_text(metric.value, metric.unit)}" for metric in _judged(run)),
        ]
        yield " ".join(words)


def _judged(run: GateRun) -> Iterator[Any]:
    """Yield the metrics of a run that one of its rules judged."""
    ids = {rule.id for rule in run.rules}
    yield from (metric for metric in run.metrics if metric.name in BY_METRIC and BY_METRIC[metric.name].id in ids)


def _plain(value: float | None) -> float | None:
    """Return a count without a point."""
    return int(value) if value is not None and value == int(value) else value


def history_json(past: Sequence[PastRun]) -> dict[str, Any]:
    """Return the runs, each as its line has it, with the file and the line that it was read from."""
    return {
        "schema": HISTORY_SHOW_SCHEMA,
        "runs": [
            {"file": each.path, "line": each.line, "at": iso_utc(each.run.at_ms), **to_builtins(each.run)}
            for each in past
        ],
    }


def history_records(past: Sequence[PastRun]) -> Iterator[str]:
    """Yield the head of a table, and a record for each run: what it said, and every metric that any run has."""
    names = [name for name in BY_METRIC if any(each.run.metric(name) for each in past)]
    yield csv_record(["at", "verdict", "exit_code", "failed", "policy", "tool", *names])
    for each in past:
        run = each.run
        metrics = {metric.name: _plain(metric.value) for metric in run.metrics}
        failed = " ".join(rule.id for rule in run.failed)
        cells = [iso_utc(run.at_ms), run.verdict.value, run.exit_code, failed, run.policy, run.tool]
        yield csv_record([*cells, *(metrics.get(name) for name in names)])
