"""The one Report that a gate run makes; every face and every format shows it and nothing else.

Its published JSON is in `published`, reading a saved one in `saved`.
"""

from __future__ import annotations

from msgspec import Struct

from ops_checks.findings import Finding, Place, Verdict


class InputRead(Struct, frozen=True):
    """One input as it was read.

    `kind` is `queue`, `db`, `log` or `policy`; `path` as the user named it; `state` identifies
    what was read (a digest of the file, a database's data version); `rows` counts items,
    `lines` the log's complete lines; `newest_event` is the time text of the database's newest
    event; the time range of the log is in epoch milliseconds.
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


class Metric(Struct, frozen=True):
    """A measured number, whether a rule limits it or not.

    `value` is None where there is no data. `samples` is what it was computed from;
    `low` and `high` bound the 95 % interval where one is defined.
    """

    name: str
    value: float | None
    unit: str
    samples: int
    low: float | None = None
    high: float | None = None


class RuleResult(Struct, frozen=True):
    """What one rule said, also when it passed.

    `id` is a plain slug (`missing-in-db`, `failure-rate`); `group` is `consistency`, `kpi` or
    `waivers`; `severity` is `error` or `warning`: what a violation counts as. `value`,
    `operator` (`<=` or `>=`) and `limit` read as the condition that had to hold.
    `more_findings` counts those not listed; `needed` is how many more samples a verdict takes.
    `counts_as` is what the verdict counts as in the report's, where the policy says so
    (`on_insufficient`); None: see `effect`.
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

    @property
    def effect(self) -> Verdict:
        """What the rule adds to the report's verdict: too little data warns, unless the policy says otherwise."""
        if self.counts_as is not None:
            return self.counts_as
        return Verdict.WARN if self.verdict is Verdict.INSUFFICIENT else self.verdict

    @property
    def live(self) -> tuple[Finding, ...]:
        """The findings that no waiver holds."""
        return tuple(finding for finding in self.findings if finding.suppressed is None)

    @property
    def waived(self) -> tuple[Finding, ...]:
        """The findings that a waiver holds."""
        return tuple(finding for finding in self.findings if finding.suppressed is not None)


class Report(Struct, frozen=True):
    """A gate run: verdict, exit code, what was read, every rule that ran.

    `created_ms` is epoch milliseconds. `errors` are the one-line messages of what could not be
    evaluated (the verdict is then `error` and the exit code 3). `notes` are remarks that change
    no verdict.
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


__all__ = ["Finding", "InputRead", "Metric", "Place", "Report", "RuleResult", "Verdict"]
