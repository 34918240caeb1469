"""Error budgets: how much is used, and which rates of burning are alerts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks import help as manual
from ops_checks.rules.kpi.budget import ALERTS, Budget, budget_rules, measure_budget, span_text
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.rule import evaluate
from ops_checks.runlog.grouping import GroupStats

MONTH = Budget(95, 30)
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def judged(budget: Budget, *outcomes: tuple[int, int, int]) -> dict[str, tuple[str, str]]:
    """Return verdict and message of each rule; `outcomes` are seconds ago, how many were done, and how many failed."""

    def last(seconds: int) -> GroupStats:
        within = [(done, failed) for ago, done, failed in outcomes if ago <= seconds]
        return GroupStats(done=sum(done for done, _ in within), failed=sum(failed for _, failed in within))

    measured = measure_budget(budget, last)
    results = [evaluate(rule, KpiEvidence(over_time=measured), rule.default) for rule in budget_rules(budget)]
    return {result.id: (result.verdict.value, result.message) for result in results}


USED = {
    "nothing failed": ((600, 0), "pass", "0 % of the error budget of 30 d is used: 0 of 600 outcomes failed, 30 may"),
    "some": ((582, 18), "pass", "60 % of the error budget of 30 d is used: 18 of 600 outcomes failed, 30 may"),
    "all, and no more": (
        (570, 30),
        "pass",
        "100 % of the error budget of 30 d is used: 30 of 600 outcomes failed, 30 may",
    ),
    "one too many": (
        (569, 31),
        "fail",
        "103.33 % of the error budget of 30 d is used: 31 of 600 outcomes failed, 30 may",
    ),
    "none": ((0, 0), "insufficient", "no outcome in the last 30 d: nothing says what is used of a budget"),
    "too few": (
        (3, 1),
        "insufficient",
        "500 % of the error budget of 30 d is used: 1 of 4 outcomes failed, 0 may; 6 more outcomes are needed",
    ),
}


@pytest.mark.parametrize(("outcomes", "verdict", "message"), USED.values(), ids=USED)
def test_what_is_used(outcomes, verdict, message):
    """The budget's rule fails when more failed than may, and says how many those are."""
    assert judged(MONTH, (10 * DAY, *outcomes))["error-budget"] == (verdict, message)


def test_when_it_is_gone():
    """While it burns faster than it may, its rule says when it is gone, as the manual shows."""
    verdict, message = judged(MONTH, (10 * DAY, 542, 8), (2 * DAY, 40, 10))["error-budget"]
    assert (verdict, message.partition("; ")[2]) == ("pass", "at the rate of the last 3 d it is gone in 3 d")
    assert message in " ".join(manual.page("budgets").split())


LONG_AGO = (20 * DAY, 1000, 0)
FAST = "the error budget of 30 d burns {} times as fast as it may in the last 1 h ({}), {} times in the last 5 min ({})"
BURNING = {
    "both windows": (
        [LONG_AGO, (MINUTE, 10, 40), (50 * MINUTE, 5, 45)],
        "fail",
        FAST.format(17, "85 of 100 outcomes failed", 16, "40 of 50 outcomes failed") + "; both are above 14.4",
    ),
    "both windows, and there is budget left": (
        [(20 * DAY, 9000, 0), (MINUTE, 10, 40), (50 * MINUTE, 5, 45)],
        "fail",
        FAST.format(17, "85 of 100 outcomes failed", 16, "40 of 50 outcomes failed")
        + "; at the rate of the last 1 h it is gone in 34 h; both are above 14.4",
    ),
    "it is over": (
        [LONG_AGO, (MINUTE, 20, 0), (50 * MINUTE, 10, 100)],
        "pass",
        FAST.format(15.38, "100 of 130 outcomes failed", 0, "0 of 20 outcomes failed"),
    ),
    "it has just begun": (
        [LONG_AGO, (MINUTE, 0, 20), (50 * MINUTE, 100, 0)],
        "pass",
        FAST.format(3.33, "20 of 120 outcomes failed", 20, "20 of 20 outcomes failed")
        + "; at the rate of the last 1 h it is gone in 6 d",
    ),
    "exactly at the rate": (
        [LONG_AGO, (MINUTE, 28, 72)],
        "pass",
        FAST.format(14.4, "72 of 100 outcomes failed", 14.4, "72 of 100 outcomes failed"),
    ),
    "nothing in the short window": (
        [LONG_AGO, (30 * MINUTE, 0, 50)],
        "pass",
        FAST.format(20, "50 of 50 outcomes failed", 0, "no outcome") + "; no alert without any in the last 5 min",
    ),
    "nothing in either": (
        [LONG_AGO],
        "pass",
        FAST.format(0, "no outcome", 0, "no outcome") + "; no alert by fewer than 10 outcomes",
    ),
    "one failure alone": (
        [LONG_AGO, (MINUTE, 0, 1)],
        "pass",
        FAST.format(20, "1 of 1 outcomes failed", 20, "1 of 1 outcomes failed")
        + "; no alert by fewer than 10 outcomes",
    ),
    "just enough outcomes": (
        [LONG_AGO, (MINUTE, 0, 10)],
        "fail",
        FAST.format(20, "10 of 10 outcomes failed", 20, "10 of 10 outcomes failed")
        + "; at the rate of the last 1 h it is gone in 29 h; both are above 14.4",
    ),
    "one outcome too few": (
        [LONG_AGO, (MINUTE, 0, 9)],
        "pass",
        FAST.format(20, "9 of 9 outcomes failed", 20, "9 of 9 outcomes failed")
        + "; no alert by fewer than 10 outcomes",
    ),
    "nothing at all": ([], "insufficient", "no outcome in the last 30 d"),
}


@pytest.mark.parametrize(("outcomes", "verdict", "message"), BURNING.values(), ids=BURNING)
def test_what_burns(outcomes, verdict, message):
    """An alert needs both windows; of what is no alert for want of outcomes that is said."""
    assert judged(MONTH, *outcomes)["burn-rate-fast"] == (verdict, message)


@pytest.mark.parametrize(
    ("days", "windows"),
    [
        (30, [("1 h", "5 min"), ("6 h", "30 min"), ("3 d", "6 h")]),
        (7, [("14 min", "70 s"), ("84 min", "7 min"), ("16.8 h", "84 min")]),
        (1, [("2 min", "10 s"), ("12 min", "1 min"), ("2.4 h", "12 min")]),
    ],
)
def test_windows_follow_the_objective(days, windows):
    """The windows of the Workbook are those of 30 days; of another time they are the same shares."""
    seconds = Budget(95, days).seconds
    assert [tuple(span_text(seconds // part) for part in (each.long, each.short)) for each in ALERTS] == windows


@pytest.mark.parametrize(("alert", "share"), [("fast", 0.02), ("medium", 0.05), ("slow", 0.1)])
def test_what_an_alert_uses(alert, share):
    """Burning at its rate for its long window uses the share of the budget that the Workbook says."""
    found = next(each for each in ALERTS if each.name == alert)
    assert found.rate / found.long == pytest.approx(share)


@pytest.mark.parametrize(
    ("percent", "rules"),
    [
        (99.9, ["error-budget", "burn-rate-fast", "burn-rate-medium", "burn-rate-slow"]),
        (93.1, ["error-budget", "burn-rate-fast", "burn-rate-medium", "burn-rate-slow"]),
        (93, ["error-budget", "burn-rate-medium", "burn-rate-slow"]),
        (80, ["error-budget", "burn-rate-slow"]),
    ],
)
def test_no_rule_that_can_never_fail(percent, rules):
    """An objective has no alert at a rate that is not reached though everything fails."""
    assert [rule.id for rule in budget_rules(Budget(percent, 30))] == rules
    named = [f"{rule}-monthly" for rule in rules]
    assert [rule.id for rule in budget_rules(Budget(percent, 30, "monthly"))] == named
    everything = judged(Budget(percent, 30), (MINUTE // 2, 0, 1000))
    assert {verdict for verdict, _ in everything.values()} == {"fail", "warn"}


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from([50.0, 95.0, 99.0, 99.9]))
def test_the_budget_is_what_may_fail(done, failed, percent):
    """It is used up exactly where a smaller share than that of the objective succeeded."""
    verdict, _ = judged(Budget(percent, 30, min_samples=1), (DAY, done, failed))["error-budget"]
    total = done + failed
    misses = done * 1000 < round(percent * 10) * total
    assert verdict == ("insufficient" if not total else "fail" if misses else "pass")
