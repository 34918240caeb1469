"""The phrases that all formats share."""

from __future__ import annotations

import math

import pytest
from report_samples import EVERYTHING, FAILED, MISMATCH, ONLY_IN_DB, ONLY_IN_MD, SLOW, STALE, rate, report, rule

from ops_checks.findings import Verdict
from ops_checks.presentation.wording import (
    detail,
    detail_without_item,
    finding_line,
    finding_text,
    first_place,
    input_size,
    measurements,
    number,
    offender_value,
    report_counts,
    subject,
    worst_first,
)
from ops_checks.report.model import InputRead


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ms", "-"),
        (0, None, "0"),
        (-0.0, None, "0"),
        (300, "ms", "300 ms"),
        (300.0, "ms", "300 ms"),
        (0.5, "ratio", "0.5"),
        (0.3333333, "ratio", "0.3333"),
        (0.00001234, "ratio", "1.23e-05"),
        (-0.25, "", "-0.25"),
        (17.25, "minutes", "17.25 minutes"),
        (3, "items", "3"),
        (10**14, None, "100000000000000"),
        (10**15, None, "1e+15"),
        (1e300, "ms", "1e+300 ms"),
        (math.inf, "ms", "inf ms"),
        (math.nan, None, "nan"),
    ],
)
def test_number(value, unit, text):
    """Numbers are short, exact where they are whole, and have their unit."""
    assert number(value, unit) == text


def test_measurements():
    """The measurements of a rule in a fixed order; missing ones are left out."""
    assert measurements(rate(Verdict.INSUFFICIENT, needed=3)) == [
        ("value", "0.5"),
        ("limit", "<= 0.2"),
        ("samples", "40"),
        ("95 % interval", "0.3523 to 0.6477"),
        ("more samples needed", "3"),
    ]
    assert measurements(rule("missing-in-db", Verdict.PASS)) == []
    assert measurements(rate(Verdict.PASS, value=None, limit=None, samples=None, low=None, high=7, unit="ms")) == [
        ("95 % interval", "- to 7 ms")
    ]


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (MISMATCH, "ops/QUEUE.md:7:12 ORCH-102 status: md=IN_PROGRESS db=DONE"),
        (ONLY_IN_MD, "ops/QUEUE.md:42:3 ORCH-110 is missing in the database"),
        (FAILED, "ops/runs.jsonl:18 ORCH-4 trace-ba9876543210 fail ended with exit code 0"),
        (STALE, "ops/QUEUE.md:9:5 ORCH-5 in progress for longer than 60 minutes (no readable start)"),
        (MISMATCH._replace(db=None, places=()), "ORCH-102 status: md=IN_PROGRESS db=-"),
        (MISMATCH._replace(md=None, db=None), "ops/QUEUE.md:7:12 ORCH-102 differs"),
    ],
)
def test_finding_line(finding, line):
    """A finding as one line: location, item, violation, reason; the location can be left out."""
    assert finding_line(finding) == line
    assert finding_text(finding) == line.removeprefix(first_place(finding)).lstrip()


def test_reason_is_not_repeated():
    """A reason that the message contains is not repeated."""
    assert detail(STALE._replace(message="stale: no readable start")) == "stale: no readable start"


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (STALE, "ORCH-5"),
        (FAILED, "ORCH-4 trace-ba9876543210"),
        (FAILED._replace(item=None), "trace-ba9876543210"),
        (STALE._replace(item=None), ""),
    ],
)
def test_subject(finding, text):
    """The item and the run of a finding, where it has them."""
    assert subject(finding) == text


def test_first_place():
    """The first location of a finding, a line or a row; empty where there is none."""
    assert first_place(MISMATCH) == "ops/QUEUE.md:7:12"
    assert first_place(ONLY_IN_DB) == "ops/queue.db:queue_items:ORCH-090"
    assert first_place(MISMATCH._replace(places=())) == ""


def test_report_counts():
    """Rules by verdict, the worst first, then findings; waived ones only where there are some."""
    assert report_counts(report(inputs=())) == "no rules; 0 findings"
    assert report_counts(report(rate(Verdict.FAIL, FAILED))) == "1 fail; 1 finding"
    assert report_counts(EVERYTHING) == "4 fail, 3 warn, 1 insufficient, 2 pass; 10 findings, 1 waived"


def test_worst_first():
    """Rules by what they count as, then by verdict, otherwise in their own order."""
    rules = [
        rule("a", Verdict.PASS),
        rule("b", Verdict.INSUFFICIENT),
        rule("c", Verdict.WARN),
        rule("d", Verdict.FAIL),
        rule("e", Verdict.INSUFFICIENT, counts_as=Verdict.FAIL),
        rule("f", Verdict.ERROR),
        rule("g", Verdict.WARN),
    ]
    assert "".join(one.id for one in worst_first(report(*rules))) == "fdecgba"


@pytest.mark.parametrize(
    ("message", "unit", "text"),
    [
        ("was slow", "ms", "9999 ms"),
        ("took 9999 ms", "ms", ""),
        ("trace-9999 took 19999 ms", "ms", "9999 ms"),
        ("failed", "ratio", ""),
        ("failed", "items", ""),
        ("failed", None, ""),
    ],
)
def test_offender_value(message, unit, text):
    """An offender's number is shown if the rule's unit is its own and the message does not contain it."""
    assert offender_value(rule("latency-p95-ms", Verdict.FAIL, unit=unit), SLOW._replace(message=message)) == text


def test_detail_without_item():
    """In a row with a column for the item, the detail does not repeat it."""
    assert detail_without_item(ONLY_IN_MD) == "is missing in the database"
    assert detail_without_item(ONLY_IN_MD._replace(item="ORCH-11")) == "ORCH-110 is missing in the database"
    assert detail_without_item(ONLY_IN_MD._replace(item=None)) == "ORCH-110 is missing in the database"


def test_input_size():
    """How much was read of an input."""
    assert input_size(InputRead("db", "x")) == ""
    assert input_size(InputRead("db", "x", rows=1)) == " (1 item)"
    assert input_size(InputRead("log", "x", rows=0, lines=1)) == " (0 items, 1 line)"
