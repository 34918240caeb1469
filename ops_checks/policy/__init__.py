"""The policy: what a project asks of its queues and its run log (`ops-checks.yaml`)."""

from __future__ import annotations

from msgspec import Struct, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Threshold(Struct, frozen=True):
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


class Waiver(Struct, frozen=True):
    """A finding that somebody answers for until a day (`expires`, ISO date, the last day it holds)."""

    rule: str
    reason: str
    owner: str
    expires: str
    item: str | None = None
    field: str | None = None
    line: int | None = None


class ConsistencyPolicy(Struct, frozen=True):
    """Which fields are compared (None: those of FORMATS section 6), and what each drift rule counts as.

    `severity` is by rule `error`, `warning` or `off`; a rule it does not name counts as `error`.
    """

    fields: tuple[str, ...] | None = None
    severity: Mapping[str, str] = field(default_factory=dict)
    ignore_statuses: frozenset[str] = frozenset()


class KpiPolicy(Struct, frozen=True):
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


class Policy(Struct, frozen=True):
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


def load_policy(path: str) -> Policy:
    """Return the policy in a YAML file. What the file leaves out has its default.

    Raises UsageError (exit code 4) with everything that is wrong at once, each a line
    `file:line:column: dotted.path: what is wrong, what is allowed`: the first as the message,
    the others, up to 20, in the details.
    """
    from ops_checks.policy.load import load

    return load(path)


def policy_schema() -> str:
    """Return the JSON Schema (2020-12) that a policy keeps, as text; it describes every key."""
    from ops_checks.policy.check import schema_text

    return schema_text()


def set_value(path: str, dotted: str, value: str) -> str:
    """Return the text of a policy file with one value set, every other character as it was.

    `dotted` leads to the value (`kpi.thresholds.failure_rate.max`, `waivers.0.expires`); `value`
    is a scalar or a flow collection as YAML writes it, or just text. A key that is not there yet
    is added at the end of its mapping. The result keeps the policy's rules. Raises UsageError.
    """
    from ops_checks.policy.edit import edited

    return edited(path, dotted, value)[0]


def write_value(path: str, dotted: str, value: str) -> None:
    """Set one value in a policy file, as `set_value` does, in one atomic step.

    Raises UsageError if the result would be no policy, and WriteError if it cannot be written or
    the file changed meanwhile; the file is then as it was.
    """
    from ops_checks.policy.edit import write

    write(path, dotted, value)
