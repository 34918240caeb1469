"""Waivers: findings that somebody answers for until a day. The one place where a finding is suppressed."""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.findings import WAIVERS, Finding, Place, Verdict
from ops_checks.report.model import Metric
from ops_checks.rules.rule import Offenders, Rule, Threshold, evaluate, judged_again

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    results: Sequence[RuleResult],
    waivers: Sequence[Waiver],
    path: str | None,
    today: str,
    rules: Mapping[str, Rule],
    threshold: Callable[[Rule], Threshold | None],
) -> tuple[RuleResult, ...]:
    """Return the results with waived findings marked, and those of the waiver rules if there are waivers.

    `path` is the policy file of the waivers, `rules` the registry, `threshold` returns the limits of a rule. `today`
    is an ISO date in the queue's zone; a waiver holds up to and including its `expires`. A waiver that names an item
    or a field suppresses that finding; one that names neither, the whole rule. Where a rule counts its findings, it
    is evaluated by those that are left; a rate or a percentile by its value, whichever offenders are waived. An
    expired waiver suppresses nothing and fails by itself; one that matched nothing is a warning, unless it may be
    for a finding that was counted and not kept.
    """
    if not waivers:
        return tuple(results)
    valid = [waiver for waiver in waivers if waiver.expires >= today]
    expired = tuple(waiver for waiver in waivers if waiver.expires < today)
    used: set[int] = set()
    waived = tuple(
        _waive(result, rules[result.id], valid, threshold(rules[result.id]) or Threshold(), used) for result in results
    )
    complete = _complete(results, rules)
    unused = tuple(waiver for waiver in valid if id(waiver) not in used and waiver.rule in complete)
    evidence = WaiverEvidence(expired, unused, path)
    return (*waived, *(_evaluate(rule, evidence) for rule in WAIVER_RULES))


def offered(waivers: Sequence[Waiver]) -> frozenset[str]:
    """Return the items that waivers name: what is found of them has to be kept, however many findings are worse."""
    return frozenset(waiver.item for waiver in waivers if waiver.item)


def _complete(results: Sequence[RuleResult], rules: Mapping[str, Rule]) -> set[str]:
    """Return the ids of the rules of which every finding that a waiver can name is known."""
    return {
        result.id
        for result in results
        if result.verdict is not Verdict.ERROR and (rules[result.id].counts_findings or not result.more_findings)
    }


def _evaluate(rule: Rule, evidence: WaiverEvidence) -> RuleResult:
    """Return the result of a waiver rule, which has no samples; a single waiver is named in its message."""
    found = replace(evaluate(rule, evidence, rule.default or Threshold()), samples=None)
    return replace(found, message=found.findings[0].message) if len(found.findings) == 1 else found


def _waive(
    result: RuleResult, rule: Rule, waivers: Sequence[Waiver], threshold: Threshold, used: set[int]
) -> RuleResult:
    matching = [waiver for waiver in waivers if waiver.rule == result.id]
    if result.verdict not in {Verdict.FAIL, Verdict.WARN} or not matching:
        return result
    whole = next((waiver for waiver in matching if not waiver.item and not waiver.field), None)
    findings = _marked(result.findings or (_itself(result),), matching, used)
    if whole:
        message = f"{result.message}; waived by {whole.owner} until {whole.expires}: {whole.reason}"
        return replace(result, findings=findings, more_findings=0, unlisted=(), verdict=Verdict.PASS, message=message)
    waived = sum(finding.suppressed is not None for finding in findings)
    if not waived or not rule.counts_findings or result.value is None:
        return replace(result, findings=findings if waived else result.findings)
    words = f"{waived} waived, {result.value - waived:g} left"
    return judged_again(replace(result, findings=findings), threshold, waived, words)


def _marked(findings: Sequence[Finding], waivers: Sequence[Waiver], used: set[int]) -> tuple[Finding, ...]:
    """Return findings with the reason of the first waiver that matches each; all that match are used.

    They are found by what they name, item and field: there may be as many waivers as findings.
    """
    by_target: dict[tuple[str | None, str | None], list[tuple[int, Waiver]]] = {}
    for number, waiver in enumerate(waivers):
        by_target.setdefault((waiver.item, waiver.field), []).append((number, waiver))
    hit, marked = set(), []
    for finding in findings:
        targets = [(item, field) for item in (finding.item, None) for field in (finding.field, None)]
        found = [target for target in targets if target in by_target]
        hit.update(found)
        first = min((by_target[target][0] for target in found), key=itemgetter(0), default=None)
        marked.append(finding._replace(suppressed=_suppression(first[1])) if first else finding)
    used.update(id(waiver) for target in hit for _, waiver in by_target[target])
    return tuple(marked)


def _suppression(waiver: Waiver) -> str:
    return f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"


def _itself(result: RuleResult) -> Finding:
    """Return a finding for a rule that lists none, so that what is waived can be seen."""
    return Finding(result.id, result.message, value=result.value)
