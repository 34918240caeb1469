"""The KPIs in a snapshot file: by what they were measured, each metric with those that it is made of, and the logs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from ops_checks.stores.baseline_json import Count, Name  # noqa: TC001 - types of fields

Number = int | float
#: What a log calls epoch milliseconds.
_Stamp = Annotated[int, Meta(ge=-(2**62), le=2**62)]


class Settings(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """By what the KPIs were measured, besides an offset that is always the same; see KpiPolicy.

    `timezone` is the name of a zone whose offset changes, `since` and `until` are as the policy has them. What is None
    is left out: programs that do not know of it refuse a snapshot that has it, as they must.
    """

    window_s: Count | None
    commands: list[str] | None
    stale_minutes: Count
    timezone: str | None = None
    since: str | None = None
    until: str | None = None


class PlaceRow(Struct, frozen=True, forbid_unknown_fields=True):
    """Where something stands on the host; see Place."""

    path: str
    line: Annotated[int, Meta(ge=1)] | None = None
    column: Annotated[int, Meta(ge=1)] | None = None
    table: str | None = None
    key: str | None = None


class FindingRow(Struct, frozen=True, forbid_unknown_fields=True):
    """Who a number is made of; see Finding."""

    message: str
    item: str | None
    value: Number | None
    trace: str | None
    reason: str | None
    places: list[PlaceRow]
    task: str | None
    owner: str | None
    priority: str | None


class LimitTotal(Struct, frozen=True, forbid_unknown_fields=True):
    """How many are beyond a limit of the host's policy."""

    limit: Number
    total: Count


class BoundsRow(Struct, frozen=True, forbid_unknown_fields=True):
    """An interval at a confidence; see Bounds."""

    confidence: float
    low: Number | None
    high: Number | None


class SpreadRow(Struct, frozen=True, forbid_unknown_fields=True):
    """How the samples of a mean spread; see Spread."""

    deviation: float
    skewness: float


class MetricRow(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A metric as a rule measured it, and the worst of those that it is made of.

    `total`: all of them. `by_limit`: only those beyond the limit are to blame, `always` of them whatever it is, and
    `totals` at the limits of the host's policy. `below`: they are so, too, where the value is less than a limit.
    `intervals` and `spread` are for a later comparison, and left out where there are none.
    """

    rule: Name
    value: Number | None
    unit: str
    samples: Count
    low: Number | None
    high: Number | None
    unread: Count
    total: Count
    by_limit: bool
    always: Count
    totals: list[LimitTotal]
    below: bool
    findings: list[FindingRow]
    intervals: list[BoundsRow] = field(default_factory=list)
    spread: SpreadRow | None = None


class LogRow(Struct, frozen=True, forbid_unknown_fields=True):
    """A run log as it was read; see LogRead."""

    path: str
    lines: Count
    malformed: Count
    torn_tail: bool
    first_ms: _Stamp | None
    last_ms: _Stamp | None
    newest: str | None
    modified_ms: _Stamp | None
    runs: Count
    outside: Count
    undated: Count
    repeated: Count


class RetriesRow(Struct, frozen=True, forbid_unknown_fields=True):
    """The retries that count, and those that do not; see LeftOut."""

    counted: Count
    outside_window: Count
    undated: Count


class OverTimeRow(Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule on a change or on an error budget measured; see Metric."""

    rule: Name
    value: Number | None
    samples: Count
    low: Number | None
    high: Number | None
    needed: Count
    words: str


class OverTime(Struct, frozen=True, forbid_unknown_fields=True):
    """What those rules measured, and `settings`: the sections of the host's policy that they are from, as JSON."""

    settings: str
    metrics: list[OverTimeRow]


class Kpis(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The statistics of the run log and of the queue; `over_time` only where the host's policy has such rules."""

    settings: Settings
    metrics: list[MetricRow]
    logs: list[LogRow]
    retries: RetriesRow | None
    remarks: list[str]
    over_time: OverTime | None = None
