"""Counts of rules and findings in a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.findings import Verdict

if TYPE_CHECKING:
    from ops_checks.report.model import Report


def rules_by_verdict(report: Report) -> dict[Verdict, int]:
    """Return how many rules have each verdict, from the best to the worst, zeros included."""
    counts = dict.fromkeys(Verdict, 0)
    for rule in report.rules:
        counts[rule.verdict] += 1
    return counts


def live_findings(report: Report) -> int:
    """Return the number of findings without a waiver, those that are not listed included."""
    return sum(len(rule.live) + rule.more_findings for rule in report.rules)


def waived_findings(report: Report) -> int:
    """Return the number of findings that a waiver suppresses."""
    return sum(len(rule.waived) for rule in report.rules)


def new_findings(report: Report) -> int:
    """Return the number of findings that neither a waiver nor a known report has, those not listed included."""
    return sum(len(rule.new) + rule.more_new for rule in report.rules)


def known_findings(report: Report) -> int:
    """Return the number of findings without a waiver that a known report has, those not listed included."""
    return sum(len(rule.known) + rule.more_known for rule in report.rules)
