"""Every rule that comes with this program, in the order of a report: the one table of them.

A rule stands in the module of its kind, beside what it measures and lists; whatever else must name rules (the
policy's schema, the command line's options, waivers, the words of the output) is derived from here.
"""

from __future__ import annotations

from ops_checks.findings import GROUPS, KPI, WAIVERS
from ops_checks.rules.drift.rules import DRIFT_RULES
from ops_checks.rules.history.rules import HISTORY_RULES
from ops_checks.rules.kpi.log_metrics import LOG_RULES
from ops_checks.rules.kpi.queue_metrics import QUEUE_RULES
from ops_checks.rules.kpi.run_metrics import RUN_RULES
from ops_checks.rules.queue.rules import ROW_RULES
from ops_checks.rules.waivers import WAIVER_RULES

_TABLES = (DRIFT_RULES, RUN_RULES, QUEUE_RULES, LOG_RULES, ROW_RULES, HISTORY_RULES, WAIVER_RULES)

#: Every rule by its id.
RULES = {rule.id: rule for rules in _TABLES for rule in rules}

#: The rules of a group, by the group's id.
BY_GROUP = {group: tuple(rule for rule in RULES.values() if rule.group == group) for group in GROUPS}

#: The rules that limit a metric, by the metric as a policy names it.
BY_METRIC = {rule.metric: rule for rule in BY_GROUP[KPI.id]}

#: The metrics of the queue as it is, whatever the window of the KPIs.
OF_NOW = tuple(rule.metric for rule in BY_METRIC.values() if rule.of_now)

#: The ids of the rules whose violation is an error.
ERRORS = frozenset(rule.id for rule in RULES.values() if rule.is_error)

#: The ids of the rules that a waiver may be for, beside a project's own.
WAIVABLE = tuple(rule.id for rule in RULES.values() if rule.group != WAIVERS.id)

if sum(map(len, BY_GROUP.values())) != len(RULES) or len(RULES) != sum(map(len, _TABLES)):
    raise ImportError("a rule is of no known group, or two rules have the same id")
