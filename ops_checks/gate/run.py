"""Run the gate: evaluate the rules of every group, apply waivers and known findings, make one Report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ops_checks import __version__
from ops_checks.errors import InputError, UsageError
from ops_checks.findings import CONSISTENCY, FAIL_LEVELS, GROUPS, KPI
from ops_checks.gate.asked import asked_for, off_by_name
from ops_checks.gate.inputs import Evidence, has_more, policy_read
from ops_checks.gate.item_rows import with_rows
from ops_checks.gate.known_report import told_apart, unrecorded
from ops_checks.gate.missing import advised
from ops_checks.gate.readers import READERS
from ops_checks.gate.verdict import conclude, decide
from ops_checks.policy.measuring import measured_by
from ops_checks.report.model import InputRead, Metric, Report, RuleResult, Window
from ops_checks.rules.listing import cut
from ops_checks.rules.rule import Threshold, evaluate, not_evaluated
from ops_checks.rules.waivers import apply
from ops_checks.sanitize import visible
from ops_checks.suggestions import did_you_mean
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ops_checks.context import Context
    from ops_checks.gate.asked import Asked
    from ops_checks.gate.readers import Readers
    from ops_checks.policy.model import Policy
    from ops_checks.rules.rule import Rule


class _Found(Struct):
    """What the groups have added so far."""

    inputs: list[InputRead] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    results: list[RuleResult] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def run_gate(
    context: Context,
    *,
    only: str | Collection[str] | None = None,
    fail_level: str = "error",
    max_details: int | None = None,
    readers: Readers = READERS,
) -> Report:
    """Evaluate all rules that the policy has on (or those of `only`, ids of groups and rules) and return the Report.

    An input that cannot be read is no exception here: its rules are `error`, the report says why, and the exit code
    is 3. With `fail_level` `warn` a warning fails too. `max_details` findings of drift a rule are listed (0: all; None:
    50), whatever is waived. What the context's known report has too does not fail. `readers` read the evidence of each
    group. Raises UsageError for another value of `only` or `fail_level`.
    """
    if fail_level not in FAIL_LEVELS:
        expected = f"expected one of {', '.join(FAIL_LEVELS)}"
        raise UsageError(f"fail_level={visible(fail_level)}: {expected}{did_you_mean(fail_level, FAIL_LEVELS)}")
    names = [only] if isinstance(only, str) else list(only or ())
    policy = context.policy.asking_for(names)
    notes = [*context.notes, *context.warnings, *off_by_name(policy, names)]
    found = _Found(inputs=[policy_read(context)], notes=notes)
    asked = {each.group: each for each in asked_for(policy, names, max_details)}
    window = _window(context) if KPI.id in asked else None
    outcomes = {group: _read(readers, context, each) for group, each in asked.items()}
    found.notes += context.snapshot.notes if context.snapshot else []
    for group, outcome in advised(context, outcomes).items():
        _add_group(found, context, policy, asked[group], outcome)
    today = queue_time(context.now_s, context.zone)[:10]
    waived = apply(found.results, policy.waivers, policy.path, today, policy.rules, policy.threshold)
    judged, known = told_apart(context, waived, found.inputs, policy.threshold, found.errors)
    listed = [cut(each, max_details) if has_more(context, each.group) else each for each in judged]
    results = tuple(conclude(result, policy, fail_level) for result in listed)
    run = tuple(group for group, each in asked.items() if not _is_told(each, outcomes[group], names))
    decision = decide(run, results, found.errors, policy.rules)
    return Report(
        tool_version=__version__,
        created_ms=int(context.now_s * 1000),
        verdict=decision.verdict,
        exit_code=decision.exit_code,
        inputs=_once(found.inputs),
        metrics=tuple(found.metrics),
        rules=results,
        errors=decision.errors,
        notes=tuple(dict.fromkeys((*found.notes, *unrecorded(results, context.known), *decision.notes))),
        hints=_hints(outcomes.get(CONSISTENCY.id), results),
        known=known,
        tz_minutes=context.tz_minutes,
        timezone=context.timezone,
        window=window,
        settings=measured_by(policy, context.zone) | {"fail_level": fail_level},
    )


def _window(context: Context) -> Window | None:
    """Return the window of the KPIs, None for all of time."""
    found = context.window
    return Window(found.since_ms, found.until_ms) if found.bounded else None


def _is_told(asked: Asked, outcome: Evidence | InputError, names: Collection[str]) -> bool:
    """Return whether notes say why no rule of a group was judged: each was left out, or is off and was named itself."""
    if not asked.rules:
        return bool(names) and asked.group not in names
    left_out = frozenset() if isinstance(outcome, InputError) else outcome.left_out
    return all(rule.id in left_out for rule in asked.rules)


def _hints(outcome: Evidence | InputError | None, results: Iterable[RuleResult]) -> tuple[str, ...]:
    """Return what helps with the drift that was found."""
    if outcome is None or isinstance(outcome, InputError):
        return ()
    from ops_checks.gate.last_agreement import hints

    return hints(outcome.value, (result for result in results if result.group == CONSISTENCY.id))


def _once(inputs: Iterable[InputRead]) -> tuple[InputRead, ...]:
    """Return inputs without what another group read too; one that says what counts of it says the same, and more."""
    found: dict[InputRead, InputRead] = {}
    for read in inputs:
        plain = replace(read, counted=None, left_out=None)
        if plain not in found or read.left_out:
            found[plain] = read
    return tuple(found.values())


def _read(readers: Readers, context: Context, asked: Asked) -> Evidence | InputError:
    """Return the evidence of a group, or why there is none."""
    try:
        return readers[asked.group](context, asked)
    except InputError as error:
        return error


def _add_group(found: _Found, context: Context, policy: Policy, asked: Asked, evidence: Evidence | InputError) -> None:
    """Evaluate the rules of a group that are asked for; without evidence they are errors."""
    if isinstance(evidence, InputError):
        found.errors += [evidence.message, *evidence.details]
        for rule in asked.rules:
            threshold = policy.threshold(rule) or Threshold()
            found.results.append(not_evaluated(rule, threshold, evidence.message))
        return
    found.inputs += evidence.inputs
    found.metrics += evidence.metrics
    found.notes += evidence.remarks
    found.errors += [evidence.outdated] if evidence.outdated else []
    results = _evaluated(policy, [rule for rule in asked.rules if rule.id not in evidence.left_out], evidence)
    found.results += with_rows(results, context.md_store) if GROUPS[asked.group].in_rows else results


def evaluate_group(policy: Policy, group: str, evidence: Evidence) -> list[RuleResult]:
    """Return the results of a group's rules that are on, in the order of a report."""
    return _evaluated(policy, policy.active_rules([group]), evidence)


def _evaluated(policy: Policy, rules: Iterable[Rule], evidence: Evidence) -> list[RuleResult]:
    """Return the results of rules.

    Those that are measured from a run log that is too old are errors: it says nothing about today; so are those that
    need what the input lacks.
    """
    return [_evaluate(rule, policy.threshold(rule) or Threshold(), evidence) for rule in rules]


def _evaluate(rule: Rule, threshold: Threshold, evidence: Evidence) -> RuleResult:
    rule = evidence.instead.get(rule.id, rule)
    if evidence.outdated and rule.of_log:
        return not_evaluated(rule, threshold, evidence.outdated)
    if rule.id in evidence.lacking:
        return not_evaluated(rule, threshold, evidence.lacking[rule.id])
    return evaluate(rule, evidence.value, threshold)
