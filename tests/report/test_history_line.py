"""The line of a gate run: exact bytes, its schema, and what is no line of ours or a part of one."""

from __future__ import annotations

import json

import pytest
from gate_runs import RUNS, small_report, small_run
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from report_samples import KNOWN, ONLY_IN_MD, WAIVED

from ops_checks.findings import Verdict, unlisted
from ops_checks.report.gate_run import FINGERPRINTS, run_of
from ops_checks.report.history_line import (
    FOREIGN,
    NEWER,
    RUN,
    TORN,
    history_line,
    history_schema,
    is_history,
    read_line,
)
from ops_checks.report.model import RuleResult

LINE = history_line(small_run())
SCHEMA = json.loads(history_schema())
VALIDATOR = Draft202012Validator(SCHEMA)


def test_the_bytes() -> None:
    """A line is one JSON object that begins with its schema, and ends with its only line break."""
    assert LINE == (
        b'{"schema": "ops-checks/history/1", "at": "2026-01-01T00:00:00.123Z", "at_ms": 1767225600123, '
        b'"verdict": "fail", "exit_code": 2, "tool": "1.0", "policy": null, "window": '
        b'{"begin_ms": 1767222000123, "end_ms": null}, '
        b'"settings": {"kpi.window": 3600}, "metrics": [{"name": "failure_rate", "value": 0.25, "unit": "ratio", '
        b'"samples": 40, "low": 0.1, "high": 0.5, "unread": 0}], "rules": [{"id": "failure-rate", "group": "kpi", '
        b'"severity": "error", "verdict": "fail", "counts_as": "fail", "value": 0.25, "operator": "<=", "limit": 0.2, '
        b'"unit": "ratio", "samples": 40, "new": 0, "known": 0, "waived": 0, "is_known": false, "fingerprints": [], '
        b'"more": 0}], "errors": 0}\n'
    )


def test_the_schema() -> None:
    """It is valid, and describes every key of a line, at every depth."""
    Draft202012Validator.check_schema(SCHEMA)
    line = json.loads(LINE)
    assert list(line) == list(SCHEMA["properties"]) == SCHEMA["required"]
    for name, part in (("metric", line["metrics"][0]), ("rule", line["rules"][0])):
        assert list(part) == list(SCHEMA["$defs"][name]["properties"]) == SCHEMA["$defs"][name]["required"]


@given(RUNS)
def test_reading_inverts_writing(run) -> None:
    """For any run: the line follows the schema, is one line of printable text, and is read as the run that it was."""
    line = history_line(run)
    assert line.endswith(b"\n")
    assert line[:-1].decode().isprintable()
    assert (error := next(VALIDATOR.iter_errors(json.loads(line)), None)) is None, error
    assert read_line(line[:-1]) == (RUN, run)
    assert is_history(line)


@given(RUNS, st.data())
def test_a_line_that_is_cut_off(run, data) -> None:
    """Wherever it is: it is no run, and what it is a part of is known, so that the next one may follow."""
    line = history_line(run)
    head = line[: data.draw(st.integers(1, len(line) - 2))]
    assert read_line(head) == (TORN, None)
    assert is_history(head)
    assert is_history(head + b"\n" + line)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (LINE.replace(b"history/1", b"history/2"), NEWER),
        (b'{"schema": "ops-checks/history/2", "at": 7}', NEWER),
        (b'{"schema": "ops-checks/history/1"}', FOREIGN),
        (LINE.replace(b'"exit_code": 2', b'"exit_code": "2"'), FOREIGN),
        (LINE.replace(b'1767225600123, "verdict', b'1767225600123000, "verdict'), FOREIGN),  # microseconds
        (LINE.replace(b'"verdict": "fail", "exit', b'"verdict": "good", "exit'), FOREIGN),
        (LINE.replace(b'"waived": 0', b'"waived": 1' + b"0" * 400), FOREIGN),  # no number to compute with
        (LINE[:-2] + b', "more_to_come": {"a": [1]}}\n', RUN),
        (b'{"event": "run_end", "command": "done"}', FOREIGN),
        (b"# Queue", FOREIGN),
        (b"\x00" * 30, FOREIGN),
        (b'{"schema": "ops-checks/history/1", "a": ' + b"[" * 100_000, TORN),
        (b'{"schema": "ops-checks/history/1", "at_ms": NaN}', TORN),
        (LINE[:50] + b"\xff" + LINE[51:], TORN),
        (LINE[:50] + LINE, TORN),
    ],
)  # fmt: skip
def test_what_a_line_is(line: bytes, what: str) -> None:
    """A key more is no other version; a version more is told as such."""
    assert read_line(line)[0] == what


@pytest.mark.parametrize(
    ("head", "own"),
    [
        (LINE, True),
        (b'\n{"sche\n' + LINE, True),
        (b'{"schema": "ops-checks/history/9", "', True),
        (b"{", True),
        (b'{"event": "run_end"}\n', False),
        (b'{"schema_version": "1.0"', False),
        (b'{\n  "schema"', False),
        (b"SQLite format 3\0", False),
        (b"| id | status |\n", False),
    ],
)  # fmt: skip
def test_what_file_is_a_history(head: bytes, own: bool) -> None:  # noqa: FBT001 - a column of the table
    """One with a line of ours, of any version, or with nothing but the beginning of one."""
    assert is_history(head) is own


def test_findings_are_counted_and_the_first_are_named() -> None:
    """New ones come first; who answered for the others is kept, since other limits are held against what is left."""
    more = tuple(unlisted("missing-in-db", f"X-{number}") for number in range(25))
    found = RuleResult(
        "missing-in-db", "", "", "consistency", "error", Verdict.FAIL, "", value=30,
        findings=(WAIVED, KNOWN, ONLY_IN_MD), more_findings=27, unlisted=more, counts_as=Verdict.FAIL,
    )  # fmt: skip
    (rule,) = run_of(small_report(rules=(found,))).rules
    assert (rule.new, rule.known, rule.waived) == (28, 1, 1)
    assert rule.fingerprints[:2] == (ONLY_IN_MD.fingerprint, KNOWN.fingerprint)
    assert (len(rule.fingerprints), rule.more) == (FINGERPRINTS, 30 - FINGERPRINTS)


def test_numbers_that_json_has_not() -> None:
    """An infinite limit is none, as in the report."""
    run = run_of(small_report(rules=(replace(small_report().rules[0], value=float("inf"), limit=2**1100),)))
    assert (run.rules[0].value, run.rules[0].limit) == (None, None)
    assert read_line(history_line(run)) == (RUN, run)
