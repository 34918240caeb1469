"""What every rule has in common: its result says all of what was measured."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ops_checks.report.model import Metric
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import Threshold, evaluate


@pytest.mark.parametrize(("low", "high"), [(0.25, 0.75), (None, 0.75), (0.25, None)])
def test_a_result_has_all_of_its_metric(low: float | None, high: float | None) -> None:
    """Value, samples and both ends of the interval of a metric stand in the result of the rule that limits it."""
    metric = Metric("failure_rate", 0.5, "ratio", 12, low, high)
    rule = replace(BY_METRIC["failure_rate"], measure=lambda _evidence: metric)
    found = evaluate(rule, KpiEvidence(), Threshold(max=0.2))
    assert (found.value, found.samples, found.low, found.high, found.limit) == (0.5, 12, low, high, 0.2)
