"""The drift rules: their titles and help, and what a comparison means for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.checks.consistency import FIELD_MISMATCH, MISSING_IN_DB, MISSING_IN_MD
from ops_checks.findings import Finding, Verdict
from ops_checks.report import RuleResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.checks.consistency import Drift

GROUP = "consistency"

#: Title, help and what is counted for the drift rules, in the order of a report.
_RULES = {
    MISSING_IN_DB: (
        "Items missing in the database",
        "The Markdown queue has an item that the database lacks. Add it to the database, or find out who took it out.",
        "items of the Markdown queue that the database lacks",
    ),
    MISSING_IN_MD: (
        "Items missing in the Markdown queue",
        "The database has an item that the Markdown queue lacks. Add its row, or find out who took it out.",
        "items of the database that the Markdown queue lacks",
    ),
    FIELD_MISMATCH: (
        "Fields that differ",
        "An item has different values on both sides. Find out which side is right and change the other one.",
        "fields that differ between the queues",
    ),
}


def judge(drift: Drift, severity: Mapping[str, str]) -> list[RuleResult]:
    """Return what each drift rule says of a comparison.

    `severity` by rule is `error` (the default), `warning` or `off`. Two empty queues agree about
    nothing: that is `insufficient`.
    """
    return [_judge(rule, drift, severity.get(rule, "error")) for rule in on(severity)]


def unjudged(severity: Mapping[str, str], reason: str) -> list[RuleResult]:
    """Return the drift rules as `error`: they could not be evaluated, and why."""
    return [_result(rule, severity.get(rule, "error"), Verdict.ERROR, reason) for rule in on(severity)]


def on(severity: Mapping[str, str]) -> list[str]:
    """Return the drift rules that are not switched off, in the order of a report."""
    return [rule for rule in _RULES if severity.get(rule) != "off"]


def _judge(rule: str, drift: Drift, severity: str) -> RuleResult:
    count = drift.counts[rule]
    samples = max(drift.total, drift.total_db)
    verdict = Verdict.FAIL if severity == "error" else Verdict.WARN
    if not count:
        verdict = Verdict.PASS if samples else Verdict.INSUFFICIENT
    message = f"{_RULES[rule][2]}: {count}" if samples else "both queues are empty: there is nothing to compare"
    kept = tuple(drift.findings[rule])
    return _result(
        rule, severity, verdict, message, value=count, samples=samples, findings=kept, more_findings=count - len(kept)
    )


def _result(
    rule: str,
    severity: str,
    verdict: Verdict,
    message: str,
    *,
    value: int | None = None,
    samples: int | None = None,
    findings: tuple[Finding, ...] = (),
    more_findings: int = 0,
) -> RuleResult:
    title, text, _ = _RULES[rule]
    return RuleResult(
        id=rule,
        title=title,
        help=text,
        group=GROUP,
        severity=severity,
        verdict=verdict,
        message=message,
        value=value,
        operator="<=",
        limit=0,
        unit="count",
        samples=samples,
        findings=findings,
        more_findings=more_findings,
    )
