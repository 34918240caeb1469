"""GitLab's code quality report: a list of issues, each at a path and a line of the repository."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ops_checks.formats.folders import place_of, stand_in
from ops_checks.formats.telling import told
from ops_checks.report import Verdict
from ops_checks.report.published import TOOL, json_text
from ops_checks.text import visible

if TYPE_CHECKING:
    from ops_checks.formats import Setting
    from ops_checks.formats.telling import Told
    from ops_checks.report import Report

_SEVERITIES = {Verdict.ERROR: "blocker", Verdict.FAIL: "critical", Verdict.WARN: "minor"}
_NO_PATH = "."  # GitLab asks for a path; nothing that was read lies in the repository


def render(report: Report, setting: Setting) -> str:
    """Return the issues as a JSON list. What is waived, or changes no verdict, is there as `info`."""
    issues = [_error(report, message, setting) for message in report.errors]
    issues += (_issue(report, one, setting) for one in told(report))
    return json_text(_unique(issues))


def _error(report: Report, message: str, setting: Setting) -> dict[str, Any]:
    return {
        "description": visible(message),
        "check_name": f"{TOOL}-error",
        "fingerprint": _digest("error", message),
        "severity": "blocker",
        "location": _location(stand_in(report, None, setting), 1),
    }


def _issue(report: Report, one: Told, setting: Setting) -> dict[str, Any]:
    path, line, _ = place_of(report, one.rule, one.finding, setting)
    return {
        "description": visible(one.message),
        "check_name": visible(one.rule.id),
        "fingerprint": one.finding.fingerprint if one.finding else _digest("rule", one.rule.id),
        "severity": "info" if one.waived else _SEVERITIES.get(one.rule.effect, "info"),
        "location": _location(path, line),
    }


def _location(path: str | None, line: int) -> dict[str, Any]:
    return {"path": visible(path or _NO_PATH), "lines": {"begin": line}}


def _unique(issues: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """GitLab merges issues of the same fingerprint: a second one gets its own, made of the first and its number."""
    seen: dict[str, int] = {}
    for issue in issues:
        fingerprint = issue["fingerprint"]
        seen[fingerprint] = seen.get(fingerprint, 0) + 1
        if seen[fingerprint] > 1:
            issue["fingerprint"] = _digest(fingerprint, str(seen[fingerprint]))
    return issues


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
