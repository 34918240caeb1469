"""Counts of what a report holds, for the last line of a text and the first look of a reader."""

from __future__ import annotations

from ops_checks.report import Report, Verdict


def rules_by_verdict(report: Report) -> dict[Verdict, int]:
    """Return how many rules said what, every verdict named, from the best to the worst."""
    counts = dict.fromkeys(Verdict, 0)
    for rule in report.rules:
        counts[rule.verdict] += 1
    return counts


def live_findings(report: Report) -> int:
    """Return the number of findings that no waiver holds, those that are counted but not listed included."""
    return sum(len(rule.live) + rule.more_findings for rule in report.rules)


def waived_findings(report: Report) -> int:
    """Return the number of findings that a waiver holds."""
    return sum(len(rule.waived) for rule in report.rules)
