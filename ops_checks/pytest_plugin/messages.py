"""The texts of a session: failures, properties, the summary. All text from inputs is made safe to print."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ops_checks.findings import QUEUE, WAIVERS, Verdict
from ops_checks.presentation.known import gone_lines, sentence
from ops_checks.presentation.wording import (
    finding_line,
    input_name,
    input_size,
    measurements,
    number,
    report_counts,
)
from ops_checks.sanitize import visible, without_commands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.findings import Finding, Place
    from ops_checks.pytest_plugin.options import Inputs
    from ops_checks.reconcile.moves import Moves
    from ops_checks.report.model import InputRead, Report, RuleResult

#: The most findings, waivers and errors that are listed; the others are counted.
_LISTED = 10
_SHORT_DIGEST = len("sha256:1234abcd")


def safe(line: str) -> str:
    """Return a line that is safe for a terminal and for a CI system's log."""
    escaped = visible(line)
    return without_commands(escaped) if os.environ.get("GITHUB_ACTIONS") else escaped


def listed(rule: RuleResult) -> tuple[Finding, ...]:
    """Return the findings of a rule that a failure lists."""
    return rule.new[:_LISTED]


def failure_text(rule: RuleResult, inputs: Inputs, moves: Moves | None = None, *, counted: str = "") -> str:
    """Return message, findings and help of a rule, and the command that shows more.

    `moves` say of drift which side moved. `counted` follows the message.
    """
    return "\n".join(map(safe, _lines(rule, inputs, moves, counted)))


def same_reason_text(first: str) -> str:
    """Return the text of a rule that could not be evaluated for what another one, which runs first, says in full."""
    return safe(f"error: not evaluated, because of the same input as {first}")


def _lines(rule: RuleResult, inputs: Inputs, moves: Moves | None, counted: str) -> Iterator[str]:
    if rule.verdict is Verdict.ERROR:
        yield f"error: {rule.message}"
    else:
        yield rule.message + counted
        yield "  " + ", ".join(f"{word} {text}" for word, text in measurements(rule))
        yield from (f"  {line}" for line in _finding_lines(listed(rule), moves))
        more = rule.more_new + len(rule.new[_LISTED:])
        if more:
            yield f"  and {more} more"
        if moves and moves.remark:
            yield f"  drift: {moves.remark}"
        if rule.help:
            yield f"  help: {rule.help}"
    # A check of the group `queue` alone reads the document, and not what this one read.
    only = "" if rule.group == WAIVERS.id else f" --only {rule.id if rule.group == QUEUE.id else rule.group}"
    yield f"  more: {inputs.command}{only}"


def _finding_lines(findings: Iterable[Finding], moves: Moves | None) -> Iterator[str]:
    """Yield each finding, and below it what `drift` prints of its unit, once for all fields of that."""
    told = set()
    for finding in findings:
        unit, lines = moves.of(finding.item, finding.field) if moves else ("", ())
        yield finding_line(finding._replace(reason=None) if lines else finding)  # they say it, and who it was
        if (finding.item, unit) not in told:
            told.add((finding.item, unit))
            yield from (f"  {line}" for line in lines)


def properties(rule: RuleResult) -> list[tuple[str, object]]:
    """Return the properties of a rule for JUnit and its like: numbers without their unit, `-` where there is none."""
    return [
        ("rule", rule.id),
        ("verdict", rule.verdict.value),
        ("value", number(rule.value)),
        ("operator", rule.operator or "-"),
        ("limit", number(rule.limit)),
        ("unit", rule.unit or "-"),
        ("samples", "-" if rule.samples is None else str(rule.samples)),
    ]


def row_of(rule: RuleResult, path: str) -> Place | None:
    """Return the first location with a line of a rule's findings: one in the file at `path`, else any, else None."""
    rows = [place for finding in rule.new for place in finding.places if place.line is not None]
    return next((place for place in rows if place.path == path), rows[0] if rows else None)


def summary(report: Report) -> Iterator[tuple[str, Verdict | None]]:
    """Yield the lines of the terminal's section, each with the verdict of its colour, or None."""
    yield f"{report.verdict.upper()}: {report_counts(report)}", report.verdict
    if report.known:
        yield f"known: {sentence(report)}", None
        yield from ((f"gone: {line}", None) for line in _cut(tuple(gone_lines(report))))
    yield f"read: {', '.join(map(_input, report.inputs)) or 'nothing'}", None
    yield from ((f"error: {error}", Verdict.ERROR) for error in _cut(report.errors))
    yield from ((f"note: {note}", None) for note in _cut(report.notes))
    waived = [(rule, finding) for rule in report.rules for finding in rule.waived]
    lines = tuple(f"{rule.id} {finding_line(finding)}: {finding.suppressed}" for rule, finding in waived)
    yield from ((f"waived: {line}", None) for line in _cut(lines))


def policy_line(read: InputRead) -> str:
    """Return the line of the header that names the policy: path and beginning of its digest."""
    return f"ops-checks: {_input(read)}"


def _input(read: InputRead) -> str:
    """Return kind, path and size of an input; of a policy the beginning of its digest."""
    if read.kind == "policy":
        return f"policy {input_name(read)}" + (f" {read.state[:_SHORT_DIGEST]}…" if read.state else "")
    return f"{read.kind} {read.path}{input_size(read)}"


def _cut(lines: tuple[str, ...]) -> tuple[str, ...]:
    more = len(lines) - _LISTED
    return lines if more <= 0 else (*lines[:_LISTED], f"and {more} more")
