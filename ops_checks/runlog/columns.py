"""The lines of a block as columns: what aggregating needs of every line, and the text of the few lines that are named.

There are two ways to them, with the same answers: `decode_columns` here, and the native scanner (see `scanner`).
"""

from __future__ import annotations

from array import array
from io import BytesIO
from math import nan
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET, Struct, UnsetType

from ops_checks.runlog.decoder import Malformed, Row, RunEnd, RunStart, decode_lines
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.times import time_defect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: The range of the times of ends of which one has its time as text alone.
ANY_TIME = (-(2**63), 2**63 - 1)
NO_TIME = ANY_TIME[::-1]


class PairedRun(NamedTuple):
    """A start or an end, which its trace id pairs with the other: its line, from 0 in the block."""

    number: int
    is_start: bool
    trace: str | None


class Columns(Struct, gc=False):
    """The columns of consecutive lines; positions are those among the ends, in the order of the log.

    - `lines`: how many; `malformed`: those that are no records, each with its number from 0.
    - `span`: the least and the greatest time of all records, None without any; `newest`: the first line of the latter.
    - `numbers`: the line of each end, from 0; `times`, all there if `timed`; `durations`, NaN for none, all there if
      `measured`.
    - `rest`: the durations that are not counted yet, None if none are.
    - `group_of`: of each end the character whose number is that of its command and exit code in `groups`.
    - `keys`: equal for ends that equal each other in all known keys, 0 for those that may be anybody's (see `keys_of`);
      `distinct`: no two of the others are equal; `key_times`: the range of their times.
    - `runs`: starts and ends in the window, where details are wanted. A start and an end behind it may be missing if
      nothing else in these lines has their trace id: such an end closes such a start, whatever was open before.
    - `text`: returns the line of the end at a position.
    - `texts`: by field the text of each end, None where it says nothing; of the fields that the filter asks for.
    """

    lines: int
    span: tuple[int, int] | None
    newest: bytes
    numbers: Sequence[int]
    times: Sequence[int | None]
    timed: bool
    durations: Sequence[float]
    measured: bool
    group_of: str
    groups: Sequence[tuple[str, int]]
    keys: Sequence[int]
    distinct: bool
    key_times: tuple[int, int]
    text: Callable[[int], bytes]
    rest: Sequence[float] | None = None
    runs: Sequence[PairedRun] = ()
    malformed: Sequence[tuple[int, Malformed]] = ()
    texts: Mapping[str, Sequence[str | None]] = {}


def malformed_columns(row: Malformed) -> Columns:
    """Return the columns of one malformed line."""
    return _columns([b"\n"], [row], RunFilter(), keys_of)


def decode_columns(
    block: bytes,
    run_filter: RunFilter,
    *,
    reasons: bool = True,
    keys: Callable[[Sequence[RunEnd]], Iterable[int]] | None = None,
) -> Columns:
    """Return the columns of a block of whole lines. Without `reasons` those of malformed lines may be missing."""
    lines = list(BytesIO(block))
    rows = decode_lines(block, lines, reasons=reasons)
    return _columns(lines, rows, run_filter, keys or keys_of)


def keys_of(ends: Sequence[RunEnd]) -> Iterable[int]:
    """Return the key of each end: 0 without a trace id and a time, for it may be anybody's.

    Writers that log the minimum write equal lines of different runs (FORMATS section 3).
    """
    return [
        (hash(end) or 1) if end.trace_id and (end.ts_epoch_ms is not UNSET or end.ts_kst is not UNSET) else 0
        for end in ends
    ]


def _columns(
    lines: list[bytes],
    rows: list[Row],
    run_filter: RunFilter,
    keys_of_ends: Callable[[Sequence[RunEnd]], Iterable[int]],
) -> Columns:
    span, newest = _span(rows)
    if run_filter.valid_ms and span and not run_filter.valid_ms[0] <= span[0] <= span[1] <= run_filter.valid_ms[1]:
        rows = [_checked(row, *run_filter.valid_ms) for row in rows]
        span, newest = _span(rows)
    types = list(map(type, rows))
    numbers = array("I", [number for number, kind in enumerate(types) if kind is RunEnd])
    ends: list[Any] = [rows[number] for number in numbers]
    times = [end.ts_epoch_ms for end in ends]
    timed = UNSET not in times
    durations = [end.duration_ms for end in ends]
    measured = UNSET not in durations
    groups = [(end.command, end.exit_code) for end in ends]
    names = {group: chr(number) for number, group in enumerate(dict.fromkeys(groups))}
    keys = array("q", keys_of_ends(ends))
    return Columns(
        lines=len(lines),
        span=span,
        newest=lines[newest] if span else b"",
        numbers=numbers,
        times=times if timed else [None if ms is UNSET else ms for ms in times],
        timed=timed,
        durations=durations if measured else [nan if ms is UNSET else ms for ms in durations],
        measured=measured,
        group_of="".join([names[group] for group in groups]),
        groups=list(names),
        keys=keys,
        distinct=len({*keys} - {0}) == len(keys) - keys.count(0),
        key_times=_key_times(keys, times),
        text=lambda position: lines[numbers[position]],
        runs=_runs(rows, run_filter.bounds) if run_filter.details else (),
        malformed=[(number, row) for number, row in enumerate(rows) if isinstance(row, Malformed)]
        if Malformed in types
        else (),
        texts={field: [text_of(each, field) for each in ends] for field in run_filter.fields},
    )


def text_of(end: Any, field: str) -> str | None:  # noqa: ANN401 - a row that is one
    """Return the text of a field of an end, None where it says nothing."""
    text: str | UnsetType | None = getattr(end, field)
    return None if text is UNSET else text or None


def _span(rows: list[Row]) -> tuple[tuple[int, int] | None, int]:
    """Return the least and the greatest time of the records, None without any, and the number of the first such row."""
    times: list[Any] = [UNSET if type(row) is Malformed else row.ts_epoch_ms for row in rows]  # type: ignore[union-attr]
    dated = [ms for ms in times if ms is not UNSET] if UNSET in times else times
    if not dated:
        return None, 0
    last = max(dated)
    return (min(dated), last), times.index(last)


def _checked(row: Row, least: int, greatest: int) -> Row:
    """Return a row, or what is wrong with its time."""
    if isinstance(row, Malformed) or row.ts_epoch_ms is UNSET:
        return row
    defect = time_defect(row.ts_epoch_ms, least, greatest)
    return Malformed(defect) if defect else row


def _key_times(keys: Sequence[int], times: Sequence[Any]) -> tuple[int, int]:
    """Return the least and the greatest time of the ends that have a key."""
    found = [ms for key, ms in zip(keys, times, strict=True) if key]
    if UNSET in found:
        return ANY_TIME
    return (min(found), max(found)) if found else NO_TIME


def _runs(rows: list[Row], bounds: tuple[int, int] | None) -> list[PairedRun]:
    """Return the starts in the window, and the ends that may end them: those before it end nothing in it."""
    return [
        PairedRun(number, type(row) is RunStart, None if row.trace_id is UNSET else row.trace_id)
        for number, row in enumerate(rows)
        if isinstance(row, RunStart | RunEnd) and (bounds is None or _may_pair(row, *bounds))
    ]


def _may_pair(row: RunStart | RunEnd, low: int, high: int) -> bool:
    is_end = isinstance(row, RunEnd)
    return is_end if row.ts_epoch_ms is UNSET else low <= row.ts_epoch_ms and (is_end or row.ts_epoch_ms < high)
