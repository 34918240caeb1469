"""Report → its published JSON (`schemas/report.schema.json`): a mapping of its own, independent of the classes.

Within a schema version fields may be added here; a field whose name, type or meaning changes
takes a new version.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from ops_checks.report.background_json import background_json
from ops_checks.report.summary import known_findings, live_findings, new_findings, rules_by_verdict, waived_findings

if TYPE_CHECKING:
    from ops_checks.findings import Finding, Place
    from ops_checks.report.model import Bounds, Comparison, InputRead, Metric, Report, RuleResult

SCHEMA_VERSION = "1.0"
TOOL = "ops-checks"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = 2**53  # integers up to here are the same as a double


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as the JSON object that `report.schema.json` describes; `parse.from_json` reads it back."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": TOOL, "version": report.tool_version},
        "created": iso_utc(report.created_ms),
        "created_ms": report.created_ms,
        "verdict": report.verdict.value,
        "exit_code": report.exit_code,
        "summary": {
            "rules": {verdict.value: count for verdict, count in rules_by_verdict(report).items()},
            "findings": live_findings(report),
            "suppressed": waived_findings(report),
            **({"known": known_findings(report), "new": new_findings(report)} if report.known else {}),
        },
        "policy": _policy(report),
        "inputs": [_input(read) for read in report.inputs],
        "metrics": [_metric(metric) for metric in report.metrics],
        "rules": [_rule(rule) for rule in report.rules],
        "errors": list(report.errors),
        "notes": list(report.notes),
        **({} if report.known is None else {"known": _known(report.known)}),
        **({} if report.tz_minutes is None else {"zone_minutes": report.tz_minutes}),
        **({} if report.timezone is None else {"timezone": report.timezone}),
        **({} if report.window is None else {"window": asdict(report.window)}),
        **({} if report.background is None else {"background": background_json(report.background, number)}),
        **({} if report.settings is None else {"settings": dict(report.settings)}),
    }


def iso_utc(epoch_ms: int) -> str | None:
    """Return epoch milliseconds as ISO 8601 in UTC with milliseconds, or None outside of the years 1 to 9999."""
    try:
        moment = _EPOCH + timedelta(milliseconds=epoch_ms)
    except OverflowError:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _policy(report: Report) -> dict[str, Any] | None:
    """Return path and digest of the policy among the inputs, both null where it is no file."""
    read = next((read for read in report.inputs if read.kind == "policy"), None)
    return None if read is None else {"path": read.path or None, "digest": read.state}


def _known(known: Comparison) -> dict[str, Any]:
    return {
        "path": known.path,
        "created": iso_utc(known.created_ms),
        "created_ms": known.created_ms,
        "gone": [_finding(finding) for finding in known.gone],
        "more_gone": known.more_gone,
        "changes": [
            {"rule": each.rule, "verdict": each.verdict.value, "value": number(each.value)} for each in known.changes
        ],
    }


def _input(read: InputRead) -> dict[str, Any]:
    return {
        "kind": read.kind,
        "path": read.path,
        "state": read.state,
        "rows": read.rows,
        "lines": read.lines,
        "newest_event": read.newest_event,
        "first": None if read.first_ms is None else iso_utc(read.first_ms),
        "first_ms": read.first_ms,
        "last": None if read.last_ms is None else iso_utc(read.last_ms),
        "last_ms": read.last_ms,
        "note": read.note,
        "counted": read.counted,
        "left_out": None if read.left_out is None else asdict(read.left_out),
    }


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "value": number(metric.value),
        "unit": metric.unit,
        "samples": metric.samples,
        "interval_95": _interval(metric.low, metric.high),
        **({"unread": metric.unread} if metric.unread else {}),
        **({"intervals": [_bounds(each) for each in metric.intervals]} if metric.intervals else {}),
        **({} if metric.spread is None else {"spread": asdict(metric.spread)}),
    }


def _bounds(bounds: Bounds) -> dict[str, Any]:
    return {"confidence": bounds.confidence, "low": number(bounds.low), "high": number(bounds.high)}


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": rule.id,
        "title": rule.title,
        "help": rule.help,
        "group": rule.group,
        "severity": rule.severity,
        "verdict": rule.verdict.value,
        "counts_as": None if rule.counts_as is None else rule.counts_as.value,
        "message": rule.message,
        "value": number(rule.value),
        "operator": rule.operator,
        "limit": number(rule.limit),
        "unit": rule.unit,
        "samples": rule.samples,
        "interval_95": _interval(rule.low, rule.high),
        "needed": rule.needed,
        "findings": [_finding(finding) for finding in rule.findings],
        "more_findings": rule.more_findings,
        **({"unlisted": [_unlisted(finding) for finding in rule.unlisted]} if rule.unlisted else {}),
        **_since(rule.since),
    }


def _unlisted(finding: Finding) -> dict[str, Any]:
    """Return what a finding is found again by: its message and its places are not published."""
    return {
        "fingerprint": finding.fingerprint,
        "item": finding.item,
        "field": finding.field,
        "trace": finding.trace,
        **_since(finding.since),
    }


def _since(since: int | None) -> dict[str, int]:
    """Return when something was first seen, where it is known."""
    return {} if since is None else {"since_ms": since}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "fingerprint": finding.fingerprint,
        "rule": finding.rule,
        "message": finding.message,
        "item": finding.item,
        "field": finding.field,
        "md": finding.md,
        "db": finding.db,
        "value": number(finding.value),
        "trace": finding.trace,
        "reason": finding.reason,
        "places": [_place(place) for place in finding.places],
        "suppressed": finding.suppressed,
        **_item_of(finding),
        **_since(finding.since),
    }


def _item_of(finding: Finding) -> dict[str, str]:
    """Return what the queue says of the item, where a rule of the queue found it."""
    known = {"task": finding.task, "owner": finding.owner, "priority": finding.priority}
    return {name: text for name, text in known.items() if text is not None}


def _place(place: Place) -> dict[str, Any]:
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "table": place.table,
        "key": place.key,
    }


def _interval(low: float | None, high: float | None) -> dict[str, Any] | None:
    return None if low is None and high is None else {"low": number(low), "high": number(high)}


def number(value: float | None) -> float | None:
    """Return a number that JSON readers read as it is: no infinity, no NaN, no integer beyond a double's precision."""
    if isinstance(value, int) and abs(value) > _EXACT:
        try:
            value = float(value)
        except OverflowError:
            return None
    return value if value is not None and math.isfinite(value) else None
