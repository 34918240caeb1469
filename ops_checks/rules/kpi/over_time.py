"""The rules that a policy makes of time: on changes, and on error budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.rules.kpi.budget import budget_rules, measure_budget
from ops_checks.rules.kpi.regression import measure_changes, regression_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ops_checks.report.model import Metric
    from ops_checks.rules.kpi.budget import Budget, Last
    from ops_checks.rules.kpi.regression import Regression, Side
    from ops_checks.rules.rule import Rule


def rules_over_time(regressions: Iterable[Regression], budgets: Iterable[Budget]) -> tuple[Rule, ...]:
    """Return the rules that a policy's limits on changes and its objectives are, in the order of a report."""
    of_budgets = (rule for budget in budgets for rule in budget_rules(budget))
    return (*map(regression_rule, regressions), *of_budgets)


def measure_over_time(
    regressions: Sequence[Regression], budgets: Iterable[Budget], now: Side, before: Mapping[str, Side], last: Last
) -> dict[str, Metric]:
    """Return what the rules measure, by their ids; see `measure_changes` and `measure_budget`."""
    found = measure_changes(regressions, now, before)
    for budget in budgets:
        found |= measure_budget(budget, last)
    return found
