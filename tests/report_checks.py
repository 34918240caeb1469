"""What every report must be, whoever made it: for tests of this package and for fixtures that check all reports."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from ops_checks.report.json_text import json_text
from ops_checks.report.parse import from_json, parse_report, report_schema
from ops_checks.report.serialize import to_json

if TYPE_CHECKING:
    from ops_checks.report.model import Report


@cache
def schema() -> dict[str, Any]:
    """Return the published schema."""
    return json.loads(report_schema())


@cache
def closed_validator() -> Draft202012Validator:
    """Return a validator that, unlike the published schema, refuses fields that the schema does not describe."""
    closed = copy.deepcopy(schema())
    for node in objects(closed):
        if "properties" in node:
            node["additionalProperties"] = False
    return Draft202012Validator(closed)


def objects(node: object) -> list[dict[str, Any]]:
    """Return every JSON object inside a JSON value, itself included."""
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return ([node] if isinstance(node, dict) else []) + [found for child in inside for found in objects(child)]


def assert_published(report: Report) -> dict[str, Any]:
    """Assert that a report's JSON follows the schema, describes every field, survives being saved; return the JSON."""
    data = to_json(report)
    error = next(closed_validator().iter_errors(data), None)
    assert error is None, f"{error.json_path}: {error.message}"
    text = json_text(data)
    assert json.loads(text.encode("utf-8")) == data
    again = parse_report(text, "report.json")
    assert again == from_json(data)
    assert to_json(again) == data
    return data
