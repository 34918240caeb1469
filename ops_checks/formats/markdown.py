"""A summary for a pull request (GitHub Flavored Markdown): the verdict, what to do, then the evidence.

Text from a report is only ever text: it stands in code spans, in which a renderer sees no markup,
no link, no mention and no HTML. Plain words go without.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ops_checks.formats.telling import (
    amount,
    beside,
    evidence,
    measured,
    plural,
    tally,
    whom,
    worst_first,
)
from ops_checks.report import Verdict
from ops_checks.report.published import TOOL, iso_utc
from ops_checks.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.formats import Setting
    from ops_checks.report import Finding, Report, RuleResult

_ICONS = {
    Verdict.PASS: "✅",
    Verdict.INSUFFICIENT: "⚠️",
    Verdict.WARN: "⚠️",
    Verdict.FAIL: "❌",
    Verdict.ERROR: "❌",
}
_MOST_ROWS = 100
_MOST_CHARACTERS = 250_000  # of a table: GitHub takes a summary of 1 MiB at most, and a character may be four bytes

#: Words, and punctuation that means nothing to Markdown between words. No `www.`, no `://`, no mention.
_PLAIN = re.compile(r"(?!.*www\.)[^\W_](?:[^\W_]|[ ,;.()'%/=-]|: )*", re.IGNORECASE)
_TICKS = re.compile("`+")


def render(report: Report, _setting: Setting) -> str:
    """Return the summary: heading, counts, what to do, a table of rules, tables of findings, what was read."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    rules = worst_first(report)
    yield from (f"## {_ICONS[report.verdict]} {TOOL}: {report.verdict}", "", f"{tally(report)}.", "")
    if report.errors:
        yield from ("**Could not be evaluated:**", "")
        yield from (f"- {_code(message)}" for message in report.errors)
        yield ""
    todo = [rule for rule in rules if rule.verdict is not Verdict.PASS]
    if todo:
        yield from ("**What to do:**", "")
        yield from (f"- {_code(rule.id)}: {_words(rule.help or rule.title)}" for rule in todo)
        yield ""
    if rules:
        yield from _table(
            ("Verdict", "Rule", "Value", "Limit", "Samples", "95 % interval", "Result"), map(_rule, rules)
        )
    yield from _findings("Findings", [_finding(rule, one) for rule in todo for one in rule.live], _unlisted(rules))
    yield from _findings("Waived", [_waived(rule, one) for rule in rules for one in rule.waived], 0)
    yield from _footer(report)


def _footer(report: Report) -> Iterator[str]:
    yield from (f"- Note: {_words(note)}" for note in report.notes)
    yield from (f"- Read: {_words(read.kind)} {_code(read.path)}{amount(read)}" for read in report.inputs)
    made = iso_utc(report.created_ms) or "-"
    yield f"- Made: {made} by {TOOL} {_words(report.tool_version)}, exit code {report.exit_code}"


def _rule(rule: RuleResult) -> list[str]:
    numbers = dict(evidence(rule))
    return [
        f"{_ICONS[rule.verdict]} {rule.verdict}",
        _code(rule.id),
        *(_words(numbers.get(word, "")) for word in ("value", "limit", "samples", "95 % interval")),
        _words(rule.message),
    ]


def _finding(rule: RuleResult, finding: Finding) -> list[str]:
    said = " ".join(part for part in (measured(rule, finding), beside(finding)) if part)
    return [_code(rule.id), _place(finding), _code(whom(finding)), _code(said)]


def _waived(rule: RuleResult, finding: Finding) -> list[str]:
    return [*_finding(rule, finding), _code(finding.suppressed or "")]


def _place(finding: Finding) -> str:
    return _code(str(finding.places[0])) if finding.places else ""


def _unlisted(rules: list[RuleResult]) -> int:
    return sum(rule.more_findings for rule in rules)


def _findings(title: str, rows: list[list[str]], unlisted: int) -> Iterator[str]:
    """Yield a table of findings, as long as GitHub takes it, and how many more there are."""
    if not rows and not unlisted:
        return
    yield from (f"**{title}:**", "")
    shown: list[list[str]] = []
    room = _MOST_CHARACTERS
    for row in rows[:_MOST_ROWS]:
        room -= sum(map(len, row))
        if room < 0:
            break
        shown.append(row)
    if shown:
        yield from _table(("Rule", "Where", "Item", "What is out", "Waived because")[: len(shown[0])], shown)
    more = len(rows) - len(shown) + unlisted
    if more:
        yield from (f"And {plural(more, 'more', 'more')}: see the whole report.", "")


def _table(head: Sequence[str], rows: Iterator[list[str]] | list[list[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from (_row([cell.replace("|", r"\|") for cell in row]) for row in rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _words(text: str) -> str:
    """Plain words as they are, anything else as code."""
    return text if _PLAIN.fullmatch(text) and not text.endswith(" ") else _code(text)


def _code(text: str) -> str:
    """Text as a code span (CommonMark 6.1): a fence longer than any run of backticks in it; nothing for no text."""
    if not text:
        return ""
    shown = visible(text)
    fence = "`" * (max(map(len, _TICKS.findall(shown)), default=0) + 1)
    # One space is taken off both ends if both have one, and a backtick must not touch the fence.
    spaced = shown[0] == shown[-1] == " " and shown.strip(" ")
    pad = " " if spaced or "`" in {shown[0], shown[-1]} else ""
    return f"{fence}{pad}{shown}{pad}{fence}"
