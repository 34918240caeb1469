"""The JSON Schema (2020-12) of a policy, with the rules, metrics and fields filled in from their tables."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from msgspec.json import decode

from ops_checks.findings import CONSISTENCY, HISTORY
from ops_checks.model import FIELDS, STATUSES
from ops_checks.rules.own.model import NEEDS
from ops_checks.rules.queue.rules import ROW_CHECKS
from ops_checks.rules.registry import BY_GROUP, BY_METRIC, WAIVABLE
from ops_checks.runlog.engines import EXPECTED, PATTERN

#: `importlib.resources` would take longer to import than all else that a plain policy takes.
_PUBLISHED = os.path.join(os.path.dirname(__file__), "schemas", "policy.schema.json")
#: Examples of limits on a change, by the definition of each.
_CHANGES: dict[str, tuple[Any, ...]] = {
    "time_increase": ({"max_increase": "10%"}, {"max_increase": 250, "confidence": 0.99, "severity": "warning"}),
    "rate_increase": ({"max_increase": 0.05},),
    "rate_decrease": ({"max_decrease": 0.05, "against": "previous"},),
}
_COMPARABLE = list(FIELDS[1:])


def policy_schema_text() -> str:
    """Return the schema of a policy as JSON text; it describes every key."""
    import json

    return json.dumps(policy_schema(), ensure_ascii=False, indent=2) + "\n"


@cache
def policy_schema() -> dict[str, Any]:
    """Return the schema of a policy as a JSON value."""
    with open(_PUBLISHED, "rb") as file:
        schema: dict[str, Any] = decode(file.read())
    parts = schema["$defs"]
    consistency, waiver = parts["consistency"]["properties"], parts["waiver"]["properties"]
    history = parts["history"]["properties"]
    consistency["fields"]["anyOf"][1]["items"]["enum"] = _COMPARABLE
    consistency["ignore_statuses"]["items"]["enum"] = list(STATUSES)
    for severity, group in ((consistency["severity"], CONSISTENCY), (history["severity"], HISTORY)):
        severity["properties"] = {
            rule.id: _described(rule.summary, "drift_severity", rule.examples) for rule in BY_GROUP[group.id]
        }
    parts["kpi"]["properties"]["thresholds"]["properties"] = {
        metric: _described(rule.summary, "rate_limits" if rule.unit == "ratio" else "limits", rule.examples)
        for metric, rule in BY_METRIC.items()
    }
    parts["kpi"]["properties"]["regression"]["properties"] = {
        metric: _described(f"How much worse `{metric}` may be than it was.", rule.change, _CHANGES[rule.change])
        for metric, rule in BY_METRIC.items()
        if rule.change
    }
    parts["kpi"]["properties"]["engine"] |= {"title": EXPECTED, "pattern": PATTERN}
    rule = parts["rule"]["properties"]
    rule["id"]["examples"] = [check.rule.id for check in ROW_CHECKS]
    rule["needs"]["items"]["enum"] = list(NEEDS)
    waiver["rule"]["anyOf"][0]["enum"] = list(WAIVABLE)
    waiver["field"]["enum"] = _COMPARABLE
    return schema


def _described(summary: str, definition: str, examples: tuple[Any, ...]) -> dict[str, Any]:
    return {"description": summary, "$ref": f"#/$defs/{definition}", "examples": list(examples)}
