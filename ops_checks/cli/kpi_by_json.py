"""The KPIs of groups of runs as published JSON and as CSV. Adding a key keeps the version of a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict

from ops_checks.cli.csv_record import csv_record
from ops_checks.cli.kpi_rules import rule_json
from ops_checks.report.model import LeftOut
from ops_checks.timestamps import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ops_checks.context import Context
    from ops_checks.gate.kpi_groups import KpisRead
    from ops_checks.report.model import InputRead, RuleResult
    from ops_checks.rules.kpi.groups import GroupKpis, Rate
    from ops_checks.timestamps import Zone

KPI_BY_SCHEMA = "ops-checks/kpi-by/1"
_RATES = ("success_rate", "failure_rate")
_LEFT_OUT = ("outside_window", "undated", "repeated")


def kpi_by_json(read: KpisRead, results: Sequence[RuleResult], context: Context) -> dict[str, Any]:
    """Return the KPIs of all runs with the rules that limit them, and those of all groups."""
    found = read.found
    return {
        "schema": KPI_BY_SCHEMA,
        "by": found.by,
        "now_s": int(context.now_s),
        "window": {"begin_ms": context.window.since_ms, "end_ms": context.window.until_ms},
        "queue": context.kpi_store.location,
        "metrics": {metric.name: metric.value for metric in read.evidence.metrics},
        "rules": [rule_json(result) for result in results],
        "left_out": _left_out(read.evidence.inputs),
        "total": group_json(found.total, context.zone),
        "groups": [group_json(group, context.zone) for group in found.groups],
    }


def csv_rows(read: KpisRead, zone: Zone) -> Iterator[str]:
    """Yield the records of a CSV (see `csv_record`), without their line ends: the head, then one for each group."""
    for number, group in enumerate((read.found.total, *read.found.groups)):
        known = group_json(group, zone)
        rates = {name: known.pop(name) for name in _RATES}
        flat = {"by": read.found.by} | known
        for name, rate in rates.items():
            bounds = rate["interval_95"] or dict.fromkeys(("low", "high"))
            flat |= {name: rate["value"], **{f"{name}_{side}": bounds[side] for side in ("low", "high")}}
        yield csv_record(flat.values() if number else flat)  # the total has the names of all


def group_json(group: GroupKpis, zone: Zone) -> dict[str, Any]:
    """Return the KPIs of a group; a rate has its value and its interval."""
    return {
        "name": group.name,
        "kind": group.kind,
        "begins": None if group.begins_ms is None else rfc3339(group.begins_ms / 1000, zone),
        "ends": None if group.ends_ms is None else rfc3339(group.ends_ms / 1000, zone),
        "runs": group.runs,
        "done": group.done,
        "failed": group.failed,
        "errors": group.errors,
        "share": group.share,
        "success_rate": _rate(group.success),
        "failure_rate": _rate(group.failure),
        "samples": group.samples,
        "p50_ms": group.p50,
        "p95_ms": group.p95,
        "p99_ms": group.p99,
        "example": group.example,
    }


def _rate(rate: Rate) -> dict[str, Any]:
    interval = None if rate.low is None else {"low": rate.low, "high": rate.high}
    return {"value": rate.value, "interval_95": interval}


def _left_out(inputs: Sequence[InputRead]) -> dict[str, int]:
    """Return how many runs were read that do not count, of all logs."""
    logs = [asdict(read.left_out or LeftOut()) for read in inputs if read.kind == "log"]
    return {name: sum(log[name] for log in logs) for name in _LEFT_OUT}
