"""SARIF 2.1.0."""

from __future__ import annotations

import json

import pytest
from format_readers import read_sarif, sarif_message
from msgspec.structs import replace
from report_samples import EVERYTHING, MISMATCH, ONLY_IN_MD, SAMPLES, STALE, WAIVED, report, rule

from ops_checks.findings import Place, Verdict
from ops_checks.formats import FORMATS, RenderOptions


def run_of(sample, **options):
    """Return the one run of a report's SARIF log, which follows the official schema."""
    rendered = FORMATS["sarif"].render(sample, RenderOptions(**options))
    read_sarif(rendered)
    log = json.loads(rendered)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return run


def test_a_result():
    """A drift: rule, level, message, line and column in the queue, both places by name, fingerprint."""
    (result,) = run_of(report(rule("field-mismatch", Verdict.FAIL, MISMATCH)))["results"]
    assert result == {
        "ruleId": "field-mismatch",
        "ruleIndex": 0,
        "kind": "fail",
        "level": "error",
        "message": {"text": "ORCH-102 status: md=IN_PROGRESS db=DONE"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "ops/QUEUE.md", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 7, "startColumn": 12},
                },
                "logicalLocations": [
                    {"fullyQualifiedName": "ops/QUEUE.md:7:12", "kind": "resource"},
                    {"fullyQualifiedName": "ops/queue.db:queue_items:ORCH-102", "kind": "resource"},
                ],
            }
        ],
        "partialFingerprints": {"opsChecks/v1": MISMATCH.fingerprint},
    }


def test_rules_have_help():
    """Every rule that ran is described, also when it passed, with the level that a violation has."""
    rules = run_of(EVERYTHING)["tool"]["driver"]["rules"]
    assert [one["id"] for one in rules] == [one.id for one in EVERYTHING.rules]
    assert rules[0] == {
        "id": "missing-in-db",
        "shortDescription": {"text": "The title of missing-in-db"},
        "fullDescription": {"text": "Do what missing-in-db asks for."},
        "help": {"text": "Do what missing-in-db asks for."},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["consistency"]},
    }
    assert rules[2]["defaultConfiguration"] == {"level": "warning"}


def test_results_name_their_rules():
    """The index of a result's rule is that of its id, also if a rule is in the report twice."""
    for sample in (EVERYTHING, report(rule("a", Verdict.FAIL), rule("b", Verdict.WARN), rule("a", Verdict.FAIL))):
        run = run_of(sample)
        ids = [one["id"] for one in run["tool"]["driver"]["rules"]]
        assert [ids[result["ruleIndex"]] for result in run["results"]] == [one["ruleId"] for one in run["results"]]


def test_the_first_of_two_rules():
    """Rules are unique by their id: of two, the first is described."""
    twice = report(rule("a", Verdict.FAIL, title="one"), rule("a", Verdict.FAIL, title="two"))
    (only,) = run_of(twice)["tool"]["driver"]["rules"]
    assert only["shortDescription"] == {"text": "one"}


def test_the_same_place_twice():
    """A place that a finding names twice, or two that look the same, is one logical location."""
    places = (Place("a\n", 1), Place("a\n", 1), Place("a\\n", 1))
    result = run_of(report(rule("missing-in-db", Verdict.FAIL, ONLY_IN_MD._replace(places=places))))["results"][0]
    assert result["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": r"a\n:1", "kind": "resource"}]


def test_waived_findings_are_suppressed():
    """A waived finding is a result with its suppression and the reason; no other has one."""
    results = run_of(report(rule("field-mismatch", Verdict.FAIL, MISMATCH, WAIVED)))["results"]
    assert [result.get("suppressions") for result in results] == [
        None,
        [{"kind": "external", "status": "accepted", "justification": "agreed with the team"}],
    ]
    assert [result["level"] for result in results] == ["error", "error"]


@pytest.mark.parametrize(
    ("name", "results"),
    [
        ("pass", []),
        ("alert", [("fail", "error"), ("fail", "error")]),
        ("warn", [("fail", "warning"), ("fail", "warning")]),
        ("insufficient", [("open", "none")]),
        ("insufficient fails", [("fail", "error")]),
        ("insufficient passes", [("open", "none")]),
        ("error", []),
    ],
)
def test_kinds_and_levels(name, results):
    """Too little data is an open question; a rule that could not be evaluated has no result."""
    assert [(result["kind"], result["level"]) for result in run_of(SAMPLES[name])["results"]] == results


def test_what_could_not_be_evaluated_is_a_notification():
    """Errors and rules without an evaluation are notifications of the invocation, which was not successful."""
    (invocation,) = run_of(replace(SAMPLES["error"], notes=("a note",)))["invocations"]
    assert invocation == {
        "executionSuccessful": False,
        "exitCode": 3,
        "endTimeUtc": "2026-01-01T00:00:00.123Z",
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": "ops/QUEUE.md:3: no table; add one"}},
            {
                "level": "error",
                "message": {"text": "missing-in-db says error"},
                "associatedRule": {"id": "missing-in-db", "index": 0},
            },
            {"level": "note", "message": {"text": "a note"}},
        ],
    }
    (invocation,) = run_of(SAMPLES["drift"])["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["exitCode"] == 1


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("ops/QUEUE.md", "ops/QUEUE.md"),
        ("a b/대기열.md", "a%20b/%EB%8C%80%EA%B8%B0%EC%97%B4.md"),
        ("c:d?e#f%20", "c%3Ad%3Fe%23f%2520"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("x\udcff.md", "x%FF.md"),
        ("x\ud800.md", "x%ED%A0%80.md"),
        ("a\nb", "a%0Ab"),
        ("back\\slash", "back%5Cslash"),
    ],
)
def test_uris(path, uri):
    """URIs are percent-encoded and relative: no scheme, no query, the bytes of the file's name."""
    sample = report(rule("missing-in-db", Verdict.FAIL, ONLY_IN_MD._replace(places=(Place(path, 2, 3),))))
    location = run_of(sample)["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": uri, "uriBaseId": "%SRCROOT%"}


def test_places_outside_of_the_repository():
    """A location outside is shown at an input inside, and named; with no such input only named."""
    outside = report(rule("stale-in-progress", Verdict.FAIL, STALE._replace(places=(Place("/var/QUEUE.md", 9),))))
    location = run_of(outside)["results"][1]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "ops/runs.jsonl"
    assert location["logicalLocations"] == [{"fullyQualifiedName": "/var/QUEUE.md:9", "kind": "resource"}]
    location = run_of(replace(outside, inputs=()))["results"][1]["locations"][0]
    assert list(location) == ["logicalLocations"]
    location = run_of(outside, folder="/var", root="/")["results"][1]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "var/QUEUE.md"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "plain"),
        ("{0}", "{{0}}"),
        ("[x](https://example.org)", r"\[x\](https://example.org)"),
        (r"\[x", r"\\\[x"),
        (r"\\server\share", r"\\\server\share"),
        ("\x1b", r"\x1b"),
        ("a\\", "a\\"),
    ],
)
def test_messages(text, written):
    """Text is no placeholder and no link; a reader by the specification finds it as it was."""
    sample = report(rule("waiver-unused", Verdict.WARN, message=text))
    message = run_of(sample)["results"][0]["message"]["text"]
    assert message == written
    assert sarif_message(message) == text.replace("\x1b", r"\x1b")


def test_the_state_of_each_result():
    """By the known report a result is new, unchanged or absent (3.27.24); a known one is not suppressed."""
    log = json.loads(FORMATS["sarif"].render(SAMPLES["one new"]))
    results = log["runs"][0]["results"]
    states = [(each["ruleId"], each["baselineState"], each["level"], "suppressions" in each) for each in results]
    assert states == [
        ("missing-in-db", "new", "error", False),
        ("failure-rate", "unchanged", "error", False),
        ("field-mismatch", "unchanged", "error", True),
        ("missing-in-db", "unchanged", "error", False),
        ("missing-in-md", "absent", "none", False),
    ]
    assert all(each["locations"] for each in results)
    assert "baselineState" not in FORMATS["sarif"].render(SAMPLES["drift"])
