"""The policy as records: limits, severities, waivers and paths of the inputs, each with its default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.json import encode
from msgspec.structs import replace

from ops_checks.errors import UsageError
from ops_checks.findings import CONSISTENCY, GROUPS, HISTORY, KPI, OWN, QUEUE, WAIVERS
from ops_checks.policy.source import DEFAULT_STALE_MINUTES
from ops_checks.rules.own.model import own_rule
from ops_checks.rules.queue.rules import WELL_FORMED
from ops_checks.rules.registry import BY_GROUP, BY_METRIC, RULES
from ops_checks.rules.rule import Threshold
from ops_checks.runlog.engines import LOCAL
from ops_checks.sanitize import visible
from ops_checks.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ops_checks.rules.kpi.budget import Budget
    from ops_checks.rules.kpi.regression import Regression
    from ops_checks.rules.own.model import OwnRule
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

    `window_s`: only the runs of the last `window_s` seconds before `until` (by `ts_epoch_ms`; None: all), or those
    from `since` on; both are times as the command line has them, None for now and for ever. `commands`: the
    commands of the latency (None: all); `on_insufficient`: `pass`, `warn` or `fail`; `max_log_age_s`: seconds since
    the newest record of the log from which on it cannot be relied on (None: any). `engine` reads the run log.
    `regressions` are limits on how much worse a metric may be than it was, `budgets` objectives for task outcomes.
    """

    thresholds: Mapping[str, Threshold] = field(default_factory=lambda: dict(DEFAULT_THRESHOLDS))
    window_s: int | None = None
    since: str | None = None
    until: str | None = None
    commands: frozenset[str] | None = None
    stale_minutes: int = DEFAULT_STALE_MINUTES
    on_insufficient: str = "fail"
    max_log_age_s: int | None = 604_800
    engine: str = LOCAL
    regressions: tuple[Regression, ...] = ()
    budgets: tuple[Budget, ...] = ()

    @property
    def own_rules(self) -> tuple[Rule, ...]:
        """The rules that only this policy has: each has its limit with it."""
        if not (self.regressions or self.budgets):
            return ()
        from ops_checks.rules.kpi.over_time import rules_over_time  # most policies have none

        return rules_over_time(self.regressions, self.budgets)

    @property
    def over_time_settings(self) -> str:
        """What `own_rules` are made from, as JSON: one more limit changes at which confidence the others are judged."""
        return encode((self.regressions, self.budgets)).decode()


class HistoryPolicy(Struct, frozen=True):
    """Whether the rules on histories are on, and the severity of each; and the history of the gate's own runs.

    `severity` is `error`, `warning` or `off` by rule; a rule that it does not name has its default. `file` is what the
    gate appends its runs to, None for none; `keep_s` after how many seconds it may drop one, None for never.
    """

    on: bool = False
    severity: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None
    keep_s: int | None = None


class RowsPolicy(Struct, frozen=True):
    """The rules on rows that are on, with the severity of each, and their numbers (see RowSettings)."""

    severity: Mapping[str, str] = field(default_factory=dict)
    most_in_progress: int = 3
    most_minutes: int = 60


class Policy(Struct, frozen=True):
    """A policy. `path` is its file as the user named it, `digest` (`sha256:…`) what was read; None where there is none.

    `timezone` is that of the queue's times: a name of the IANA database, or minutes east of UTC; None: not said.
    `operate_on` (`markdown`, `db` or `both`) is what operators' commands change, None: the source of truth. `warnings`
    are about the file and change no verdict.
    """

    path: str | None = None
    digest: str | None = None
    queue: str | None = None
    db: str | None = None
    logs: tuple[str, ...] = ()
    timezone: str | int | None = None
    source_of_truth: str = "markdown"
    operate_on: str | None = None
    consistency: ConsistencyPolicy = field(default_factory=ConsistencyPolicy)
    kpi: KpiPolicy = field(default_factory=KpiPolicy)
    history: HistoryPolicy = field(default_factory=HistoryPolicy)
    rows: RowsPolicy = field(default_factory=RowsPolicy)
    own: tuple[OwnRule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Hold the rules of a program's policy to what `entry_checks` asks of a file's. Raises UsageError."""
        names = [*(rule.id for rule in self.kpi.own_rules), *(own.id for own in self.own)]
        taken = next((name for number, name in enumerate(names) if name in RULES or name in names[:number]), None)
        if taken is not None:
            raise UsageError(f"rules.{visible(taken)}: another rule has this id: expected one of its own")

    @property
    def rules(self) -> Mapping[str, Rule]:
        """Every rule there is by its id: those of the registry, those on changes and budgets, and the project's own."""
        made = {rule.id: rule for rule in self.kpi.own_rules}
        return RULES | made | {own.id: own_rule(own) for own in self.own} if made or self.own else RULES

    def threshold(self, rule: Rule) -> Threshold | None:
        """Return the threshold of a rule by this policy, None if the rule is off."""
        if rule.group == KPI.id:
            return self.kpi.thresholds.get(rule.metric) if rule.id in RULES else rule.default
        if rule.default is None or not self._has_on(rule):
            return None
        severity = self._severities(rule.group).get(rule.id, rule.default.severity)
        return None if severity == "off" else replace(rule.default, severity=severity)

    def _has_on(self, rule: Rule) -> bool:
        """Return whether a rule that counts its findings is on, unless its severity is `off`."""
        on = {
            CONSISTENCY.id: not rule.of_view or self.source_of_truth == "db",
            QUEUE.id: rule.id in self.rows.severity,
            HISTORY.id: self.history.on,
            WAIVERS.id: bool(self.waivers),
        }
        return on.get(rule.group, True)

    def _severities(self, group: str) -> Mapping[str, str]:
        """Return the severities that the policy gives to rules of a group, by rule."""
        named = {
            CONSISTENCY.id: self.consistency.severity,
            QUEUE.id: self.rows.severity,
            HISTORY.id: self.history.severity,
            OWN.id: {own.id: own.severity for own in self.own},
        }
        return named.get(group, {})

    def names(self, group: str) -> bool:
        """Return whether a group is evaluated where nobody asks for any: all are, but those that must be named."""
        named = {HISTORY.id: self.history.on, QUEUE.id: bool(self.rows.severity), OWN.id: bool(self.own)}
        return named.get(group, not GROUPS[group].by_name)

    def asking_for(self, names: Collection[str]) -> Policy:
        """Return the policy with what is off until it is named on, as far as these ids of groups and rules name it.

        A rule that the policy has switched off stays off.
        """
        rules = [self.rules[name] for name in names if name in self.rules]
        history = HISTORY.id in names or any(rule.group == HISTORY.id for rule in rules)
        rows = [rule.id for rule in rules if rule.group == QUEUE.id]
        rows += [WELL_FORMED.id] if QUEUE.id in names else []
        return replace(
            self,
            history=replace(self.history, on=self.history.on or history),
            rows=replace(self.rows, severity=dict.fromkeys(rows, "error") | dict(self.rows.severity)),
        )

    def active_rules(self, groups: Sequence[str] = tuple(GROUPS)) -> list[Rule]:
        """Return the rules of some groups that are not off, in the order of a report."""
        return [rule for group in groups for rule in self._of_group(group) if self.threshold(rule) is not None]

    def _of_group(self, group: str) -> Sequence[Rule]:
        made = {KPI.id: self.kpi.own_rules, OWN.id: tuple(own_rule(own) for own in self.own)}
        return (*BY_GROUP[group], *made.get(group, ()))

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

    def with_window(self, *, window_s: int | None, since: str | None, until: str | None) -> Policy:
        """Return the policy with the window of the command line in place of its own; None keeps the policy's.

        `window_s` and `since` both say when it begins, so that either takes the place of both. Raises UsageError where
        both are given.
        """
        if window_s is not None and since is not None:
            raise UsageError("a window and a since both say when the KPIs begin: name one of them, and until")
        kpi = self.kpi
        if window_s is not None or since is not None:
            kpi = replace(kpi, window_s=window_s, since=since)
        return replace(self, kpi=kpi if until is None else replace(kpi, until=until))

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
