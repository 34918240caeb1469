"""Aggregate the columns of lines into groups: whole blocks where they can be, as most of them lie in one day."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from msgspec import UNSET

from ops_checks.runlog.decoder import RunEnd, decode_line
from ops_checks.runlog.grouping import BY_COMMAND, BY_ERROR, BY_ITEM, Grouping, Groups, group_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ops_checks.runlog.columns import Columns
    from ops_checks.runlog.grouping import GroupStats, Key

    Positions = Sequence[int]


class GroupAggregator:
    """Aggregates ends of runs by a grouping; `commands` are those whose latency counts, None for all."""

    def __init__(self, grouping: Grouping, commands: frozenset[str] | None) -> None:
        self.groups: Groups = {}
        self._grouping = grouping
        self._commands = commands
        self._reach = grouping.reach() if grouping.of_time else None

    def add(self, columns: Columns, positions: Positions) -> None:
        """Add the ends at some positions. Raises InputError where there are too many groups."""
        for key, members in self._parts(columns, self._within(columns, positions)):
            if members:
                add_members(group_named(self.groups, key), columns, members, self._commands)

    def _within(self, columns: Columns, positions: Positions) -> Positions:
        """Return the positions in the window of the grouping; ends without a time lie in none."""
        bounds = self._grouping.window
        return positions if bounds is None else within(columns, positions, *bounds)

    def _parts(self, columns: Columns, positions: Positions) -> Iterator[tuple[Key, Positions]]:
        if self._reach is not None:
            return self._by_time(columns, positions)
        if self._grouping.by == BY_COMMAND:
            return _by_command(columns, positions)
        return self._by_field(columns, positions)

    def _by_time(self, columns: Columns, positions: Positions) -> Iterator[tuple[Key, Positions]]:
        """Yield the positions of each stretch of time; those without a time are in the group None."""
        assert self._reach is not None  # noqa: S101 - asked for groups of time alone
        times = columns.times
        if not columns.timed:
            yield None, [position for position in positions if times[position] is None]
            positions = [position for position in positions if times[position] is not None]
        if not positions:
            return
        if columns.timed and columns.span and (reach := self._reach(columns.span[0])) and columns.span[1] < reach[1]:
            yield reach[0], positions
            return
        yield from _cut(sorted(positions, key=times.__getitem__), times, self._reach)  # type: ignore[arg-type] # dated

    def _by_field(self, columns: Columns, positions: Positions) -> Iterator[tuple[Key, Positions]]:
        key_of = _FIELDS[self._grouping.by](self._grouping)
        members: dict[Key, list[int]] = {}
        for position in positions:
            end = decode_line(columns.text(position))
            assert isinstance(end, RunEnd)  # noqa: S101 - it was one when its columns were made
            members.setdefault(key_of(end), []).append(position)
        yield from members.items()


def within(columns: Columns, positions: Positions, low: int, high: int) -> Positions:
    """Return those of some positions whose ends have a time from `low` on and before `high`."""
    span = columns.span
    if columns.timed and (span is None or (span[0] >= low and span[1] < high)):
        return positions
    times = columns.times
    return [position for position in positions if (ms := times[position]) is not None and low <= ms < high]


def add_members(group: GroupStats, columns: Columns, members: Positions, commands: frozenset[str] | None) -> None:
    """Add the ends at some positions to a group."""
    codes = columns.group_of
    if len(members) < len(codes):
        codes = "".join([codes[position] for position in members])
    group.runs += len(members)
    for number, (command, exit_code) in enumerate(columns.groups):
        count = codes.count(chr(number))
        group.errors += count if exit_code else 0
        group.done += count if command == "done" and not exit_code else 0
        group.failed += count if command == "fail" and not exit_code else 0
    group.durations.add(_durations(columns, members, commands))


def _durations(columns: Columns, members: Positions, commands: frozenset[str] | None) -> Sequence[float]:
    found = columns.durations
    if commands is not None:
        wanted = {chr(number) for number, (command, _) in enumerate(columns.groups) if command in commands}
        members = [position for position in members if columns.group_of[position] in wanted]
    if len(members) < len(found):
        found = [found[position] for position in members]
    return found if columns.measured else [ms for ms in found if not isnan(ms)]


def _cut(
    ordered: Sequence[int], times: Sequence[int | None], reach: Callable[[int], tuple[int, int] | None]
) -> Iterator[tuple[Key, Positions]]:
    """Yield the stretches of positions in the order of their times."""
    begin = 0
    while begin < len(ordered):
        ms = times[ordered[begin]]
        assert ms is not None  # noqa: S101 - of dated ends alone
        found = reach(ms)
        stop = _stop(ordered, times, begin, ms + 1 if found is None else found[1])
        if found is not None:
            yield found[0], ordered[begin:stop]
        begin = stop


def _stop(ordered: Sequence[int], times: Sequence[int | None], begin: int, high: int) -> int:
    """Return the first index from `begin` on of a time that is not below `high`."""
    low, stop = begin, len(ordered)
    while low < stop:
        middle = (low + stop) // 2
        if times[ordered[middle]] < high:  # type: ignore[operator] # dated
            low = middle + 1
        else:
            stop = middle
    return low


def _by_command(columns: Columns, positions: Positions) -> Iterator[tuple[Key, Positions]]:
    names = {chr(number): command for number, (command, _) in enumerate(columns.groups)}
    members: dict[Key, list[int]] = {}
    for position in positions:
        members.setdefault(names[columns.group_of[position]], []).append(position)
    yield from members.items()


def _item_of(grouping: Grouping) -> Callable[[RunEnd], Key]:
    names = grouping.names

    def key(end: RunEnd) -> Key:
        item = None if end.item_id is UNSET else end.item_id or None
        return item if names is None or item is None else names.get(item)

    return key


def _error_of(_grouping: Grouping) -> Callable[[RunEnd], Key]:
    return lambda end: None if end.error is UNSET else end.error


#: By what a field of the record names the group.
_FIELDS: dict[str, Callable[[Grouping], Callable[[RunEnd], Key]]] = {BY_ITEM: _item_of, BY_ERROR: _error_of}
