"""Run the whole gate: both checks, the waivers, one Report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ops_checks import __version__
from ops_checks.checks import drift_rules
from ops_checks.checks.consistency import DRIFT_RULES
from ops_checks.checks.kpi import counts_as, unjudged
from ops_checks.checks.waivers import EXPIRED, UNUSED, apply
from ops_checks.checks.waivers import GROUP as WAIVERS
from ops_checks.clock import queue_time
from ops_checks.errors import InputError
from ops_checks.findings import Verdict
from ops_checks.gate import compare
from ops_checks.gate.kpis import input_read, judge, must_be_read
from ops_checks.policy import Policy
from ops_checks.queues import DEFAULT_LOCK_TIMEOUT_S, open_database, open_markdown
from ops_checks.report import InputRead, Metric, Report, RuleResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.runlog import Progress
    from ops_checks.settings import Settings

CHECKS = ("consistency", "kpi")

_COULD_NOT_RUN = 3
_DRIFT = 1
_ALERT = 2


class _Found(Struct):
    """What the checks have added so far."""

    inputs: list[InputRead] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    rules: list[RuleResult] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def run_gate(
    settings: Settings,
    policy: Policy | None = None,
    *,
    now_s: float,
    only: str | None = None,
    fail_level: str = "error",
    lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S,
    progress: Progress | None = None,
) -> Report:
    """Run the checks (`only` one of CHECKS, or both) and return the Report.

    An input that cannot be read is no exception here: its rules say `error`, the report says why, and
    the exit code is 3. `now_s` is in epoch seconds. With `fail_level` `warn` a warning fails too.
    `progress` hears how far the reading of the Markdown queue and of the logs is.
    """
    policy = policy or settings.policy or Policy()
    found = _Found()
    if only in {None, "consistency"}:
        _check_consistency(found, settings, policy, lock_timeout_s, progress)
    if only in {None, "kpi"}:
        _check_kpis(found, settings, policy, now_s, lock_timeout_s, progress)
    waived = apply(found.rules, policy, queue_time(now_s, settings.tz_minutes)[:10])
    rules = tuple(weighed(must_be_read(rule), policy.kpi.on_insufficient, fail_level) for rule in waived)
    found.errors += [rule.message for rule in rules if rule.verdict is Verdict.ERROR]
    verdict = _verdict(rules)
    return Report(
        tool_version=__version__,
        created_ms=int(now_s * 1000),
        verdict=verdict,
        exit_code=exit_code(rules),
        inputs=tuple(dict.fromkeys(found.inputs)),
        metrics=tuple(found.metrics),
        rules=rules,
        errors=tuple(dict.fromkeys(found.errors)),
        notes=tuple(dict.fromkeys(found.notes)),
    )


def planned_rules(policy: Policy, only: str | None = None) -> list[tuple[str, str]]:
    """Return id and group of every rule that `run_gate` will report on; the policy alone tells."""
    rules: list[tuple[str, str]] = []
    if only in {None, "consistency"}:
        rules += [(rule, drift_rules.GROUP) for rule in drift_rules.on(policy.consistency.severity)]
    if only in {None, "kpi"}:
        rules += [(rule.id, rule.group) for rule in unjudged(policy.kpi.thresholds, "")]
    if policy.waivers:
        rules += [(EXPIRED, WAIVERS), (UNUSED, WAIVERS)]
    return rules


def _check_consistency(
    found: _Found, settings: Settings, policy: Policy, lock_timeout_s: float, progress: Progress | None
) -> None:
    md = open_markdown(settings.queue, lock_timeout_s=lock_timeout_s, progress=progress)
    db = open_database(settings.db, lock_timeout_s=lock_timeout_s)
    keep = 0 if policy.waivers else None  # a waiver may be for any of them
    rules = policy.consistency
    inputs: list[InputRead] = []  # of the last look, which is the one that counts
    try:
        drift = compare(
            md,
            db,
            fields=rules.fields,
            ignore_statuses=rules.ignore_statuses,
            keep=keep,
            on_look=lambda left, right, rows, rows_db: inputs.__setitem__(
                slice(None), [input_read(md, left, rows), input_read(db, right, rows_db)]
            ),
        )
    except InputError as error:
        found.errors += [error.message, *error.details]
        found.rules += drift_rules.unjudged(rules.severity, error.message)
        return
    found.inputs += inputs
    found.notes += drift.remarks
    found.rules += drift_rules.judge(drift, rules.severity)


def _check_kpis(
    found: _Found,
    settings: Settings,
    policy: Policy,
    now_s: float,
    lock_timeout_s: float,
    progress: Progress | None,
) -> None:
    try:
        kpis = judge(settings, policy.kpi, now_s=now_s, lock_timeout_s=lock_timeout_s, progress=progress)
    except InputError as error:
        found.errors += [error.message, *error.details]
        found.rules += unjudged(policy.kpi.thresholds, error.message)
        return
    found.inputs += kpis.inputs
    found.metrics += kpis.metrics
    found.notes += kpis.remarks
    found.rules += kpis.rules


def weighed(rule: RuleResult, on_insufficient: str, fail_level: str) -> RuleResult:
    """Return the rule with what it counts as: by the policy for missing data, by --fail-level for a warning."""
    counted = counts_as(rule, on_insufficient)
    if fail_level == "warn" and counted is Verdict.WARN:
        counted = Verdict.FAIL
    return replace(rule, counts_as=counted)


def _verdict(rules: Iterable[RuleResult]) -> Verdict:
    """Return what the worst of the rules counts as."""
    order = (Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.ERROR)
    return max((rule.effect for rule in rules), key=order.index, default=Verdict.PASS)


def exit_code(rules: Iterable[RuleResult]) -> int:
    """Return the exit code of FORMATS section 7: what could not be evaluated, then drift, then an alert."""
    effects = [(rule, rule.effect) for rule in rules]
    if any(effect is Verdict.ERROR for _, effect in effects):
        return _COULD_NOT_RUN
    groups = {_group(rule) for rule, effect in effects if effect is Verdict.FAIL}
    return _DRIFT if "consistency" in groups else _ALERT if groups else 0


def _group(rule: RuleResult) -> str:
    """Return which check a rule stands for; an expired waiver stands for the rules that it was for."""
    if rule.group != "waivers":
        return rule.group
    return "consistency" if any(finding.trace in DRIFT_RULES for finding in rule.findings) else "kpi"
