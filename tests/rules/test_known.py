"""Known findings: new and known are all there is, and a verdict is that of a run without the known ones."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from report_samples import CREATED_MS, DAY_MS, REPORTS

from ops_checks.findings import Finding, Place, Verdict, unlisted
from ops_checks.gate.verdict import decide
from ops_checks.model import Item
from ops_checks.report.fitting import misfit
from ops_checks.report.model import InputRead, Metric, Report, RuleResult
from ops_checks.report.parse import parse_report
from ops_checks.report.summary import known_findings, live_findings, new_findings
from ops_checks.rules.drift.drift import Drift
from ops_checks.rules.known import Known, apply, compare, compared_with
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.kpi.queue_statistics import queue_statistics
from ops_checks.rules.listing import SHOWN, cut
from ops_checks.rules.registry import RULES
from ops_checks.rules.rule import RECORDED, Offenders, Threshold, evaluate, not_evaluated, result
from ops_checks.rules.waivers import Waiver
from ops_checks.rules.waivers import apply as waive
from ops_checks.runlog.stats import RunStats

NOW = 1_767_229_200
DRIFT, STALE, RATE = RULES["missing-in-db"], RULES["stale-in-progress"], RULES["failure-rate"]
MADE_MS = CREATED_MS - 4 * DAY_MS


def drifted(ids: frozenset[int], threshold: Threshold, keep: int = 0) -> RuleResult:
    """Return the result of a drift rule that found these items, of which so many are kept (0: all)."""
    found = [Finding(DRIFT.id, f"D-{each} is missing", f"D-{each}") for each in sorted(ids)]
    kept = found[: keep or None]
    rest = [unlisted(DRIFT.id, each.item) for each in found[len(kept) :]]
    drift = Drift({DRIFT.id: len(ids)}, {DRIFT.id: kept}, total=len(ids) + 1, unlisted={DRIFT.id: rest})
    return evaluate(DRIFT, drift, threshold)


def stale(ids: frozenset[int], threshold: Threshold, offered: frozenset[str] = frozenset()) -> RuleResult:
    """Return the result of the rule on stale items that found these."""
    items = [Item((f"S-{each}", "IN_PROGRESS", "P1", "t", "c", "s1", "2025-01-01 00:00", "-", "")) for each in ids]
    queue = queue_statistics(
        enumerate(items, 1), lambda line, _: Place("Q.md", line), now_s=NOW, zone=540, stale_minutes=60,
        offered=offered,
    )  # fmt: skip
    return evaluate(STALE, KpiEvidence(RunStats(), queue), threshold)


def rate(value: float, threshold: Threshold) -> RuleResult:
    """Return the result of a rate, as it is measured."""
    rule = replace(
        RATE, measure=lambda _: Metric("failure_rate", value, "ratio", 40), offenders=lambda *_: Offenders(more=3)
    )
    return evaluate(rule, None, threshold)


def known(*results: RuleResult) -> Known:
    """Return a report of results, as it is saved and read back."""
    made = Report("0.1.0", MADE_MS, Verdict.FAIL, 1, rules=tuple(map(cut, results)))
    return Known("known.json", parse_report(json.dumps(made.to_json()), "known.json"))


def judged(before: Known, *results: RuleResult, threshold: Threshold) -> tuple[RuleResult, ...]:
    """Return results judged by what is new in them, listed as a report lists them."""
    return tuple(map(cut, apply(before, results, RULES, lambda _: threshold)))


IDS = st.frozensets(st.integers(0, 90), max_size=80)
LIMITS = st.fixed_dictionaries({}, optional={name: st.integers(0, 60) for name in ("max", "warn_max")})


@given(now=IDS, before=IDS, waived=IDS, limits=LIMITS)
def test_a_verdict_is_that_of_a_run_without_the_known_findings(
    now: frozenset[int], before: frozenset[int], waived: frozenset[int], limits: dict[str, int]
) -> None:
    """Whatever is listed, only counted, or waived: known and new are all, and what is new alone is judged."""
    threshold, strict = Threshold(**limits), Threshold(max=0)
    then = known(drifted(before, strict, keep=50), stale(before, strict))
    waivers = [Waiver(DRIFT.id, "r", "kim", "2030-01-01", f"D-{each}") for each in waived]
    found = waive([drifted(now, threshold)], waivers, "p", "2026-01-01", RULES, lambda _: threshold)[0]
    results = judged(then, found, stale(now, threshold, then.items), threshold=threshold)
    without = (drifted(now - before - waived, threshold), stale(now - before, threshold))
    for each, alone, unwaived in zip(results, without, (now - waived, now), strict=True):
        assert each.verdict == alone.verdict
        assert len(each.unlisted) == each.more_findings
        assert len(each.known) + len(each.new) == len(each.live)
        assert set(each.known).isdisjoint(each.new)
        if each.live:
            assert len(each.known) + each.more_known == len(unwaived & before)
            assert len(each.new) + each.more_new == len(unwaived - before)
            assert len(each.new) >= min(20, len(unwaived - before))
            assert {finding.since for finding in each.known} <= {MADE_MS}
    codes = [decide(["consistency", "kpi"], each, ()).exit_code for each in (results, without)]
    assert codes[0] == codes[1]


@given(REPORTS)
def test_a_report_has_nothing_new_since_itself(sample: Report) -> None:
    """Of each rule that lists what it found, all is known; nothing is gone, and nothing changed."""
    rules = tuple(
        replace(each, id=f"own-{number}", operator="<=", group="consistency", verdict=Verdict.FAIL, unlisted=())
        for number, each in enumerate(sample.rules)
    )
    same = replace(sample, rules=rules)
    compared = compare(Known("report.json", same), same)
    assert not any(rule.new for rule in compared.rules)
    assert compared.known is not None
    assert (compared.known.gone, compared.known.more_gone, compared.known.changes) == ((), 0, ())
    assert known_findings(compared) + new_findings(compared) == live_findings(compared)


def test_what_is_gone_is_told() -> None:
    """Of rules that were evaluated, and whose findings are all recorded, what the known report alone has is gone."""
    strict = Threshold(max=0)
    then = known(drifted(frozenset(range(60)), strict, keep=50), stale(frozenset({1}), strict))
    now = judged(then, drifted(frozenset({3, 99}), strict), threshold=strict)
    gone = compared_with(then, now, RULES)
    assert (len(gone.gone), gone.more_gone) == (50, 9)
    assert {each.since for each in gone.gone} == {MADE_MS}
    assert "D-3" not in {each.item for each in gone.gone}
    assert not any(each.rule == STALE.id for each in gone.gone)
    lenient = Threshold(max=5)
    within = judged(then, stale(frozenset({1, 2}), lenient), threshold=lenient)
    assert compared_with(then, within, RULES).gone[0].message.startswith("stale_in_progress is 1, above 0; now: ")


def test_an_age_is_carried_over() -> None:
    """Known again and again: since the first time, and never after the report that tells of it was made."""
    strict = Threshold(max=0)
    first = known(drifted(frozenset(range(70)), strict, keep=50))
    second = Known(
        "b.json",
        replace(
            first.report,
            created_ms=CREATED_MS,
            rules=judged(first, drifted(frozenset(range(71)), strict), threshold=strict),
        ),
    )
    (third,) = judged(second, drifted(frozenset(range(72)), strict), threshold=strict)
    ages = {each.item: each.since for each in (*third.findings, *third.unlisted)}
    assert (ages["D-69"], ages["D-70"], ages["D-71"]) == (MADE_MS, CREATED_MS, None)
    late = third.known[0]._replace(since=2 * CREATED_MS)
    forged = known(replace(third, findings=(late,), more_findings=71))
    (fourth,) = judged(forged, drifted(frozenset({int(str(late.item)[2:])}), strict), threshold=strict)
    assert fourth.known[0].since == MADE_MS


@pytest.mark.parametrize(
    ("before", "now", "then", "limits", "verdict"),
    [
        (0.5, 0.9, {"max": 0.2}, {"max": 0.2}, "pass"),
        (0.1, 0.9, {"max": 0.2}, {"max": 0.2}, "fail"),
        (0.15, 0.9, {"max": 0.2, "warn_max": 0.1}, {"max": 0.2, "warn_max": 0.1}, "fail"),
        (0.15, 0.16, {"max": 0.2, "warn_max": 0.1}, {"max": 0.2, "warn_max": 0.1}, "pass"),
        (0.9, 0.15, {"max": 0.2, "warn_max": 0.1}, {"max": 0.2, "warn_max": 0.1}, "pass"),
        (0.5, 0.6, {"max": 0.2}, {"max": 0.55}, "fail"),
        (0.5, 0.6, {"max": 0.2}, {"max": 0.1}, "pass"),
        (0.5, 0.1, {"max": 0.2}, {"min": 0.3}, "fail"),
        (0.1, 0.2, {"min": 0.3}, {"min": 0.3}, "pass"),
    ],
)
def test_a_rule_that_counts_nothing_is_known_itself(
    before: float, now: float, then: dict[str, float], limits: dict[str, float], verdict: str
) -> None:
    """A rate is known if it was violated before, by the limit that it violates now; the next report has that too."""
    threshold = Threshold(**limits)  # type: ignore[arg-type]
    old = known(rate(before, Threshold(**then)))  # type: ignore[arg-type]
    (first,) = judged(old, rate(now, threshold), threshold=threshold)
    assert first.verdict == verdict
    if verdict == "pass":
        assert f"known: it was violated in the known report too ({before:.4f})" in first.message
        assert first.since == MADE_MS
        (again,) = judged(known(first), rate(now, threshold), threshold=threshold)
        assert (again.verdict, again.since) == ("pass", MADE_MS)


def test_a_minimum_is_known_by_its_rule() -> None:
    """Too few of something has no findings: it is known if there were too few before."""
    least = Threshold(min=3)
    old = known(stale(frozenset({1}), least))
    (found,) = judged(old, stale(frozenset({1, 2}), least), threshold=least)
    assert (found.verdict, found.since) == ("pass", MADE_MS)


def test_what_no_known_report_makes_pass() -> None:
    """What could not be evaluated, lacks data, spoils its input, or is a waiver of no use stays as it is."""
    strict = Threshold(max=0)
    lines = RULES["malformed-lines"]
    broken = result(
        lines, Metric("malformed_lines", 1, "count", 9), None, Verdict.FAIL, "error",
        offenders=Offenders((Finding(lines.id, "malformed line", places=(Place("l", 3),)),)),
    )  # fmt: skip
    expired = waive(
        [drifted(frozenset({1}), strict)],
        [Waiver(DRIFT.id, "r", "kim", "2020-01-01")],
        "p",
        "2026-01-01",
        RULES,
        lambda _: strict,
    )
    results = (
        broken,
        not_evaluated(RATE, strict, "no log"),
        evaluate(STALE, KpiEvidence(), strict),
        *expired[1:],
    )
    assert [each.verdict for each in results] == ["fail", "error", "insufficient", "fail", "pass"]
    assert judged(known(*results), *results, threshold=strict) == results


def test_waived_stays_waived() -> None:
    """A waived finding is not known but waived; known ones come off as well."""
    threshold = Threshold(max=1)
    waivers = [Waiver(DRIFT.id, "r", "kim", "2030-01-01", "D-1")]
    old = known(drifted(frozenset({1, 2}), Threshold(max=0)))
    now = waive([drifted(frozenset({1, 2, 3, 4}), threshold)], waivers, "p", "2026-01-01", RULES, lambda _: threshold)
    first = judged(old, *now, threshold=threshold)[0]
    assert [len(each) for each in (first.waived, first.known, first.new)] == [1, 1, 2]
    assert (first.verdict, first.message.partition("; ")[2]) == ("fail", "1 waived, 3 left; 1 known, 2 new")
    assert first.waived[0].since == MADE_MS


def test_twice_is_known_twice() -> None:
    """Of findings that cannot be told apart as many are known as there were."""
    own = RuleResult("own", "", "", "consistency", "error", Verdict.FAIL, "m", 2, "<=", 0, "count")
    two = replace(own, findings=(Finding("own", "a"), Finding("own", "b")))
    three = replace(own, findings=(Finding("own", "c"),) * 3, value=3)
    compared = compare(
        Known("k", Report("1", 5, Verdict.FAIL, 1, rules=(two,))), Report("1", 9, Verdict.FAIL, 1, rules=(three,))
    )
    assert [each.since for each in compared.rules[0].findings] == [5, 5, None]


def test_beyond_what_is_recorded_counts_as_new() -> None:
    """A finding that cannot be shown to be known is new, and none is lost from the counts."""
    strict = Threshold(max=0)
    many = frozenset(range(RECORDED + SHOWN + 7))
    old = known(drifted(many, strict))
    assert len(old.report.rules[0].unlisted) == RECORDED
    (found,) = judged(old, drifted(many, strict), threshold=strict)
    assert found.verdict == "fail"
    assert (len(found.new), found.more_new, len(found.known) + found.more_known) == (7, 0, RECORDED + SHOWN)


QUEUE, DB = InputRead("queue", "ops/Q.md"), InputRead("db", "ops/q.db")


@pytest.mark.parametrize(
    ("inputs", "rules", "told"),
    [
        ((QUEUE, DB), "pass", None),
        ((QUEUE,), "pass", None),
        ((DB, InputRead("log", "other.jsonl")), "pass", None),
        ((InputRead("queue", "Q.md"),), "pass", "k.json: made of queue ops/Q.md, this one is of queue Q.md: name a "),
        ((InputRead("db", "q.db"), QUEUE), "pass", "k.json: made of db ops/q.db, this one is of db q.db: "),
        (
            (QUEUE,),
            "error",
            "k.json: could not evaluate the rule missing-in-db, so that it knows nothing of that: make ",
        ),
        ((InputRead("db", ""), QUEUE), "error", "k.json: made of db ops/q.db, this one is of db : "),
        ((QUEUE,), "absent", "k.json: lacks the rule missing-in-db, evaluated now: make it again with "),
    ],
)
def test_a_report_that_does_not_fit(inputs: tuple[InputRead, ...], rules: str, told: str | None) -> None:
    """Other queues, rules that it lacks or could not evaluate: one line that says which."""
    now = drifted(frozenset({1}), Threshold(max=0))
    then = () if rules == "absent" else (replace(now, verdict=Verdict(rules)),)
    old = Report("1", 5, Verdict.PASS, 0, inputs=(QUEUE, DB), rules=then)
    why = misfit("k.json", old, inputs, [now, replace(now, id="waiver-expired", group="waivers")], str.__eq__)
    assert why == told or (why and told and why.startswith(told))


@pytest.mark.parametrize(("verdict", "told"), [("error", "could not evaluate"), ("pass", "made without a queue, ")])
def test_a_report_that_read_nothing(verdict: str, told: str) -> None:
    """Without inputs its rules say why; one that says that it judged them all the same does not fit."""
    now = drifted(frozenset({1}), Threshold(max=0))
    old = Report("1", 5, Verdict.PASS, 0, rules=(replace(now, verdict=Verdict(verdict)),))
    why = misfit("k.json", old, [QUEUE], [now], str.__eq__)
    assert why is not None
    assert why.startswith(f"k.json: {told}")
