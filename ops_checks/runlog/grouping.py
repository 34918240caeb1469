"""Groups of runs: by time, or by what a record says; and the statistics of each (FORMATS section 4)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping  # noqa: TC003 - msgspec resolves the fields' types
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ops_checks.errors import InputError
from ops_checks.runlog.percentiles import Durations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    #: Returns from when (inclusive) to when (exclusive) a group reaches that has a time, epoch milliseconds; None for
    #: a time that is in no group.
    Reach = Callable[[int], tuple[int, int] | None]

#: So many groups are kept in memory, about a kilobyte each; a log with more is an error, never cut.
MOST_GROUPS = 100_000
#: What runs can be grouped by: a time between bounds, the zone's day or hour, or a field of the record.
BY_TIME, BY_DAY, BY_HOUR, BY_COMMAND, BY_ITEM, BY_ERROR = "time", "day", "hour", "command", "item", "error"
_STEPS_MS = {BY_DAY: 86_400_000, BY_HOUR: 3_600_000}
_MINUTE_MS = 60_000

#: What names a group: epoch milliseconds at which it begins, or a text; None for runs that do not say.
Key = int | str | None
#: The group of items that no name is known of.
UNNAMED = 0
#: The fields of a record that name groups.
ITEM_FIELD, ERROR_FIELD = "item_id", "error"
_FIELDS = {BY_ITEM: ITEM_FIELD, BY_ERROR: ERROR_FIELD}


class Grouping(Struct, frozen=True):
    """What runs are grouped by, and which runs: those in `window`, from its first time on and before its second.

    None is all of time, and times are epoch milliseconds. By BY_TIME a group begins at each of the ascending `bounds`
    and ends at the next; what lies outside of them is in none. `zone` (a name of the IANA database, or minutes
    east of UTC) is that of days and hours. `names`: the group of an item, where it is not its own; UNNAMED for items
    that it lacks. By BY_ERROR only what went wrong is in a group, that of the fingerprint of its error: ends with an
    error text or another exit code than 0, and task failures. All values are plain, so that they reach the workers of
    an engine.
    """

    by: str
    bounds: tuple[int, ...] = ()
    window: tuple[int, int] | None = None
    zone: str | int = 0
    names: Mapping[str, str] | None = None

    @property
    def of_time(self) -> bool:
        """Whether groups are stretches of time, named by their beginning."""
        return self.by == BY_TIME or self.by in _STEPS_MS

    @property
    def word(self) -> str:
        """What runs are grouped by, for people."""
        return self.by if self.names is None else "name of item"

    @property
    def field(self) -> str | None:
        """The field of the record that names the group, None where none does."""
        return _FIELDS.get(self.by)

    @property
    def may_be_many(self) -> bool:
        """Whether there may be about as many groups as runs."""
        return self.field is not None and self.names is None

    def reach(self) -> Reach:
        """Return what tells from when to when the group of a time reaches."""
        if self.by == BY_TIME:
            return _between(self.bounds)
        if isinstance(self.zone, int):
            return _stepping(_STEPS_MS[self.by], self.zone * _MINUTE_MS)
        return _by_clock(self.by, self.zone)


class GroupStats(Struct):
    """Statistics of the runs of a group: ends, task outcomes, ends with another exit code than 0, and durations.

    `durations` are those of the commands whose latency counts, in milliseconds; `example` is the first error text of
    those that are grouped by it.
    """

    runs: int = 0
    done: int = 0
    failed: int = 0
    errors: int = 0
    durations: Durations = field(default_factory=Durations)
    example: str | None = None

    def add_counts(self, other: GroupStats) -> None:
        """Add the numbers of another group, and not its durations, which take time and memory."""
        self.runs += other.runs
        self.done += other.done
        self.failed += other.failed
        self.errors += other.errors

    def add(self, other: GroupStats) -> None:
        """Add the runs of another group."""
        self.add_counts(other)
        self.durations.add_all(other.durations)
        self.example = self.example or other.example

    def remove(self, other: GroupStats) -> None:
        """Remove the runs of a group that was added."""
        self.runs -= other.runs
        self.done -= other.done
        self.failed -= other.failed
        self.errors -= other.errors
        self.durations.remove_all(other.durations)


#: The groups of a grouping, by their names.
Groups = dict[Key, GroupStats]


def merge_groups(groups: Iterable[GroupStats]) -> GroupStats:
    """Return the statistics of the runs of several groups; they are left as they are."""
    whole = GroupStats()
    for each in groups:
        whole.add(each)
    return whole


def add_groups(groups: Groups, others: Groups) -> None:
    """Add the groups of a later part of a log; consumes both. Raises TooManyGroupsError."""
    for key, stats in others.items():
        if key in groups:
            groups[key].add(stats)
        else:
            must_be_fewer(groups, "the run log")
            groups[key] = stats


def group_named(groups: Groups, key: Key, where: str = "the run log", grouping: Grouping | None = None) -> GroupStats:
    """Return the statistics of a group, new ones if it has none yet. Raises as `must_be_fewer`."""
    found = groups.get(key)
    if found is None:
        must_be_fewer(groups, where, grouping)
        found = groups[key] = GroupStats()
    return found


class TooManyGroupsError(InputError):
    """The runs are of more groups than are kept."""


def must_be_fewer(groups: Groups, where: str, grouping: Grouping | None = None) -> None:
    """Raise TooManyGroupsError where no further group may be added; `where` is the log, as far as it is known."""
    if len(groups) >= MOST_GROUPS:
        by = "" if grouping is None else f" by {grouping.word}"
        advice = "narrow the window (kpi.window), or group by what has fewer"
        raise TooManyGroupsError(f"{where}: more than {MOST_GROUPS:,} groups{by}: {advice}")


def _between(bounds: tuple[int, ...]) -> Reach:
    def reach(ms: int) -> tuple[int, int] | None:
        at = bisect_right(bounds, ms)
        return (bounds[at - 1], bounds[at]) if 0 < at < len(bounds) else None

    return reach


def _by_clock(by: str, name: str) -> Reach:
    """Return what tells the day or the hour by the clock of a zone whose offset changes."""
    from ops_checks.zones import NamedZone

    zone = NamedZone(name)
    step = {BY_DAY: zone.day, BY_HOUR: zone.hour}[by]

    def reach(ms: int) -> tuple[int, int]:
        begin_s, end_s = step(ms // 1000)
        return begin_s * 1000, end_s * 1000

    return reach


def _stepping(step: int, offset: int) -> Reach:
    def reach(ms: int) -> tuple[int, int]:
        begin = (ms + offset) // step * step - offset
        return begin, begin + step

    return reach
