"""A summary for a pull request (GitHub Flavored Markdown): the verdict, what to do, then the evidence.

Text from a report is written in code spans, in which a renderer recognizes no markup, link, mention
or HTML. Plain words need none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ops_checks.findings import Verdict
from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.presentation.limits import MARKDOWN_CHARACTERS, TEXT, cut_lines, fitting, shorten
from ops_checks.presentation.wording import (
    detail_without_item,
    first_place,
    input_name,
    input_size,
    is_told,
    item_title,
    measurements,
    offender_value,
    plural,
    report_counts,
    subject,
    worst_first,
)
from ops_checks.report.serialize import TOOL, iso_utc
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.findings import Finding
    from ops_checks.report.model import Report, RuleResult

_COLUMNS = ("Rule", "Where", "Item", "Task", "What is out", "Waived because")
_TASK = 3  # left out where no finding has one
_ICONS = {
    Verdict.PASS: "✅",
    Verdict.INSUFFICIENT: "⚠️",
    Verdict.WARN: "⚠️",
    Verdict.FAIL: "❌",
    Verdict.ERROR: "❌",
}
_MOST_ROWS = 100
_AROUND = 300  # characters of a table's title, its head, and the line that counts the rest
_FOR_RULES, _FOR_FOOTER, _FOR_WAIVED = 20_000, 5_000, 15_000  # characters at most, so that the findings have room

#: Words, and punctuation that has no meaning in Markdown between words. No `www.`, no `://`, no mention.
_PLAIN = re.compile(r"(?!.*www\.)[^\W_](?:[^\W_]|[ ,;.()'%/=-]|: )*+", re.IGNORECASE)
_TICKS = re.compile("`+")


def render(report: Report, _options: RenderOptions) -> str:
    """Return the summary: heading, counts, what to do, a table of rules, tables of findings, the inputs.

    It has no more characters than a comment of GitHub may have (`presentation.limits`).
    """
    rules = worst_first(report)
    above = cut_lines(list(_above(report, rules)), _FOR_RULES)
    footer = cut_lines(list(_footer(report)), _FOR_FOOTER)
    waived = list(_findings("Waived", [_waived(rule, one) for rule in rules for one in rule.waived], 0, _FOR_WAIVED))
    room = MARKDOWN_CHARACTERS - sum(len(line) + 1 for line in (*above, *waived, *footer))
    todo = [_finding(rule, one) for rule in rules if rule.verdict is not Verdict.PASS for one in rule.live]
    return "\n".join((*above, *_findings("Findings", todo, _unlisted(rules), room), *waived, *footer)) + "\n"


def _above(report: Report, rules: list[RuleResult]) -> Iterator[str]:
    """Yield what stands above the findings; a rule that lacks an input is not listed: that error is."""
    yield from (f"## {_ICONS[report.verdict]} {TOOL}: {report.verdict}", "", f"{report_counts(report)}.", "")
    if report.errors:
        yield from ("**Could not be evaluated:**", "")
        yield from (f"- {_code(message)}" for message in report.errors)
        yield ""
    todo = [rule for rule in rules if rule.verdict is not Verdict.PASS and not is_told(report, rule)]
    if todo:
        yield from ("**What to do:**", "")
        yield from (f"- {_code(rule.id)}: {_words(rule.help or rule.title)}" for rule in todo)
        yield ""
    if rules:
        yield from _table(
            ("Verdict", "Rule", "Value", "Limit", "Samples", "95 % interval", "Result"),
            [_rule(report, rule) for rule in rules],
        )


def _footer(report: Report) -> Iterator[str]:
    yield from (f"- Note: {_words(note)}" for note in report.notes)
    yield from (f"- Read: {_words(read.kind)} {_code(input_name(read))}{input_size(read)}" for read in report.inputs)
    made = iso_utc(report.created_ms) or "-"
    yield f"- Made: {made} by {TOOL} {_words(report.tool_version)}, exit code {report.exit_code}"


def _rule(report: Report, rule: RuleResult) -> list[str]:
    numbers = dict(measurements(rule))
    return [
        f"{_ICONS[rule.verdict]} {rule.verdict}",
        _code(rule.id),
        *(_words(numbers.get(word, "")) for word in ("value", "limit", "samples", "95 % interval")),
        _words("not evaluated" if is_told(report, rule) else rule.message),
    ]


def _finding(rule: RuleResult, finding: Finding) -> list[str]:
    text = " ".join(part for part in (offender_value(rule, finding), detail_without_item(finding)) if part)
    task = _code(item_title(finding))
    return [_code(rule.id), _code(first_place(finding)), _code(subject(finding)), task, _code(text)]


def _waived(rule: RuleResult, finding: Finding) -> list[str]:
    return [*_finding(rule, finding), _code(finding.suppressed or "")]


def _unlisted(rules: list[RuleResult]) -> int:
    return sum(rule.more_findings for rule in rules)


def _findings(title: str, rows: list[list[str]], unlisted: int, room: int) -> Iterator[str]:
    """Yield a table of findings of at most so many characters, and how many more there are."""
    head = list(_COLUMNS)
    if not rows and not unlisted:
        return
    yield from (f"**{title}:**", "")
    if not any(row[_TASK] for row in rows):
        rows = [row[:_TASK] + row[_TASK + 1 :] for row in rows]
        head = head[:_TASK] + head[_TASK + 1 :]
    shown = fitting(rows[:_MOST_ROWS], room - _AROUND, lambda row: len(_row(_escaped(row))) + 1)
    if shown:
        yield from _table(head[: len(shown[0])], shown)
    more = len(rows) - len(shown) + unlisted
    if more:
        yield from (f"And {plural(more, 'more', 'more')}: see the whole report.", "")


def _table(head: Sequence[str], rows: Iterator[list[str]] | list[list[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from (_row(_escaped(row)) for row in rows)
    yield ""


def _escaped(row: list[str]) -> list[str]:
    return [cell.replace("|", r"\|") for cell in row]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _words(text: str) -> str:
    """Return plain words unchanged, anything else as code."""
    return text if _PLAIN.fullmatch(text) and not text.endswith(" ") else _code(text)


def _code(text: str) -> str:
    """Return a text as a code span (CommonMark 6.1), its fence longer than any run of backticks in it."""
    if not text:
        return ""
    shown = shorten(visible(text), TEXT)
    fence = "`" * (max(map(len, _TICKS.findall(shown)), default=0) + 1)
    # A parser strips one space off both ends if both have one, and a backtick must not touch the fence.
    spaced = shown[0] == shown[-1] == " " and shown.strip(" ")
    pad = " " if spaced or "`" in {shown[0], shown[-1]} else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


FORMAT = Format(
    help="a summary for a pull request",
    extension=".md",
    media_type="text/markdown",
    append=True,
    render=render,
)
