"""The background in the published JSON: there only where it was collected, frozen, and read back as it was."""

from __future__ import annotations

import copy
import json
import math

import pytest
from hypothesis import given
from msgspec.structs import replace
from report_checks import assert_published
from report_samples import BACKGROUNDS, report

from ops_checks.errors import InputError
from ops_checks.report.background import (
    Background,
    Bin,
    Breakdown,
    BreakdownRow,
    FieldDrift,
    Lane,
    Point,
    Span,
    StatesAt,
    Timeline,
)
from ops_checks.report.json_text import json_text
from ops_checks.report.parse import from_json, parse_report
from ops_checks.report.serialize import to_json

FULL = Background(
    timelines=(Timeline("runs", "count", "Runs", 3_600_000, (Point(0, 1.5, 0, None, 2),), "<=", 3, 0, None),),
    latency=(Bin(10, 20.5, 3),),
    states=(StatesAt(0, {"DONE": 2}),),
    lanes=(Lane("s1", (Span("A-1", 0), Span("A-2", 0, 60_000)), 4),),
    more_lanes=5,
    breakdowns=(Breakdown("command", (BreakdownRow("done", 4, 1, 0.25, None),), 6),),
    drift=(FieldDrift("A-1", "status", "DONE", None, None, "done by s1"),),
    notes=("one",),
)
PUBLISHED = {
    "timelines": [
        {
            "metric": "runs",
            "unit": "count",
            "title": "Runs",
            "step_ms": 3_600_000,
            "points": [{"at_ms": 0, "value": 1.5, "low": 0, "high": None, "samples": 2}],
            "operator": "<=",
            "limit": 3,
            "window_start_ms": 0,
            "window_end_ms": None,
        }
    ],
    "latency": [{"low": 10, "high": 20.5, "count": 3}],
    "states": [{"at_ms": 0, "counts": {"DONE": 2}}],
    "lanes": [
        {
            "owner": "s1",
            "spans": [
                {"item": "A-1", "start_ms": 0, "end_ms": None},
                {"item": "A-2", "start_ms": 0, "end_ms": 60_000},
            ],
            "more": 4,
        }
    ],
    "more_lanes": 5,
    "breakdowns": [
        {
            "by": "command",
            "rows": [{"name": "done", "runs": 4, "failed": 1, "failure_rate": 0.25, "p95": None}],
            "more": 6,
        }
    ],
    "drift": [
        {
            "item": "A-1",
            "field": "status",
            "markdown": "DONE",
            "database": None,
            "md_blame": None,
            "db_blame": "done by s1",
        }
    ],
    "notes": ["one"],
}


def test_the_mapping_is_frozen():
    """Version 1.0 of the background, field by field: a change here needs a new version, an addition does not."""
    assert assert_published(report(background=FULL))["background"] == PUBLISHED


def test_it_is_there_only_where_it_was_collected():
    """A report of which no format wanted it is as before; one of an earlier program is read as before."""
    plain = report()
    assert "background" not in assert_published(plain)
    assert from_json(to_json(plain)).background is None
    assert from_json(to_json(plain) | {"background": None}) == plain
    assert from_json(to_json(report(background=Background()))).background == Background()


def test_a_later_program_may_add_fields():
    """What this program does not know is ignored, and whole numbers may be written with a fraction of zero."""
    data = copy.deepcopy(to_json(report(background=FULL)))
    data["background"] |= {"more": 1, "more_lanes": 5.0}
    data["background"]["states"][0] |= {"more": 1, "at_ms": 0.0, "counts": {"DONE": 2.0}}
    assert from_json(data).background == FULL


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("lanes",), {}, "background.lanes: expected a list, found an object"),
        (("states", 0, "counts", "DONE"), -1, "background.states[0].counts.DONE: -1 is out of range (minimum 0)"),
        (("states", 0, "counts", "DONE"), "2", "background.states[0].counts.DONE: expected an integer, found 2"),
        (("timelines", 0, "points", 0, "value"), "x", "points[0].value: expected a number or null, found x"),
        (("drift", 0, "item"), None, "background.drift[0].item: expected a text, found null"),
        (("more_lanes",), 1.5, "background.more_lanes: expected an integer, found 1.5"),
        (("more_lanes",), 1e300, "r.json: background: Expected `int`, got `float` - at `$.more_lanes`"),
    ],
)
def test_wrong_values(path, value, message):
    """A wrong type or value is named by its path."""
    data = copy.deepcopy(to_json(report(background=FULL)))
    node = data["background"]
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    with pytest.raises(InputError) as caught:
        parse_report(json.dumps(data), "r.json")
    assert message in caught.value.message


def test_numbers_are_json_numbers():
    """What is no number to JSON is null."""
    odd = replace(FULL, latency=(), breakdowns=(), timelines=(Timeline("m", "u", "t", 1, (Point(0, math.inf),)),))
    data = assert_published(report(background=odd))
    assert data["background"]["timelines"][0]["points"][0]["value"] is None


@given(BACKGROUNDS)
def test_parsing_inverts_serializing_a_background(background):
    """For any background: it comes back equal, follows the schema, and its text is UTF-8."""
    sample = report(background=background)
    assert from_json(assert_published(sample)) == sample
    json_text(to_json(sample)).encode("utf-8")
