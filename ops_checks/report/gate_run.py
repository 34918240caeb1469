"""A gate run as a history keeps it: what it measured, what each rule said, and by which settings."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec resolves the fields' types
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from ops_checks.findings import Verdict
from ops_checks.report.model import MetricRun, Window
from ops_checks.report.serialize import number

if TYPE_CHECKING:
    from ops_checks.report.model import Metric, Report, RuleResult

#: So many fingerprints of a rule's findings are kept; the others are counted.
FINGERPRINTS = 20
#: The last millisecond that has a date of four digits for its year.
LAST_MS = 253_402_300_799_999

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]  # what a double holds: counts are compared with values
Time = Annotated[int, Meta(ge=0, le=LAST_MS)]


class RuleRun(Struct, frozen=True):
    """What one rule said in a run.

    `value`, `operator` and `limit` as in the report; `counts_as` is what its verdict counted as. `new`, `known` and
    `waived` count its findings, those not listed included: `new` are those that nobody answered for. `is_known`: the
    rule itself was known, as one that does not count its findings is. `fingerprints` are the first of the findings,
    `more` counts the others.
    """

    id: str
    group: str
    severity: str
    verdict: Verdict
    counts_as: Verdict
    value: float | None = None
    operator: str | None = None
    limit: float | None = None
    unit: str | None = None
    samples: int | None = None
    new: Count = 0
    known: Count = 0
    waived: Count = 0
    is_known: bool = False
    fingerprints: tuple[str, ...] = ()
    more: Count = 0


class GateRun(Struct, frozen=True):
    """One run of the gate.

    `at_ms` is epoch milliseconds, `window` that of the KPIs, None for all of time, `policy` the digest of its policy
    file, None without one. `settings` are those that decide what was measured, by their key in a policy; None in a
    report that does not say. `errors` counts what could not be evaluated.
    """

    at_ms: Time
    verdict: Verdict
    exit_code: Annotated[int, Meta(ge=0, le=255)]
    tool: str
    policy: str | None = None
    window: Window | None = None
    settings: Mapping[str, Any] | None = None
    metrics: tuple[MetricRun, ...] = ()
    rules: tuple[RuleRun, ...] = ()
    errors: Count = 0

    def rule(self, rule_id: str) -> RuleRun | None:
        """Return what a rule said, None if it was not evaluated."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def metric(self, name: str) -> MetricRun | None:
        """Return a metric, None if it was not measured."""
        return next((metric for metric in self.metrics if metric.name == name), None)

    @property
    def failed(self) -> tuple[RuleRun, ...]:
        """The rules that failed it."""
        return tuple(rule for rule in self.rules if rule.counts_as in {Verdict.FAIL, Verdict.ERROR})


def run_of(report: Report) -> GateRun:
    """Return the run that a report is of."""
    policy = next((read for read in report.inputs if read.kind == "policy"), None)
    return GateRun(
        at_ms=report.created_ms,
        verdict=report.verdict,
        exit_code=int(report.exit_code),
        tool=report.tool_version,
        policy=None if policy is None else policy.state,
        window=report.window,
        settings=report.settings,
        metrics=tuple(map(metric_run, report.metrics)),
        rules=tuple(map(_rule, report.rules)),
        errors=len(report.errors),
    )


def metric_run(metric: Metric) -> MetricRun:
    """Return what a history keeps of a metric: numbers that JSON has."""
    value, low, high = number(metric.value), number(metric.low), number(metric.high)
    return MetricRun(metric.name, value, metric.unit, metric.samples, low, high, metric.unread)


def _rule(result: RuleResult) -> RuleRun:
    prints = [finding.fingerprint for finding in (*result.new, *result.known, *result.unlisted, *result.waived)]
    new, known, waived = len(result.new) + result.more_new, len(result.known) + result.more_known, len(result.waived)
    kept = tuple(prints[:FINGERPRINTS])
    return RuleRun(
        id=result.id,
        group=result.group,
        severity=result.severity,
        verdict=result.verdict,
        counts_as=result.effect,
        value=number(result.value),
        operator=result.operator,
        limit=number(result.limit),
        unit=result.unit,
        samples=result.samples,
        new=new,
        known=known,
        waived=waived,
        is_known=result.since is not None,
        fingerprints=kept,
        more=new + known + waived - len(kept),
    )
