"""What every format says in the same words: numbers, conditions, places, who is listed and in which order."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.report import Verdict
from ops_checks.report.summary import live_findings, rules_by_verdict, waived_findings

if TYPE_CHECKING:
    from ops_checks.report import Finding, InputRead, Report, RuleResult

#: The worst first: the order in which rules are told.
WORST_FIRST = (Verdict.ERROR, Verdict.FAIL, Verdict.WARN, Verdict.INSUFFICIENT, Verdict.PASS)

#: Units that a number goes without.
_BARE = {"", "1", "ratio", "items", "count"}
_LEVEL = {Verdict.ERROR: "error", Verdict.FAIL: "error", Verdict.WARN: "warning"}
_LEVELS = ("error", "warning", "notice")
_DECIMALS = 4
_LARGE = 1e15


def worst_first(report: Report) -> list[RuleResult]:
    """Return the rules by what they count as, the worst first, otherwise in the report's order."""
    return sorted(report.rules, key=lambda rule: (WORST_FIRST.index(rule.effect), WORST_FIRST.index(rule.verdict)))


class Told(Struct, frozen=True):
    """One thing to tell somebody at a place: a finding of a rule, or the rule itself (`finding` None)."""

    rule: RuleResult
    finding: Finding | None

    @property
    def waived(self) -> bool:
        """Whether a waiver holds it."""
        return self.finding is not None and self.finding.suppressed is not None

    @property
    def level(self) -> str:
        """`error`, `warning`, or `notice` for what is waived or changes no verdict."""
        return "notice" if self.waived else _LEVEL.get(self.rule.effect, "notice")

    @property
    def message(self) -> str:
        """One line: the item and what is out about it, or what the rule says and was measured."""
        if self.finding is None:
            numbers = ", ".join(f"{word} {text}" for word, text in evidence(self.rule))
            return f"{self.rule.message} ({numbers})" if numbers else self.rule.message
        said = line_of(self.finding, place=False)
        return f"{said} (waived: {self.finding.suppressed})" if self.waived else said


def told(report: Report) -> list[Told]:
    """Return what is to be told one by one, the worst first, in each level the rules before their findings.

    A rule speaks for itself when it has a limit that is broken, too little data, or nothing
    listed; the findings of a rule that holds are told only if a waiver holds them.
    """
    found: list[Told] = []
    for rule in worst_first(report):
        if rule.verdict is Verdict.PASS:
            findings = rule.waived
        else:
            findings = rule.findings
            if rule.group == "kpi" or not rule.live:
                found.append(Told(rule, None))
        found += (Told(rule, finding) for finding in findings)
    return sorted(found, key=lambda one: (_LEVELS.index(one.level), one.finding is not None))


def number(value: float | None, unit: str | None = None) -> str:
    """Return a number for people: `300 ms`, `0.5`, `-` where there is none; at most four decimals."""
    if value is None:
        return "-"
    text = _digits(value)
    return text if unit is None or unit in _BARE else f"{text} {unit}"


def _digits(value: float) -> str:
    if isinstance(value, int) and abs(value) < _LARGE:
        return str(value)
    if not math.isfinite(value) or abs(value) >= _LARGE:
        return f"{float(value):g}"
    if value and abs(value) < 10**-_DECIMALS:
        return f"{value:.3g}"
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def evidence(rule: RuleResult) -> list[tuple[str, str]]:
    """Return what a rule measured, as pairs of a word and its text: value, limit, samples, interval, needed."""
    pairs = [
        ("value", None if rule.value is None else number(rule.value, rule.unit)),
        ("limit", None if rule.limit is None else f"{rule.operator or ''} {number(rule.limit, rule.unit)}".strip()),
        ("samples", None if rule.samples is None else str(rule.samples)),
        ("95 % interval", interval(rule.low, rule.high, rule.unit)),
        ("more samples needed", None if not rule.needed else str(rule.needed)),
    ]
    return [(word, text) for word, text in pairs if text is not None]


def interval(low: float | None, high: float | None, unit: str | None) -> str | None:
    """Return `0.35 to 0.65`, or None where no interval is defined."""
    if low is None and high is None:
        return None
    return f"{number(low)} to {number(high, unit)}"


def sides(finding: Finding) -> str | None:
    """Return `status: md=IN_PROGRESS db=DONE` for a finding that holds two values, None for another."""
    if finding.field is None or (finding.md is None and finding.db is None):
        return None
    md = "-" if finding.md is None else finding.md
    db = "-" if finding.db is None else finding.db
    return f"{finding.field}: md={md} db={db}"


def detail(finding: Finding) -> str:
    """Return the one line that says what is out: both values of a drift, or the message, and why it counts."""
    said = sides(finding) or finding.message
    return said if not finding.reason or finding.reason in said else f"{said} ({finding.reason})"


def whom(finding: Finding) -> str:
    """Return the item, and the run where there is one: `ORCH-013 trace-0123456789ab`."""
    return " ".join(part for part in (finding.item, finding.trace) if part)


def beside(finding: Finding) -> str:
    """Return the detail for a row that names the item already: without the item in front of the message."""
    return detail(finding).removeprefix(f"{finding.item} " if finding.item else "")


def measured(rule: RuleResult, finding: Finding) -> str:
    """Return an offender's own number in the rule's unit.

    Nothing where the message has it, or where the rule counts or divides: an offender's number is
    then of some other unit.
    """
    if finding.value is None or rule.unit is None or rule.unit in _BARE:
        return ""
    said = re.search(rf"(?<![\w.-]){re.escape(number(finding.value))}(?![\w.])", detail(finding))
    return "" if said else number(finding.value, rule.unit)


def amount(read: InputRead) -> str:
    """Return how much was read of an input: ` (31 items)`, or nothing."""
    counts = [plural(read.rows, "item", "items")] if read.rows is not None else []
    counts += [plural(read.lines, "line", "lines")] if read.lines is not None else []
    return f" ({', '.join(counts)})" if counts else ""


def tally(report: Report) -> str:
    """Return the counts of a report: `2 fail, 4 pass; 3 findings, 1 waived`."""
    counts = rules_by_verdict(report)
    rules = ", ".join(f"{counts[verdict]} {verdict}" for verdict in WORST_FIRST if counts[verdict]) or "no rules"
    waived = waived_findings(report)
    return f"{rules}; {plural(live_findings(report), 'finding', 'findings')}" + (f", {waived} waived" if waived else "")


def line_of(finding: Finding, *, place: bool = True) -> str:
    """Return a finding as one line: `QUEUE.md:42 ORCH-013 status: md=IN_PROGRESS db=DONE`, or without its place."""
    said = detail(finding)
    who = "" if finding.item is not None and finding.item in said else whom(finding)
    stands = str(finding.places[0]) if place and finding.places else ""
    return " ".join(part for part in (stands, who, said) if part)


def plural(count: int, one: str, many: str) -> str:
    """Return `1 rule`, `2 rules`."""
    return f"{count} {one if count == 1 else many}"
