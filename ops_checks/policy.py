"""The policy: what a project asks of its queues and its run log (`ops-checks.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Threshold:
    """The limits of one metric. A violation of `max` or `min` counts as `severity`; of the `warn_` ones as a warning.

    With fewer than `min_samples` samples there is no verdict, only `insufficient`.
    """

    max: float | None = None
    min: float | None = None
    warn_max: float | None = None
    warn_min: float | None = None
    min_samples: int = 1
    severity: str = "error"


#: The limits of OPS_COMMANDS `kpi`, and no line of the log left unread.
DEFAULT_THRESHOLDS: Mapping[str, Threshold] = {
    "failure_rate": Threshold(max=0.2),
    "latency_p95_ms": Threshold(max=2000),
    "stale_in_progress": Threshold(max=0),
    "malformed_lines": Threshold(max=0),
}


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that somebody answers for until a day (`expires`, ISO date, the last day it holds)."""

    rule: str
    reason: str
    owner: str
    expires: str
    item: str | None = None
    field: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ConsistencyPolicy:
    """Which fields are compared (None: FORMATS section 6), and what each drift rule counts as (`error`, `warning`, `off`)."""

    fields: tuple[str, ...] | None = None
    severity: Mapping[str, str] = field(default_factory=dict)
    ignore_statuses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KpiPolicy:
    """Thresholds by metric, and what the metrics are computed from.

    `window_s`: only runs of the last so many seconds (by `ts_epoch_ms`); `commands`: whose
    latency counts (None: all); `on_insufficient`: `pass`, `warn` or `fail`.
    """

    thresholds: Mapping[str, Threshold] = field(default_factory=lambda: dict(DEFAULT_THRESHOLDS))
    window_s: int | None = None
    commands: frozenset[str] | None = None
    stale_minutes: int = 60
    on_insufficient: str = "warn"
    log_cache: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy; what the file leaves out has its default here. `path` is the file, as the user named it."""

    path: str | None = None
    queue: str | None = None
    db: str | None = None
    logs: tuple[str, ...] = ()
    timezone_minutes: int | None = None
    source_of_truth: str = "markdown"
    consistency: ConsistencyPolicy = field(default_factory=ConsistencyPolicy)
    kpi: KpiPolicy = field(default_factory=KpiPolicy)
    waivers: tuple[Waiver, ...] = ()
