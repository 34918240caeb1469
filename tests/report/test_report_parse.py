"""Reading a saved report: what `ops-checks report FILE` accepts, and the one line for everything else."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import EVERYTHING, SAMPLES

from ops_checks.errors import InputError
from ops_checks.report.json_text import json_text
from ops_checks.report.parse import from_json, parse_report
from ops_checks.report.serialize import to_json

SAVED = json_text(to_json(EVERYTHING))
AGAIN = "; make it again with `ops-checks check -f json=FILE`"


def error_of(text: str | bytes) -> InputError:
    """Return the error that reading ends in; it is one line, can be printed, and names the file."""
    with pytest.raises(InputError) as caught:
        parse_report(text, "r.json")
    message = caught.value.message
    assert "\n" not in message
    assert message.isprintable()
    assert message.startswith("r.json:")
    assert len(message) < 300
    assert caught.value.exit_code == 3
    return caught.value


@pytest.mark.parametrize("source", [SAVED, SAVED.encode("utf-8"), "\ufeff" + SAVED, b"\xef\xbb\xbf" + SAVED.encode()])
def test_text_and_bytes_are_read(source):
    """Text or bytes, with a byte order mark or without."""
    assert parse_report(source, "r.json") == EVERYTHING


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "r.json:1:1: not JSON: it ends too early" + AGAIN),
        ("  \n", "r.json:2:1: not JSON: it ends too early" + AGAIN),
        ('{"a": 1', "r.json:1:8: not JSON: it ends too early" + AGAIN),
        ('{\n "a" 1}', "r.json:2:6: not JSON: expecting ':' delimiter" + AGAIN),
        ("{} {}", "r.json:1:4: not JSON: extra data" + AGAIN),
        ('{"value":\n NaN}', "r.json:2:2: not JSON: NaN is no number" + AGAIN),
        ('{"NaN": -Infinity}', "r.json:1:9: not JSON: -Infinity is no number" + AGAIN),
        ('{"a": [1e999]}', "r.json:1:8: not JSON: the number 1e999 is too large" + AGAIN),
        ('{"a": 1, "a": 2}', "r.json: not JSON: the key a stands twice in one object" + AGAIN),
        (b"{\n\xff}", "r.json:2: not UTF-8 (byte 2)" + AGAIN),
        ("{}".encode("utf-16"), "r.json:1: not UTF-8 (byte 0)" + AGAIN),
        ("[" * 100_000, "r.json: no report: nested too deep" + AGAIN),
        ('{"schema_version": ' + "[" * 100_000, "r.json: no report: nested too deep" + AGAIN),
        ("[]", "r.json: the whole: expected an object, found a list" + AGAIN),
        ("null", "r.json: the whole: expected an object, found null" + AGAIN),
        ('"report"', "r.json: the whole: expected an object, found report" + AGAIN),
        ("{}", "r.json: the whole: schema_version is missing" + AGAIN),
        (
            '{"schema_version": "2.0"}',
            "r.json: schema_version: this is a report of version 2.0, this program reads 1.0; "
            "use the ops-checks that wrote it, or make it again",
        ),
        (
            '{"schema_version": {"\\u001b": 1}}',
            "r.json: schema_version: this is a report of version an object, this program reads 1.0; "
            "use the ops-checks that wrote it, or make it again",
        ),
    ],
    ids=range(19),
)
def test_what_is_no_report(text, message):
    """Cut off, not JSON, not UTF-8, nested, or another version: one line with the place."""
    assert error_of(text).message == message


def test_a_number_of_5000_digits():
    """An integer that Python itself refuses to read is too large, at its place."""
    message = error_of('{"a":\n  ' + "9" * 5000 + "}").message
    assert message == f"r.json:2:3: not JSON: the number {'9' * 40}… is too large{AGAIN}"


@pytest.mark.parametrize("end", range(0, len(SAVED) - 2, 97))
def test_truncated_anywhere(end):
    """A report cut off anywhere is no report, and the message names the end."""
    assert "not JSON" in error_of(SAVED[:end]).message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("verdict",), "good", "verdict: expected one of pass, insufficient, warn, fail, error, found good"),
        (("exit_code",), "1", "exit_code: expected an integer, found 1"),
        (("exit_code",), True, "exit_code: expected an integer, found true"),
        (("exit_code",), -1, "exit_code: -1 is out of range (minimum 0)"),
        (("created_ms",), 10**18, f"created_ms: {10**18} is out of range (maximum 253402300799999)"),
        (("created",), "today", "created: today is not of the form"),
        (("tool",), None, "tool: expected an object, found null"),
        (("tool", "name"), "zizmor", "tool.name: expected ops-checks, found zizmor"),
        (("rules",), {}, "rules: expected a list, found an object"),
        (("errors",), [1], "errors[0]: expected a text, found 1"),
        (("rules", 0, "value"), "4", "rules[0].value: expected a number or null, found 4"),
        (("rules", 0, "findings", 0, "places", 0, "line"), 0, "rules[0].findings[0].places[0].line: 0 is out of range"),
        (("rules", 0, "findings", 0, "places", 0, "line"), 1.5, "expected an integer or null, found 1.5"),
        (("rules", 0, "message"), ["x" * 1_000_000], "rules[0].message: expected a text, found a list"),
        (("metrics", 0, "samples"), "\x1b" * 100, "metrics[0].samples: expected an integer, found \\x1b"),
        (("rules", 0, "counts_as"), "maybe", "rules[0].counts_as: expected one of pass,"),
    ],
)
def test_wrong_values(path, value, message):
    """A wrong type or value is named by its path in the JSON, and what was expected."""
    data = copy.deepcopy(to_json(EVERYTHING))
    node = data
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert message in error_of(json.dumps(data)).message


@pytest.mark.parametrize("key", sorted(set(to_json(EVERYTHING)) - {"policy", "settings"}))
def test_missing_fields(key):
    """Every field must be there."""
    data = to_json(EVERYTHING)
    del data[key]
    assert error_of(json.dumps(data)).message == f"r.json: the whole: {key} is missing{AGAIN}"


def test_a_report_from_before_the_policy_was_in_it():
    """A report of the same version that lacks a field which was added later is read, and names no policy."""
    data = to_json(EVERYTHING)
    del data["policy"]
    assert to_json(parse_report(json.dumps(data), "r.json")) == {**data, "policy": None}


def test_unknown_fields_are_ignored():
    """A later program of the same schema version may have added fields, at any level."""
    data = to_json(EVERYTHING)
    for node in (data, data["rules"][0], data["rules"][0]["findings"][0], data["inputs"][0], data["metrics"][0]):
        node["later"] = {"anything": [1, None]}
    assert parse_report(json.dumps(data), "r.json") == EVERYTHING


def test_whole_numbers_written_with_a_point():
    """`3.0` is an integer to JSON Schema, and so it is here."""
    data = json.loads(json_text(to_json(EVERYTHING)), parse_int=float)
    read = from_json(data)
    assert read == EVERYTHING
    assert isinstance(read.exit_code, int)


def _paths(node: object) -> list[tuple[object, ...]]:
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [(key, *rest) for key, child in inside for rest in [(), *_paths(child)]]


_SMALL = to_json(SAMPLES["waived"])
_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(_paths(_SMALL)), _JUNK)
def test_any_value_anywhere(path, junk):
    """Any value at any path of a report is read or ends in the one error."""
    data = copy.deepcopy(_SMALL)
    node = data
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = junk
    message = ""
    try:
        parse_report(json.dumps(data), "r.json")
    except InputError as error:
        message = error.message
    assert message.isprintable()


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(source):
    """Any bytes in, no traceback out."""
    assert error_of(source).details == ()
