"""Run the gate: evaluate the rules of every group, apply the waivers, make one Report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from ops_checks import __version__
from ops_checks.errors import InputError, UsageError
from ops_checks.findings import FAIL_LEVELS, KPI
from ops_checks.gate.inputs import READERS, policy_read
from ops_checks.gate.item_rows import with_rows
from ops_checks.gate.verdict import conclude, decide
from ops_checks.report.model import InputRead, Metric, Report, RuleResult
from ops_checks.rules.registry import RULES
from ops_checks.rules.rule import Threshold, evaluate, not_evaluated
from ops_checks.rules.waivers import apply
from ops_checks.sanitize import visible
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Collection

    from ops_checks.context import Context
    from ops_checks.gate.inputs import Evidence
    from ops_checks.policy.model import Policy
    from ops_checks.rules.rule import Rule


class _Found(Struct):
    """What the groups have added so far."""

    inputs: list[InputRead] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    results: list[RuleResult] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def run_gate(context: Context, *, only: str | Collection[str] | None = None, fail_level: str = "error") -> Report:
    """Evaluate the rules of all groups (or `only` those of `consistency`, of `kpi`) and return the Report.

    An input that cannot be read is no exception here: its rules are `error`, the report says why, and the exit code
    is 3. With `fail_level` `warn` a warning fails too. Raises UsageError for another value of `only` or `fail_level`.
    """
    named = [only] if isinstance(only, str) else list(only or READERS)
    for name, values, allowed in (("only", named, READERS), ("fail_level", [fail_level], FAIL_LEVELS)):
        for value in values:
            if value not in allowed:
                raise UsageError(f"{name}={visible(str(value))}: expected one of {', '.join(allowed)}")
    policy = context.policy
    found = _Found(inputs=[policy_read(context)], notes=[*context.notes, *context.warnings])
    asked = [group for group in READERS if group in named]
    for group in asked:
        _add_group(found, context, group)
    today = queue_time(context.now_s, context.tz_minutes)[:10]
    waived = apply(found.results, policy.waivers, policy.path, today, RULES, policy.threshold)
    results = tuple(conclude(result, policy, fail_level) for result in waived)
    decision = decide(asked, results, found.errors)
    return Report(
        tool_version=__version__,
        created_ms=int(context.now_s * 1000),
        verdict=decision.verdict,
        exit_code=decision.exit_code,
        inputs=tuple(dict.fromkeys(found.inputs)),
        metrics=tuple(found.metrics),
        rules=results,
        errors=decision.errors,
        notes=tuple(dict.fromkeys((*found.notes, *decision.notes))),
    )


def _add_group(found: _Found, context: Context, group: str) -> None:
    """Read the evidence of a group and evaluate its rules; without evidence they are errors."""
    try:
        evidence = READERS[group](context)
    except InputError as error:
        found.errors += [error.message, *error.details]
        for rule in context.policy.active_rules([group]):
            threshold = context.policy.threshold(rule) or Threshold()
            found.results.append(not_evaluated(rule, threshold, error.message))
        return
    found.inputs += evidence.inputs
    found.metrics += evidence.metrics
    found.notes += evidence.remarks
    found.errors += [evidence.outdated] if evidence.outdated else []
    results = evaluate_group(context.policy, group, evidence)
    found.results += with_rows(results, context.md_store) if group == KPI.id else results


def evaluate_group(policy: Policy, group: str, evidence: Evidence) -> list[RuleResult]:
    """Return the results of a group's rules that are on, in the order of a report.

    Those that are measured from a run log that is too old are errors: it says nothing about today.
    """
    return [_evaluate(rule, policy.threshold(rule) or Threshold(), evidence) for rule in policy.active_rules([group])]


def _evaluate(rule: Rule, threshold: Threshold, evidence: Evidence) -> RuleResult:
    if evidence.outdated and rule.of_log:
        return not_evaluated(rule, threshold, evidence.outdated)
    return evaluate(rule, evidence.value, threshold)
