"""Whether the native scanner and the Python decoder make the same columns of the same lines."""

from __future__ import annotations

import ctypes
from array import array
from math import isnan
from typing import TYPE_CHECKING, Any

from ops_checks.runlog import scanner
from ops_checks.runlog.aggregator import RunPairs
from ops_checks.runlog.columns import decode_columns
from ops_checks.runlog.group_aggregator import GroupAggregator
from ops_checks.runlog.grouping import Grouping

if TYPE_CHECKING:
    from types import ModuleType

    from ops_checks.runlog.columns import Columns
    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.grouping import GroupStats

_COUNTED = 100
_GROUPINGS = (
    Grouping("command"),
    Grouping("hour", zone=540, window=(-5, 1_700_000_000_900)),
    Grouping("time", bounds=(-5, 5, 999, 1_001, 1_700_000_000_300, 1_700_000_000_600, 1_700_000_001_000)),
)
_OPEN = ("a", "b", "trace-000000000001")


def _pairs(columns: Columns) -> RunPairs:
    """Return what is open behind lines where some traces were open before."""
    pairs = RunPairs({trace: [-1] for trace in _OPEN})
    pairs.update(columns.runs, 1)
    return pairs


def _facts(columns: Columns) -> dict[str, Any]:
    return {
        "lines": columns.lines,
        "malformed": list(columns.malformed),
        "span": columns.span,
        "newest": columns.newest,
        "numbers": list(columns.numbers),
        "times": list(columns.times),
        "timed": columns.timed,
        "durations": [None if isnan(ms) else ms for ms in columns.durations],
        "measured": columns.measured,
        "groups": [columns.groups[ord(group)] for group in columns.group_of],
        "keys": list(columns.keys),
        "distinct": columns.distinct,
        "key_times": columns.key_times,
        "texts": [columns.text(position) for position in range(len(columns.numbers))],
        "runs": _pairs(columns),
        "named": columns.texts,
        "grouped": [_grouped(columns, grouping) for grouping in _GROUPINGS],
    }


def _grouped(columns: Columns, grouping: Grouping) -> Any:
    """Return the groups of lines, in a half of them twice: some durations stand in tables then, and some do not."""
    groups = GroupAggregator("log", grouping, frozenset({"done", "a", ""}))
    count = len(columns.numbers)
    for positions in (range(count), range(0, count, 2)):
        groups.add(columns, positions)
    return {
        key: (each.runs, each.done, each.failed, each.errors, sorted(_ranked(each)))
        for key, each in groups.finish().items()
    }


def _ranked(group: GroupStats) -> list[float]:
    return [group.durations.ranked(rank) for rank in range(1, len(group.durations) + 1)]


def _values(counts: array[int]) -> list[float]:
    return [float(ms) for ms, count in enumerate(counts) for _ in range(count)]


def differences(native: ModuleType, block: bytes, run_filter: RunFilter) -> tuple[int, list[str]]:
    """Scan all lines of a block, which need not end with one; return how many were taken, and what differs.

    The scanner gets a buffer that ends where the lines do.
    """
    block = block[: block.rfind(b"\n") + 1]
    taken, at = 0, 0
    found: list[str] = []
    while at < len(block):
        exact = (ctypes.c_char * len(block)).from_buffer_copy(block)
        counts = array("I", bytes(4 * _COUNTED))
        answer = scanner.scan(native, exact, at, run_filter, counts)
        stop, resume = answer["stop"], answer["resume"]
        lines = block[at:stop]
        if not at <= stop <= resume <= len(block) or (resume == at) or lines.count(b"\n") != answer["lines"]:
            return taken, [*found, f"{block[at:]!r}: {answer}"]
        if lines:
            one = _facts(scanner.columns_of(block, answer, run_filter))
            other = _facts(decode_columns(lines, run_filter, keys=scanner.keys_of))
            found += [f"{lines!r}: {name}: {one[name]} is {other[name]}" for name in one if one[name] != other[name]]
            ended = sorted(ms for ms in other["durations"] if ms is not None)
            if ended != sorted((*array("d", answer["rest"]), *_values(counts))):
                found.append(f"{lines!r}: counts of {ended}")
            taken += answer["lines"]
        at = resume
    return taken, found


def is_taken(native: ModuleType, line: bytes, run_filter: RunFilter) -> bool:
    """Return whether the scanner takes a line."""
    return scanner.scan(native, line, 0, run_filter)["lines"] == 1
