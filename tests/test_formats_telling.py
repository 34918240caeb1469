"""The words that all formats share."""

from __future__ import annotations

import math

import pytest
from report_samples import EVERYTHING, FAILED, MISMATCH, ONLY_IN_MD, SAMPLES, SLOW, STALE, WAIVED, rate, report, rule

from ops_checks.formats.telling import (
    amount,
    beside,
    detail,
    evidence,
    line_of,
    measured,
    number,
    told,
    whom,
    worst_first,
)
from ops_checks.report import InputRead, Verdict


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


def test_evidence():
    """What was measured, in a fixed order; what there is none of is left out."""
    assert evidence(rate(Verdict.INSUFFICIENT, needed=3)) == [
        ("value", "0.5"),
        ("limit", "<= 0.2"),
        ("samples", "40"),
        ("95 % interval", "0.3523 to 0.6477"),
        ("more samples needed", "3"),
    ]
    assert evidence(rule("missing-in-db", Verdict.PASS)) == []
    assert evidence(rate(Verdict.PASS, value=None, limit=None, samples=None, low=None, high=7, unit="ms")) == [
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
def test_line_of(finding, line):
    """A finding as one line: place, item, what is out, why."""
    assert line_of(finding) == line


def test_reason_is_not_said_twice():
    """A reason that the message holds already is not repeated."""
    assert detail(STALE._replace(message="stale: no readable start")) == "stale: no readable start"
    assert whom(STALE._replace(item=None)) == ""


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


def test_told():
    """Errors before warnings before notices; in each the rules that speak for themselves before their findings."""
    assert [(one.level, one.rule.id, one.finding.item if one.finding else None) for one in told(EVERYTHING)] == [
        ("error", "failure-rate", None),
        ("error", "stale-in-progress", None),
        ("error", "missing-in-db", "ORCH-110"),
        ("error", "missing-in-md", "ORCH-090"),
        ("error", "failure-rate", "ORCH-4"),
        ("error", "stale-in-progress", "ORCH-5"),
        ("warning", "latency-p95-ms", None),
        ("warning", "waiver-unused", None),
        ("warning", "success-rate", None),
        ("warning", "field-mismatch", "ORCH-102"),
        ("warning", "field-mismatch", "ORCH-7"),
        ("warning", "latency-p95-ms", "ORCH-3"),
        ("notice", "field-mismatch", "ORCH-8"),
    ]


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("pass", []),
        ("waived", ["notice"]),
        ("insufficient", ["warning"]),
        ("insufficient fails", ["error"]),
        ("insufficient passes", ["notice"]),
        ("warn", ["warning", "warning"]),
        ("warn fails", ["error", "error"]),
        ("drift", ["error"]),
        ("error", ["error"]),
    ],
)
def test_levels(name, levels):
    """What is told, at the level that the rule counts as."""
    assert [one.level for one in told(SAMPLES[name])] == levels


def test_findings_of_a_rule_that_holds():
    """Offenders of a rule that holds are nobody's trouble; only the waived ones are told."""
    assert [one.finding for one in told(report(rule("field-mismatch", Verdict.PASS, MISMATCH, WAIVED)))] == [WAIVED]


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
def test_measured(message, unit, text):
    """An offender's number stands beside it if the rule's unit is its own and the message does not have it."""
    assert measured(rule("latency-p95-ms", Verdict.FAIL, unit=unit), SLOW._replace(message=message)) == text


def test_beside():
    """Beside the item's own column the item is not said again."""
    assert beside(ONLY_IN_MD) == "is missing in the database"
    assert beside(ONLY_IN_MD._replace(item="ORCH-11")) == "ORCH-110 is missing in the database"
    assert beside(ONLY_IN_MD._replace(item=None)) == "ORCH-110 is missing in the database"


def test_amount():
    """How much was read."""
    assert amount(InputRead("db", "x")) == ""
    assert amount(InputRead("db", "x", rows=1)) == " (1 item)"
    assert amount(InputRead("log", "x", rows=0, lines=1)) == " (0 items, 1 line)"
