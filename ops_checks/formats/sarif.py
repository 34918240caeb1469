"""SARIF 2.1.0 (OASIS), as code scanning reads it: rules with help, results with places in the repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ops_checks.formats.folders import place_of
from ops_checks.formats.telling import told
from ops_checks.report import Verdict
from ops_checks.report.published import TOOL, iso_utc, json_text
from ops_checks.text import visible

if TYPE_CHECKING:
    from ops_checks.formats import Setting
    from ops_checks.formats.telling import Told
    from ops_checks.report import Report, RuleResult

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_FINGERPRINT = "opsChecks/v1"
_LEVELS = {"error": "error", "warning": "warning", "notice": "note"}

#: Two backslashes, or one before a bracket, would be read as an escape; a bracket might begin a link.
_ESCAPED = re.compile(r"\\(?=[\\\[\]])|[\[\]]")


def render(report: Report, setting: Setting) -> str:
    """Return one run: its rules, its results, and what could not be evaluated as notifications.

    URIs are relative to the repository's root and percent-encoded. What stands outside of it is
    shown at an input inside, and named as a logical location. Waived findings are suppressed.
    """
    rules = _by_id(report)
    index = {rule_id: number for number, rule_id in enumerate(rules)}
    decided = [one for one in told(report) if one.rule.verdict is not Verdict.ERROR]
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
        "invocations": [_invocation(report, index)],
        "results": [_result(report, one, index[visible(one.rule.id)], setting) for one in decided],
    }
    return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _by_id(report: Report) -> dict[str, RuleResult]:
    """Return the rules by their ids, which must be unique here; of two with the same id the first."""
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


def _invocation(report: Report, index: dict[str, int]) -> dict[str, Any]:
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
        if rule.verdict is Verdict.ERROR
    )
    notifications += ({"level": "note", "message": _message(note)} for note in report.notes)
    return {
        "executionSuccessful": report.verdict is not Verdict.ERROR,
        "exitCode": report.exit_code,
        **({"endTimeUtc": stamp} if (stamp := iso_utc(report.created_ms)) else {}),
        "toolExecutionNotifications": notifications,
    }


def _result(report: Report, one: Told, rule_index: int, setting: Setting) -> dict[str, Any]:
    rule, finding = one.rule, one.finding
    undecided = rule.verdict is Verdict.INSUFFICIENT and rule.effect is not Verdict.FAIL
    result: dict[str, Any] = {
        "ruleId": visible(rule.id),
        "ruleIndex": rule_index,
        # SARIF 3.27.9: "open" is what could not be decided for lack of information; its level is none.
        "kind": "open" if undecided else "fail",
        "level": "none" if undecided else _level(one),
        "message": _message(one.message),
        "locations": [_location(report, one, setting)],
        "partialFingerprints": {_FINGERPRINT: finding.fingerprint if finding else f"rule:{visible(rule.id)}"},
    }
    if finding is not None and finding.suppressed is not None:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": visible(finding.suppressed)}
        ]
    return result


def _level(one: Told) -> str:
    """Return the level; a waived finding keeps the one it would have: its suppression tells that it is waived."""
    if one.waived:
        return "warning" if one.rule.severity == "warning" else "error"
    return _LEVELS[one.level]


def _location(report: Report, one: Told, setting: Setting) -> dict[str, Any]:
    path, line, column = place_of(report, one.rule, one.finding, setting)
    places = one.finding.places if one.finding else ()
    location: dict[str, Any] = {}
    if path is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(path), "uriBaseId": _ROOT},
            "region": {"startLine": line, "startColumn": column},
        }
    if places:
        location["logicalLocations"] = [
            _logical(name) for name in dict.fromkeys(visible(str(place)) for place in places)
        ]
    return location


def _logical(name: str) -> dict[str, Any]:
    return {"fullyQualifiedName": name, "kind": "resource"}


def _uri(path: str) -> str:
    """Percent-encode a relative path, its colons too: a first segment with a colon would read as a scheme."""
    try:
        raw = path.encode("utf-8", "surrogateescape")  # the bytes of the file's name, if it is no UTF-8
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "surrogatepass")
    return quote(raw, safe="/")


def _message(text: str) -> dict[str, str]:
    r"""Plain text as a SARIF message: `{{` for a brace (3.11.5), `\[` for a bracket, else it may be a link (3.11.6)."""
    shown = _ESCAPED.sub(lambda match: "\\" + match[0], visible(text))
    return {"text": shown.replace("{", "{{").replace("}", "}}")}
