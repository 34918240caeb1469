"""JUnit XML."""

from __future__ import annotations

import pytest
from format_readers import read_junit
from lxml import etree
from report_samples import EVERYTHING, ONLY_IN_MD, SAMPLES, WAIVED, rate, report, rule

from ops_checks.findings import Verdict
from ops_checks.formats import FORMATS


def root_of(sample):
    """Return the root element of a report's XML, which follows the xunit2 schema."""
    rendered = FORMATS["junit"].render(sample)
    read_junit(rendered)
    return etree.fromstring(rendered.encode())


def test_to_the_byte():
    """A failing rule: its suite, properties, and the drift in the failure's text."""
    drift = rule("missing-in-db", Verdict.FAIL, ONLY_IN_MD, WAIVED, value=4, operator="<=", limit=0, more_findings=3)
    assert FORMATS["junit"].render(report(drift)) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites name="ops-checks" tests="1" failures="1" errors="0" time="0.000">\n'
        '<testsuite name="consistency.missing-in-db" tests="1" failures="1" errors="0" skipped="0"'
        ' timestamp="2026-01-01T00:00:00" time="0.000">\n'
        "<properties>\n"
        '<property name="rule" value="missing-in-db"/>\n'
        '<property name="verdict" value="fail"/>\n'
        '<property name="severity" value="error"/>\n'
        '<property name="value" value="4"/>\n'
        '<property name="limit" value="0"/>\n'
        '<property name="operator" value="&lt;="/>\n'
        "</properties>\n"
        '<testcase classname="ops-checks.consistency" name="missing-in-db" time="0.000">\n'
        '<failure type="fail" message="missing-in-db says fail">fail: missing-in-db says fail\n'
        "value: 4\n"
        "limit: &lt;= 0\n"
        "ops/QUEUE.md:42:3 ORCH-110 is missing in the database\n"
        "and 3 more\n"
        "waived (agreed with the team): ops/QUEUE.md:10:2 ORCH-8 status: md=IN_PROGRESS db=DONE\n"
        "help: Do what missing-in-db asks for.</failure>\n"
        "</testcase>\n"
        "</testsuite>\n"
        "</testsuites>\n"
    )


def test_one_testcase_a_rule():
    """Every rule is a testcase, also when it passed, in the report's order; names are unique."""
    names = [(case.get("classname"), case.get("name")) for case in root_of(EVERYTHING).iter("testcase")]
    assert names == [(f"ops-checks.{one.group}", one.id) for one in EVERYTHING.rules]
    assert len(set(names)) == len(names)


def test_properties_are_numbers():
    """Value, limit and samples are properties without their units, so that a machine can read them."""
    properties = root_of(report(rate(Verdict.FAIL, needed=2))).iter("property")
    assert {one.get("name"): one.get("value") for one in properties} == {
        "rule": "failure-rate",
        "verdict": "fail",
        "severity": "error",
        "value": "0.5",
        "limit": "0.2",
        "samples": "40",
        "interval_95_low": "0.3523",
        "interval_95_high": "0.6477",
        "needed": "2",
        "operator": "<=",
        "unit": "ratio",
    }


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("nothing ran", []),
        ("pass", ["system-out", "system-out"]),
        ("waived", ["system-out"]),
        ("insufficient", ["skipped"]),
        ("insufficient fails", ["failure"]),
        ("insufficient passes", ["skipped"]),
        ("warn", ["system-out"]),
        ("warn fails", ["failure"]),
        ("drift", ["failure"]),
        ("alert", ["failure"]),
        ("error", ["error", "error"]),
        ("error, no rule", ["error"]),
    ],
)
def test_outcomes(name, outcomes):
    """A failure is what counts as one; too little data skips, a warning passes, with its message."""
    assert [element.tag for case in root_of(SAMPLES[name]).iter("testcase") for element in case] == outcomes


def test_errors_are_a_testcase():
    """What could not be evaluated is the testcase `inputs`, with all messages in its text."""
    (case,) = root_of(SAMPLES["error, no rule"]).iter("testcase")
    assert (case.get("classname"), case.get("name")) == ("ops-checks.inputs", "inputs")
    assert (case[0].get("message"), case[0].text) == ("a", "a\nb")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<&>\"']]>", "<&>\"']]>"),
        ("\x00\x0b\x7f\x9f", r"\x00\x0b\x7f\x9f"),
        ("\ufffe\uffff\ud800", r"\ufffe\uffff\ud800"),
        ("a\tb\r\nc", r"a\tb\r\nc"),
        ("&#x41;", "&#x41;"),
        ("  two  ", "  two  "),
    ],
)
def test_attributes_and_text(text, found):
    """The same text comes back from an attribute and from between tags; what XML cannot hold is its escape."""
    failure = next(
        root_of(report(rule("a", Verdict.FAIL, ONLY_IN_MD._replace(item=None), message=text))).iter("failure")
    )
    assert failure.get("message") == found
    assert failure.text.split("\n")[0] == f"fail: {found}"
