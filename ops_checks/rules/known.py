"""Known findings: those that a saved report has too. The one place where a finding is told from a new one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.findings import KPI, WAIVERS, Finding, Verdict
from ops_checks.report.model import Change, Comparison
from ops_checks.rules.registry import ERRORS, RULES
from ops_checks.rules.rule import Limit, Threshold, judged_again, value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ops_checks.report.model import Report, RuleResult
    from ops_checks.rules.rule import Rule

    #: When each finding of a rule was first seen, by fingerprint: as many times as it stands in the report.
    Times = dict[str, list[int]]

#: So many findings that are gone are listed; the others are counted.
_GONE = 50
_VIOLATED = (Verdict.FAIL, Verdict.WARN)


class Known(Struct, frozen=True):
    """A saved report, and the file that it was read from."""

    path: str
    report: Report

    @property
    def items(self) -> frozenset[str]:
        """The items that it names: what is found of them has to be kept, however many findings are worse."""
        rules = self.report.rules
        return frozenset(each.item for rule in rules for each in (*rule.findings, *rule.unlisted) if each.item)

    @property
    def most(self) -> int:
        """How many findings it has of the rule of which it has the most."""
        return max((len(rule.findings) + len(rule.unlisted) for rule in self.report.rules), default=0)


def compare(known: Known, report: Report) -> Report:
    """Return a report with its known findings marked, and what is gone or changed; no verdict is another one."""
    results = marked(known, report.rules, RULES)
    compared = compared_with(known, results, RULES)
    return replace(report, rules=results, known=replace(compared, changes=_changes(known.report, report)))


def compared_with(known: Known, results: Sequence[RuleResult], rules: Mapping[str, Rule]) -> Comparison:
    """Return the report that marked results were compared with, and its findings that are gone.

    Only of rules that were evaluated, and of a rule that counts its findings only where all of them are recorded: else
    one that is not listed may be there still.
    """
    now = {result.id: result for result in results}
    gone = [each for old in known.report.rules if old.id in now for each in _gone(known, old, now[old.id], rules)]
    return Comparison(known.path, known.report.created_ms, tuple(gone[:_GONE]), max(0, len(gone) - _GONE))


def marked(known: Known, results: Iterable[RuleResult], rules: Mapping[str, Rule]) -> tuple[RuleResult, ...]:
    """Return results whose known findings, and rules that are known themselves, say since when.

    A finding is known if the report has its fingerprint; one that stands there twice is known twice. Of a rule that
    does not count its findings, the rule itself is known if it was violated there as well, by today's limit too.
    """
    before = {result.id: result for result in known.report.rules}
    return tuple(_mark(known, each, before[each.id], rules) if each.id in before else each for each in results)


def apply(
    known: Known,
    results: Iterable[RuleResult],
    rules: Mapping[str, Rule],
    threshold: Callable[[Rule], Threshold | None],
) -> tuple[RuleResult, ...]:
    """Return results that are judged by their new findings, the known ones marked.

    `rules` is the registry, `threshold` returns the limits of a rule. What is waived stays so, and counts as before.
    No known report makes pass what could not be evaluated, what lacks data, what makes an input one that cannot be
    relied on, and a waiver that is of no use.
    """
    return tuple(
        _judged(known, each, rules[each.id], threshold(rules[each.id]) or Threshold())
        for each in marked(known, results, rules)
    )


def _judged(known: Known, result: RuleResult, rule: Rule, threshold: Threshold) -> RuleResult:
    count = len(result.known) + result.more_known
    if result.verdict not in _VIOLATED:
        return result
    if result.since is not None:
        old = known.report.rule(result.id).value
        value = f" ({value_text(old, rule.unit)})" if old is not None else ""
        message = f"{result.message}; known: it was violated in the known report too{value}"
        return replace(result, verdict=Verdict.PASS, message=message)
    if not count:
        return result
    new = len(result.new) + result.more_new
    return judged_again(result, threshold, count + len(result.waived), f"{count} known, {new} new")


def _mark(known: Known, result: RuleResult, old: RuleResult, rules: Mapping[str, Rule]) -> RuleResult:
    if result.group == WAIVERS.id or result.id in ERRORS or result.verdict is Verdict.ERROR:
        return result
    if not _counts(result, rules) or result.operator == ">=":  # too few of something: no finding stands for that
        return replace(result, since=_rule_since(known, result, old))
    times = _times(known, old)
    findings = tuple(_dated(each, times) for each in result.findings)
    return replace(result, findings=findings, unlisted=tuple(_dated(each, times) for each in result.unlisted))


def _counts(result: RuleResult, rules: Mapping[str, Rule]) -> bool:
    """Return whether a rule's value is the number of its findings; a policy's own on changes and budgets have none."""
    return rules[result.id].counts_findings if result.id in rules else result.group != KPI.id


def _times(known: Known, old: RuleResult) -> Times:
    times: Times = defaultdict(list)
    for finding in (*old.findings, *old.unlisted):
        times[finding.fingerprint].append(_since(known, finding.since))
    return times


def _since(known: Known, since: int | None) -> int:
    """Return when something in a report was first seen: not after it was made."""
    made = known.report.created_ms
    return made if since is None else min(since, made)


def _dated(finding: Finding, times: Times) -> Finding:
    """Return a finding with the first of its times, which is taken; one without any is new."""
    left = times.get(finding.fingerprint)
    return finding._replace(since=left.pop(0) if left else None)


def _rule_since(known: Known, result: RuleResult, old: RuleResult) -> int | None:
    """Return when a rule was first violated, None if it is not, or was not in the known report.

    What it measured then has to be beyond the limit that is violated now: one that warned is new when it fails.
    """
    if not (_is_violated(old) and _is_violated(result)) or result.operator != old.operator:
        return None
    if result.limit is None or result.operator is None or old.value is None:
        return None
    beyond = Limit(result.operator, result.limit, result.verdict).violated_by(old.value)
    return _since(known, old.since) if beyond else None


def _is_violated(result: RuleResult) -> bool:
    """Return whether a limit is violated, also where that is known and therefore passes."""
    return result.verdict in _VIOLATED or result.since is not None


def _gone(known: Known, old: RuleResult, now: RuleResult, rules: Mapping[str, Rule]) -> list[Finding]:
    """Return what an earlier report has of a rule and this one has not, with the time when it was first seen."""
    if now.group == WAIVERS.id or now.verdict in {Verdict.ERROR, Verdict.INSUFFICIENT}:
        return []
    if not _counts(now, rules) or not _is_complete(now):
        if not _is_violated(old) or _is_violated(now) or now.findings:
            return []
        return [Finding(now.id, f"{old.message}; now: {now.message}", since=_since(known, old.since))]
    here: dict[str, int] = defaultdict(int)
    for finding in (*now.findings, *now.unlisted):
        here[finding.fingerprint] += 1
    gone = []
    for finding in (*old.findings, *old.unlisted):
        here[finding.fingerprint] -= 1
        if here[finding.fingerprint] < 0:
            gone.append(finding._replace(since=_since(known, finding.since)))
    return gone


def _is_complete(result: RuleResult) -> bool:
    """Return whether every finding of a rule is listed or recorded; one that keeps its limit lists none."""
    return result.value == len(result.findings) + len(result.unlisted)


def _changes(old: Report, new: Report) -> tuple[Change, ...]:
    before = {rule.id: rule for rule in old.rules}
    pairs = ((before[rule.id], rule) for rule in new.rules if rule.id in before)
    return tuple(
        Change(then.id, then.verdict, then.value)
        for then, rule in pairs
        if (then.verdict, then.value) != (rule.verdict, rule.value)
    )
