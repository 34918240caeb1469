"""Waivers: what is left is judged by the rule's own limits, and whatever was found can be waived."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.findings import Finding, Place
from ops_checks.model import Item
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.kpi.queue_statistics import queue_statistics
from ops_checks.rules.listing import SHOWN, cut
from ops_checks.rules.registry import RULES
from ops_checks.rules.rule import Threshold, evaluate, violated
from ops_checks.rules.waivers import Waiver, apply, offered
from ops_checks.runlog.stats import RunStats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.report.model import RuleResult

TODAY = "2026-01-02"
NOW = 1_767_229_200
#: A limit of the stale items, how many there are, how many of them are waived, and the verdict that must follow.
CASES = [
    ({"max": 0}, 25, 25, "pass"),
    ({"max": 0}, 25, 24, "fail"),
    ({"max": 5}, 25, 20, "pass"),
    ({"max": 5}, 25, 19, "fail"),
    ({"max": 0, "severity": "warning"}, 25, 24, "warn"),
    ({"max": 20, "warn_max": 5}, 25, 0, "fail"),
    ({"max": 20, "warn_max": 5}, 25, 5, "warn"),
    ({"max": 20, "warn_max": 5}, 25, 19, "warn"),
    ({"max": 20, "warn_max": 5}, 25, 20, "pass"),
    ({"warn_max": 5}, 25, 20, "pass"),
    ({"min": 30}, 25, 20, "fail"),
    ({"min": 30}, 25, 25, "fail"),
    ({"warn_min": 30}, 25, 25, "warn"),
    ({"min": 5, "max": 10}, 25, 22, "pass"),
    ({"min": 5, "max": 10}, 25, 14, "fail"),
]


def stale(count: int, waivers: Sequence[Waiver], threshold: Threshold) -> RuleResult:
    """Return the result of the rule on stale items with so many of them, the longest in progress first."""
    items = [
        Item((f"S-{number}", "IN_PROGRESS", "P1", "t", "c", "s1", f"2025-01-01 {number % 24:02d}:00", "-", ""))
        for number in range(count)
    ]
    queue = queue_statistics(
        enumerate(items), lambda line, _: Place("Q.md", line), now_s=NOW, zone=540, stale_minutes=60,
        offered=offered(waivers),
    )  # fmt: skip
    return evaluate(RULES["stale-in-progress"], KpiEvidence(RunStats(), queue), threshold)


def waived(result: RuleResult, waivers: Sequence[Waiver], threshold: Threshold) -> tuple[RuleResult, ...]:
    """Return the results after waiving."""
    return tuple(map(cut, apply([result], waivers, "p.yaml", TODAY, RULES, lambda _: threshold)))


def of_items(rule: str, numbers: Sequence[int], prefix: str = "S") -> list[Waiver]:
    """Return a waiver for each of some items."""
    return [Waiver(rule, "known", "kim", TODAY, f"{prefix}-{number}") for number in numbers]


@pytest.mark.parametrize(("limits", "count", "waive", "verdict"), CASES)
@pytest.mark.parametrize("best_first", [False, True])
def test_what_is_left_is_judged(
    limits: dict[str, float], count: int, waive: int, verdict: str, *, best_first: bool
) -> None:
    """All findings are offered, not only the worst, and what is left is held against every limit of the rule."""
    threshold = Threshold(**limits)  # type: ignore[arg-type]
    numbers = list(range(count))[::-1] if best_first else list(range(count))
    waivers = of_items("stale-in-progress", numbers[:waive])
    first, *others = waived(stale(count, waivers, threshold), waivers, threshold)
    assert first.verdict == verdict
    assert len(first.waived) == waive
    assert len(first.live) + first.more_findings == count - waive
    assert len(first.live) == min(20, count - waive)
    assert [each.verdict for each in others] == ([] if not waivers else ["pass", "pass"])


@given(
    limits=st.fixed_dictionaries(
        {}, optional={name: st.integers(0, 30) for name in ("max", "min", "warn_max", "warn_min")}
    ),
    count=st.integers(0, 30),
    data=st.data(),
)
def test_waiving_is_monotone(limits: dict[str, float], count: int, data: st.DataObject) -> None:
    """Waiving one more never makes a verdict worse, and waiving none changes nothing."""
    threshold = Threshold(**limits)  # type: ignore[arg-type]
    order = ("pass", "warn", "fail")
    waive = data.draw(st.integers(0, count))
    verdicts = []
    for number in range(waive + 1):
        waivers = of_items("stale-in-progress", range(number))
        verdicts.append(waived(stale(count, waivers, threshold), waivers, threshold)[0].verdict)
    assert verdicts[0] == stale(count, (), threshold).verdict
    assert [order.index(each) for each in verdicts] == sorted(map(order.index, verdicts), reverse=True)
    limit = violated(threshold, count, waived=waive)
    assert verdicts[-1] == ("pass" if limit is None else limit.verdict)


def drifted(count: int) -> RuleResult:
    """Return the result of a drift rule with so many findings."""
    rule = RULES["field-mismatch"]
    found = tuple(Finding(rule.id, f"D-{number} status", f"D-{number}", "status") for number in range(count))
    result = evaluate(rule, _Drifted(count, found), Threshold(max=0))
    assert len(result.findings) == count
    return result


class _Drifted:
    """What a comparison found."""

    def __init__(self, count: int, found: tuple[Finding, ...]) -> None:
        self.counts = {"field-mismatch": count}
        self.findings = {"field-mismatch": list(found)}
        self.unlisted: dict[str, list[Finding]] = {}
        self.compared = count


@pytest.mark.parametrize("field", [None, "status"])
def test_a_hundred_thousand_findings(field: str | None) -> None:
    """Of very many findings with dozens of waivers few are listed, and little is kept beside them."""
    waivers = [
        Waiver("field-mismatch", "known", "kim", TODAY, f"D-{number}", field) for number in range(0, 100_000, 1000)
    ]
    result = drifted(100_000)
    tracemalloc.start()
    first, expired, unused = waived(result, waivers, Threshold(max=0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (first.verdict, len(first.waived), len(first.live), first.more_findings) == (
        *("fail", 100, SHOWN),
        100_000 - 100 - SHOWN,
    )
    assert (expired.verdict, unused.verdict) == ("pass", "pass")
    assert first.message.endswith("; 100 waived, 99900 left")
    assert peak < 64 << 20


def test_every_waiver_that_matches_is_used() -> None:
    """Of two waivers of one finding none is said to match nothing; the first one's reason is shown."""
    waivers = [
        Waiver("field-mismatch", "first", "kim", TODAY, "D-1"),
        Waiver("field-mismatch", "second", "lee", TODAY, None, "status"),
        Waiver("field-mismatch", "third", "lee", TODAY, "D-1", "notes"),
    ]
    first, _, unused = waived(drifted(2), waivers, Threshold(max=0))
    assert [each.suppressed for each in first.findings] == [
        f"second (lee, until {TODAY})",
        f"first (kim, until {TODAY})",
    ]
    assert [(each.item, each.field) for each in unused.findings] == [("D-1", "notes")]


def test_a_waiver_of_what_is_only_counted_is_not_said_to_match_nothing() -> None:
    """Of a rate the offenders are not all kept: nobody knows whether one that is only counted is waived."""
    rule = RULES["failure-rate"]
    result = evaluate(rule, KpiEvidence(RunStats(done=1, failed=30)), Threshold(max=0))
    assert result.more_findings == 30
    _, _, unused = waived(result, of_items("failure-rate", [1]), Threshold(max=0))
    assert unused.verdict == "pass"
