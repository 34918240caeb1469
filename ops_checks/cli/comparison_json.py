"""How the KPIs have changed, as published JSON and as CSV. Adding a key keeps the version of the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.csv_record import csv_record
from ops_checks.cli.kpi_rules import rule_json
from ops_checks.policy.earlier_windows import EARLIER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ops_checks.gate.comparing import KpisCompared
    from ops_checks.policy.window import Window
    from ops_checks.report.model import RuleResult
    from ops_checks.rules.kpi.comparison import MetricChange

COMPARISON_SCHEMA = "ops-checks/kpi-compare/1"


def comparison_json(found: KpisCompared, against: str, results: Sequence[RuleResult]) -> dict[str, Any]:
    """Return every metric now and before, what is shown of its change, and the rules that limit the metrics of now."""
    comparison = found.comparison
    return {
        "schema": COMPARISON_SCHEMA,
        "against": against if against in EARLIER else "report",
        "report": None if found.report is None else {"path": found.report, "created_ms": found.made_ms},
        "now": _window(found.window),
        "before": _window(found.before),
        "confidence": comparison.confidence,
        "correction": "holm",
        "judged": comparison.judged,
        "metrics": [_metric(each) for each in comparison.changes],
        "rules": [rule_json(result) for result in results],
    }


def comparison_csv(found: KpisCompared) -> Iterator[str]:
    """Yield the records of a CSV (see `csv_record`), without their line ends: the head, then one for each metric."""
    metrics = [_metric(each) for each in found.comparison.changes]
    yield csv_record(metrics[0])  # all have the same keys
    yield from (csv_record(each.values()) for each in metrics)


def _window(window: Window | None) -> dict[str, int | None] | None:
    return None if window is None else {"since_ms": window.since_ms, "until_ms": window.until_ms}


def _metric(each: MetricChange) -> dict[str, Any]:
    return {
        "name": each.name,
        "unit": each.unit,
        "now": each.now,
        "before": each.before,
        "samples": each.samples,
        "samples_before": each.samples_before,
        "change": each.change,
        "change_low": each.low,
        "change_high": each.high,
        "confidence": each.confidence,
        "verdict": each.verdict,
        "needed": each.needed,
        "needed_before": each.needed_before,
        "reason": each.reason or None,
    }
