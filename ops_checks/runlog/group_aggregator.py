"""Aggregate the columns of lines into groups: what the scanner took whole blocks at a time, the rest end by end."""

from __future__ import annotations

from array import array
from math import isnan
from typing import TYPE_CHECKING

from ops_checks.runlog import scanner
from ops_checks.runlog.grouping import BY_COMMAND, BY_ERROR, UNNAMED, Grouping, Groups, GroupStats, group_named
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ops_checks.runlog.columns import Columns
    from ops_checks.runlog.grouping import Key

    Positions = Sequence[int]

#: In a group durations below this are counted in a table first, where the scanner does it.
_COUNTED_MS = 2_048
#: So many tables are kept, and some more; in one stretch of lines no more groups than the second number have one.
_MOST_TABLES, _MOST_AT_ONCE = 64, 8
#: Characters that are kept of an error text.
_EXAMPLE = 200


class GroupAggregator:
    """Aggregates ends of runs of a log by a grouping; `commands` are those whose latency counts, None for all."""

    def __init__(self, path: str, grouping: Grouping, commands: frozenset[str] | None) -> None:
        self._path = path
        self._groups: Groups = {}
        self._grouping = grouping
        self._commands = commands
        self._reach = grouping.reach() if grouping.of_time else None
        self._tables: dict[Key, array[int]] = {}
        self._outermost = (grouping.bounds[0], grouping.bounds[-1]) if grouping.bounds else None

    def add(self, columns: Columns, positions: Positions) -> None:
        """Add the ends at some positions. Raises TooManyGroupsError."""
        positions = self._within(columns, positions)
        if not positions:
            return
        whole = len(positions) == len(columns.durations) and isinstance(columns.durations, array)
        found = self._rows(columns) if whole and scanner.native else None
        if found is None:
            self._add_each(columns, self._keyed(columns, positions))
        else:
            self._tally(columns, *found)

    def finish(self) -> Groups:
        """Return the groups of all that was added."""
        self._empty_tables()
        return self._groups

    def _within(self, columns: Columns, positions: Positions) -> Positions:
        """Return the positions in the window of the grouping; ends without a time lie in none."""
        window = self._grouping.window
        if self._outermost is not None and columns.timed:
            positions = within(columns, positions, *self._outermost)
        return positions if window is None else within(columns, positions, *window)

    def _rows(self, columns: Columns) -> tuple[list[Key], bytes] | None:
        """Return the groups of ends that the scanner took, and the number of each end's; None for another way."""
        if self._grouping.by == BY_COMMAND:
            commands = list(dict.fromkeys(command for command, _ in columns.groups))
            numbers = bytes(commands.index(command) for command, _ in columns.groups)
            return list(commands), columns.group_of.encode("latin-1").translate(numbers.ljust(256))
        if self._reach is None or not columns.timed or columns.span is None:
            return None
        begins = list(self._begins(self._reach, *columns.span))
        if not begins:
            return None
        if len(begins) == 1:
            return [begins[0]], bytes(len(columns.durations))
        assert isinstance(columns.times, array)  # noqa: S101 - as the scanner makes them
        return [*begins], scanner.locate(columns.times, array("q", begins[1:]))

    def _begins(self, reach: Callable[[int], tuple[int, int] | None], first: int, last: int) -> Iterator[int]:
        """Yield where the groups of a range of times begin; none if it lies in too many, or partly in none."""
        begins: list[int] = []
        ms = first
        while ms <= last:
            found = reach(ms)
            if found is None or len(begins) == _MOST_AT_ONCE:
                return
            begins.append(found[0])
            ms = found[1]
        yield from begins

    def _tally(self, columns: Columns, keys: list[Key], rows: bytes) -> None:
        """Add all ends of what the scanner took."""
        if len(self._tables) > _MOST_TABLES:
            self._empty_tables()
        commands, width = self._commands, len(columns.groups)
        measured = bytes(commands is None or command in commands for command, _ in columns.groups)
        tables = [self._table(key) for key in keys]
        counts, rest_rows, rest = scanner.tally(rows, columns.group_of, columns.durations, measured, tables)
        groups: dict[int, GroupStats] = {}
        for row, key in enumerate(keys):
            ends = counts[row * width : (row + 1) * width]
            if any(ends):
                group = groups[row] = self._named(key)
                group.runs += sum(ends)
                for kind, count in zip(columns.groups, ends, strict=True):
                    if name := _outcome(*kind):
                        _count(group, name, count)
        if len(keys) == 1:
            groups[0].durations.add(rest)
            return
        for row, ms in zip(rest_rows, rest, strict=True):
            groups[row].durations.append(ms)

    def _table(self, key: Key) -> array[int]:
        """Return the table of a group, in which its durations are counted by whole milliseconds."""
        found = self._tables.get(key)
        if found is None:
            found = self._tables[key] = array("I", bytes(4 * _COUNTED_MS))
        return found

    def _empty_tables(self) -> None:
        for key, table in self._tables.items():
            if any(table):
                self._groups[key].durations.counts.update({float(ms): count for ms, count in enumerate(table) if count})
        self._tables.clear()

    def _keyed(self, columns: Columns, positions: Positions) -> Iterator[tuple[int, Key]]:
        """Yield positions, each with its group; a time outside of all bounds has none."""
        if self._reach is not None:
            return self._by_time(columns.times, positions)
        if self._grouping.by == BY_COMMAND:
            names = [command for command, _ in columns.groups]
            return ((position, names[ord(columns.group_of[position])]) for position in positions)
        return self._by_text(columns, positions)

    def _by_time(self, times: Sequence[int | None], positions: Positions) -> Iterator[tuple[int, Key]]:
        assert self._reach is not None  # noqa: S101 - asked for groups of time alone
        low = high = 0
        for position in positions:
            ms = times[position]
            if ms is None:
                yield position, None
                continue
            if not low <= ms < high:
                found = self._reach(ms)
                if found is None:
                    continue
                low, high = found
            yield position, low

    def _by_text(self, columns: Columns, positions: Positions) -> Iterator[tuple[int, Key]]:
        assert self._grouping.field is not None  # noqa: S101 - asked for groups of texts alone
        texts = columns.texts[self._grouping.field]
        names = self._grouping.names
        if self._grouping.by == BY_ERROR:
            return self._by_error(columns, positions, texts)
        if names is None:
            return ((position, texts[position]) for position in positions)
        return (
            (position, None if item is None else names.get(item, UNNAMED))
            for position in positions
            for item in (texts[position],)
        )

    def _by_error(
        self, columns: Columns, positions: Positions, texts: Sequence[str | None]
    ) -> Iterator[tuple[int, Key]]:
        """Yield the positions of what went wrong, and keep the first text of each group as its example."""
        from ops_checks.runlog.error_fingerprint import fingerprint  # its patterns take longer than a small log

        wrong = {chr(at) for at, (command, code) in enumerate(columns.groups) if code or command == "fail"}
        for position in positions:
            text = texts[position]
            if text is None and columns.group_of[position] not in wrong:
                continue
            key = (fingerprint(text) if text else None) or None
            yield position, key
            if key is not None and self._groups[key].example is None:
                self._groups[key].example = text[:_EXAMPLE] if text else None

    def _add_each(self, columns: Columns, keyed: Iterable[tuple[int, Key]]) -> None:
        """Add ends one by one."""
        groups, durations, group_of = self._groups, columns.durations, columns.group_of
        commands = self._commands
        kinds = [(_outcome(*each), commands is None or each[0] in commands) for each in columns.groups]
        few = self._grouping.may_be_many
        for position, key in keyed:
            group = groups.get(key)
            if group is None:
                group = self._named(key)
            name, measured = kinds[ord(group_of[position])]
            group.runs += 1
            if name is not None:
                _count(group, name, 1)
            if measured and not isnan(ms := durations[position]):
                (group.durations.append_few if few else group.durations.append)(ms)

    def _named(self, key: Key) -> GroupStats:
        """Return the statistics of a group, new ones if it has none yet. Raises TooManyGroupsError."""
        return group_named(self._groups, key, visible(self._path), self._grouping)


def within(columns: Columns, positions: Positions, low: int, high: int) -> Positions:
    """Return those of some positions whose ends have a time from `low` on and before `high`."""
    span = columns.span
    if columns.timed and (span is None or (span[0] >= low and span[1] < high)):
        return positions
    if columns.timed and span is not None and (span[1] < low or span[0] >= high):
        return ()
    times = columns.times
    return [position for position in positions if (ms := times[position]) is not None and low <= ms < high]


def _outcome(command: str, exit_code: int) -> str | None:
    """Return by what name ends of a command with an exit code are counted besides as runs, None for none."""
    return "errors" if exit_code else {"done": "done", "fail": "failed"}.get(command)


def _count(group: GroupStats, name: str, count: int) -> None:
    """Count ends with an outcome."""
    setattr(group, name, getattr(group, name) + count)
