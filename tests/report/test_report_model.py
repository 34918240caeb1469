"""The Report as Python's users see it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from report_samples import EVERYTHING, FAILED, ONLY_IN_MD, SAMPLES, WAIVED, rate, report, rule

from ops_checks.findings import Verdict
from ops_checks.report.parse import from_json
from ops_checks.report.serialize import to_json


@pytest.mark.parametrize(
    ("name", "ok"),
    [
        ("nothing ran", True),
        ("pass", True),
        ("waived", True),
        ("insufficient", True),
        ("insufficient passes", True),
        ("insufficient fails", False),
        ("warn", True),
        ("warn fails", False),
        ("drift", False),
        ("alert", False),
        ("error", False),
        ("error, no rule", False),
    ],
)
def test_ok(name, ok):
    """A report is ok, and true, if its exit code is 0: a warning is, a failure or an error is not."""
    assert SAMPLES[name].ok is ok
    assert bool(SAMPLES[name]) is ok


def test_ok_follows_the_exit_code():
    """Whatever the verdict, the exit code decides."""
    assert replace(SAMPLES["drift"], exit_code=0).ok
    assert not replace(SAMPLES["pass"], exit_code=2).ok


@pytest.mark.parametrize("name", SAMPLES)
def test_to_json(name):
    """The report's own JSON is the published mapping."""
    data = SAMPLES[name].to_json()
    assert data == to_json(SAMPLES[name])
    assert from_json(data) == SAMPLES[name]


def test_findings():
    """The findings of all rules in the report's order, waived ones and those of rules that pass included."""
    sample = report(
        rate(Verdict.FAIL, FAILED),
        rule("field-mismatch", Verdict.PASS, WAIVED),
        rule("missing-in-db", Verdict.FAIL, ONLY_IN_MD, more_findings=3),
    )
    assert sample.findings == (FAILED, WAIVED, ONLY_IN_MD)
    assert SAMPLES["pass"].findings == ()


def test_rule():
    """The result of a rule by its id, the first if there are two."""
    assert EVERYTHING.rule("failure-rate") is EVERYTHING.rules[3]
    first = rule("a", Verdict.FAIL, title="one")
    assert report(first, rule("a", Verdict.FAIL, title="two")).rule("a") is first


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pass", "no rule 'failure_rate' in this report; its rules: missing-in-db, failure-rate"),
        ("nothing ran", "no rule 'failure_rate' in this report; its rules: none"),
    ],
)
def test_unknown_rule(name, message):
    """A rule that did not run is a KeyError that names those that did."""
    with pytest.raises(KeyError) as caught:
        SAMPLES[name].rule("failure_rate")
    assert caught.value.args == (message,)


@pytest.mark.parametrize(
    ("verdict", "counts_as", "effect"),
    [(verdict, None, verdict) for verdict in Verdict if verdict is not Verdict.INSUFFICIENT]
    + [
        (Verdict.INSUFFICIENT, None, Verdict.WARN),
        (Verdict.INSUFFICIENT, Verdict.FAIL, Verdict.FAIL),
        (Verdict.INSUFFICIENT, Verdict.PASS, Verdict.PASS),
    ],
)
def test_effect(verdict, counts_as, effect):
    """A verdict counts as itself, too little data as a warning, unless the policy defines otherwise."""
    assert rule("failure-rate", verdict, counts_as=counts_as).effect is effect
