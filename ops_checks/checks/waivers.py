"""Waivers: findings that somebody answers for until a day. The one place where a finding is set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.findings import Finding, Place, Verdict
from ops_checks.report import RuleResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.policy import Policy, Waiver

GROUP = "waivers"
EXPIRED = "waiver-expired"
UNUSED = "waiver-unused"

#: Rules whose value is the number of their findings: a waived finding takes one off.
_COUNTED = frozenset({"missing-in-db", "missing-in-md", "field-mismatch", "stale-in-progress", "malformed-lines"})


def apply(rules: Sequence[RuleResult], policy: Policy, today: str) -> tuple[RuleResult, ...]:
    """Return the results with waived findings marked, and two more rules if the policy has waivers.

    `today` is an ISO date in the queue's zone; a waiver holds up to and including its `expires`. A
    waiver that names an item or a field sets that finding aside; one that names neither, the whole
    rule. Where a rule counts its findings, it is judged by those that are left; a rate or a
    percentile is judged by its value, whichever offenders are waived. An expired waiver sets nothing
    aside and fails by itself; one that matched nothing is a warning.
    """
    if not policy.waivers:
        return tuple(rules)
    valid = [waiver for waiver in policy.waivers if waiver.expires >= today]
    expired = [waiver for waiver in policy.waivers if waiver.expires < today]
    used: set[int] = set()
    judged = tuple(_waive(rule, valid, used) for rule in rules)
    ran = {rule.id for rule in rules if rule.verdict is not Verdict.ERROR}  # of the others nobody knows
    unused = [waiver for waiver in valid if id(waiver) not in used and waiver.rule in ran]
    return (*judged, _expired(expired, policy.path), _unused(unused, policy.path))


def _waive(rule: RuleResult, waivers: Sequence[Waiver], used: set[int]) -> RuleResult:
    matching = [waiver for waiver in waivers if waiver.rule == rule.id]
    if rule.verdict not in {Verdict.FAIL, Verdict.WARN} or not matching:
        return rule
    whole = next((waiver for waiver in matching if not waiver.item and not waiver.field), None)
    findings = tuple(_marked(finding, matching, used) for finding in rule.findings or (_itself(rule),))
    if whole:
        used.add(id(whole))
        return replace(rule, findings=findings, more_findings=0, verdict=Verdict.PASS, message=_told(rule, whole))
    waived = sum(finding.suppressed is not None for finding in findings)
    if not waived or rule.id not in _COUNTED or rule.value is None:
        return replace(rule, findings=findings if waived else rule.findings)
    left = rule.value - waived
    holds = rule.limit is not None and left <= rule.limit
    message = f"{rule.message}; {waived} waived, {left:g} left"
    return replace(rule, findings=findings, message=message, verdict=Verdict.PASS if holds else rule.verdict)


def _marked(finding: Finding, waivers: Sequence[Waiver], used: set[int]) -> Finding:
    for waiver in waivers:
        if waiver.item in {None, finding.item} and waiver.field in {None, finding.field}:
            used.add(id(waiver))
            return finding._replace(suppressed=f"{waiver.reason} ({waiver.owner}, until {waiver.expires})")
    return finding


def _itself(rule: RuleResult) -> Finding:
    """Return a finding for a rule that lists none, so that what is waived can be seen."""
    return Finding(rule.id, rule.message, value=rule.value)


def _told(rule: RuleResult, waiver: Waiver) -> str:
    return f"{rule.message}; waived by {waiver.owner} until {waiver.expires}: {waiver.reason}"


def _expired(waivers: Sequence[Waiver], path: str | None) -> RuleResult:
    return _result(
        EXPIRED,
        "Expired waivers",
        "A waiver past its day sets nothing aside. Mend what it was for, or have its owner renew it.",
        severity="error",
        verdict=Verdict.FAIL if waivers else Verdict.PASS,
        findings=tuple(_finding(EXPIRED, waiver, path, f"expired on {waiver.expires}") for waiver in waivers),
    )


def _unused(waivers: Sequence[Waiver], path: str | None) -> RuleResult:
    return _result(
        UNUSED,
        "Waivers that matched nothing",
        "What the waiver was for is gone, or its item or field is misspelled. Take it out, or correct it.",
        severity="warning",
        verdict=Verdict.WARN if waivers else Verdict.PASS,
        findings=tuple(_finding(UNUSED, waiver, path, "matched nothing") for waiver in waivers),
    )


def _finding(rule: str, waiver: Waiver, path: str | None, what: str) -> Finding:
    target = " ".join(part for part in (waiver.rule, waiver.item, waiver.field) if part)
    places = (Place(path, line=waiver.line),) if path else ()
    message = f"the waiver of {target} {what}"
    return Finding(rule, message, waiver.item, waiver.field, trace=waiver.rule, reason=waiver.reason, places=places)


def _result(
    rule: str, title: str, text: str, *, severity: str, verdict: Verdict, findings: tuple[Finding, ...]
) -> RuleResult:
    return RuleResult(
        id=rule,
        title=title,
        help=text,
        group=GROUP,
        severity=severity,
        verdict=verdict,
        message=f"{len(findings)} waivers" if len(findings) != 1 else findings[0].message,
        value=len(findings),
        operator="<=",
        limit=0,
        unit="count",
        findings=findings,
    )
