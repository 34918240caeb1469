"""A saved report → Report, with one clear line for whatever is no report (`ops-checks report FILE`)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, cast

from ops_checks.errors import InputError
from ops_checks.findings import Finding, Place, Verdict, unlisted
from ops_checks.report.background_json import parse_background
from ops_checks.report.model import (
    Bounds,
    Change,
    Comparison,
    InputRead,
    LeftOut,
    Metric,
    Report,
    RuleResult,
    Spread,
    Window,
)
from ops_checks.report.published import Published, shown
from ops_checks.report.serialize import SCHEMA_VERSION


@cache
def _published() -> Published:
    return Published("report", report_schema(), "make it again with `ops-checks check -f json=FILE`")


def report_schema() -> str:
    """Return the JSON Schema (2020-12) of the published report, as text."""
    return files("ops_checks.report").joinpath("schemas", "report.schema.json").read_text(encoding="utf-8")


def parse_report(text: str | bytes, name: str) -> Report:
    """Read a saved report; `name` is its file, for messages.

    Raises InputError, one line with `name`, the line and column or the path inside the JSON:
    not UTF-8, not JSON (cut off, NaN, a key twice, nested too deep), another version, a field
    that is missing or has the wrong type.
    """
    return from_json(_published().load(text, name), name)


def from_json(data: object, name: str = "report") -> Report:
    """Return the Report whose `to_json` is the JSON value `data`.

    Unknown fields are ignored. Raises InputError when `data` does not follow the schema.
    """
    if isinstance(data, dict) and data.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        found = shown(data["schema_version"])
        raise InputError(
            f"{name}: schema_version: this is a report of version {found}, this program reads {SCHEMA_VERSION}; "
            "use the ops-checks that wrote it, or make it again"
        )
    _published().must_follow(data, name)
    return _report(cast("dict[str, Any]", data), name)


def _report(data: dict[str, Any], name: str) -> Report:
    return Report(
        tool_version=data["tool"]["version"],
        created_ms=int(data["created_ms"]),
        verdict=Verdict(data["verdict"]),
        exit_code=int(data["exit_code"]),
        inputs=tuple(_input(read) for read in data["inputs"]),
        metrics=tuple(_metric(metric) for metric in data["metrics"]),
        rules=tuple(_rule(rule) for rule in data["rules"]),
        errors=tuple(data["errors"]),
        notes=tuple(data["notes"]),
        known=_known(data.get("known")),
        tz_minutes=_integer(data.get("zone_minutes")),
        timezone=data.get("timezone"),
        window=_window(data.get("window")),
        background=parse_background(data.get("background"), name),
        settings=data.get("settings"),
    )


def _window(data: dict[str, Any] | None) -> Window | None:
    return None if data is None else Window(_integer(data["begin_ms"]), _integer(data["end_ms"]))


def _known(data: dict[str, Any] | None) -> Comparison | None:
    if data is None:
        return None
    return Comparison(
        path=data["path"],
        created_ms=int(data["created_ms"]),
        gone=tuple(_finding(finding) for finding in data["gone"]),
        more_gone=int(data["more_gone"]),
        changes=tuple(Change(each["rule"], Verdict(each["verdict"]), each["value"]) for each in data["changes"]),
    )


def _input(data: dict[str, Any]) -> InputRead:
    return InputRead(
        kind=data["kind"],
        path=data["path"],
        state=data["state"],
        rows=_integer(data["rows"]),
        lines=_integer(data["lines"]),
        newest_event=data["newest_event"],
        first_ms=_integer(data["first_ms"]),
        last_ms=_integer(data["last_ms"]),
        note=data["note"],
        counted=_integer(data.get("counted")),
        left_out=_left_out(data.get("left_out")),
    )


def _left_out(data: dict[str, Any] | None) -> LeftOut | None:
    return None if data is None else LeftOut(*(int(data[name]) for name in LeftOut.__struct_fields__))


def _metric(data: dict[str, Any]) -> Metric:
    low, high = _interval(data["interval_95"])
    return Metric(
        data["name"],
        data["value"],
        data["unit"],
        int(data["samples"]),
        low,
        high,
        int(data.get("unread", 0)),
        intervals=tuple(Bounds(each["confidence"], each["low"], each["high"]) for each in data.get("intervals") or ()),
        spread=_spread(data.get("spread")),
    )


def _spread(data: dict[str, Any] | None) -> Spread | None:
    return None if data is None else Spread(data["deviation"], data["skewness"])


def _rule(data: dict[str, Any]) -> RuleResult:
    low, high = _interval(data["interval_95"])
    return RuleResult(
        id=data["id"],
        title=data["title"],
        help=data["help"],
        group=data["group"],
        severity=data["severity"],
        verdict=Verdict(data["verdict"]),
        message=data["message"],
        value=data["value"],
        operator=data["operator"],
        limit=data["limit"],
        unit=data["unit"],
        samples=_integer(data["samples"]),
        low=low,
        high=high,
        needed=_integer(data["needed"]),
        findings=tuple(_finding(finding) for finding in data["findings"]),
        more_findings=int(data["more_findings"]),
        counts_as=None if data["counts_as"] is None else Verdict(data["counts_as"]),
        since=_integer(data.get("since_ms")),
        unlisted=tuple(_unlisted(data["id"], each) for each in data.get("unlisted") or ()),
    )


def _unlisted(rule: str, data: dict[str, Any]) -> Finding:
    found = unlisted(rule, data["item"], data["field"], data["trace"])
    return found._replace(since=_integer(data.get("since_ms")))


def _finding(data: dict[str, Any]) -> Finding:
    return Finding(
        rule=data["rule"],
        message=data["message"],
        item=data["item"],
        field=data["field"],
        md=data["md"],
        db=data["db"],
        value=data["value"],
        trace=data["trace"],
        reason=data["reason"],
        places=tuple(_place(place) for place in data["places"]),
        suppressed=data["suppressed"],
        task=data.get("task"),
        owner=data.get("owner"),
        priority=data.get("priority"),
        since=_integer(data.get("since_ms")),
    )


def _place(data: dict[str, Any]) -> Place:
    return Place(data["path"], _integer(data["line"]), _integer(data["column"]), data["table"], data["key"])


def _interval(data: dict[str, Any] | None) -> tuple[float | None, float | None]:
    return (None, None) if data is None else (data["low"], data["high"])


def _integer(value: float | None) -> int | None:
    """Return an integer: to JSON Schema `3.0` is one too."""
    return None if value is None else int(value)
