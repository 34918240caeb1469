"""Text for a terminal: the verdict first, then the rules not met with their worst offenders, then those met."""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING

from ops_checks.findings import Verdict
from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.presentation.known import (
    change_lines,
    gone_lines,
    is_shown,
    known_rows,
    more_known,
    sentence,
)
from ops_checks.presentation.paint import BOLD, DIM, GREEN, RED, YELLOW, Paint, painted_width
from ops_checks.presentation.widths import display_width, pad
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
from ops_checks.presentation.wrapping import wrapped
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.findings import Finding
    from ops_checks.report.model import Report, RuleResult

_INDENT = "  "
_GAP = "  "
_WAIVED = 50  # are listed
_KNOWN = 10  # of a rule are
_WIDEST = 48  # columns up to which a cell widens its whole column

_COLORS = {
    Verdict.PASS: GREEN,
    Verdict.INSUFFICIENT: YELLOW,
    Verdict.WARN: YELLOW,
    Verdict.FAIL: RED,
    Verdict.ERROR: RED,
}


def render(report: Report, options: RenderOptions) -> str:
    """Return the report as lines for people; text from the inputs has every control character escaped."""
    lines = _lines(report, Paint(on=options.color))
    shown = lines if options.columns is None else _wrapped(lines, options.columns)
    return "".join(f"{line}\n" for line in shown)


def _wrapped(lines: Iterable[str], columns: int) -> Iterator[str]:
    """Yield lines as wide as a terminal; what goes on in the next one is indented below its beginning."""
    for line in lines:
        if painted_width(line) <= columns:
            yield line
            continue
        text = line.lstrip(" ")
        indent = line[: len(line) - len(text)]
        yield from wrapped(text, columns, first=indent, rest=indent + _INDENT, measure=painted_width)


def _lines(report: Report, paint: Paint) -> Iterator[str]:
    rules = worst_first(report)
    yield f"{_verdict(paint, report.verdict)} {_headline(report)}"
    yield from (f"{paint('error:', BOLD, RED)} {visible(message)}" for message in report.errors)
    for rule in rules:
        if is_shown(report, rule) and not is_told(report, rule):
            yield ""
            yield from _rule(rule, paint)
    told = ", ".join(visible(rule.id) for rule in rules if is_told(report, rule))
    if told:
        yield f"{paint('not evaluated:', RED)} {told}"
    waived = [_waived_row(rule, finding) for rule in rules for finding in rule.waived]
    if waived:
        yield ""
        yield paint("waived:", DIM)
        yield from _table(waived[:_WAIVED])
    if len(waived) > _WAIVED:
        yield f"{_INDENT}and {len(waived) - _WAIVED} more"
    yield from _compared(report, paint)
    yield ""
    passed = ", ".join(visible(rule.id) for rule in rules if rule.verdict is Verdict.PASS)
    yield f"{paint('passed:', GREEN)} {passed or 'none'}"
    yield from (f"read: {visible(read.kind)} {visible(input_name(read))}{input_size(read)}" for read in report.inputs)
    yield from (f"note: {visible(note)}" for note in report.notes)
    yield f"{report_counts(report)}, exit code {report.exit_code}"


def _compared(report: Report, paint: Paint) -> Iterator[str]:
    """Yield the lines of what is known, gone and changed, by the report that this one was compared with."""
    known = list(known_rows(report))
    shown = [each for _, of_rule in groupby(known, lambda each: each[0].id) for each in islice(of_rule, _KNOWN)]
    more = len(known) - len(shown) + more_known(report)
    if known or more:
        yield ""
        yield paint("known:", DIM)
        yield from _table([_known_row(*each) for each in shown])
    if more:
        yield f"{_INDENT}and {more} more"
    for word, lines in (("gone:", list(gone_lines(report))), ("changed:", list(change_lines(report)))):
        if lines:
            yield ""
            yield paint(word, DIM)
            yield from (_INDENT + visible(line) for line in lines)


def _verdict(paint: Paint, verdict: Verdict) -> str:
    return paint(verdict.upper(), BOLD, _COLORS[verdict])


def _headline(report: Report) -> str:
    if report.known:
        return visible(sentence(report)).removeprefix("pass: ")
    rules = len(report.rules)
    bad = sum(rule.effect is not Verdict.PASS for rule in report.rules)
    if report.errors:
        return f"{plural(len(report.errors), 'input', 'inputs')} could not be evaluated"
    if bad:
        return f"{bad} of {plural(rules, 'rule', 'rules')} not met"
    if not rules:
        return "no rule ran"
    undecided = any(rule.verdict is not Verdict.PASS for rule in report.rules)
    return "no rule violated" if undecided else f"{plural(rules, 'rule', 'rules')} met"


def _rule(rule: RuleResult, paint: Paint) -> Iterator[str]:
    """Yield the lines of a rule that is not met: message, measurements, offenders, help."""
    effect = f" (counts as {rule.effect})" if rule.effect not in {rule.verdict, Verdict.WARN} else ""
    yield f"{_verdict(paint, rule.verdict)} {visible(rule.id)}: {visible(rule.message)}{effect}"
    numbers = ", ".join(f"{word} {visible(text)}" for word, text in measurements(rule))
    if numbers:
        yield _INDENT + numbers
    yield from _table([_row(rule, finding) for finding in rule.new])
    if rule.more_new:
        yield f"{_INDENT}and {rule.more_new} more"
    if rule.help:
        yield f"{_INDENT}{paint('help:', DIM)} {visible(rule.help)}"


def _row(rule: RuleResult, finding: Finding) -> list[str]:
    return [
        first_place(finding),
        subject(finding),
        item_title(finding),
        offender_value(rule, finding),
        detail_without_item(finding),
    ]


def _waived_row(rule: RuleResult, finding: Finding) -> list[str]:
    return [
        rule.id,
        first_place(finding),
        subject(finding),
        detail_without_item(finding),
        f"waived: {finding.suppressed}",
    ]


def _known_row(rule: RuleResult, finding: Finding | None, since: str) -> list[str]:
    if finding is None:
        return [rule.id, "", "", "", rule.message, since]
    shown = first_place(finding), subject(finding), item_title(finding), detail_without_item(finding)
    return [rule.id, *shown, since]


def _table(rows: list[list[str]]) -> Iterator[str]:
    """Yield rows with their columns aligned; a column that is empty in all rows is left out."""
    shown = [[visible(cell) for cell in row] for row in rows]
    columns = [column for column in zip(*shown, strict=True) if any(column)]
    widths = [min(max(map(display_width, column)), _WIDEST) for column in columns]
    for cells in zip(*columns, strict=True):
        yield (_INDENT + _GAP.join(map(pad, cells, widths))).rstrip()


FORMAT = Format(
    help="for a terminal: verdict, failing rules, worst offenders",
    extension=".txt",
    media_type="text/plain",
    append=True,
    render=render,
)
