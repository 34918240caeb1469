"""The counts of a report."""

from __future__ import annotations

from report_samples import EVERYTHING

from ops_checks.report.summary import live_findings, rules_by_verdict, waived_findings


def test_summary_counts():
    """Rules by verdict, live findings with those not listed, and waived ones."""
    assert {verdict.value: count for verdict, count in rules_by_verdict(EVERYTHING).items()} == {
        "pass": 2,
        "insufficient": 1,
        "warn": 3,
        "fail": 4,
        "error": 0,
    }
    assert live_findings(EVERYTHING) == 10
    assert waived_findings(EVERYTHING) == 1
