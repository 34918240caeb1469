"""SARIF 2.1.0 (OASIS) for code scanning: rules with help, results with locations in the repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ops_checks.findings import Verdict
from ops_checks.presentation.annotations import Annotation, annotate
from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.presentation.known import change_lines
from ops_checks.presentation.limits import (
    SARIF_BYTES,
    SARIF_LOCATIONS,
    SARIF_RESULTS,
    SARIF_RULES,
    TEXT,
    fitting,
    shorten,
    unlisted,
)
from ops_checks.presentation.locations import locate, quoted
from ops_checks.presentation.wording import finding_text
from ops_checks.report.json_text import json_text
from ops_checks.report.serialize import TOOL, iso_utc
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from ops_checks.report.model import Report, RuleResult

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_FINGERPRINT = "opsChecks/v1"
_INDENT = 12  # spaces more before each line of what is nested in the document
_LEVELS = {"error": "error", "warning": "warning", "notice": "note"}

#: Two backslashes, or one before a bracket, would be read as an escape; a bracket might begin a link.
_ESCAPED = re.compile(r"\\(?=[\\\[\]])|[\[\]]")


def render(report: Report, options: RenderOptions) -> str:
    """Return one run: its rules, its results, the most severe first, and what could not be evaluated as notifications.

    URIs are relative to the repository's root and percent-encoded. A location outside of it is
    replaced by an input inside, and named as a logical location. Waived findings are suppressed. What code scanning
    would refuse or leave out is left out, and a notification counts it (see `presentation.limits`).
    """
    known = list(_by_id(report).items())[:SARIF_RULES]
    rules = dict(fitting(known, SARIF_BYTES // 8, lambda pair: _size(_rule(pair[1]))))
    index = {rule_id: number for number, rule_id in enumerate(rules)}
    found = [
        annotation
        for annotation in annotate(report)
        if annotation.rule.verdict is not Verdict.ERROR and visible(annotation.rule.id) in index
    ]
    results = fitting(
        (_result(report, each, index[visible(each.rule.id)], options) for each in found[:SARIF_RESULTS]),
        SARIF_BYTES * 3 // 4,
        _size,
    )
    shown = len(results)
    results += _absent(report, index, SARIF_RESULTS - len(results), options)
    more = len(found) - shown + sum(rule.more_findings for rule in report.rules)
    run = {
        "tool": {
            "driver": {
                "name": TOOL,
                "version": visible(report.tool_version),
                "rules": [_rule(rule) for rule in rules.values()],
            }
        },
        "automationDetails": {"id": f"{TOOL}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(report, index, more)],
        "results": results,
    }
    return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _size(part: object) -> int:
    """Return the bytes that a part of the document takes in it."""
    text = json_text(part)
    return len(text.encode("utf-8", "surrogatepass")) + _INDENT * (text.count("\n") + 1)


def _by_id(report: Report) -> dict[str, RuleResult]:
    """Return the rules by id, which SARIF requires to be unique; of two with the same id the first."""
    rules: dict[str, RuleResult] = {}
    for rule in report.rules:
        rules.setdefault(visible(rule.id), rule)
    return rules


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": visible(rule.id),
        "shortDescription": _message(rule.title or rule.id),
        "fullDescription": _message(rule.help or rule.title or rule.id),
        "help": _message(rule.help or rule.title or rule.id),
        "defaultConfiguration": {"level": "warning" if rule.severity == "warning" else "error"},
        "properties": {"tags": [visible(rule.group)]},
    }


def _invocation(report: Report, index: dict[str, int], more: int) -> dict[str, Any]:
    notifications: list[dict[str, Any]] = [
        {"level": "error", "message": _message(message)} for message in report.errors
    ]
    notifications += (
        {
            "level": "error",
            "message": _message(rule.message),
            "associatedRule": {"id": visible(rule.id), "index": index[visible(rule.id)]},
        }
        for rule in report.rules
        if rule.verdict is Verdict.ERROR and rule.message not in report.errors and visible(rule.id) in index
    )
    notifications += ({"level": "note", "message": _message(note)} for note in report.notes)
    notifications += ({"level": "note", "message": _message(f"changed: {line}")} for line in change_lines(report))
    notifications = fitting(notifications, SARIF_BYTES // 8, _size)
    if more:
        notifications.append({"level": "note", "message": _message(unlisted(more))})
    return {
        "executionSuccessful": report.verdict is not Verdict.ERROR,
        "exitCode": report.exit_code,
        **({"endTimeUtc": stamp} if (stamp := iso_utc(report.created_ms)) else {}),
        "toolExecutionNotifications": notifications,
    }


def _result(report: Report, annotation: Annotation, rule_index: int, options: RenderOptions) -> dict[str, Any]:
    rule, finding = annotation.rule, annotation.finding
    undecided = rule.verdict is Verdict.INSUFFICIENT and rule.effect is not Verdict.FAIL
    result: dict[str, Any] = {
        "ruleId": visible(rule.id),
        "ruleIndex": rule_index,
        # SARIF 3.27.9: "open" is what could not be decided for lack of information; its level is none.
        "kind": "open" if undecided else "fail",
        "level": "none" if undecided else _level(annotation),
        "message": _message(annotation.message),
        "locations": [_location(report, annotation, options)],
        "partialFingerprints": {_FINGERPRINT: finding.fingerprint if finding else f"rule:{visible(rule.id)}"},
    }
    if report.known is not None:
        result["baselineState"] = "new" if _is_new(annotation) else "unchanged"
    if finding is not None and finding.suppressed is not None:
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": shorten(visible(finding.suppressed), TEXT),
            }
        ]
    return result


def _is_new(annotation: Annotation) -> bool:
    """Return whether the known report lacks a finding, waived or not, or what a rule itself says."""
    return not (annotation.known or (annotation.finding is not None and annotation.finding.since is not None))


def _absent(report: Report, index: dict[str, int], room: int, options: RenderOptions) -> list[dict[str, Any]]:
    """Return results for findings that are gone (SARIF 3.27.24): nothing is out any more, so that they pass."""
    by_id = _by_id(report)
    return [
        {
            "ruleId": visible(finding.rule),
            "ruleIndex": index[visible(finding.rule)],
            "kind": "pass",
            "level": "none",
            "baselineState": "absent",
            "message": _message(f"gone: {finding_text(finding)}"),
            "locations": [_location(report, Annotation(by_id[visible(finding.rule)], finding), options)],
            "partialFingerprints": {_FINGERPRINT: finding.fingerprint},
        }
        for finding in (report.known.gone[: max(0, room)] if report.known else ())
        if visible(finding.rule) in index
    ]


def _level(annotation: Annotation) -> str:
    """Return the level; a waived or known finding keeps the one of a live finding: it has a suppression, or a state."""
    if annotation.waived or annotation.known:
        return "warning" if annotation.rule.severity == "warning" else "error"
    return _LEVELS[annotation.level]


def _location(report: Report, annotation: Annotation, options: RenderOptions) -> dict[str, Any]:
    path, line, column = locate(report, annotation.rule, annotation.finding, options)
    places = annotation.finding.places if annotation.finding else ()
    location: dict[str, Any] = {}
    if path is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quoted(path), "uriBaseId": _ROOT},
            "region": {"startLine": line, "startColumn": column},
        }
    if places:
        location["logicalLocations"] = [
            _logical(name)
            for name in list(dict.fromkeys(shorten(visible(str(place)), TEXT) for place in places))[:SARIF_LOCATIONS]
        ]
    return location


def _logical(name: str) -> dict[str, Any]:
    return {"fullyQualifiedName": name, "kind": "resource"}


def _message(text: str) -> dict[str, str]:
    r"""Return a text as a SARIF message: `{{` for a brace (3.11.5), `\[` for a bracket (3.11.6: a link)."""
    shown = _ESCAPED.sub(lambda match: "\\" + match[0], shorten(visible(text), TEXT))
    return {"text": shown.replace("{", "{{").replace("}", "}}")}


FORMAT = Format(
    help="SARIF 2.1.0 for code scanning",
    extension=".sarif",
    media_type="application/sarif+json",
    begins=('{"$schema": "…/sarif', '{"version": "2.1.0", "$schema": "…/sarif'),
    render=render,
)
