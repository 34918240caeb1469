"""The KPIs of groups of runs: counts, rates, percentiles, and the part of each group in the failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.model import NOTHING
from ops_checks.runlog.grouping import BY_COMMAND, BY_DAY, BY_ERROR, BY_HOUR, BY_ITEM, GroupStats, merge_groups
from ops_checks.statistics.intervals import rate_interval
from ops_checks.timestamps import offset_s, offset_text, queue_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ops_checks.runlog.grouping import Key, Reach
    from ops_checks.runlog.stats import RunStats
    from ops_checks.timestamps import Zone

#: Runs by the owner of their item; the other ways to group them are those of `runlog.grouping`.
BY_OWNER = "owner"
#: What runs can be grouped by, each with the word for several groups.
WAYS = {
    BY_OWNER: "owners",
    BY_ITEM: "items",
    BY_COMMAND: "commands",
    BY_ERROR: "errors",
    BY_DAY: "days",
    BY_HOUR: "hours",
}
#: Whether a group has a name, is of runs that name nothing, or of items that the queue has not.
NAMED, WITHOUT, UNKNOWN = "named", "without", "unknown"
_WITHOUT = {
    BY_OWNER: "(no item)",
    BY_ITEM: "(no item)",
    BY_ERROR: "(no error text)",
    BY_DAY: "(undated)",
    BY_HOUR: "(undated)",
}
_NO_OWNER, _NOT_QUEUED = "(no owner)", "(not in the queue)"


class Rate(Struct, frozen=True):
    """A rate from 0 to 1 and its 95 % interval (Wilson score); all None without samples."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class GroupKpis(Struct, frozen=True):
    """The KPIs of the runs of one group, of FORMATS section 4.

    - `kind` is NAMED, WITHOUT or UNKNOWN; `begins_ms` and `ends_ms` are those of a day or an hour, epoch milliseconds.
    - `done` and `failed` are task outcomes, of which the rates are; `errors` ends with another exit code than 0.
    - `share`: the part of the group in all failed tasks and errors together, None where there are none.
    - the percentiles (milliseconds) are of `samples` durations, None without any.
    - `example` is the first error text of a group of errors.
    """

    name: str
    kind: str
    runs: int
    done: int
    failed: int
    errors: int
    share: float | None
    success: Rate
    failure: Rate
    samples: int
    p50: float | None
    p95: float | None
    p99: float | None
    begins_ms: int | None = None
    ends_ms: int | None = None
    example: str | None = None


class KpisBy(Struct, frozen=True):
    """The KPIs of all groups, by what they are grouped, in the order in which they are shown; and those of all."""

    by: str
    groups: tuple[GroupKpis, ...]
    total: GroupKpis

    @property
    def of_time(self) -> bool:
        """Whether the groups are days or hours, in the order of time."""
        return self.by in {BY_DAY, BY_HOUR}


def kpis_by(by: str, runs: RunStats, *, zone: Zone, reach: Reach | None = None) -> KpisBy:
    """Return the KPIs of the groups of runs by one of WAYS; `reach` tells from when to when a day or an hour goes.

    Time ascends, what has no time is last; other groups stand by their share of the failures, then by runs, then by
    name. By the error there are only runs in which something went wrong (see `Grouping`), and so in the total. The
    groups are consumed, since there may be many. Raises InputError where an engine has more durations of these than can
    be added up.
    """
    groups = runs.groups[0]
    whole = merge_groups(groups.values()) if by == BY_ERROR else _all_runs(runs)
    names = _time_names(by, [key for key in groups if isinstance(key, int)], zone) if reach else {}
    found = []
    for key in list(groups):
        reached = reach(key) if reach and isinstance(key, int) else None
        found.append(_measured(groups.pop(key), whole, *_named(by, key, names), reached))
    return KpisBy(by, tuple(sorted(found, key=_order(by))), _measured(whole, whole, "total", NAMED, None))


def _all_runs(runs: RunStats) -> GroupStats:
    errors = sum(group.errors for group in runs.groups[0].values())
    return GroupStats(runs.runs, runs.done, runs.failed, errors, runs.durations)


def _measured(stats: GroupStats, whole: GroupStats, name: str, kind: str, reach: tuple[int, int] | None) -> GroupKpis:
    failures = whole.failed + whole.errors
    tasks = stats.done + stats.failed
    return GroupKpis(
        name=name,
        kind=kind,
        runs=stats.runs,
        done=stats.done,
        failed=stats.failed,
        errors=stats.errors,
        share=(stats.failed + stats.errors) / failures if failures else None,
        success=_rate(stats.done, tasks),
        failure=_rate(stats.failed, tasks),
        samples=len(stats.durations),
        p50=stats.durations.percentile(50),
        p95=stats.durations.percentile(95),
        p99=stats.durations.percentile(99),
        begins_ms=reach[0] if reach else None,
        ends_ms=reach[1] if reach else None,
        example=stats.example,
    )


def _rate(hits: int, samples: int) -> Rate:
    low, high = rate_interval(hits, samples) or (None, None)
    return Rate(hits / samples if samples else None, low, high)


def _named(by: str, key: Key, times: Mapping[int, str]) -> tuple[str, str]:
    """Return the name of a group, and its kind."""
    if key is None:
        return _WITHOUT[by], WITHOUT
    if isinstance(key, int):
        return (times[key], NAMED) if times else (_NOT_QUEUED, UNKNOWN)
    if by == BY_OWNER and key in {"", NOTHING}:
        return _NO_OWNER, WITHOUT
    return key, NAMED


def _time_names(by: str, begins: Sequence[int], zone: Zone) -> dict[int, str]:
    """Return the names of days or hours by their beginnings; of an hour that the clock shows twice with the offset."""
    length = len("YYYY-MM-DD") if by == BY_DAY else None
    names = {ms: queue_time(ms / 1000, zone)[:length] for ms in begins}
    shown = list(names.values())
    twice = {name for name in shown if shown.count(name) > 1} if len(set(shown)) < len(shown) else set()
    return {
        ms: f"{name}{offset_text(offset_s(zone, ms / 1000) // 60)}" if name in twice else name
        for ms, name in names.items()
    }


def _order(by: str) -> Callable[[GroupKpis], tuple[float, ...] | tuple[float, int, str]]:
    if by in {BY_DAY, BY_HOUR}:
        return lambda group: (group.begins_ms is None, group.begins_ms or 0)
    return lambda group: (-(group.share or 0), -group.runs, group.name)


def shown_first(found: KpisBy, most: int) -> tuple[Sequence[GroupKpis], int]:
    """Return at most so many groups, of times the latest ones; and how many more there are. 0 stands for all."""
    more = max(0, len(found.groups) - most) if most else 0
    if not more:
        return found.groups, 0
    return (found.groups[more:] if found.of_time else found.groups[:most]), more
