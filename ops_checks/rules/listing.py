"""Which of a rule's findings a report lists, once it is decided which of them are waived and which are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.findings import unlisted
from ops_checks.rules.rule import RECORDED

if TYPE_CHECKING:
    from ops_checks.findings import Finding
    from ops_checks.report.model import RuleResult

#: So many findings of a rule that nobody answers for are listed, and so many known ones; the others are counted.
SHOWN = 50


def cut(result: RuleResult, most: int | None = None) -> RuleResult:
    """Return a result that lists every waived finding, and at most so many of the new and of the known ones.

    `most` 0: all; None: SHOWN. The others are counted, and recorded: all that are known, or they would be new next
    time, and new ones up to RECORDED in all.
    """
    most = SHOWN if most is None else most
    kinds = (result.new, result.known)
    if not most or all(len(kind) <= most for kind in kinds):
        return result
    shown = {id(finding) for kind in kinds for finding in kind[:most]}
    is_listed = [each.suppressed is not None or id(each) in shown for each in result.findings]
    rest = [each for each, kept in zip(result.findings, is_listed, strict=True) if not kept]
    recorded = sorted((*rest, *result.unlisted), key=lambda each: not each.is_known)
    count = max(RECORDED, sum(each.is_known for each in recorded))
    return replace(
        result,
        findings=tuple(each for each, kept in zip(result.findings, is_listed, strict=True) if kept),
        more_findings=result.more_findings + len(rest),
        unlisted=tuple(map(_brief, recorded[:count])),
    )


def _brief(finding: Finding) -> Finding:
    return unlisted(finding.rule, finding.item, finding.field, finding.trace)._replace(since=finding.since)
