"""The annotations of a report: which, in which order, at which level."""

from __future__ import annotations

import pytest
from report_samples import EVERYTHING, MISMATCH, SAMPLES, WAIVED, report, rule

from ops_checks.findings import Verdict
from ops_checks.presentation.annotations import annotate


def test_annotate():
    """Errors before warnings before notices; in each the rules before their findings."""
    assert [(one.level, one.rule.id, one.finding.item if one.finding else None) for one in annotate(EVERYTHING)] == [
        ("error", "failure-rate", None),
        ("error", "stale-in-progress", None),
        ("error", "missing-in-db", "ORCH-110"),
        ("error", "missing-in-md", "ORCH-090"),
        ("error", "failure-rate", "ORCH-4"),
        ("error", "stale-in-progress", "ORCH-5"),
        ("warning", "latency-p95-ms", None),
        ("warning", "waiver-unused", None),
        ("warning", "success-rate", None),
        ("warning", "field-mismatch", "ORCH-102"),
        ("warning", "field-mismatch", "ORCH-7"),
        ("warning", "latency-p95-ms", "ORCH-3"),
        ("notice", "field-mismatch", "ORCH-8"),
    ]


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("pass", []),
        ("waived", ["notice"]),
        ("insufficient", ["warning"]),
        ("insufficient fails", ["error"]),
        ("insufficient passes", ["notice"]),
        ("warn", ["warning", "warning"]),
        ("warn fails", ["error", "error"]),
        ("drift", ["error"]),
        ("error", ["error"]),
    ],
)
def test_levels(name, levels):
    """Annotations have the level that their rule counts as."""
    assert [one.level for one in annotate(SAMPLES[name])] == levels


def test_findings_of_a_rule_that_passes():
    """Of a rule that passes only the waived findings are annotated."""
    assert [one.finding for one in annotate(report(rule("field-mismatch", Verdict.PASS, MISMATCH, WAIVED)))] == [WAIVED]
