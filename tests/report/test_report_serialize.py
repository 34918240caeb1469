"""The report's published JSON and its schema."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from report_checks import assert_published, objects, schema
from report_samples import EVERYTHING, HOSTILE, REPORTS, SAMPLES, hostile, rate, report

from ops_checks.findings import Verdict
from ops_checks.presentation.wording import input_size
from ops_checks.report.json_text import json_text
from ops_checks.report.model import InputRead, LeftOut, Metric
from ops_checks.report.parse import from_json, parse_report
from ops_checks.report.serialize import iso_utc, to_json

#: Fields that an earlier program of the same version did not write.
ADDED = {
    "policy", "counted", "left_out", "task", "owner", "priority",
    "background", "intervals", "known", "new", "since_ms", "spread", "timezone", "unlisted", "window", "zone_minutes",
    "settings", "unread",
}  # fmt: skip


def test_schema_is_valid():
    """The schema is itself valid JSON Schema 2020-12."""
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_field_is_described_and_required():
    """Every field of the schema has a description, is always there but in older reports, and more fields may come."""
    nodes = [node for node in objects(schema()) if "properties" in node and "type" in node]
    assert len(nodes) == 28
    for node in nodes:
        added = ADDED - {"owner"} if "spans" in node["properties"] else ADDED  # a lane always has one
        assert set(node["required"]) == set(node["properties"]) - added
        assert node["additionalProperties"] is True
        for name, field in node["properties"].items():
            described = field.get("description") or schema()["$defs"][field["$ref"].rsplit("/", 1)[1]]["description"]
            assert described, name


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_published(name):
    """A report of each verdict and each kind of finding follows the schema and comes back equal."""
    sample = SAMPLES[name]
    assert from_json(assert_published(sample)) == sample


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_back_equal(text):
    """The text of a published field, lone surrogates too, is the same after saving and reading."""
    sample = replace(hostile(text), hints=())
    assert parse_report(json_text(to_json(sample)).encode("utf-8"), "r.json") == sample
    assert_published(sample)


@given(REPORTS)
def test_parsing_inverts_serializing(sample):
    """For any report: from_json(to_json(r)) == r, the text is UTF-8, and the schema holds."""
    assert from_json(assert_published(sample)) == sample
    json_text(to_json(sample)).encode("utf-8")


def test_other_readers_agree():
    """A strict JSON reader that is not Python's finds the same values."""
    data = to_json(EVERYTHING)
    assert msgspec.json.decode(json_text(data)) == data


def test_published_mapping_is_frozen():
    """Version 1.0 of the mapping, field by field: a change here needs a new version, an addition does not."""
    sample = report(rate(Verdict.FAIL), inputs=(), metrics=(Metric("m", 1, "ms", 2, None, 3),))
    data = to_json(sample)
    assert {key: value for key, value in data.items() if key != "rules"} == {
        "schema_version": "1.0",
        "tool": {"name": "ops-checks", "version": "0.1.0"},
        "created": "2026-01-01T00:00:00.123Z",
        "created_ms": 1767225600123,
        "verdict": "fail",
        "exit_code": 2,
        "summary": {
            "rules": {"pass": 0, "insufficient": 0, "warn": 0, "fail": 1, "error": 0},
            "findings": 0,
            "suppressed": 0,
        },
        "policy": None,
        "inputs": [],
        "metrics": [
            {"name": "m", "value": 1, "unit": "ms", "samples": 2, "interval_95": {"low": None, "high": 3}},
        ],
        "errors": [],
        "notes": [],
    }
    assert data["rules"] == [
        {
            "id": "failure-rate",
            "title": "The title of failure-rate",
            "help": "Do what failure-rate asks for.",
            "group": "kpi",
            "severity": "error",
            "verdict": "fail",
            "counts_as": None,
            "message": "failure-rate says fail",
            "value": 0.5,
            "operator": "<=",
            "limit": 0.2,
            "unit": "ratio",
            "samples": 40,
            "interval_95": {"low": 0.3523, "high": 0.6477},
            "needed": None,
            "findings": [],
            "more_findings": 0,
        }
    ]
    finding = to_json(SAMPLES["waived"])["rules"][0]["findings"][0]
    assert finding == {
        "fingerprint": "91a2a285783fd57567681d2733688f98",
        "rule": "field-mismatch",
        "message": "ORCH-102 differs",
        "item": "ORCH-8",
        "field": "status",
        "md": "IN_PROGRESS",
        "db": "DONE",
        "value": None,
        "trace": None,
        "reason": None,
        "places": [{"path": "ops/QUEUE.md", "line": 10, "column": 2, "table": None, "key": None}],
        "suppressed": "agreed with the team",
    }
    assert to_json(SAMPLES["pass"])["inputs"][2] == {
        "kind": "log",
        "path": "ops/runs.jsonl",
        "state": None,
        "rows": None,
        "lines": 200,
        "newest_event": None,
        "first": "2025-12-31T23:59:00.123Z",
        "first_ms": 1767225540123,
        "last": "2026-01-01T00:00:00.123Z",
        "last_ms": 1767225600123,
        "note": None,
        "counted": None,
        "left_out": None,
    }


def test_what_was_left_out_is_published():
    """What was read of an input and does not count stands beside what does, and comes back equal."""
    read = InputRead("log", "l", lines=200, counted=190, left_out=LeftOut(outside_window=8, repeated=2))
    sample = report(rate(Verdict.FAIL), inputs=(read,))
    (data,) = assert_published(sample)["inputs"]
    assert data["left_out"] == {"outside_window": 8, "undated": 0, "repeated": 2}
    assert from_json(to_json(sample)) == sample
    assert input_size(read) == " (200 lines, 190 runs counted, not counted: 8 outside the window, 2 repeated)"


@pytest.mark.parametrize(
    ("value", "published"),
    [
        (None, None),
        (0, 0),
        (0.2, 0.2),
        (9999, 9999),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (10**25, 1e25),
        (10**400, None),
    ],
)
def test_numbers_are_json_numbers(value, published):
    """JSON has neither NaN nor infinity, and nothing that a reader would round."""
    data = to_json(report(rate(Verdict.FAIL, value=value, low=value)))
    assert data["rules"][0]["value"] == published
    assert data["rules"][0]["interval_95"]["low"] == published
    assert_published(report(rate(Verdict.FAIL, value=value)))


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_767_225_600_123, "2026-01-01T00:00:00.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, None),
        (2**63, None),
        (10**30, None),
        (-(10**30), None),
    ],
)
def test_iso_utc(ms, text):
    """Times are ISO 8601 in UTC, and none for what is no time."""
    assert iso_utc(ms) == text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("대기열", '"대기열"'),
        ("\x1b[31m\x9b", r'"\u001b[31m\u009b"'),
        ("a\u2028\u202e\u00a0", r'"a\u2028\u202e\u00a0"'),
        ("\ud800", r'"\ud800"'),
        ("\U000e0041", r'"\udb40\udc41"'),
        ("##[group]", r'"#\u0023[group]"'),
        ("###[a", r'"##\u0023[a"'),
        ("\\##[", r'"\\#\u0023["'),
    ],
)
def test_json_text_is_safe_to_print(value, written):
    """The text has no control or format character and no command of GitHub's runner; readers get the same value."""
    assert json_text(value) == written + "\n"
    assert json.loads(json_text(value)) == value
