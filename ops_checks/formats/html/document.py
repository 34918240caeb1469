"""Render the parts of the page, in the order in which they are given room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from ops_checks.formats.html import rule_sections
from ops_checks.formats.html.behind import behind
from ops_checks.formats.html.clock import Clock
from ops_checks.formats.html.environment import environment, style
from ops_checks.formats.html.measures import measures
from ops_checks.formats.html.plot import NAME
from ops_checks.formats.html.sizes import PAGE, bytes_of, cut
from ops_checks.presentation.known import change_lines, counts, gone_lines, more_known, sentence
from ops_checks.presentation.limits import fitting
from ops_checks.presentation.wording import (
    input_name,
    input_size,
    is_told,
    measurements,
    report_counts,
    worst_first,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.formats.html.behind import Behind
    from ops_checks.report.model import Report, RuleResult

#: Bytes at most of what is known, of what is waived, of a list of lines, and of the table of all rules.
_KNOWN, _WAIVED, _LINES, _RULES = 100_000, 60_000, 20_000, 60_000
_LINE, _RULE = 20, 200  # of markup
_LINE_TEXT, _CELL, _TITLE = 4_000, 1_000, 200  # characters


#: So many findings of a rule, and fields that differ, are open.
_FIRST = 12
#: The sections by their ids, which stand in the templates.
_PLACES = (
    ("metrics", "Metrics"),
    ("latency", "Latency"),
    ("states", "The queue over time"),
    ("lanes", "Workers"),
    ("groups", "Who and what fails"),
    ("drift", "Where the queues differ"),
    ("rest", "The rest"),
)


class Lines(NamedTuple):
    """Lines for which there is room, and how many more there are."""

    shown: list[str]
    more: int


def document(report: Report) -> str:
    """Return the page without its beginning."""
    clock = Clock(report.zone)
    tail = _part(
        "behind.html",
        window=_window(report, clock),
        measures=measures(report, clock),
        behind=_behind(report, clock),
        clock=clock,
        first=_FIRST,
    )
    tail += _part("rest.html", **_rest(report, clock))
    head = _part("head.html", **_head(report, clock), places=_places(tail))
    room = PAGE - sum(len(part.encode()) for part in (head, tail, style().text)) - _LINES
    sections, more_rules = rule_sections.sections(report, room)
    todo = _part("sections.html", sections=sections, more_rules=more_rules, first=_FIRST)
    return str(_part("page.html", style=style(), title=_title(report), head=head, sections=todo, tail=tail))


def _part(name: str, **values: object) -> Markup:
    return Markup(environment().get_template(name).render(values))  # noqa: S704 - rendered with escaping


def _window(report: Report, clock: Clock) -> str:
    """Return which runs and retries the metrics are of, an empty text for all of them."""
    if report.window is None:
        return ""
    begin, end = report.window.begin_ms, report.window.end_ms
    parts = (("from", begin), ("to", end))
    return " ".join(f"{word} {clock.minute(at)}" for word, at in parts if at is not None)


def _places(tail: str) -> list[tuple[str, str]]:
    """Return the sections that there are, for links to them."""
    return [(id_, name) for id_, name in _PLACES if f'<section aria-labelledby="{id_}">' in tail]


def _behind(report: Report, clock: Clock) -> Behind | None:
    return behind(report, report.background, clock) if report.background else None


def _title(report: Report) -> str:
    return cut(f"{report.verdict}: {sentence(report).removeprefix('pass: ')}", _TITLE)


def _head(report: Report, clock: Clock) -> dict[str, object]:
    new, known, gone = counts(report)
    return {
        "verdict": report.verdict.value,
        "sentence": cut(sentence(report).removeprefix(f"{report.verdict}: ")),
        "compared": _compared(report, clock, new, known, gone),
        "counts": cut(report_counts(report)),
        "exit_code": report.exit_code,
        "made": clock.minute(report.created_ms),
        "zone": clock.name,
        "errors": _fitting(report.errors),
        "hints": _fitting(report.hints),
        "told": _fitting([rule.id for rule in worst_first(report) if is_told(report, rule)]),
    }


def _compared(report: Report, clock: Clock, *numbers: int) -> tuple[str, ...]:
    """Return how many findings are new, known and gone, and since what; nothing for a report by itself."""
    if report.known is None:
        return ()
    return (*map(str, numbers), clock.minute(report.known.created_ms), cut(report.known.path))


def _rest(report: Report, clock: Clock) -> dict[str, object]:
    known, more = rule_sections.known(report, _KNOWN)
    waived, more_waived = rule_sections.waived(report, _WAIVED)
    rules = fitting((_rule(report, rule) for rule in worst_first(report)), _RULES, lambda row: _RULE + bytes_of(row))
    notes = report.notes + (report.background.notes if report.background else ())
    return {
        "known": known,
        "more_known": more + more_known(report),
        "waived": waived,
        "more_waived": more_waived,
        "gone": _fitting(gone_lines(report)),
        "changes": _fitting(change_lines(report)),
        "rules": rules,
        "more_rules": len(report.rules) - len(rules),
        "inputs": _fitting(f"{read.kind}: {input_name(read)}{input_size(read)}" for read in report.inputs),
        "notes": _fitting(notes),
        "version": cut(report.tool_version, NAME),
        "zone": clock.name,
    }


def _rule(report: Report, rule: RuleResult) -> tuple[str, ...]:
    """Return verdict, id, result, value, limit, samples and interval of a rule."""
    numbers = dict(measurements(rule))
    words = ("value", "limit", "samples", "95 % interval")
    said = "not evaluated" if is_told(report, rule) else rule.message
    return (
        rule.verdict.value,
        *(cut(each, _CELL) for each in (rule.id, said, *(numbers.get(word, "") for word in words))),
    )


def _fitting(lines: Iterable[str]) -> Lines:
    """Return the lines for which there is room."""
    every = list(lines)
    shown = fitting((cut(line, _LINE_TEXT) for line in every), _LINES, lambda line: _LINE + bytes_of([line]))
    return Lines(shown, len(every) - len(shown))
