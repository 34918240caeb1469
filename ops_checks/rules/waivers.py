"""Waivers: findings that somebody answers for until a day. The one place where a finding is suppressed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.findings import WAIVERS, Finding, Place, Verdict
from ops_checks.report.model import Metric
from ops_checks.rules.rule import Offenders, Rule, Threshold, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops_checks.report.model import RuleResult
    from ops_checks.rules.rule import Limit


class Waiver(Struct, frozen=True):
    """A finding that somebody answers for until a day (`expires`, ISO date, the last day it holds)."""

    rule: str
    reason: str
    owner: str
    expires: str
    item: str | None = None
    field: str | None = None
    line: int | None = None


class WaiverEvidence(Struct, frozen=True):
    """The waivers that are of no use, and the policy file they stand in."""

    expired: tuple[Waiver, ...]
    unused: tuple[Waiver, ...]
    path: str | None


def _measure(name: str, evidence: WaiverEvidence) -> Metric:
    waivers = evidence.expired if name == "waiver_expired" else evidence.unused
    return Metric(name, len(waivers), "count", len(waivers))


def _expired(rule: Rule, evidence: WaiverEvidence, _limit: Limit) -> Offenders:
    path = evidence.path
    return Offenders(tuple(_finding(rule, each, path, f"expired on {each.expires}") for each in evidence.expired))


def _unused(rule: Rule, evidence: WaiverEvidence, _limit: Limit) -> Offenders:
    return Offenders(tuple(_finding(rule, each, evidence.path, "matched nothing") for each in evidence.unused))


def _finding(rule: Rule, waiver: Waiver, path: str | None, what: str) -> Finding:
    target = " ".join(part for part in (waiver.rule, waiver.item, waiver.field) if part)
    places = (Place(path, line=waiver.line),) if path else ()
    message = f"the waiver of {target} {what}"
    return Finding(rule.id, message, waiver.item, waiver.field, trace=waiver.rule, reason=waiver.reason, places=places)


def _message(_rule: Rule, metric: Metric, _limit: Limit | None, _verdict: Verdict, _needed: int | None) -> str:
    return f"{metric.value} waivers"


_rule = partial(Rule, group=WAIVERS.id, message=_message, counted=True)

WAIVER_RULES = (
    _rule(
        id="waiver-expired",
        title="Expired waivers",
        help="A waiver past its day suppresses nothing. Mend what it was for, or have its owner renew it.",
        measure=partial(_measure, "waiver_expired"),
        offenders=_expired,
        default=Threshold(max=0),
    ),
    _rule(
        id="waiver-unused",
        title="Waivers that matched nothing",
        help="What the waiver was for is gone, or its item or field is misspelled. Take it out, or correct it.",
        measure=partial(_measure, "waiver_unused"),
        offenders=_unused,
        default=Threshold(max=0, severity="warning"),
    ),
)


def apply(
    results: Sequence[RuleResult], waivers: Sequence[Waiver], path: str | None, today: str, rules: Mapping[str, Rule]
) -> tuple[RuleResult, ...]:
    """Return the results with waived findings marked, and those of the waiver rules if there are waivers.

    `path` is the policy file of the waivers, `rules` the registry. `today` is an ISO date in the queue's zone; a
    waiver holds up to and including its `expires`. A waiver that names an item or a field suppresses that finding;
    one that names neither, the whole rule. Where a rule counts its findings, it is evaluated by those that are
    left; a rate or a percentile by its value, whichever offenders are waived. An expired waiver suppresses nothing
    and fails by itself; one that matched nothing is a warning.
    """
    if not waivers:
        return tuple(results)
    valid = [waiver for waiver in waivers if waiver.expires >= today]
    expired = tuple(waiver for waiver in waivers if waiver.expires < today)
    used: set[int] = set()
    waived = tuple(_waive(result, rules[result.id], valid, used) for result in results)
    ran = {result.id for result in results if result.verdict is not Verdict.ERROR}  # of the others nobody knows
    unused = tuple(waiver for waiver in valid if id(waiver) not in used and waiver.rule in ran)
    evidence = WaiverEvidence(expired, unused, path)
    return (*waived, *(_evaluate(rule, evidence) for rule in WAIVER_RULES))


def _evaluate(rule: Rule, evidence: WaiverEvidence) -> RuleResult:
    """Return the result of a waiver rule, which has no samples; a single waiver is named in its message."""
    found = replace(evaluate(rule, evidence, rule.default or Threshold()), samples=None)
    return replace(found, message=found.findings[0].message) if len(found.findings) == 1 else found


def _waive(result: RuleResult, rule: Rule, waivers: Sequence[Waiver], used: set[int]) -> RuleResult:
    matching = [waiver for waiver in waivers if waiver.rule == result.id]
    if result.verdict not in {Verdict.FAIL, Verdict.WARN} or not matching:
        return result
    whole = next((waiver for waiver in matching if not waiver.item and not waiver.field), None)
    first = _first_by_target(matching)
    findings = tuple(_marked(finding, first, used) for finding in result.findings or (_itself(result),))
    if whole:
        used.add(id(whole))
        message = f"{result.message}; waived by {whole.owner} until {whole.expires}: {whole.reason}"
        return replace(result, findings=findings, more_findings=0, verdict=Verdict.PASS, message=message)
    waived = sum(finding.suppressed is not None for finding in findings)
    if not waived or not rule.counts_findings or result.value is None:
        return replace(result, findings=findings if waived else result.findings)
    left = result.value - waived
    holds = result.limit is not None and left <= result.limit
    message = f"{result.message}; {waived} waived, {left:g} left"
    return replace(result, findings=findings, message=message, verdict=Verdict.PASS if holds else result.verdict)


def _first_by_target(waivers: Sequence[Waiver]) -> dict[tuple[str | None, str | None], tuple[int, Waiver]]:
    """Return the first waiver of each item and field, with its number: there may be as many waivers as findings."""
    return {(each.item, each.field): (at, each) for at, each in reversed([*enumerate(waivers)])}


def _marked(
    finding: Finding, first: Mapping[tuple[str | None, str | None], tuple[int, Waiver]], used: set[int]
) -> Finding:
    targets = ((item, field) for item in (finding.item, None) for field in (finding.field, None))
    matching = [first[target] for target in targets if target in first]
    if not matching:
        return finding
    _, waiver = min(matching, key=lambda numbered: numbered[0])
    used.add(id(waiver))
    return finding._replace(suppressed=f"{waiver.reason} ({waiver.owner}, until {waiver.expires})")


def _itself(result: RuleResult) -> Finding:
    """Return a finding for a rule that lists none, so that what is waived can be seen."""
    return Finding(result.id, result.message, value=result.value)
