"""The annotations of a report: which, in which order, at which level."""

from __future__ import annotations

import pytest
from report_samples import EVERYTHING, MISMATCH, SAMPLES, WAIVED, report, rule

from ops_checks.findings import Finding, Verdict
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


def test_the_most_urgent_first():
    """Of the findings of a level those on P0 items come first, and what is found once more about an item last."""
    items = [("A-1", "P2"), ("A-2", None), ("A-3", "P0"), ("A-2", None), ("A-4", "P1")]
    found = [STALE._replace(item=item, priority=priority) for item, priority in items]
    shown = annotate(
        report(rule("stale-in-progress", Verdict.FAIL, *found), rule("retry-count", Verdict.FAIL, found[2]))
    )
    assert [one.finding and one.finding.item for one in shown] == [
        *(None, None), "A-3", "A-3", "A-2", "A-4", "A-1", "A-2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "owner", "text"),
    [
        ("Rotate keys", "worker:core-1", "A-1 is stale (no start): Rotate keys, owner worker:core-1, P0"),
        ("Rotate keys", "-", "A-1 is stale (no start): Rotate keys, no owner, P0"),
        ("x" * 200, "s1", f"A-1 is stale (no start): {'x' * 119}…, owner s1, P0"),
        (None, None, "A-1 is stale (no start)"),
    ],
)
def test_an_item_is_told_with_its_task_and_owner(title, owner, text):
    """Who reads an annotation alone sees what the item is, whose it is and how much it matters."""
    found = STALE._replace(task=title, owner=owner, priority="P0")
    assert annotate(report(rule("stale-in-progress", Verdict.FAIL, found)))[1].message == text


STALE = Finding("stale-in-progress", "A-1 is stale", "A-1", reason="no start")


def test_findings_of_a_rule_that_passes():
    """Of a rule that passes only the waived findings are annotated."""
    assert [one.finding for one in annotate(report(rule("field-mismatch", Verdict.PASS, MISMATCH, WAIVED)))] == [WAIVED]
