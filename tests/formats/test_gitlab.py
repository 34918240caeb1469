"""GitLab's code quality report."""

from __future__ import annotations

import json

import pytest
from format_readers import read_gitlab
from report_samples import EVERYTHING, MISMATCH, ONLY_IN_MD, SAMPLES, report, rule

from ops_checks.findings import Verdict
from ops_checks.formats import FORMATS


def issues(sample):
    """Return the issues that GitLab reads."""
    rendered = FORMATS["gitlab"].render(sample)
    read_gitlab(rendered)
    return json.loads(rendered)


def test_one_issue():
    """A drift as GitLab reads it."""
    assert issues(SAMPLES["drift"]) == [
        {
            "description": "ORCH-110 is missing in the database",
            "check_name": "missing-in-db",
            "fingerprint": ONLY_IN_MD.fingerprint,
            "severity": "critical",
            "location": {"path": "ops/QUEUE.md", "lines": {"begin": 42}},
        }
    ]


def test_no_issues():
    """An empty list, from which GitLab concludes that earlier issues are resolved."""
    assert FORMATS["gitlab"].render(SAMPLES["pass"]) == "[]\n"


@pytest.mark.parametrize(
    ("name", "severities"),
    [
        ("alert", ["critical", "critical"]),
        ("warn", ["minor", "minor"]),
        ("waived", ["info"]),
        ("insufficient", ["minor"]),
        ("insufficient fails", ["critical"]),
        ("insufficient passes", ["info"]),
        ("error", ["blocker", "blocker"]),
    ],
)
def test_severities(name, severities):
    """The severity follows what the rule counts as; what is waived is information."""
    assert [issue["severity"] for issue in issues(SAMPLES[name])] == severities


def test_fingerprints_are_unique_and_stable():
    """The same finding twice has two fingerprints, the first its own; and both are the same tomorrow."""
    twice = report(rule("field-mismatch", Verdict.FAIL, MISMATCH, MISMATCH._replace(message="again")))
    prints = [issue["fingerprint"] for issue in issues(twice)]
    assert prints[0] == MISMATCH.fingerprint
    assert len(set(prints)) == 2
    assert [issue["fingerprint"] for issue in issues(twice)] == prints


def test_a_path_is_always_named():
    """Even if nothing that was read lies in the repository."""
    (issue,) = issues(report(rule("waiver-unused", Verdict.WARN), inputs=()))
    assert issue["location"] == {"path": ".", "lines": {"begin": 1}}


def test_everything():
    """One issue for each annotation, and one for the findings that the report does not list."""
    assert len(issues(EVERYTHING)) == 14
