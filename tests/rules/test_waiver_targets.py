"""Which waiver a finding is suppressed by, of many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from report_samples import rule

from ops_checks.findings import Finding, Verdict
from ops_checks.rules.registry import RULES
from ops_checks.rules.rule import Threshold
from ops_checks.rules.waivers import Waiver, apply

ITEMS = st.sampled_from([None, "A-1", "A-2", "A-3"])
FIELDS = st.sampled_from([None, "task", "status"])
TARGETS = st.tuples(ITEMS, FIELDS).filter(any)


@given(st.lists(TARGETS, max_size=8), st.lists(st.tuples(ITEMS, FIELDS), min_size=1, max_size=8))
def test_the_first_waiver_that_matches_holds(waived, found):
    """Of the waivers that name its item or any, and its field or any, the first of the policy holds a finding."""
    waivers = [
        Waiver("field-mismatch", f"r{at}", "o", "2026-12-31", item, field, at)
        for at, (item, field) in enumerate(waived)
    ]
    findings = [Finding("field-mismatch", "m", item, field) for item, field in found]
    failed = rule("field-mismatch", Verdict.FAIL, *findings)
    (result, *_) = apply([failed], waivers, None, "2026-01-01", RULES, lambda _rule: Threshold(max=0))
    for finding in result.findings:
        matching = [
            each.reason for each in waivers if each.item in {None, finding.item} and each.field in {None, finding.field}
        ]
        assert (finding.suppressed or "").partition(" ")[0] == (matching[0] if matching else "")
