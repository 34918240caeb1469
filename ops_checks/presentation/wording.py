"""Phrases that formats and faces share: numbers, conditions, findings, counts, and the order of rules."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ops_checks.findings import Verdict
from ops_checks.model import NOTHING
from ops_checks.presentation.difference import excerpts
from ops_checks.presentation.limits import shorten
from ops_checks.report.summary import known_findings, live_findings, rules_by_verdict, waived_findings

if TYPE_CHECKING:
    from ops_checks.findings import Finding
    from ops_checks.report.model import InputRead, LeftOut, Report, RuleResult

#: Verdicts in the order in which rules are listed.
WORST_FIRST = (Verdict.ERROR, Verdict.FAIL, Verdict.WARN, Verdict.INSUFFICIENT, Verdict.PASS)

#: Units that are not written behind a number.
_UNWRITTEN = {"", "1", "ratio", "items", "count"}
_DECIMALS = 4
_LARGE = 1e15
#: Characters of a task that stand in one line with what is out about it.
_TITLE = 120
_SHORT_TITLE = 40
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def worst_first(report: Report) -> list[RuleResult]:
    """Return the rules by what they count as, the worst first, otherwise in the report's order."""
    return sorted(report.rules, key=lambda rule: (WORST_FIRST.index(rule.effect), WORST_FIRST.index(rule.verdict)))


def is_told(report: Report, rule: RuleResult) -> bool:
    """Return whether a rule could not be evaluated for what the report's errors say: it has nothing to add to them."""
    return rule.verdict is Verdict.ERROR and rule.message in report.errors and not rule.findings


def number(value: float | None, unit: str | None = None) -> str:
    """Return a number for people: `300 ms`, `0.5`, `-` where there is none; at most four decimals."""
    if value is None:
        return "-"
    text = _digits(value)
    return text if unit is None or unit in _UNWRITTEN else f"{text} {unit}"


def _digits(value: float) -> str:
    if isinstance(value, int) and abs(value) < _LARGE:
        return str(value)
    if not math.isfinite(value) or abs(value) >= _LARGE:
        return f"{float(value):g}"
    if value and abs(value) < 10**-_DECIMALS:
        return f"{value:.3g}"
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plural(count: int, one: str, many: str) -> str:
    """Return `1 rule`, `2 rules`."""
    return f"{count} {one if count == 1 else many}"


def interval(low: float | None, high: float | None, unit: str | None) -> str | None:
    """Return `0.35 to 0.65`, or None where no interval is defined."""
    if low is None and high is None:
        return None
    return f"{number(low)} to {number(high, unit)}"


def measurements(rule: RuleResult) -> list[tuple[str, str]]:
    """Return what a rule measured, as pairs of a word and its text: value, limit, samples, interval, needed."""
    pairs = [
        ("value", None if rule.value is None else number(rule.value, rule.unit)),
        ("limit", None if rule.limit is None else f"{rule.operator or ''} {number(rule.limit, rule.unit)}".strip()),
        ("samples", None if rule.samples is None else str(rule.samples)),
        ("95 % interval", interval(rule.low, rule.high, rule.unit)),
        ("more samples needed", None if not rule.needed else str(rule.needed)),
    ]
    return [(word, text) for word, text in pairs if text is not None]


def offender_value(rule: RuleResult, finding: Finding) -> str:
    """Return an offender's own number in the rule's unit.

    Empty where the message contains it, or where the rule's value is a count or a ratio: an
    offender's number is then of some other unit.
    """
    if finding.value is None or rule.unit is None or rule.unit in _UNWRITTEN:
        return ""
    in_message = re.search(rf"(?<![\w.-]){re.escape(number(finding.value))}(?![\w.])", detail(finding))
    return "" if in_message else number(finding.value, rule.unit)


def differing_values(finding: Finding) -> str | None:
    """Return `status: md=IN_PROGRESS db=DONE` for a finding that holds two values, None for another.

    Of long values it shows where they differ.
    """
    if finding.field is None or (finding.md is None and finding.db is None):
        return None
    md = "-" if finding.md is None else finding.md
    db = "-" if finding.db is None else finding.db
    md, db = excerpts(md, db)
    return f"{finding.field}: md={md} db={db}"


def detail(finding: Finding) -> str:
    """Return the violation in one line: both values of a drift, or the message, and the reason why it counts."""
    text = differing_values(finding) or finding.message
    return text if not finding.reason or finding.reason in text else f"{text} ({finding.reason})"


def detail_without_item(finding: Finding) -> str:
    """Return the detail for a row that has the item in another column: without the item before the message."""
    return detail(finding).removeprefix(f"{finding.item} " if finding.item else "")


def subject(finding: Finding) -> str:
    """Return the item, and the run where there is one: `ORCH-013 trace-0123456789ab`."""
    return " ".join(part for part in (finding.item, finding.trace) if part)


def first_place(finding: Finding) -> str:
    """Return the first location of a finding, `QUEUE.md:42`, or an empty text."""
    return str(finding.places[0]) if finding.places else ""


def finding_text(finding: Finding) -> str:
    """Return a finding as one line without its location: `ORCH-013 status: md=IN_PROGRESS db=DONE`."""
    text = detail(finding)
    item = "" if finding.item is not None and finding.item in text else subject(finding)
    return " ".join(part for part in (item, text) if part)


def item_details(finding: Finding) -> str:
    """Return what the queue says of an item, to stand behind a finding: `: Rotate keys, owner s1, P0`, or nothing."""
    if finding.task is None:
        return ""
    title = shorten(finding.task, _TITLE)
    owner = "no owner" if finding.owner in (None, "", NOTHING) else f"owner {finding.owner}"
    return f": {title}, {owner}, {finding.priority}"


def item_title(finding: Finding) -> str:
    """Return the task of the item that a finding is about, cut to a few words; empty where that is not known."""
    return shorten(finding.task or "", _SHORT_TITLE)


def finding_line(finding: Finding) -> str:
    """Return a finding as one line: `QUEUE.md:42 ORCH-013 status: md=IN_PROGRESS db=DONE`."""
    return " ".join(part for part in (first_place(finding), finding_text(finding)) if part)


def titled_line(finding: Finding) -> str:
    """Return a finding as `finding_line` does, with the task of its item where that is known."""
    title = item_title(finding)
    return f"{finding_line(finding)} (task: {title})" if title else finding_line(finding)


def input_name(read: InputRead) -> str:
    """Return the path of an input, or what stands in for a policy that is no file: `none, defaults`."""
    return read.path or read.note or "-"


def input_size(read: InputRead) -> str:
    """Return how much was read of an input, and what of it does not count: ` (31 items)`; or an empty text.

    For a policy it is ` (sha256:…)`.
    """
    if read.kind == "policy":
        return f" ({read.state})" if _DIGEST.fullmatch(read.state or "") else ""
    counts = [plural(read.rows, "item", "items")] if read.rows is not None else []
    counts += [plural(read.lines, "line", "lines")] if read.lines is not None else []
    if read.left_out and (left_out := _left_out(read.left_out)):
        counts.append(f"{read.counted} {'runs' if read.kind == 'log' else 'retries'} counted, not counted: {left_out}")
    return f" ({', '.join(counts)})" if counts else ""


def _left_out(left_out: LeftOut) -> str:
    """Return `40 outside the window, 2 repeated`, or an empty text where nothing was left out."""
    words = ("outside the window", "without a time", "repeated")
    counts = (left_out.outside_window, left_out.undated, left_out.repeated)
    return ", ".join(f"{count} {word}" for count, word in zip(counts, words, strict=True) if count)


def report_counts(report: Report) -> str:
    """Return the counts of a report: `2 fail, 4 pass; 3 findings, 1 waived`; of those that are known how many."""
    counts = rules_by_verdict(report)
    rules = ", ".join(f"{counts[verdict]} {verdict}" for verdict in WORST_FIRST if counts[verdict]) or "no rules"
    waived = waived_findings(report)
    known = f" ({known_findings(report)} known)" if report.known else ""
    found = plural(live_findings(report), "finding", "findings")
    return f"{rules}; {found}{known}" + (f", {waived} waived" if waived else "")
