"""A rule: what it measures, what limits it, whom it lists; and evaluating one (FORMATS section 4).

The one place where a value is held against a limit.
"""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - msgspec resolves the fields' types
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.findings import KPI, Finding, Verdict
from ops_checks.report.model import Metric, RuleResult

if TYPE_CHECKING:
    from collections.abc import Iterator

#: So many offenders of a rule are listed; the others are counted.
LISTED = 20
#: So many of those that are not listed are recorded, for a later report to know them again.
RECORDED = 10_000


class Threshold(Struct, frozen=True):
    """The limits of one rule. A violation of `max` or `min` counts as `severity`; of the `warn_` ones as a warning.

    With fewer than `min_samples` samples there is no verdict, only `insufficient`.
    """

    max: float | None = None
    min: float | None = None
    warn_max: float | None = None
    warn_min: float | None = None
    min_samples: int = 1
    severity: str = "error"


class Limit(Struct, frozen=True):
    """A condition that has to hold (`value <= limit` or `value >= limit`), and the verdict if it does not."""

    operator: str
    limit: float
    verdict: Verdict

    def violated_by(self, value: float) -> bool:
        """Return whether a value breaks the condition; one that cannot be compared (NaN) has not kept it."""
        return not (value <= self.limit if self.operator == "<=" else value >= self.limit)


class Offenders(NamedTuple):
    """The worst offenders of a violated rule, how many more there are, and those of them that were recorded."""

    findings: tuple[Finding, ...] = ()
    more: int = 0
    unlisted: tuple[Finding, ...] = ()


class Rule(Struct, frozen=True, kw_only=True):
    """One rule: everything that reports, policies, help texts and waivers need.

    `id` is a slug (`failure-rate`), `group` the id of a group of `findings.GROUPS`, `title` a few words, `help`
    what to do, `unit` that of its value. `measure` takes the evidence of the group and returns the value;
    `offenders` takes the rule, that evidence and the violated limit, and lists who broke it.

    `default`: the limits it has when no policy names it, None for a rule that only a policy switches on.
    `min_is_short`: a bare number in a policy is the least that is wanted. `option`: the command line's option for
    its `max`. `counted`: a count is known from the first sample on; a rate or a percentile needs samples.
    `needs_samples`: without any there is nothing to judge, whatever the value. `counts_findings`: its value is the
    number of its findings, so that a waived one takes one off. `is_error`: what it finds makes its input one that
    cannot be relied on. `of_log`: it is measured from the run log. `of_now`: it is of the
    queue as it is, whatever the window of the KPIs.
    `of_view`: it holds only where the document is a view of the database (`source_of_truth: db`).
    `word`: how the lines of OPS_COMMANDS name it. `change`: what a policy's schema calls a limit on how much worse its
    metric may become, "" for one that cannot be compared.
    `summary` describes it in the policy's schema, with `examples`.
    """

    id: str
    group: str
    title: str
    help: str
    measure: Callable[[Any], Metric]
    offenders: Callable[[Rule, Any, Limit], Offenders]
    message: Callable[[Rule, Metric, Limit | None, Verdict, int | None], str]
    unit: str = "count"
    default: Threshold | None = None
    min_is_short: bool = False
    option: str = ""
    counted: bool = False
    needs_samples: bool = False
    counts_findings: bool = False
    is_error: bool = False
    of_log: bool = False
    of_now: bool = False
    of_view: bool = False
    word: str = ""
    change: str = ""
    summary: str = ""
    examples: tuple[Any, ...] = ()

    @property
    def metric(self) -> str:
        """The name of its value, as a policy and the report's metrics have it: `failure_rate`."""
        return self.id.replace("-", "_")


def evaluate(rule: Rule, evidence: object, threshold: Threshold) -> RuleResult:
    """Return what the evidence means for a rule: pass, fail, warn, or insufficient, with the offenders.

    A limit is violated only by a value beyond it, never by one that equals it. Without a value, or with too few
    samples, the verdict is `insufficient`, however the policy counts that: see `counts_as`. So is it where the
    value keeps its limits and something could not be read that might not: that is listed.
    """
    metric = rule.measure(evidence)
    first = next(_limits(threshold), None)
    needed = _needed(rule, metric, threshold)
    judged = metric.value is not None and not needed and (metric.samples > 0 or not rule.needs_samples)
    limit = violated(threshold, metric.value) if judged and metric.value is not None else None
    if limit is not None:
        found = rule.offenders(rule, evidence, limit)
        return result(rule, metric, limit, limit.verdict, threshold.severity, offenders=found)
    if judged and not metric.unread:
        return result(rule, metric, first, Verdict.PASS, threshold.severity)
    found = rule.offenders(rule, evidence, first) if first and metric.unread else Offenders()
    verdict = Verdict.INSUFFICIENT
    return result(rule, metric, first, verdict, threshold.severity, needed=needed or None, offenders=found)


def violated(threshold: Threshold, value: float, *, waived: int = 0) -> Limit | None:
    """Return the most severe limit that a value violates, or None.

    `waived` of what it counts are answered for: they are taken off what may be at most so many; what must be at
    least so many has nobody to answer for, so that a waiver changes nothing about it.
    """
    lower = value - waived
    limits = _limits(threshold)
    return next((each for each in limits if each.violated_by(lower if each.operator == "<=" else value)), None)


def judged_again(result: RuleResult, threshold: Threshold, answered: int, words: str) -> RuleResult:
    """Return a result as its rule's limits have it when so many of its findings do not count.

    `words` say which: they follow its message.
    """
    message = f"{result.message}; {words}"
    limit = violated(threshold, result.value or 0, waived=answered)
    if limit is None:
        return replace(result, verdict=Verdict.PASS, message=message)
    if limit.limit != result.limit:
        message += f", beyond {limit.limit:g}"
    return replace(result, verdict=limit.verdict, operator=limit.operator, limit=limit.limit, message=message)


def not_evaluated(rule: Rule, threshold: Threshold, reason: str) -> RuleResult:
    """Return the result of a rule whose evidence could not be read, and why.

    A rule that counts what it finds keeps its limit, which is always the same; a metric without a value is an error
    without one.
    """
    limit = None if rule.group == KPI.id else next(_limits(threshold), None)
    return RuleResult(
        rule.id,
        rule.title,
        rule.help,
        rule.group,
        threshold.severity if limit else "error",
        Verdict.ERROR,
        reason,
        operator=limit.operator if limit else None,
        limit=limit.limit if limit else None,
        unit=rule.unit,
    )


def counts_as(found: RuleResult, on_insufficient: str, fail_level: str) -> Verdict:
    """Return what a result counts as in the verdict of the whole; the result itself stays in every report.

    `on_insufficient` (`pass`, `warn` or `fail`) is for missing data; with `fail_level` `warn`, a warning fails.
    """
    counted = Verdict(on_insufficient) if found.verdict is Verdict.INSUFFICIENT else found.verdict
    return Verdict.FAIL if fail_level == "warn" and counted is Verdict.WARN else counted


def _limits(threshold: Threshold) -> Iterator[Limit]:
    """Yield the limits of a threshold, the most severe first."""
    verdict = Verdict.FAIL if threshold.severity == "error" else Verdict.WARN
    limits = (
        ("<=", threshold.max, verdict),
        (">=", threshold.min, verdict),
        ("<=", threshold.warn_max, Verdict.WARN),
        (">=", threshold.warn_min, Verdict.WARN),
    )
    return (Limit(operator, limit, severity) for operator, limit, severity in limits if limit is not None)


def _needed(rule: Rule, metric: Metric, threshold: Threshold) -> int:
    """Return how many more samples a verdict takes; a count needs none unless the policy asks for them."""
    if rule.counted and threshold.min_samples <= 1:
        return metric.needed
    return max(metric.needed, threshold.min_samples - metric.samples)


def result(
    rule: Rule,
    metric: Metric,
    limit: Limit | None,
    verdict: Verdict,
    severity: str,
    *,
    needed: int | None = None,
    offenders: Offenders = Offenders(),  # noqa: B008 - a tuple
) -> RuleResult:
    """Return the result of a rule."""
    return RuleResult(
        id=rule.id,
        title=rule.title,
        help=rule.help,
        group=rule.group,
        severity=severity,
        verdict=verdict,
        message=rule.message(rule, metric, limit, verdict, needed),
        value=metric.value,
        operator=limit.operator if limit else None,
        limit=limit.limit if limit else None,
        unit=rule.unit,
        samples=metric.samples,
        low=metric.low,
        high=metric.high,
        needed=needed,
        findings=offenders.findings,
        more_findings=offenders.more,
        unlisted=offenders.unlisted,
    )


def value_text(value: float | None, unit: str) -> str:
    """Return a value as the lines of FORMATS section 6 write it: a ratio with four decimals, others without idle zeros.

    No value is `-`.
    """
    if value is None:
        return "-"
    if unit == "ratio":
        return f"{value:.4f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def metric_message(rule: Rule, metric: Metric, limit: Limit | None, verdict: Verdict, needed: int | None) -> str:
    """Return the one line of a rule that limits a metric: `failure_rate is 0.5000, above 0.2000`."""
    if verdict is Verdict.INSUFFICIENT:
        more = f"; {needed} more needed" if needed else ""
        more += f"; {metric.unread} more cannot be read" if metric.unread else ""
        return f"{rule.metric} cannot be judged: {metric.samples} samples{more}"
    value = value_text(metric.value, rule.unit)
    if limit is None:
        return f"{rule.metric} is {value}; no limit is set"
    kept, broken = ("at most", "above") if limit.operator == "<=" else ("at least", "below")
    return (
        f"{rule.metric} is {value}, {kept if verdict is Verdict.PASS else broken} {value_text(limit.limit, rule.unit)}"
    )
