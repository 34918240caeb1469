"""Run the gate: evaluate the rules of every group, apply the waivers, make one Report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ops_checks import __version__
from ops_checks.errors import InputError, UsageError
from ops_checks.exit_codes import NOT_EVALUATED, OK, ExitCode
from ops_checks.findings import FAIL_LEVELS, GROUPS, WAIVERS, Verdict
from ops_checks.gate.inputs import READERS, policy_read
from ops_checks.report.model import InputRead, Metric, Report, RuleResult
from ops_checks.rules.registry import RULES
from ops_checks.rules.rule import Threshold, counts_as, evaluate, not_evaluated
from ops_checks.rules.waivers import apply
from ops_checks.sanitize import visible
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.context import Context
    from ops_checks.gate.inputs import Evidence
    from ops_checks.policy.model import Policy


class _Found(Struct):
    """What the groups have added so far."""

    inputs: list[InputRead] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    results: list[RuleResult] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def run_gate(context: Context, *, only: str | None = None, fail_level: str = "error") -> Report:
    """Evaluate the rules of all groups (or `only` of `consistency` or `kpi`) and return the Report.

    An input that cannot be read is no exception here: its rules are `error`, the report says why, and the exit code
    is 3. With `fail_level` `warn` a warning fails too. Raises UsageError for another value of `only` or `fail_level`.
    """
    for name, value, allowed in (("only", only, (None, *READERS)), ("fail_level", fail_level, FAIL_LEVELS)):
        if value not in allowed:
            raise UsageError(f"{name}={visible(str(value))}: expected one of {', '.join(filter(None, allowed))}")
    policy = context.policy
    found = _Found(inputs=[policy_read(context)], notes=[*context.notes, *context.warnings])
    for group in [only] if only else READERS:
        _add_group(found, context, group)
    waived = apply(
        found.results, policy.waivers, policy.path, queue_time(context.now_s, context.tz_minutes)[:10], RULES
    )
    results = tuple(conclude(result, policy, fail_level) for result in waived)
    found.errors += [result.message for result in results if result.verdict is Verdict.ERROR]
    return Report(
        tool_version=__version__,
        created_ms=int(context.now_s * 1000),
        verdict=_verdict(results),
        exit_code=exit_code(results),
        inputs=tuple(dict.fromkeys(found.inputs)),
        metrics=tuple(found.metrics),
        rules=results,
        errors=tuple(dict.fromkeys(found.errors)),
        notes=tuple(dict.fromkeys(found.notes)),
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
    found.results += evaluate_group(context.policy, group, evidence)


def evaluate_group(policy: Policy, group: str, evidence: Evidence) -> list[RuleResult]:
    """Return the results of a group's rules that are on, in the order of a report."""
    return [
        evaluate(rule, evidence.value, policy.threshold(rule) or Threshold()) for rule in policy.active_rules([group])
    ]


def conclude(result: RuleResult, policy: Policy, fail_level: str) -> RuleResult:
    """Return a result with what it counts as in the whole; one that cannot be relied on is an `error`.

    That is a finding of a rule that the registry does not know, and malformed lines that break their limit: an input
    is malformed, so that its metrics may miss runs. A violation that only warns stays (FORMATS sections 3 and 7); so
    does one without a line to point at, of a policy that wants at least so many malformed lines.
    """
    strangers = [each.rule for each in result.findings if each.rule != result.id or each.rule not in RULES]
    if strangers:
        kind = "another rule" if strangers[0] in RULES else "the unknown rule"
        message = f"{visible(result.id)}: a finding of {kind} {visible(strangers[0])}: report it to ops-checks"
        result = replace(result, verdict=Verdict.ERROR, message=message)
    elif result.id == "malformed-lines" and result.verdict is Verdict.FAIL and result.findings:
        result = replace(result, verdict=Verdict.ERROR, message=_malformed_message(result))
    return replace(result, counts_as=counts_as(result, policy.kpi.on_insufficient, fail_level))


def _malformed_message(result: RuleResult) -> str:
    first = result.findings[0]
    more = f" (and {result.value - 1:g} more malformed lines)" if result.value and result.value > 1 else ""
    return f"{visible(str(first.places[0]))}: {first.message}{more}: mend its writer, then set the line aside"


def _verdict(results: Iterable[RuleResult]) -> Verdict:
    """Return what the worst of the results counts as."""
    order = (Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.ERROR)
    return max((result.effect for result in results), key=order.index, default=Verdict.PASS)


def exit_code(results: Iterable[RuleResult]) -> ExitCode:
    """Return the exit code of FORMATS section 7: what could not be evaluated, then drift, then an alert."""
    effects = [(result, result.effect) for result in results]
    if any(effect is Verdict.ERROR for _, effect in effects):
        return NOT_EVALUATED
    failed = {code for result, effect in effects if effect is Verdict.FAIL for code in _exit_codes(result)}
    return min(failed, default=OK)


def _exit_codes(result: RuleResult) -> set[ExitCode]:
    """Return the exit codes that a failed result stands for; an expired waiver, those of the rules it was for."""
    if result.group != WAIVERS.id:
        return {GROUPS[result.group].exit_code}
    known = {GROUPS[RULES[finding.trace].group].exit_code for finding in result.findings if finding.trace in RULES}
    return known or {GROUPS[WAIVERS.id].exit_code}
