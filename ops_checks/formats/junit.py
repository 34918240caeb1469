"""JUnit XML by Jenkins' xunit2 schema, which GitLab and GitHub's test reporters read too.

One test suite a rule, with one testcase in it: the schema allows properties in a suite only.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.findings import Verdict
from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.presentation.known import change_lines, counts, gone_lines, sentence, since_text
from ops_checks.presentation.limits import JUNIT_BODY, JUNIT_CASES, TEXT, cut_lines, shorten
from ops_checks.presentation.wording import is_told, measurements, number, titled_line
from ops_checks.report.serialize import TOOL, iso_utc
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from ops_checks.findings import Finding
    from ops_checks.report.model import Report, RuleResult

_NOT_EVALUATED = "not evaluated: see the testcase `inputs`"
_COUNTED = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))


class _Case(Struct, frozen=True):
    """One testcase; `outcome` is its element, `system-out` where it passes."""

    group: str
    name: str
    outcome: str
    kind: str
    message: str
    body: tuple[str, ...]
    properties: tuple[tuple[str, str], ...] = ()


def render(report: Report, _options: RenderOptions) -> str:
    r"""Return one testcase a rule, and one more, `inputs`, if an input could not be evaluated.

    Another one, `known`, tells what is new and gone if the report was compared with an earlier one.

    A rule that counts as a failure fails, whatever its verdict; too few samples otherwise skip;
    a warning passes, with its message in system-out. XML 1.0 allows no control characters: they
    are written as their escapes, `\x1b`.
    """
    cases = [_case(report, rule) for rule in report.rules[: JUNIT_CASES - 2]]
    if report.known:
        cases.append(_compared(report))
    if report.errors:
        cases.insert(0, _Case("inputs", "inputs", "error", "error", report.errors[0], report.errors))
    stamp = (iso_utc(report.created_ms) or "")[: len("YYYY-MM-DDTHH:MM:SS")]
    failures, errors = (sum(case.outcome == outcome for case in cases) for outcome in ("failure", "error"))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="{TOOL}" tests="{len(cases)}" failures="{failures}" errors="{errors}" time="0.000">',
        *(line for case in cases for line in _suite(case, stamp)),
        "</testsuites>",
    ]
    return "".join(f"{line}\n" for line in lines)


def _case(report: Report, rule: RuleResult) -> _Case:
    """Return the testcase of a rule; what it lacks may be the error of the testcase `inputs`."""
    told = is_told(report, rule)
    message, body = (_NOT_EVALUATED, (_NOT_EVALUATED,)) if told else (rule.message, _body(report, rule))
    properties = _properties(rule) + (_known_properties(rule) if report.known else ())
    return _Case(rule.group, rule.id, _outcome(rule), rule.verdict.value, message, body, properties)


def _compared(report: Report) -> _Case:
    """Return the testcase, which passes, of what is new, known, gone and changed."""
    body = (
        sentence(report),
        *(f"gone: {line}" for line in gone_lines(report)),
        *(f"changed: {line}" for line in change_lines(report)),
    )
    numbers = zip(("new", "known", "gone"), map(str, counts(report)), strict=True)
    return _Case("known", "known", "system-out", "pass", body[0], body, tuple(numbers))


def _known_properties(rule: RuleResult) -> tuple[tuple[str, str], ...]:
    return ("new", str(len(rule.new) + rule.more_new)), ("known", str(len(rule.known) + rule.more_known))


def _properties(rule: RuleResult) -> tuple[tuple[str, str], ...]:
    """Return a rule's machine-readable properties, numbers without their unit."""
    numbers = {
        "value": rule.value,
        "limit": rule.limit,
        "samples": rule.samples,
        "interval_95_low": rule.low,
        "interval_95_high": rule.high,
        "needed": rule.needed,
    }
    return (
        *(("rule", rule.id), ("verdict", rule.verdict.value), ("severity", rule.severity)),
        *((name, number(value)) for name, value in numbers.items() if value is not None),
        *((name, text) for name, text in (("operator", rule.operator), ("unit", rule.unit)) if text is not None),
    )


def _outcome(rule: RuleResult) -> str:
    if rule.effect is Verdict.FAIL:
        return "failure"
    if Verdict.ERROR in {rule.verdict, rule.effect}:
        return "error"
    return "skipped" if rule.verdict is Verdict.INSUFFICIENT else "system-out"


def _body(report: Report, rule: RuleResult) -> tuple[str, ...]:
    """Return the lines of the message, the measurements, the new, known and waived findings, and the help."""
    return (
        f"{rule.verdict}: {rule.message}",
        *(f"{word}: {text}" for word, text in measurements(rule)),
        *(titled_line(finding) for finding in rule.new),
        *([f"and {rule.more_new} more"] if rule.more_new else []),
        *([since_text(report, rule.since)] if rule.since is not None else []),
        *(f"{_since(report, rule, finding)}: {titled_line(finding)}" for finding in rule.known),
        *([f"and {rule.more_known} more that are known"] if rule.more_known else []),
        *(f"waived ({finding.suppressed}): {titled_line(finding)}" for finding in rule.waived),
        *([f"help: {rule.help}"] if rule.help and rule.verdict is not Verdict.PASS else []),
    )


def _since(report: Report, rule: RuleResult, finding: Finding) -> str:
    return since_text(report, rule.since if finding.since is None else finding.since)


def _suite(case: _Case, stamp: str) -> list[str]:
    flags = " ".join(f'{name}="{int(case.outcome == outcome)}"' for name, outcome in _COUNTED)
    name = _escaped(case.name)
    return [
        f'<testsuite name="{_escaped(case.group)}.{name}" tests="1" {flags} timestamp="{stamp}" time="0.000">',
        *(["<properties>", *map(_property, case.properties), "</properties>"] if case.properties else []),
        f'<testcase classname="{TOOL}.{_escaped(case.group)}" name="{name}" time="0.000">',
        _element(case),
        "</testcase>",
        "</testsuite>",
    ]


def _property(pair: tuple[str, str]) -> str:
    return f'<property name="{_escaped(pair[0])}" value="{_escaped(pair[1])}"/>'


def _element(case: _Case) -> str:
    body = "\n".join(cut_lines([_escaped(shorten(line, TEXT)) for line in case.body], JUNIT_BODY))
    if case.outcome == "system-out":
        return f"<system-out>{body}</system-out>"
    message = _escaped(shorten(case.message, TEXT))
    return f'<{case.outcome} type="{case.kind}" message="{message}">{body}</{case.outcome}>'


def _escaped(text: str) -> str:
    """Return a text as XML, for an attribute and between tags alike."""
    return escape(visible(text))


FORMAT = Format(
    help="JUnit XML, one testcase a rule",
    extension=".xml",
    media_type="application/xml",
    begins=('<?xml version="1.0" encoding="…"?><testsuite', "<testsuite"),
    render=render,
)
