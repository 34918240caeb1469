"""What a policy would have said of past runs: other limits are told, what was measured in another way is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gate_runs import small_report
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ops_checks.findings import Finding, Verdict
from ops_checks.policy.measuring import measured_by, settings_of, waivers_of
from ops_checks.policy.model import Policy
from ops_checks.report.gate_run import GateRun, RuleRun, run_of
from ops_checks.report.model import Metric, RuleResult
from ops_checks.rules.backtest import Condition, Outcome, Retold, Untold, retell, tally, was
from ops_checks.rules.registry import BY_METRIC, RULES
from ops_checks.rules.rule import Offenders, Threshold, counts_as, evaluate
from ops_checks.rules.waivers import Waiver, apply

if TYPE_CHECKING:
    from typing import Any

SETTINGS = measured_by(Policy(), 540)
RATE, STALE, MALFORMED, DRIFT = (
    RULES[name] for name in ("failure-rate", "stale-in-progress", "malformed-lines", "missing-in-db")
)


def condition(rule: Any, waived: str | None = None, settings: dict[str, Any] | None = None, **limits: Any) -> Condition:
    """Return a rule as a policy has it."""
    chosen = {key: SETTINGS.get(key) for key in settings_of(rule)} | (settings or {})
    return Condition(rule, Threshold(**(limits or {"max": 0})), chosen, waivers_of(rule), waived)


def run(*rules: RuleRun, metrics: tuple[Metric, ...] = (), **changes: Any) -> GateRun:
    """Return a run by the settings of the default policy."""
    plain = run_of(small_report(rules=(), metrics=metrics, settings=SETTINGS, verdict=Verdict.PASS, exit_code=0))
    return replace(plain, rules=rules, **changes)


def rate(value: float | None, samples: int = 40, **more: Any) -> tuple[Metric, ...]:
    """Return what a failure rate was measured as."""
    return (Metric("failure_rate", value, "ratio", samples, **more),)


def kept(rule: Any, verdict: Verdict, **fields: Any) -> RuleRun:
    """Return what a rule said."""
    return RuleRun(rule.id, rule.group, "error", verdict, fields.pop("counts_as", verdict), **fields)


FAILED_DRIFT = kept(DRIFT, Verdict.FAIL, value=3, operator="<=", limit=0, unit="count", samples=9, new=3)
P, F, W, S, E = Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.INSUFFICIENT, Verdict.ERROR
BROKEN = (Metric("malformed_lines", 2, "count", 9),)
MADE = replace(RATE, id="error-budget")
WAIVED_RATE = kept(RATE, P, value=0.3, operator="<=", limit=0.2, waived=1)
TOO_FEW = kept(RULES["blocked"], P, value=1, operator=">=", limit=2, unit="count", waived=1)
OTHER_WAIVERS = SETTINGS | {"waivers.missing-in-db": "d", "waivers.failure-rate": "d"}
KNOWN_RATE = kept(RATE, P, value=0.3, operator="<=", limit=0.2, is_known=True)


@pytest.mark.parametrize(
    ("past", "asked", "told"),
    [
        # other limits are held against what was measured, whether a rule was on then or not
        (run(metrics=rate(0.3)), condition(RATE, max=0.2), F),
        (run(metrics=rate(0.3)), condition(RATE, max=0.3), P),
        (run(metrics=rate(0.3)), condition(RATE, max=0.4, warn_max=0.2), W),
        (run(metrics=rate(0.3)), condition(RATE, min=0.4), F),
        (run(metrics=rate(0.3)), condition(RATE, max=0.2, severity="warning"), W),
        (run(metrics=rate(0.3)), condition(RATE, max=0.2, min_samples=41), S),
        (run(metrics=rate(None, 0)), condition(RATE, max=0.2), S),
        (run(metrics=(Metric("retry_count", 3, "count", 3, unread=1),)), condition(RULES["retry-count"], max=5), S),
        (run(metrics=(Metric("retry_count", 6, "count", 3, unread=1),)), condition(RULES["retry-count"], max=5), F),
        (run(FAILED_DRIFT), condition(DRIFT), F),
        (run(FAILED_DRIFT), condition(DRIFT, max=0, severity="warning"), W),
        (run(replace(FAILED_DRIFT, value=0, new=0, verdict=P)), condition(DRIFT), P),
        (run(replace(FAILED_DRIFT, value=0, new=0, samples=0)), condition(DRIFT), S),
        # lines that are none make the log one that cannot be relied on
        (run(metrics=BROKEN), condition(MALFORMED), E),
        (run(metrics=BROKEN), condition(MALFORMED, max=2), P),
        (run(metrics=BROKEN), condition(MALFORMED, max=0, severity="warning"), W),
        (run(kept(MALFORMED, E, value=2), metrics=BROKEN), condition(MALFORMED, max=3), P),
        # what could not be evaluated could not be by any limit
        (run(kept(RATE, E), metrics=rate(0.1)), condition(RATE, max=0.2), E),
        # what was answered for then is answered for now
        (run(replace(FAILED_DRIFT, new=0, known=3)), condition(DRIFT), P),
        (run(replace(FAILED_DRIFT, new=1, known=1, waived=1)), condition(DRIFT), F),
        (run(replace(FAILED_DRIFT, new=1, known=2)), condition(DRIFT, max=1), P),
        (run(WAIVED_RATE, metrics=rate(0.3)), condition(RATE, max=0.1), P),
        (run(TOO_FEW, metrics=(Metric("blocked", 1, "count", 9),)), condition(RULES["blocked"], min=3), P),
        (
            run(replace(TOO_FEW, operator="<=", limit=0, new=0), metrics=(Metric("blocked", 1, "count", 9),)),
            condition(RULES["blocked"], min=3),
            "it was answered for then, by another limit",
        ),
        (run(KNOWN_RATE, metrics=rate(0.3)), condition(RATE, max=0.2), P),
        (run(KNOWN_RATE, metrics=rate(0.3)), condition(RATE, max=0.1), "it was known then, by another limit"),
        (run(KNOWN_RATE, metrics=rate(0.3)), condition(RATE, max=0.5), P),
        # of a rule whose limit is part of what it measures: what it said
        (run(kept(MADE, S, value=9.0, operator="<=", limit=1.0)), condition(MADE, max=1), S),
        (run(kept(MADE, F, value=9.0, operator="<=", limit=1.0)), condition(MADE, max=99), F),
        (run(kept(MADE, F, value=9.0)), condition(MADE, "a digest"), "its waivers were others"),
        (run(), condition(MADE), "it was not judged"),
        # what a run does not keep cannot be told
        (run(), condition(RATE, max=0.2), "failure_rate was not measured"),
        (run(), condition(DRIFT), "it was not judged"),
        (run(metrics=rate(0.1)), condition(RATE, settings={"kpi.window": 60}, max=0.2), "kpi.window was another"),
        (run(FAILED_DRIFT), condition(DRIFT, settings={"consistency.fields": []}), "consistency.fields was another"),
        (run(FAILED_DRIFT), condition(DRIFT, waived="a digest"), "its waivers were others"),
        (run(replace(FAILED_DRIFT, value=0, new=0)), condition(DRIFT, waived="a digest"), P),
        (run(FAILED_DRIFT, settings=OTHER_WAIVERS), condition(DRIFT), "its waivers were others"),
        (run(metrics=rate(0.3), settings=OTHER_WAIVERS), condition(RATE, "d"), "it has waivers"),
        (run(kept(MALFORMED, E), metrics=rate(0.1), errors=1), condition(RATE), "its log could not be relied on"),
        (run(kept(MALFORMED, P), metrics=rate(0.1), errors=1), condition(RATE, max=1), P),
        # a report of an earlier release says less: its settings are taken to be the same
        (run(FAILED_DRIFT, settings=None), condition(DRIFT, settings={"consistency.fields": []}), F),
        (
            run(kept(RULES["retry-count"], S), metrics=(Metric("retry_count", 3, "count", 3),), settings=None),
            condition(RULES["retry-count"], max=5),
            S,
        ),
    ],
)  # fmt: skip
def test_what_can_be_told(past: GateRun, asked: Condition, told: Verdict | str) -> None:
    """A verdict, or why there is none."""
    retold = retell(past, [asked], "fail")
    untold = [each for each in retold.untold if each.rule]
    found = retold.results[0].verdict if retold.results else untold[0].reason
    assert found == told


@pytest.mark.parametrize(
    ("verdicts", "untold", "on_insufficient", "outcome", "blocks"),
    [
        ([P, P], False, "fail", Outcome.PASS, False),
        ([P, W], False, "fail", Outcome.PASS, False),
        ([P, F], False, "fail", Outcome.BLOCK, True),
        ([P, S], False, "fail", Outcome.INSUFFICIENT, True),
        ([P, S], False, "warn", Outcome.INSUFFICIENT, False),
        ([P, S], False, "pass", Outcome.INSUFFICIENT, False),
        ([F, S], False, "fail", Outcome.BLOCK, True),
        ([F, E], False, "fail", Outcome.ERROR, True),
        ([P], True, "fail", Outcome.UNKNOWN, None),
        ([], True, "fail", Outcome.UNKNOWN, None),
        ([], False, "fail", Outcome.UNKNOWN, None),
        ([F], True, "fail", Outcome.BLOCK, True),
        ([S], True, "fail", Outcome.INSUFFICIENT, True),
        ([S], True, "warn", Outcome.UNKNOWN, None),  # it would pass, as far as that goes
        ([E], True, "fail", Outcome.ERROR, True),
    ],
)
def test_outcomes(
    verdicts: list[Verdict],
    untold: bool,  # noqa: FBT001 - a column of the table
    on_insufficient: str,
    outcome: Outcome,
    blocks: bool | None,  # noqa: FBT001 - a column of the table
) -> None:
    """What is not told never counts as a pass; what fails for sure fails whatever is not told."""
    rules = [rule for rule in BY_METRIC.values() if rule.counted and not rule.is_error and not rule.of_log]
    conditions, metrics, said = [], [], []
    for rule, verdict in zip(rules, verdicts, strict=False):
        metrics.append(Metric(rule.metric, 1 if verdict in {F, W} else 0, "count", 1, unread=verdict is S))
        conditions.append(condition(rule, max=0, severity="warning" if verdict is W else "error"))
        said += [kept(rule, E)] if verdict is E else []
    conditions += [condition(DRIFT)] if untold else []
    retold = retell(run(*said, metrics=tuple(metrics)), conditions, on_insufficient)
    assert (retold.would, retold.blocks) == (outcome, blocks)


def test_an_error_that_is_no_rule_s() -> None:
    """Nobody can tell what it would be under another policy, and it is named."""
    retold = retell(run(metrics=rate(0.1), errors=1, exit_code=3), [condition(RATE, max=0.2)], "fail")
    assert (retold.was, retold.blocked, retold.would) == (Outcome.ERROR, True, Outcome.UNKNOWN)
    assert Untold("", "it could not be evaluated then, for a reason that is no rule's") in retold.untold


def test_warnings_that_failed() -> None:
    """With `--fail-level warn` then, they fail."""
    past = run(metrics=rate(0.3), settings=SETTINGS | {"fail_level": "warn"})
    assert retell(past, [condition(RATE, warn_max=0.2)], "fail").would is Outcome.BLOCK


def test_rules_among_all_runs() -> None:
    """How often each was violated of how many that can be told; the reasons why not are counted."""
    conditions = [condition(RATE, max=0.2), condition(DRIFT), condition(STALE)]
    runs = [run(metrics=rate(value)) for value in (0.3, 0.1, 0.1)] + [run(FAILED_DRIFT)] * 2
    found = tally([retell(each, conditions, "fail") for each in runs], conditions)
    assert [(each.rule, each.told, each.violated, each.never, each.always) for each in found] == [
        ("failure-rate", 3, 1, False, False),
        ("missing-in-db", 2, 2, False, True),
        ("stale-in-progress", 0, 0, False, False),
    ]
    assert found[2].untold == {"stale_in_progress was not measured": 5}
    assert tally([Retold(0, None, None, Outcome.UNKNOWN, None)], conditions)[0].never is False


LIMITS = st.builds(
    Threshold,
    max=st.none() | st.integers(0, 4),
    min=st.none() | st.integers(0, 4),
    warn_max=st.none() | st.integers(0, 4),
    min_samples=st.integers(1, 4),
    severity=st.sampled_from(["error", "warning"]),
)
_JUDGED = [RATE, STALE, DRIFT, RULES["latency-p95-ms"], RULES["oldest-pending-minutes"], RULES["retry-count"]]


@st.composite
def _said(draw: st.DrawFn) -> tuple[Any, Threshold, Metric, RuleResult, tuple[Waiver, ...]]:
    """Return a rule, limits, what it measured, what the gate says of that, and the waivers that hold."""
    rule, limits = draw(st.sampled_from(_JUDGED)), draw(LIMITS)
    value = draw(st.none() | st.integers(0, 5)) if not rule.counts_findings else draw(st.integers(0, 5))
    metric = Metric(rule.metric, value, rule.unit, draw(st.integers(0, 5)), unread=draw(st.integers(0, 1)))
    if rule.group != "kpi":
        metric = replace(metric, unread=0, unit="count")
    findings = tuple(Finding(rule.id, "", f"X-{number}") for number in range(value or 0))
    judged = evaluate(replace(rule, measure=lambda _: metric, offenders=lambda *_: Offenders(findings)), None, limits)
    items = draw(st.lists(st.sampled_from([None, "X-0", "X-1"]), max_size=2))
    waivers = tuple(Waiver(rule.id, "", "", "2030-01-01", item) for item in items)
    waived = apply([judged], waivers, None, "2026-01-01", RULES, lambda _: limits)[0]
    return rule, limits, metric, waived, waivers


@given(st.lists(_said(), min_size=1, max_size=4, unique_by=lambda said: said[0].id), st.sampled_from(["fail", "warn"]))
def test_the_policy_of_a_run_agrees_with_what_happened(said: Any, on_insufficient: str) -> None:
    """Whatever the limits and waivers: the policy by which a run was judged says what was said then."""
    policy = Policy(waivers=tuple(each for _, _, _, _, waivers in said for each in waivers))
    settings = measured_by(policy, 540)
    results = tuple(
        replace(result, counts_as=counts_as(result, on_insufficient, "error")) for _, _, _, result, _ in said
    )
    past = run_of(small_report(rules=results, settings=settings, metrics=tuple(metric for _, _, metric, _, _ in said)))
    conditions = [
        Condition(
            rule, limits, {key: settings.get(key) for key in settings_of(rule)}, waivers_of(rule),
            settings.get(waivers_of(rule)),
        )
        for rule, limits, _, _, _ in said
    ]  # fmt: skip
    retold = retell(past, conditions, on_insufficient)
    assert [each.verdict for each in retold.results] == [each.verdict for each in results]
    assert retold.would is was(past)
