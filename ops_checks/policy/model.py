"""The policy as records: limits, severities, waivers and paths of the inputs, each with its default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ops_checks.errors import UsageError
from ops_checks.findings import CONSISTENCY, GROUPS, HISTORY, WAIVERS
from ops_checks.policy.source import DEFAULT_STALE_MINUTES
from ops_checks.rules.registry import BY_GROUP, BY_METRIC
from ops_checks.rules.rule import Threshold
from ops_checks.runlog.engines import LOCAL
from ops_checks.sanitize import visible
from ops_checks.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ops_checks.rules.rule import Rule
    from ops_checks.rules.waivers import Waiver

#: The limits without a policy, by metric (OPS_COMMANDS `kpi`, and no unreadable line in the log).
DEFAULT_THRESHOLDS: Mapping[str, Threshold] = {
    metric: rule.default for metric, rule in BY_METRIC.items() if rule.default is not None
}

_OF_VIEW = tuple(rule for rule in BY_GROUP[CONSISTENCY.id] if rule.of_view)


class ConsistencyPolicy(Struct, frozen=True):
    """The fields that are compared (None: those of FORMATS section 6), and the severity of each drift rule.

    `severity` is `error`, `warning` or `off` by rule; a rule that it does not name has `error`. `settle_s`: seconds
    that a program may be between its writes to both queues; `as_rendered`: text as older tools wrote it is equal.
    """

    fields: tuple[str, ...] | None = None
    severity: Mapping[str, str] = field(default_factory=dict)
    ignore_statuses: frozenset[str] = frozenset()
    settle_s: int = 2
    as_rendered: bool = False


class KpiPolicy(Struct, frozen=True):
    """Thresholds by metric, and the runs and items that the metrics are computed from.

    `window_s`: only the runs of the last `window_s` seconds (by `ts_epoch_ms`; None: all); `commands`: the
    commands of the latency (None: all); `on_insufficient`: `pass`, `warn` or `fail`; `max_log_age_s`: seconds since
    the newest record of the log from which on it cannot be relied on (None: any). `engine` reads the run log.
    """

    thresholds: Mapping[str, Threshold] = field(default_factory=lambda: dict(DEFAULT_THRESHOLDS))
    window_s: int | None = None
    commands: frozenset[str] | None = None
    stale_minutes: int = DEFAULT_STALE_MINUTES
    on_insufficient: str = "fail"
    max_log_age_s: int | None = 604_800
    engine: str = LOCAL


class HistoryPolicy(Struct, frozen=True):
    """Whether the rules on histories are on, and the severity of each.

    `severity` is `error`, `warning` or `off` by rule; a rule that it does not name has its default.
    """

    on: bool = False
    severity: Mapping[str, str] = field(default_factory=dict)


class Policy(Struct, frozen=True):
    """A policy. `path` is its file as the user named it, `digest` (`sha256:…`) what was read; None where there is none.

    `operate_on` (`markdown`, `db` or `both`) is what operators' commands change, None: the source of truth. `warnings`
    are about the file and change no verdict.
    """

    path: str | None = None
    digest: str | None = None
    queue: str | None = None
    db: str | None = None
    logs: tuple[str, ...] = ()
    timezone_minutes: int | None = None
    source_of_truth: str = "markdown"
    operate_on: str | None = None
    consistency: ConsistencyPolicy = field(default_factory=ConsistencyPolicy)
    kpi: KpiPolicy = field(default_factory=KpiPolicy)
    history: HistoryPolicy = field(default_factory=HistoryPolicy)
    waivers: tuple[Waiver, ...] = ()
    warnings: tuple[str, ...] = ()

    def threshold(self, rule: Rule) -> Threshold | None:
        """Return the threshold of a rule by this policy, None if the rule is off."""
        if rule.group == WAIVERS.id:
            return rule.default if self.waivers else None
        if rule.of_view and self.source_of_truth != "db":
            return None
        if rule.group == CONSISTENCY.id:
            return _with_severity(rule, self.consistency.severity)
        if rule.group == HISTORY.id:
            return _with_severity(rule, self.history.severity) if self.history.on else None
        return self.kpi.thresholds.get(rule.metric)

    def names(self, group: str) -> bool:
        """Return whether a group is evaluated where nobody asks for any: all are, but those that must be named."""
        return self.history.on if group == HISTORY.id else not GROUPS[group].by_name

    def asking_for(self, groups: Collection[str]) -> Policy:
        """Return the policy with the rules of these groups on, as far as it has not switched off each."""
        return replace(self, history=replace(self.history, on=True)) if HISTORY.id in groups else self

    def active_rules(self, groups: Sequence[str] = tuple(GROUPS)) -> list[Rule]:
        """Return the rules of some groups that are not off, in the order of a report."""
        return [rule for group in groups for rule in BY_GROUP[group] if self.threshold(rule) is not None]

    def without_exceptions(self) -> Policy:
        """Return the policy that the commands of OPS_COMMANDS show things by, which is not the gate's.

        It waives nothing, compares two sides only, and has every rule of that at its default severity; too little
        data fails nothing, and a log may be of any age (FORMATS sections 4 and 7).
        """
        kpi = self.kpi
        too_little = "warn" if kpi.on_insufficient == "fail" else kpi.on_insufficient
        return replace(
            self,
            waivers=(),
            consistency=replace(self.consistency, severity={each.id: "off" for each in _OF_VIEW}),
            kpi=replace(kpi, on_insufficient=too_little, max_log_age_s=None),
        )

    def with_limits(
        self,
        limits: Mapping[str, float],
        *,
        stale_minutes: int | None = None,
        fields: tuple[str, ...] | None = None,
        engine: str | None = None,
    ) -> Policy:
        """Return the policy with the values of the command line in place of its own.

        `limits` are maxima by metric; None for `stale_minutes`, `fields` or `engine` keeps the policy's own. Raises
        UsageError for a limit of no metric.
        """
        thresholds = dict(self.kpi.thresholds)
        for metric, limit in limits.items():
            if metric not in BY_METRIC:
                expected = f"expected one of {', '.join(BY_METRIC)}"
                raise UsageError(f"{visible(metric)}: no such metric: {expected}{did_you_mean(metric, BY_METRIC)}")
            thresholds[metric] = replace(thresholds.get(metric, Threshold()), max=limit)
        minutes = self.kpi.stale_minutes if stale_minutes is None else stale_minutes
        return replace(
            self,
            kpi=replace(self.kpi, thresholds=thresholds, stale_minutes=minutes, engine=engine or self.kpi.engine),
            consistency=replace(self.consistency, fields=fields or self.consistency.fields),
        )


def _with_severity(rule: Rule, severities: Mapping[str, str]) -> Threshold | None:
    """Return the limits of a rule that counts what it finds, with the severity that a policy gives it; None if off."""
    if rule.default is None:
        return None
    severity = severities.get(rule.id, rule.default.severity)
    return None if severity == "off" else replace(rule.default, severity=severity)
