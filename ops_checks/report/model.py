"""The records of a gate run: inputs, metrics, the result of each rule, and the one Report of them all."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec resolves the fields' types
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ops_checks.errors import OpsError
from ops_checks.findings import Finding, Verdict
from ops_checks.report.background import Background  # noqa: TC001 - msgspec looks the fields' types up

if TYPE_CHECKING:
    from ops_checks.timestamps import Zone


class Window(Struct, frozen=True):
    """From when on (inclusive) to when (exclusive) runs and retries count, epoch milliseconds; None: no bound."""

    begin_ms: int | None = None
    end_ms: int | None = None


class LeftOut(Struct, frozen=True):
    """What was read and does not count: outside the window, without a time to show that it is in it, or repeated."""

    outside_window: int = 0
    undated: int = 0
    repeated: int = 0


class InputRead(Struct, frozen=True):
    """One input as it was read.

    `kind` is `queue`, `db`, `snapshot` (a file that stands for the database), `log` or `policy`;
    `path` as the user named it, empty for a policy
    that is no file (`note` has what holds instead); `state` identifies what was read (a digest of
    the file, a database's data version); `rows` counts items, `lines` the log's complete lines;
    `newest_event` is the time text of the database's newest event; the time range of the log is
    in epoch milliseconds. `counted` are the runs of a log, or the retries of a database, that the metrics were measured
    from, and `left_out` those that were read and do not count.
    """

    kind: str
    path: str
    state: str | None = None
    rows: int | None = None
    lines: int | None = None
    newest_event: str | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    note: str | None = None
    counted: int | None = None
    left_out: LeftOut | None = None


class Bounds(Struct, frozen=True):
    """An interval at a confidence; None for a side on which nothing bounds the value."""

    confidence: float
    low: float | None
    high: float | None


class Spread(Struct, frozen=True):
    """How the samples of a mean spread: their standard deviation and skewness (see `statistics.intervals.Moments`)."""

    deviation: float
    skewness: float


class MetricRun(Struct, frozen=True):
    """A measured number, as a history keeps it.

    `value` is None where there is no data. `samples` is what it was computed from, `unread` what it was not
    computed from because it cannot be read; `low` and `high` bound the 95 % interval where one is defined.
    """

    name: str
    value: float | None
    unit: str
    samples: int
    low: float | None = None
    high: float | None = None
    unread: int = 0


class Metric(MetricRun, frozen=True):
    """A measured number, whether a rule limits it or not.

    For a later run to compare with, `intervals` are those of a percentile at other confidences too, by ascending
    confidence, and `spread` is that of a mean; where nobody asked for details there are none.
    `needed` is how many more samples a value takes, and `words` say what it was computed from, where the number alone
    says little: both are for the rule that limits it, and not published.
    """

    intervals: tuple[Bounds, ...] = ()
    spread: Spread | None = None
    needed: int = 0
    words: str = ""


class RuleResult(Struct, frozen=True):
    """The result of one rule, also when it passed.

    `id` is a plain slug (`missing-in-db`, `failure-rate`); `group` is the id of one of
    `findings.GROUPS`; `severity` is `error` or `warning`: what a violation counts as. `value`,
    `operator` (`<=` or `>=`) and `limit` are the condition that had to hold.
    `more_findings` counts those not listed; `needed` is how many more samples a verdict takes.
    `counts_as` is what the verdict counts as in the report's, where the policy defines that
    (`on_insufficient`); None: see `effect`. `since` (epoch milliseconds) is when a rule that does not count its
    findings was first violated, where a known report has it as violated too. `unlisted` name those that are counted
    and not listed, as far as they were recorded, for a later report: rule, item and field alone.
    """

    id: str
    title: str
    help: str
    group: str
    severity: str
    verdict: Verdict
    message: str
    value: float | None = None
    operator: str | None = None
    limit: float | None = None
    unit: str | None = None
    samples: int | None = None
    low: float | None = None
    high: float | None = None
    needed: int | None = None
    findings: tuple[Finding, ...] = ()
    more_findings: int = 0
    counts_as: Verdict | None = None
    since: int | None = None
    unlisted: tuple[Finding, ...] = ()

    @property
    def effect(self) -> Verdict:
        """The rule's part in the report's verdict: too little data warns, unless the policy defines otherwise."""
        if self.counts_as is not None:
            return self.counts_as
        return Verdict.WARN if self.verdict is Verdict.INSUFFICIENT else self.verdict

    @property
    def live(self) -> tuple[Finding, ...]:
        """The findings without a waiver."""
        return tuple(finding for finding in self.findings if finding.suppressed is None)

    @property
    def waived(self) -> tuple[Finding, ...]:
        """The findings that a waiver suppresses."""
        return tuple(finding for finding in self.findings if finding.suppressed is not None)

    @property
    def known(self) -> tuple[Finding, ...]:
        """The findings without a waiver that a known report has; of a rule that is known itself, all of them."""
        return tuple(finding for finding in self.live if self.since is not None or finding.is_known)

    @property
    def new(self) -> tuple[Finding, ...]:
        """The findings without a waiver that no known report has."""
        return tuple(finding for finding in self.live if self.since is None and not finding.is_known)

    @property
    def more_known(self) -> int:
        """How many of the findings that are counted and not listed a known report has."""
        if self.since is not None:
            return self.more_findings
        return sum(finding.is_known for finding in self.unlisted)

    @property
    def more_new(self) -> int:
        """How many of the findings that are counted and not listed no known report has."""
        return self.more_findings - self.more_known

    @property
    def counts_findings(self) -> bool:
        """Whether its value is the number of its findings, as far as the result itself shows that."""
        return self.unit in {None, "count"} and self.value in {None, len(self.findings) + self.more_findings}


class Change(Struct, frozen=True):
    """What a rule said in an earlier report, where it now says something else."""

    rule: str
    verdict: Verdict
    value: float | None = None


class Comparison(Struct, frozen=True):
    """The earlier report that a report was compared with: its file, and when it was made (epoch milliseconds).

    `gone` are its findings that are no more, `more_gone` counts those not listed; `changes` are the rules that said
    something else.
    """

    path: str
    created_ms: int
    gone: tuple[Finding, ...] = ()
    more_gone: int = 0
    changes: tuple[Change, ...] = ()


class Report(Struct, frozen=True):
    """A gate run: verdict, exit code, inputs, metrics, every rule that ran.

    A report is true if it is `ok`. `created_ms` is epoch milliseconds. `errors` are the one-line
    messages of what could not be evaluated (the verdict is then `error` and the exit code 3).
    `notes` are remarks that change no verdict; `hints` name what helps with what was found: for who reads the report
    now, and not published. `known` is the earlier report that it was compared with, None for none. `tz_minutes` is the
    offset of the queue's zone at that time, minutes east of UTC, None where that is not known; `timezone` the zone's
    name in the IANA database, None where it has none. `window` is that of the KPIs, None for all of time. `background`
    is what lies behind the numbers, None where nobody asked for it. `settings` are those that decide what was
    measured, by their key in a policy, None where they are not known.
    """

    tool_version: str
    created_ms: int
    verdict: Verdict
    exit_code: int
    inputs: tuple[InputRead, ...] = ()
    metrics: tuple[Metric, ...] = ()
    rules: tuple[RuleResult, ...] = ()
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    known: Comparison | None = None
    tz_minutes: int | None = None
    background: Background | None = None
    timezone: str | None = None
    window: Window | None = None
    settings: Mapping[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Whether the gate lets the run pass: its exit code is 0. Warnings do not fail it."""
        return self.exit_code == 0

    def __bool__(self) -> bool:
        return self.ok

    @property
    def zone(self) -> Zone:
        """The queue's zone; where it is not known UTC, and where its name is unknown here its offset at that time."""
        minutes = self.tz_minutes or 0
        if self.timezone is None:
            return minutes
        from ops_checks.zones import NamedZone

        try:
            return NamedZone(self.timezone)
        except OpsError:
            return minutes

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The listed findings of all rules in the report's order, waived ones included."""
        return tuple(finding for rule in self.rules for finding in rule.findings)

    def rule(self, rule_id: str) -> RuleResult:
        """Return the result of a rule. Raises KeyError with the ids of the rules that ran if it is none of them."""
        found = next((rule for rule in self.rules if rule.id == rule_id), None)
        if found is None:
            ran = ", ".join(rule.id for rule in self.rules) or "none"
            raise KeyError(f"no rule {rule_id!r} in this report; its rules: {ran}")
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the report as the JSON object that `report.schema.json` describes."""
        from ops_checks.report.serialize import to_json

        return to_json(self)
