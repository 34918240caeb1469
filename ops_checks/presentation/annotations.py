"""The annotations of a report: what CI systems show one by one, each with a level and a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.findings import Verdict
from ops_checks.model import PRIORITIES
from ops_checks.presentation.known import is_known, since_text
from ops_checks.presentation.wording import finding_text, item_details, measurements, worst_first

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.findings import Finding
    from ops_checks.report.model import Report, RuleResult

#: The priorities of items, the most urgent first; None is that of what is found on no item of the queue.
_URGENCY = (PRIORITIES[0], None, *PRIORITIES[1:])

#: The levels of annotations, the worst first.
LEVELS = ("error", "warning", "notice")

_LEVEL = {Verdict.ERROR: "error", Verdict.FAIL: "error", Verdict.WARN: "warning"}


def rule_level(rule: RuleResult) -> str:
    """Return the level that a rule has by what it counts as: `error`, `warning`, or `notice` if it changes nothing."""
    return _LEVEL.get(rule.effect, "notice")


class Annotation(Struct, frozen=True):
    """A finding of a rule, or the rule itself (`finding` None), to be shown at a location.

    `known` is since when it is known, in words; empty for what is new.
    """

    rule: RuleResult
    finding: Finding | None
    known: str = ""

    @property
    def waived(self) -> bool:
        """Whether a waiver holds for the finding."""
        return self.finding is not None and self.finding.suppressed is not None

    @property
    def level(self) -> str:
        """The rule's level, or `notice` for a waived or known finding."""
        return "notice" if self.waived or self.known else rule_level(self.rule)

    @property
    def message(self) -> str:
        """One line: the item and its violation, or the rule's message and measurements."""
        known = f" ({self.known})" if self.known else ""
        if self.finding is None:
            numbers = ", ".join(f"{word} {text}" for word, text in measurements(self.rule))
            return (f"{self.rule.message} ({numbers})" if numbers else self.rule.message) + known
        text = finding_text(self.finding) + item_details(self.finding)
        return f"{text} (waived: {self.finding.suppressed})" if self.waived else text + known


def annotate(report: Report) -> list[Annotation]:
    """Return the annotations of a report, the worst level first, in each level the rules before their findings.

    CI systems show the first few alone: of the findings those on P0 items come first, those that say nothing of a
    priority before the other ones, and what a rule finds once more about the same item comes last.
    A rule is annotated itself when it has a limit that is violated, too little data, or no finding
    to list; of a rule that passes only the waived and known findings are. One that could not be evaluated is not
    itself: the report's errors say why, once for all the rules that lack the same input.
    """
    found: list[Annotation] = []
    for rule in worst_first(report):
        told = rule.verdict is Verdict.ERROR and rule.message in report.errors
        known = since_text(report, rule.since)
        if rule.verdict is Verdict.PASS:
            findings = rule.findings if report.known and not known else rule.waived
        else:
            findings = rule.findings
        is_itself = rule.verdict is not Verdict.PASS and not told and (rule.group == "kpi" or not rule.live)
        if is_itself or known:
            found.append(Annotation(rule, None, known or ("nothing new" if is_known(rule) else "")))
        found += (
            Annotation(rule, finding, "" if finding.suppressed else known or since_text(report, finding.since))
            for finding in findings
        )
    keys = list(_urgencies(found))
    return [found[at] for at in sorted(range(len(found)), key=keys.__getitem__)]


def _urgencies(found: Sequence[Annotation]) -> Iterator[tuple[int, bool, bool, int]]:
    """Yield the sort key of each annotation."""
    seen: set[tuple[str, str]] = set()
    for one in found:
        finding = one.finding
        about = (one.rule.id, finding.item or "") if finding else (one.rule.id, "")
        again = bool(about[1]) and about in seen
        seen.add(about)
        priority = finding.priority if finding else None
        rank = _URGENCY.index(priority) if priority in _URGENCY else len(_URGENCY)
        yield LEVELS.index(one.level), finding is not None, again, rank
