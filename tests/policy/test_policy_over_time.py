"""`kpi.regression` and `kpi.budgets` in a policy: what they are read as, and what is refused at its line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops_checks.errors import UsageError
from ops_checks.policy.loader import load_policy, parse_policy
from ops_checks.policy.model import KpiPolicy, Policy
from ops_checks.policy.plain_yaml import read_plain
from ops_checks.rules.kpi.budget import Budget
from ops_checks.rules.kpi.regression import COMPARED, LAST_WEEK, PREVIOUS, Regression
from ops_checks.rules.registry import BY_METRIC

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """\
kpi:
  window: 7d
  regression:
    latency_p95_ms: {max_increase: 10%, against: last-week, confidence: 0.95}
    latency_avg_ms: {max_increase: 250, against: previous, severity: warning}
    latency_p50_ms: {max_increase: 0%}
    failure_rate: {max_increase: 0.05, confidence: 0.99}
    success_rate:
      max_decrease: 0.1
  budgets:
    - objective: 95% over 30d
    - objective: 99.5% over 7d
      name: weekly
      min_samples: 20
"""


def test_what_is_read():
    """Limits come in the order of the metrics, budgets in that of the file; a percentage is one, a number is none."""
    kpi = parse_policy(POLICY.encode(), "p.yaml").kpi
    assert kpi.regressions == (
        Regression("failure_rate", 0.05, confidence=0.99),
        Regression("success_rate", 0.1),
        Regression("latency_p50_ms", 0, relative=True),
        Regression("latency_p95_ms", 10, relative=True, against=LAST_WEEK, confidence=0.95),
        Regression("latency_avg_ms", 250, against=PREVIOUS, severity="warning"),
    )
    assert kpi.budgets == (Budget(95, 30), Budget(99.5, 7, "weekly", 20))


def test_each_is_a_rule():
    """The rules stand with the KPIs, in the order of a report, and each has its limit with it."""
    policy = parse_policy(POLICY.encode(), "p.yaml")
    ids = [rule.id for rule in policy.kpi.own_rules]
    made = [rule for rule in policy.active_rules(["kpi"]) if rule.id in ids]
    assert [(rule.id, policy.threshold(rule).max, policy.threshold(rule).severity, rule.unit) for rule in made] == [
        ("regression-failure-rate", 0.05, "error", "ratio"),
        ("regression-success-rate", 0.1, "error", "ratio"),
        ("regression-latency-p50-ms", 0, "error", "%"),
        ("regression-latency-p95-ms", 10, "error", "%"),
        ("regression-latency-avg-ms", 250, "warning", "ms"),
        ("error-budget", 100, "error", "%"),
        ("burn-rate-fast", 14.4, "error", "1"),
        ("burn-rate-medium", 6, "error", "1"),
        ("burn-rate-slow", 1, "warning", "1"),
        ("error-budget-weekly", 100, "error", "%"),
        ("burn-rate-fast-weekly", 14.4, "error", "1"),
        ("burn-rate-medium-weekly", 6, "error", "1"),
        ("burn-rate-slow-weekly", 1, "warning", "1"),
    ]
    assert policy.rules.keys() >= {rule.id for rule in made}


def test_what_can_be_compared():
    """The metrics whose rules say how a change is limited are those that can be compared, in the same order."""
    assert [metric for metric, rule in BY_METRIC.items() if rule.change] == list(COMPARED)
    for metric, kind in COMPARED.items():
        assert BY_METRIC[metric].unit == kind.unit
        assert BY_METRIC[metric].change.endswith("decrease") is kind.falls


def test_it_is_read_without_the_parser():
    """As plain a policy as the manual's needs none of the parsers that take longer than all else."""
    assert read_plain(POLICY) is not None


def refused(folder: Path, text: str) -> list[str]:
    """Return what is said of a policy that is none, without the file's name."""
    file = folder / "p.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_policy(str(file))
    assert caught.value.exit_code == 4
    return [line.removeprefix(f"{file}:") for line in (caught.value.message, *caught.value.details)]


PERCENTAGE = "a percentage such as `10%`"
MILLISECONDS = "milliseconds from 1 on (a percentage is written `10%`)"
RATE = "a rate from 0 to 1 (0.05 is 5 percentage points; `5%` could be 5 % of the rate)"
AGAINST = "`last-week`, `previous` or the path of a report, which ends in `.json`"
OBJECTIVE = "an objective such as `95% over 30d`: more than 0 % and less than 100 %, over at most 999 days"


@pytest.mark.parametrize(
    ("entry", "where", "problem"),
    [
        ("latency_p95_ms: {max_increase: 0.1}", ":36: {}.max_increase", f"0.1 is not allowed; expected {MILLISECONDS}"),
        (
            "latency_p95_ms: {max_increase: 10 %}",
            ":36: {}.max_increase",
            f'"10 %" is not allowed; expected {PERCENTAGE}',
        ),
        ("latency_p95_ms: {max_increase: -5%}", ":36: {}.max_increase", f'"-5%" is not allowed; expected {PERCENTAGE}'),
        (
            "latency_p95_ms: {max_increase: 20ms}",
            ":36: {}.max_increase",
            f'"20ms" is not allowed; expected {PERCENTAGE}',
        ),
        ("failure_rate: {max_increase: 5%}", ":34: {}.max_increase", f'"5%" is not allowed; expected {RATE}'),
        ("failure_rate: {max_increase: 5}", ":34: {}.max_increase", f"5 is not allowed; expected {RATE}"),
        ("success_rate: {max_increase: 0.05}", ":19: {}", "lacks max_decrease; expected a mapping with `max_decrease`"),
        ("failure_rate: {against: previous}", ":19: {}", "lacks max_increase; expected a mapping with `max_increase`"),
        ("latency_p95_ms: 10%", ":21: {}", '"10%" is not allowed; expected a mapping with `max_increase`'),
        (
            "latency_p95_ms: {max_increase: 10%, against: lastweek}",
            ":50: {}.against",
            f'"lastweek" is not allowed; expected {AGAINST}',
        ),
        (
            "latency_p95_ms: {max_increase: 10%, confidence: 95}",
            ":53: {}.confidence",
            "95 is not allowed; expected a number from 0.5 to 0.9999 (95 % is 0.95)",
        ),
        (
            "retry_count: {max_increase: 10%}",
            ":5: {}",
            "unknown key; allowed: failure_rate, success_rate, latency_p50_ms, latency_p90_ms, latency_p95_ms, "
            "latency_p99_ms, latency_avg_ms",
        ),
    ],
)
def test_a_limit_that_is_none(tmp_path, entry, where, problem):
    """What may mean one thing or another is refused, with what would mean either."""
    column, _, path = where.removeprefix(":").partition(": ")
    metric = entry.partition(":")[0]
    text = f"kpi:\n  window: 7d\n  regression:\n    {entry}\n"
    assert refused(tmp_path, text)[:1] == [f"4:{int(column)}: {path.format(f'kpi.regression.{metric}')}: {problem}"]


@pytest.mark.parametrize(
    "objective", ["95 over 30d", "95%", "100% over 30d", "0% over 7d", "95% over 4w", "0.95 over 30d"]
)
def test_an_objective_that_is_none(tmp_path, objective):
    """An objective is a percentage and a number of days."""
    assert refused(tmp_path, f"kpi:\n  budgets:\n  - objective: {objective}\n") == [
        f'3:16: kpi.budgets.0.objective: "{objective}" is not allowed; expected {OBJECTIVE}'
    ]


P95 = "latency_p95_ms: {max_increase: 10%}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"kpi:\n  regression:\n    {P95}\n",
            "3:21: kpi.regression.latency_p95_ms: no window is set that could be compared with an earlier one; "
            "expected a time span as kpi.window, such as `24h` or `7d`",
        ),
        (
            "kpi:\n  window: 7d\n  regression: {}\n",
            "3:15: kpi.regression: an empty mapping is not allowed; expected a mapping from at least one metric to a "
            "limit on its change",
        ),
        (
            "kpi:\n  budgets: []\n",
            "2:12: kpi.budgets: an empty list is not allowed; expected a list of at least one budget",
        ),
        (
            f"kpi:\n  window: 8d\n  regression:\n    {P95}\n",
            "4:21: kpi.regression.latency_p95_ms: last-week overlaps with a window of more than 7d; expected "
            "`previous`, or a window of at most 7d",
        ),
        (
            "kpi:\n  budgets:\n  - objective: 95% over 30d\n  - objective: 90% over 7d\n",
            "4:5: kpi.budgets.1: kpi.budgets.0 has the same name; expected another one for each budget but one",
        ),
        (
            "kpi:\n  budgets:\n  - {objective: 95% over 30d, name: a}\n  - {objective: 90% over 7d, name: a}\n",
            "4:36: kpi.budgets.1.name: kpi.budgets.0 has the same name; expected another one for each budget but one",
        ),
        (
            "kpi:\n  budgets:\n  - objective: 95% over 30d\nrules:\n- {id: error-budget, python: a:b}\n",
            "5:8: rules.0.id: error-budget is a rule of kpi.regression or kpi.budgets; expected another name",
        ),
    ],
)
def test_what_does_not_go_together(tmp_path, text, expected):
    """A window that is compared is one, no section is empty, and no two rules have one id."""
    assert refused(tmp_path, text) == [expected]


def test_waivers_know_the_rules(tmp_path):
    """A waiver may be for a rule that the policy makes, and for none that it does not make."""
    waiver = "waivers:\n- {rule: %s, owner: o, reason: r, expires: '2030-01-01'}\n"
    budget = "kpi:\n  budgets:\n  - objective: 80% over 30d\n"
    policy = parse_policy((budget + waiver % "burn-rate-slow").encode(), "p.yaml")
    assert policy.waivers[0].rule == "burn-rate-slow"
    (line,) = refused(tmp_path, budget + waiver % "burn-rate-fast")
    assert line.startswith('5:10: waivers.0.rule: "burn-rate-fast" is not allowed; expected a rule (')
    assert line.endswith("error-budget, burn-rate-slow); did you mean burn-rate-slow?")


def test_a_policy_in_code_is_held_to_it_too():
    """Two budgets of one name are refused there as well."""
    with pytest.raises(UsageError, match="error-budget: another rule has this id"):
        Policy(kpi=KpiPolicy(budgets=(Budget(95, 30), Budget(90, 7))))
