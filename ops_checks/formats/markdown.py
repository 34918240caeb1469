"""A summary for a pull request (GitHub Flavored Markdown): one sentence, what fails, and the rest folded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ops_checks.findings import Verdict
from ops_checks.model import NOTHING
from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.presentation.known import change_lines, counts, gone_lines, is_shown, known_rows, more_known, sentence
from ops_checks.presentation.limits import MARKDOWN_CHARACTERS, cut_lines, fitting
from ops_checks.presentation.locations import row_url
from ops_checks.presentation.markdown_text import code, words
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ops_checks.findings import Finding
    from ops_checks.report.model import Report, RuleResult

    #: The cells of a row by the heads of their columns.
    Row = dict[str, str]

_ICONS = {
    Verdict.PASS: "✅",
    Verdict.INSUFFICIENT: "⚠️",
    Verdict.WARN: "⚠️",
    Verdict.FAIL: "❌",
    Verdict.ERROR: "❌",
}
_MOST_ROWS = 100
_AROUND = 300  # characters of a table's head, of what folds it, and of the line that counts the rest
#: Characters at most, of which the findings have what the others leave.
_FOR_ERRORS, _FOR_ADVICE, _FOR_RULES, _FOR_FOOTER = 8_000, 12_000, 16_000, 5_000
_FOR_FINDINGS, _FOR_TABLE, _FOR_LIST = 12_000, 20_000, 5_000


def render(report: Report, options: RenderOptions) -> str:
    """Return the summary: the report in a sentence, errors, what is out with title and owner, what to do, the rest.

    It has no more characters than a comment of GitHub may have (`presentation.limits`).
    """
    rules = worst_first(report)
    todo = [rule for rule in rules if is_shown(report, rule) and not is_told(report, rule)]
    head = [f"## {_ICONS[report.verdict]} {TOOL}: {sentence(report, words)}", "", *_errors(report)]
    advice = list(_advice(todo))
    folded = _folded(report, rules, options, MARKDOWN_CHARACTERS - _size(head) - _size(advice) - _FOR_FINDINGS)
    rest = [*advice, *folded]
    room = MARKDOWN_CHARACTERS - _size(head) - _size(rest)
    found = _findings([_finding(rule, one, options) for rule in todo for one in rule.new], _unlisted(todo), room)
    return "\n".join((*head, *found, *rest)) + "\n"


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _errors(report: Report) -> Iterator[str]:
    if report.errors:
        yield from ("**Could not be evaluated:**", "")
        yield from cut_lines([f"- {code(message)}" for message in report.errors], _FOR_ERRORS)
        yield ""


def _advice(rules: list[RuleResult]) -> Iterator[str]:
    """Yield what the rules that are not met say, and what to do."""
    if rules:
        yield from ("**What to do:**", "")
        yield from cut_lines([_told(rule) for rule in rules], _FOR_ADVICE)
        yield ""


def _told(rule: RuleResult) -> str:
    said = f"- {_ICONS[rule.effect]} {code(rule.id)} ({rule.verdict}): {words(rule.message)}"
    return f"{said}: {words(rule.help)}" if rule.help else said


def _folded(report: Report, rules: list[RuleResult], options: RenderOptions, room: int) -> list[str]:
    """Return what need not be read: known, gone, changed and waived findings, every rule, what was read.

    It has so many characters at most: first the rules have room, then the findings.
    """
    known = [_known(options, *each) for each in known_rows(report)]
    waived = [
        _finding(rule, one, options) | {"Waived because": code(one.suppressed or "")}
        for rule in rules
        for one in rule.waived
    ]
    changes = list(change_lines(report))
    sections: list[list[str]] = []
    left = room - _AROUND * 5
    for title, count, most, lines in (
        (f"All: {report_counts(report)}", None, _FOR_RULES + _FOR_FOOTER, partial(_all, report, rules)),
        ("Known", len(known) + more_known(report), _FOR_TABLE, partial(_findings, known, more_known(report))),
        ("Waived", len(waived), _FOR_TABLE, partial(_findings, waived, 0)),
        ("Gone", counts(report)[2], _FOR_LIST, partial(_list, gone_lines(report))),
        ("Changed", len(changes), _FOR_LIST, partial(_list, changes)),
    ):
        sections.append(list(_details(title, count, lines(min(most, left)))))
        left -= _size(sections[-1])
    everything, *others = sections
    return [line for section in (*others, everything) for line in section]


def _list(lines: Iterable[str], room: int) -> list[str]:
    return cut_lines([f"- {words(line)}" for line in lines], room)


def _all(report: Report, rules: list[RuleResult], room: int) -> list[str]:
    return [*_rules(report, rules, room - _FOR_FOOTER), *_footer(report)]


def _details(title: str, count: int | None, lines: Iterable[str]) -> Iterator[str]:
    """Yield lines that are folded below a title of our own words, with a count; nothing where that is 0."""
    if count == 0:
        return
    shown = list(lines)
    while shown and not shown[-1]:
        shown.pop()
    yield from ("<details>", f"<summary>{title}{'' if count is None else f': {count}'}</summary>", "")
    yield from (*shown, "", "</details>", "")


def _rules(report: Report, rules: list[RuleResult], room: int) -> Iterator[str]:
    if rules:
        rows = [_rule(report, rule) for rule in rules]
        kept = fitting(rows, room, lambda row: len(_row(row.values())) + 1)
        if kept:
            yield from _table(kept, keep_empty=True)
        if len(kept) < len(rows):
            yield from (f"And {len(rows) - len(kept)} more: see the whole report.", "")


def _footer(report: Report) -> list[str]:
    made = iso_utc(report.created_ms) or "-"
    lines = (
        *(f"- Note: {words(note)}" for note in report.notes),
        *(f"- Read: {words(read.kind)} {code(input_name(read))}{input_size(read)}" for read in report.inputs),
        f"- Made: {made} by {TOOL} {words(report.tool_version)}, exit code {report.exit_code}",
    )
    return cut_lines(lines, _FOR_FOOTER)


def _rule(report: Report, rule: RuleResult) -> Row:
    numbers = dict(measurements(rule))
    return {
        "Verdict": f"{_ICONS[rule.verdict]} {rule.verdict}",
        "Rule": code(rule.id),
        **{word.capitalize(): words(numbers.get(word, "")) for word in ("value", "limit", "samples", "95 % interval")},
        "Result": words("not evaluated" if is_told(report, rule) else rule.message),
    }


def _finding(rule: RuleResult, finding: Finding, options: RenderOptions) -> Row:
    text = " ".join(part for part in (offender_value(rule, finding), detail_without_item(finding)) if part)
    return {
        "Item": code(subject(finding)),
        "Task": _title(finding),
        "Owner": _owner(finding),
        "Priority": words(finding.priority or ""),
        "What is out": code(text),
        "Where": _where(finding, options),
        "Rule": code(rule.id),
    }


def _title(finding: Finding) -> str:
    return words(item_title(finding))


def _owner(finding: Finding) -> str:
    if finding.task is None:
        return ""
    return "no owner" if finding.owner in (None, "", NOTHING) else words(finding.owner)


def _where(finding: Finding, options: RenderOptions) -> str:
    """Return where a finding stands: a link to the row, where a person can follow it."""
    links = ((place, row_url(place, options)) for place in finding.places)
    place, url = next(((place, url) for place, url in links if url), (None, None))
    return f"[{code(str(place))}]({url})" if url else code(first_place(finding))


def _known(options: RenderOptions, rule: RuleResult, finding: Finding | None, since: str) -> Row:
    if finding is None:
        row = dict.fromkeys(_finding(rule, rule.findings[0], options), "") if rule.findings else {}
        return row | {"What is out": code(rule.message), "Rule": code(rule.id), "Known": words(since)}
    return _finding(rule, finding, options) | {"Known": words(since)}


def _unlisted(rules: list[RuleResult]) -> int:
    return sum(rule.more_new for rule in rules)


def _findings(rows: list[Row], unlisted: int, room: int) -> Iterator[str]:
    """Yield a table of findings of at most so many characters, and how many more there are."""
    shown = fitting(rows[:_MOST_ROWS], room - _AROUND, lambda row: len(_row(row.values())) + 1)
    if shown:
        yield from _table(shown)
    more = len(rows) - len(shown) + unlisted
    if more:
        yield from (f"And {plural(more, 'more', 'more')}: see the whole report.", "")


def _table(rows: Sequence[Row], *, keep_empty: bool = False) -> Iterator[str]:
    """Yield a table; a column that is empty in all rows is left out."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    heads = [head for head in heads if keep_empty or any(row.get(head) for row in rows)]
    yield _row(heads)
    yield _row(["---"] * len(heads))
    yield from (_row([row.get(head, "") for head in heads]) for row in rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


FORMAT = Format(
    help="a summary for a pull request",
    extension=".md",
    media_type="text/markdown",
    append=True,
    render=render,
)
