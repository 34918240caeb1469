"""The policy's schema is valid, closed, described, and uses the program's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from ops_checks.model import FIELDS, STATUSES
from ops_checks.policy.model import DEFAULT_THRESHOLDS
from ops_checks.policy.schema import policy_schema
from ops_checks.rules.drift.rules import DRIFT_RULES as DRIFT
from ops_checks.rules.history.rules import HISTORY_RULES
from ops_checks.rules.queue.rules import ROW_RULES

if TYPE_CHECKING:
    from ops_checks.rules.rule import Threshold

SCHEMA = policy_schema()
DRIFT_RULES = tuple(rule.id for rule in DRIFT)
HISTORY = tuple(rule.id for rule in HISTORY_RULES)


def subschemas(node: object):
    """Yield every mapping of the schema that describes a value."""
    if isinstance(node, dict):
        if not {"properties", "$defs"} & node.keys() or "type" in node:
            yield node
        for name, inner in node.items():
            if name in ("properties", "$defs"):
                for named in inner.values():
                    yield from subschemas(named)
            elif name not in ("examples", "enum", "const"):
                yield from subschemas(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from subschemas(inner)


def properties():
    """Yield every key that a policy may hold, with its schema."""
    for node in subschemas(SCHEMA):
        for name, schema in node.get("properties", {}).items():
            yield pytest.param(schema, id=name)


def test_schema_is_one():
    """The schema keeps the rules of JSON Schema 2020-12."""
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_no_mapping_is_open():
    """No mapping takes keys that are not described."""
    mappings = [node for node in subschemas(SCHEMA) if node.get("type") == "object"]
    assert len(mappings) == 16
    assert all(node["additionalProperties"] is False for node in mappings)


@pytest.mark.parametrize("schema", list(properties()))
def test_every_key_is_described(schema: dict[str, object]):
    """Every key has a description that is a sentence, and examples that are valid."""
    assert re.fullmatch(r"[A-Z].*\.", str(schema["description"]))
    examples = schema["examples"]
    assert isinstance(examples, list)
    assert examples
    validator = Draft202012Validator({**schema, "$defs": SCHEMA["$defs"]})
    assert [list(validator.iter_errors(value)) for value in examples] == [[] for _ in examples]


def test_no_pattern_ends_before_a_newline():
    """`$` also matches before a last newline in Python; every pattern says that none may follow, in ECMA's words."""
    patterns = [node["pattern"] for node in subschemas(SCHEMA) if "pattern" in node]
    assert len(patterns) == 14
    for pattern in patterns:
        assert not re.search(r"\$(?!\(\?!\\n\))", pattern)
        assert not re.search(r"\\[AZzd]", pattern)


METRICS = [
    *("failure_rate", "success_rate"),
    *("latency_p50_ms", "latency_p90_ms", "latency_p95_ms", "latency_p99_ms", "latency_avg_ms", "latency_max_ms"),
    *("retry_count", "stale_in_progress", "blocked", "pending", "oldest_pending_minutes"),
    *("malformed_lines", "unfinished_runs"),
]


def test_schema_knows_the_words():
    """The schema's lists are those of the program: fields, statuses, metrics and rules."""
    definitions = SCHEMA["$defs"]
    thresholds = definitions["kpi"]["properties"]["thresholds"]["properties"]
    consistency = definitions["consistency"]["properties"]
    assert tuple(consistency["fields"]["anyOf"][1]["items"]["enum"]) == FIELDS[1:]
    assert tuple(definitions["waiver"]["properties"]["field"]["enum"]) == FIELDS[1:]
    assert tuple(consistency["ignore_statuses"]["items"]["enum"]) == STATUSES
    assert tuple(consistency["severity"]["properties"]) == DRIFT_RULES
    assert list(thresholds) == METRICS
    assert tuple(definitions["history"]["properties"]["severity"]["properties"]) == HISTORY
    rules = [*DRIFT_RULES, *(name.replace("_", "-") for name in METRICS), *(rule.id for rule in ROW_RULES), *HISTORY]
    assert definitions["waiver"]["properties"]["rule"]["anyOf"][0]["enum"] == rules
    assert definitions["rule"]["properties"]["needs"]["items"]["enum"] == ["items", "events", "runs"]
    assert set(DEFAULT_THRESHOLDS) <= set(METRICS)


@pytest.mark.parametrize(("name", "default"), DEFAULT_THRESHOLDS.items())
def test_described_defaults(name: str, default: Threshold):
    """The default of a limit is told where the metric is described."""
    described = SCHEMA["$defs"]["kpi"]["properties"]["thresholds"]["properties"][name]["description"]
    assert described.endswith(f"Default: `max: {default.max:g}`.")
