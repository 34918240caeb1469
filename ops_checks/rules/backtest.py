"""What a policy would have said of past gate runs, by what is kept of them; and what that cannot tell.

A run keeps what was measured, not what it was measured from: other limits can be held against it, but where a setting
was another that decides what is measured (`policy.measuring`), nobody can tell. That is never taken for a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - msgspec resolves the fields' types
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from ops_checks.findings import KPI, Verdict
from ops_checks.report.model import Metric, RuleResult
from ops_checks.rules.registry import RULES
from ops_checks.rules.rule import (
    Limit,
    Offenders,
    Rule,
    Threshold,
    counts_as,
    evaluate,
    judged_again,
    not_evaluated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ops_checks.report.gate_run import GateRun, RuleRun

_VIOLATED = (Verdict.FAIL, Verdict.WARN)


class Outcome(StrEnum):
    """How a gate run ends, in the words of a backtest.

    `INSUFFICIENT` is too little data and nothing worse, however the policy counts that; `ERROR` that something could
    not be evaluated; `UNKNOWN` that what is kept of the run cannot tell.
    """

    PASS = "pass"  # noqa: S105 - no password
    INSUFFICIENT = "insufficient"
    BLOCK = "block"
    ERROR = "error"
    UNKNOWN = "unknown"


class Condition(Struct, frozen=True):
    """A rule as a policy has it.

    `settings` are those that decide what it measures, by their key; `waivers` is the key of its waivers, and `waived`
    their digest, None without any.
    """

    rule: Rule
    threshold: Threshold
    settings: Mapping[str, Any]
    waivers: str
    waived: str | None = None

    def other_setting(self, run: GateRun) -> str | None:
        """Return a setting that was another in a run, None where it measured as the policy does, as far as it says."""
        if run.settings is None:
            return None
        return next((key for key, value in self.settings.items() if run.settings.get(key) != value), None)

    def has_waivers_of(self, run: GateRun) -> bool:
        """Return whether the rule had the waivers in a run that it has now, as far as the run says."""
        return run.settings is None or run.settings.get(self.waivers) == self.waived


class Untold(Struct, frozen=True):
    """Why a rule cannot be told of a run."""

    rule: str
    reason: str


class Retold(Struct, frozen=True):
    """A run, and what a policy would have said of it.

    `was` is how it ended, and `blocked` whether the gate failed; both are None for an hour of a log, in which no gate
    is known to have run. `results` are those of the rules that can be told, `untold` the others. `blocks`: whether the
    gate would have failed, None where nobody can tell.
    """

    at_ms: int
    was: Outcome | None
    blocked: bool | None
    would: Outcome
    blocks: bool | None
    results: tuple[RuleResult, ...] = ()
    untold: tuple[Untold, ...] = ()

    @property
    def failing(self) -> tuple[RuleResult, ...]:
        """The results that would have failed it."""
        return tuple(each for each in self.results if each.effect in {Verdict.FAIL, Verdict.ERROR})


class Tally(Struct, frozen=True):
    """How often a rule was violated among the runs of which it can be told, and why it could not be of the others."""

    rule: str
    told: int
    violated: int
    untold: Mapping[str, int]

    @property
    def never(self) -> bool:
        """Whether it was told, and never violated."""
        return bool(self.told) and not self.violated

    @property
    def always(self) -> bool:
        """Whether it was told, and violated each time."""
        return bool(self.told) and self.violated == self.told


def retell(run: GateRun, conditions: Iterable[Condition], on_insufficient: str) -> Retold:
    """Return what rules would have said of a run, with `on_insufficient` (`pass`, `warn`, `fail`) for too little data.

    Whether warnings fail is as it was in that run.
    """
    fail_level = (run.settings or {}).get("fail_level", "error")
    results: list[RuleResult] = []
    untold: list[Untold] = []
    for condition in conditions:
        found = _retell(run, condition)
        if isinstance(found, RuleResult):
            results.append(replace(found, counts_as=counts_as(found, on_insufficient, fail_level)))
        else:
            untold.append(Untold(condition.rule.id, found))
    if _failed_by_no_rule(run):
        untold.append(Untold("", "it could not be evaluated then, for a reason that is no rule's"))
    would = _outcome([(each.verdict, each.effect) for each in results], told=not untold)
    blocks = any(each.effect in {Verdict.FAIL, Verdict.ERROR} for each in results)
    return Retold(
        at_ms=run.at_ms,
        was=was(run),
        blocked=run.exit_code != 0,
        would=would,
        blocks=None if would is Outcome.UNKNOWN else blocks,
        results=tuple(results),
        untold=tuple(untold),
    )


def was(run: GateRun) -> Outcome:
    """Return how a run really ended."""
    if run.errors:
        return Outcome.ERROR
    return _outcome([(rule.verdict, rule.counts_as) for rule in run.rules], told=True)


def tally(retold: Sequence[Retold], conditions: Iterable[Condition]) -> list[Tally]:
    """Return how often each rule was violated, in the order of the conditions."""
    told: Counter[str] = Counter()
    violated: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    for run in retold:
        told.update(result.id for result in run.results)
        violated.update(result.id for result in run.results if result.verdict in {*_VIOLATED, Verdict.ERROR})
        for each in run.untold:
            reasons.setdefault(each.rule, Counter())[each.reason] += 1
    ids = [condition.rule.id for condition in conditions]
    return [Tally(name, told[name], violated[name], reasons.get(name, {})) for name in ids]


def _outcome(verdicts: Sequence[tuple[Verdict, Verdict]], *, told: bool) -> Outcome:
    """Return the outcome of verdicts, each with what it counts as. `told`: there are no others."""
    effects = {effect for _, effect in verdicts}
    short = {effect for verdict, effect in verdicts if verdict is Verdict.INSUFFICIENT}
    if Verdict.ERROR in effects:
        return Outcome.ERROR
    if any(effect is Verdict.FAIL and verdict is not Verdict.INSUFFICIENT for verdict, effect in verdicts):
        return Outcome.BLOCK
    if Verdict.FAIL in short:
        return Outcome.INSUFFICIENT
    if not told or not verdicts:
        return Outcome.UNKNOWN
    return Outcome.INSUFFICIENT if short else Outcome.PASS


def _failed_by_no_rule(run: GateRun) -> bool:
    return bool(run.errors) and not any(rule.verdict is Verdict.ERROR for rule in run.rules)


def _retell(run: GateRun, condition: Condition) -> RuleResult | str:
    """Return what a rule would have said of a run, or why nobody can tell."""
    rule, threshold, kept = condition.rule, condition.threshold, run.rule(condition.rule.id)
    other = condition.other_setting(run)
    if other is not None:
        return f"{other} was another"
    if kept and kept.verdict is Verdict.ERROR and not (rule.is_error and kept.value is not None):
        return not_evaluated(rule, threshold, "could not be evaluated then")
    if rule.group == KPI.id and rule.id not in RULES:
        return _as_said(run, condition, kept)
    metric = _measured(run, rule, kept)
    if isinstance(metric, str):
        return metric
    found = evaluate(replace(rule, measure=lambda _evidence: metric, offenders=_none_listed), None, threshold)
    answered = found if found.verdict not in _VIOLATED else _answered(run, condition, kept, found)
    if isinstance(answered, RuleResult) and rule.is_error and answered.verdict is Verdict.FAIL:
        return replace(answered, verdict=Verdict.ERROR)
    return answered


def _as_said(run: GateRun, condition: Condition, kept: RuleRun | None) -> RuleResult | str:
    """Return what a rule on a change or a budget said: its limit is a part of what it measures, and so a setting."""
    rule = condition.rule
    if kept is None:
        return "it was not judged"
    if (kept.waived or kept.verdict in _VIOLATED) and not condition.has_waivers_of(run):
        return "its waivers were others"
    return RuleResult(
        rule.id, rule.title, rule.help, rule.group, kept.severity, kept.verdict, "as it was then",
        value=kept.value, operator=kept.operator, limit=kept.limit, unit=kept.unit, samples=kept.samples,
    )  # fmt: skip


def _none_listed(_rule: Rule, _evidence: object, _limit: Limit) -> Offenders:
    return Offenders()


def _measured(run: GateRun, rule: Rule, kept: RuleRun | None) -> Metric | str:
    """Return what a rule measured in a run, or why that is not known."""
    if rule.group != KPI.id:
        if kept is None:
            return "it was not judged"
        return Metric(rule.metric, kept.value, kept.unit or "", kept.samples or 0)
    found = run.metric(rule.metric)
    if found is None:
        return f"{rule.metric} was not measured"
    metric = Metric(**asdict(found))
    if rule.of_log and not _log_was_current(run):
        return "its log could not be relied on"
    if run.settings is None and kept and kept.verdict is Verdict.INSUFFICIENT and rule.counted:
        return replace(metric, unread=metric.unread or 1)  # a report of before that was published
    return metric


def _log_was_current(run: GateRun) -> bool:
    """Return whether the log that a run read surely was not too old: a rule was judged by it, or nothing failed."""
    of_log = (rule.verdict for rule in run.rules if rule.id in RULES and RULES[rule.id].of_log)
    return not run.errors or any(verdict is not Verdict.ERROR for verdict in of_log)


def _answered(run: GateRun, condition: Condition, kept: RuleRun | None, found: RuleResult) -> RuleResult | str:
    """Return a violated result without what a waiver or a known report answered for, or why nobody can tell."""
    if not condition.has_waivers_of(run):
        return "its waivers were others"
    if kept is None:
        return found if condition.waived is None else "it has waivers"
    one_by_one = condition.rule.counts_findings
    count = int((kept.value or 0) - kept.new) if one_by_one else 0
    if count > 0:
        found = judged_again(found, condition.threshold, count, f"{count} answered for")
    if found.verdict not in _VIOLATED or not _was_excused(kept) or (one_by_one and found.operator == "<="):
        return found
    if kept.is_known and (found.operator, found.limit) != (kept.operator, kept.limit):
        return "it was known then, by another limit"
    if one_by_one and found.operator != kept.operator:
        return "it was answered for then, by another limit"
    return replace(found, verdict=Verdict.PASS)


def _was_excused(kept: RuleRun) -> bool:
    """Return whether a rule passed though its limit was violated: a waiver was for the whole, or it was known."""
    if kept.verdict is not Verdict.PASS or kept.value is None or kept.limit is None or kept.operator is None:
        return False
    return Limit(kept.operator, kept.limit, Verdict.FAIL).violated_by(kept.value)
