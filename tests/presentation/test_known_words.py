"""What is new, known, gone and changed, in words."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from report_samples import COMPARED, CREATED_MS, DAY_MS, EVERYTHING, ONLY_IN_MD, SAMPLES, rate, report, rule

from ops_checks.findings import Verdict
from ops_checks.presentation.known import change_lines, counts, day, gone_lines, sentence, since_text

MANY = [ONLY_IN_MD._replace(item=f"I-{number}", priority=f"P{2 - number % 3}") for number in range(9)]

TWO_NAMED = "3 findings: I-0, I-1 and 1 more"


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        (SAMPLES["nothing ran"], "pass: no rule ran"),
        (SAMPLES["pass"], "pass: no findings, 2 rules met"),
        (SAMPLES["waived"], "pass: no findings, 1 rule met"),
        (SAMPLES["drift"], "1 finding: ORCH-110"),
        (SAMPLES["alert"], "1 finding: failure-rate"),
        (SAMPLES["warn"], "1 finding: ORCH-3"),
        (SAMPLES["insufficient"], "too little data for failure-rate"),
        (SAMPLES["insufficient passes"], "pass: no findings, 0 rules met"),
        (SAMPLES["error, no rule"], "2 errors, so that not all was evaluated"),
        (
            EVERYTHING,
            "11 findings: ORCH-110, ORCH-090, failure-rate, stale-in-progress, ORCH-102 and 6 more; "
            "too little data for success-rate",
        ),
        (report(rule("missing-in-db", Verdict.FAIL, *MANY)), "9 findings: I-2, I-5, I-8, I-1, I-4 and 4 more"),
        (report(rule("missing-in-db", Verdict.FAIL, MANY[0], more_findings=2, unlisted=(MANY[1],))), TWO_NAMED),
        (report(rule("missing-in-db", Verdict.FAIL, more_findings=2)), "2 findings: missing-in-db"),
        (COMPARED["one new"], "3 new since 28 December 2025: ORCH-110 and 2 more; 1 gone"),
        (COMPARED["nothing new"], "pass: nothing new since 28 December 2025, 1 known; 8 gone"),
        (COMPARED["all known, and failed"], "nothing new since 28 December 2025, 2 known; 1 gone"),
    ],
)
def test_one_sentence(sample, text):
    """How much is new or was found, since when, and what, the most urgent first; a pass says so."""
    assert sentence(sample) == text


@pytest.mark.parametrize(
    ("at_ms", "zone", "text"),
    [
        (CREATED_MS, None, "1 January"),
        (CREATED_MS - 1000, None, "31 December 2025"),
        (CREATED_MS - 1000, 540, "1 January"),
        (CREATED_MS, -60, "31 December"),
        (-(10**15), None, "an unknown day"),
        (10**17, None, "an unknown day"),
    ],
)
def test_a_day(at_ms, zone, text):
    """In the queue's zone, else in UTC; of another year with its number; English, whatever the locale is."""
    assert day(report(tz_minutes=zone), at_ms) == text


@pytest.mark.parametrize(
    ("timezone", "text"), [("Europe/Berlin", "1 July"), ("Nowhere/Atall", "30 June"), (None, "30 June")]
)
def test_a_day_of_summer_seen_in_winter(timezone, text):
    """It is that of its own offset; of a zone whose name is not known here, that of the report's."""
    assert day(report(tz_minutes=60, timezone=timezone, created_ms=1_796_079_600_000), 1_782_856_800_000) == text


@pytest.mark.parametrize(
    ("before_ms", "text"),
    [
        (0, "known since 1 January"),
        (60_000, "known since 31 December 2025, for 1 minute"),
        (7_200_000, "known since 31 December 2025, for 2 hours"),
        (38 * DAY_MS, "known since 24 November 2025, for 38 days"),
        (-DAY_MS, "known since 2 January"),
    ],
)
def test_an_age(before_ms, text):
    """In the largest unit of which there is one."""
    assert since_text(report(), CREATED_MS - before_ms) == text


def test_what_is_gone_and_changed():
    """A line each, and how many more; a change of a rule that is not here any more is none."""
    assert list(gone_lines(COMPARED["nothing new"])) == [
        "missing-in-md: ORCH-090 is missing in the queue (since 31 December 2025, for 1 day)",
        "and 7 more",
    ]
    assert list(change_lines(COMPARED["all known, and failed"])) == ["failure-rate: warn 0.25 before, now fail 0.5"]
    assert list(gone_lines(report())) == list(change_lines(report())) == []


def test_a_rule_that_counts_nothing_counts_as_one():
    """However many runs it lists."""
    before = COMPARED["nothing new"].known
    slow = replace(rate(Verdict.FAIL, *MANY), more_findings=30)
    assert counts(report(slow, known=before)) == (1, 0, 8)
    assert counts(report(replace(slow, since=CREATED_MS), known=before)) == (0, 1, 8)
