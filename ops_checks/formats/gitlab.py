"""GitLab's code quality report: a list of issues, each at a path and a line of the repository."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ops_checks.findings import Verdict
from ops_checks.presentation.annotations import annotate
from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.presentation.known import change_lines, gone_lines
from ops_checks.presentation.limits import GITLAB_BYTES, TEXT, fitting, shorten, unlisted
from ops_checks.presentation.locations import fallback_path, locate
from ops_checks.report.json_text import json_text
from ops_checks.report.serialize import TOOL
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from ops_checks.presentation.annotations import Annotation
    from ops_checks.report.model import Report

_SEVERITIES = {Verdict.ERROR: "blocker", Verdict.FAIL: "critical", Verdict.WARN: "minor"}
_NO_PATH = "."  # GitLab requires a path, also where no input lies in the repository


def render(report: Report, options: RenderOptions) -> str:
    """Return the issues as a JSON list; what is waived or known, or changes no verdict, has the severity `info`.

    The most severe come first, and the last issue counts those for which there is no room (`presentation.limits`).
    """
    issues = [_error(report, message, options) for message in report.errors]
    issues += (_issue(report, annotation, options) for annotation in annotate(report))
    for word, lines in (("gone", gone_lines(report)), ("changed", change_lines(report))):
        issues += (_told(report, word, line, options) for line in lines)
    kept = fitting(issues, GITLAB_BYTES, lambda issue: len(json_text([issue]).encode("utf-8", "surrogatepass")))
    more = len(issues) - len(kept) + sum(rule.more_findings for rule in report.rules)
    if more:
        kept.append(_more(report, unlisted(more), options))
    return json_text(_unique(kept))


def _error(report: Report, message: str, options: RenderOptions) -> dict[str, Any]:
    return {
        "description": shorten(visible(message), TEXT),
        "check_name": f"{TOOL}-error",
        "fingerprint": _digest("error", message),
        "severity": "blocker",
        "location": _location(fallback_path(report, None, options), 1),
    }


def _told(report: Report, word: str, line: str, options: RenderOptions) -> dict[str, Any]:
    """Return an issue on what is no finding any more: its fingerprint is not that of the finding."""
    return {
        "description": shorten(visible(f"{word}: {line}"), TEXT),
        "check_name": f"{TOOL}-{word}",
        "fingerprint": _digest(word, line),
        "severity": "info",
        "location": _location(fallback_path(report, None, options), 1),
    }


def _more(report: Report, message: str, options: RenderOptions) -> dict[str, Any]:
    return {
        "description": message,
        "check_name": f"{TOOL}-more",
        "fingerprint": _digest("more"),
        "severity": "info",
        "location": _location(fallback_path(report, None, options), 1),
    }


def _issue(report: Report, annotation: Annotation, options: RenderOptions) -> dict[str, Any]:
    rule, finding = annotation.rule, annotation.finding
    path, line, _ = locate(report, rule, finding, options)
    return {
        "description": shorten(visible(annotation.message), TEXT),
        "check_name": visible(rule.id),
        "fingerprint": finding.fingerprint if finding else _digest("rule", rule.id),
        "severity": "info" if annotation.waived or annotation.known else _SEVERITIES.get(rule.effect, "info"),
        "location": _location(path, line),
    }


def _location(path: str | None, line: int) -> dict[str, Any]:
    return {"path": visible(path or _NO_PATH), "lines": {"begin": line}}


def _unique(issues: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the issues with unique fingerprints: GitLab merges those of the same one."""
    seen: dict[str, int] = {}
    for issue in issues:
        fingerprint = issue["fingerprint"]
        seen[fingerprint] = seen.get(fingerprint, 0) + 1
        if seen[fingerprint] > 1:
            issue["fingerprint"] = _digest(fingerprint, str(seen[fingerprint]))
    return issues


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


FORMAT = Format(
    help="GitLab code quality report",
    extension=".json",
    media_type="application/json",
    begins=("[]", '[{"description": "…", "check_name": "', '[{"check_name": "…", "description": "'),
    render=render,
)
