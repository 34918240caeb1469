"""The native scanner, where it was built: lines that are beyond doubt to columns, without the interpreter's lock.

It decides nothing. Lines that it does not take go to the Python decoder, and without it all lines do.
"""

from __future__ import annotations

import os
from array import array
from importlib import import_module
from typing import TYPE_CHECKING, Any

from msgspec import json

from ops_checks.runlog import columns
from ops_checks.runlog.columns import ANY_TIME, Columns, PairedRun, decode_columns, text_of
from ops_checks.runlog.decoder import decode_line
from ops_checks.runlog.grouping import ERROR_FIELD, ITEM_FIELD
from ops_checks.runlog.line_reader import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

    from ops_checks.runlog.decoder import RunEnd
    from ops_checks.runlog.filter import RunFilter

#: Of the arguments and the answer; a scanner that was built from another version of its source is not used.
_INTERFACE = 4
#: Set to `off`, the native scanner is not used.
_VARIABLE = "OPS_CHECKS_SCANNER"
_SCANNED_BYTES = 1 << 20
#: Keys of ends are hashed with it: nobody who writes a log can make two of them equal.
_SEED = int.from_bytes(os.urandom(8), "little")
#: So many stretches of lines of a block are scanned between others; the rest of a block with more takes less time in
#: the decoder.
_MOST_STRETCHES = 8
#: A run in the scanner's answer: line, kind, and where in the block its trace id stands. An end has this kind, and
#: nowhere is this offset.
_RUN_FIELDS, _START, _NO_TRACE = 4, 1, 2**32 - 1
#: What asks the scanner where the texts of a field stand, by the field, and the name of that in its answer. A text that
#: is written with escapes stands at this offset.
_SPANS = {ITEM_FIELD: (1, "items"), ERROR_FIELD: (2, "errors")}
_ESCAPED = 2**32 - 1


def _load() -> ModuleType | None:
    if os.environ.get(_VARIABLE) == "off":
        return None
    try:
        found = import_module("ops_checks.runlog._scanner")
    except ImportError:
        return None
    return found if getattr(found, "INTERFACE", None) == _INTERFACE else None


#: The native scanner; None where it is not there.
native = _load()


def state() -> str:
    """Return whether the native scanner is in use, for people."""
    return "none, Python reads the run log (slower)" if native is None else "native"


def block_bytes() -> int:
    """Return how many bytes of a plain log are read at a time: more pay where the scanner works on them all at once."""
    return BLOCK_BYTES if native is None else _SCANNED_BYTES


def read_columns(
    block: bytes, run_filter: RunFilter, needs_reasons: Callable[[], bool], counts: array[int] | None = None
) -> Iterator[Columns]:
    """Yield the columns of the lines of a block, stretch by stretch; behind the last line break it is not read.

    `needs_reasons` returns whether the reasons of malformed lines are still wanted. To `counts` durations may be added,
    by whole milliseconds: those that are not are the `rest` of the columns then.
    """
    at, end = 0, block.rfind(b"\n") + 1
    if native is not None:
        for _ in range(_MOST_STRETCHES):
            if at == end:
                return
            found = scan(native, block, at, run_filter, counts)
            if found["lines"]:
                yield columns_of(block, found, run_filter, counted=counts is not None)
            at, resume = found["stop"], found["resume"]
            if resume > at:
                yield _decoded(block[at:resume], run_filter, needs_reasons)
                at = resume
    if at < end:
        yield _decoded(block[at:end], run_filter, needs_reasons)


def _decoded(block: bytes, run_filter: RunFilter, needs_reasons: Callable[[], bool]) -> Columns:
    return decode_columns(block, run_filter, reasons=needs_reasons(), keys=None if native is None else keys_of)


def scan(
    scanner: ModuleType, block: bytes, at: int, run_filter: RunFilter, counts: array[int] | None = None
) -> dict[str, Any]:
    """Return a scanner's answer on the lines of a block from an offset on."""
    least, greatest = run_filter.valid_ms or ANY_TIME
    fields = sum(_SPANS[field][0] for field in run_filter.fields)
    found: dict[str, Any] = scanner.scan(
        block, at, _SEED, run_filter.details, least, greatest, run_filter.bounds, counts, fields
    )
    return found


def columns_of(block: bytes, found: dict[str, Any], run_filter: RunFilter, *, counted: bool = False) -> Columns:
    """Return the columns of the lines that a scanner took, from its answer."""
    times, offsets = array("q", found["times"]), array("I", found["offsets"])
    timed = found["timed"] == len(times)
    return Columns(
        lines=found["lines"],
        span=(found["least"], found["greatest"]) if found["newest"] >= 0 else None,
        newest=_line(block, found["newest"]) if found["newest"] >= 0 else b"",
        numbers=array("I", found["numbers"]),
        times=times if timed else [ms if has else None for ms, has in zip(times, found["has_time"], strict=True)],
        timed=timed,
        durations=array("d", found["durations"]),
        measured=found["measured"] == len(times),
        group_of=found["group_of"].decode("latin-1"),
        groups=found["groups"],
        keys=array("q", found["keys"]),
        distinct=not found["equal"],
        key_times=(found["low"], found["high"]),
        text=lambda position: _line(block, offsets[position]),
        rest=array("d", found["rest"]) if counted else None,
        texts={field: _texts(block, offsets, found, field) for field in run_filter.fields},
        runs=list(_runs(block, array("I", found["runs"]))) if run_filter.details else (),
    )


def _texts(block: bytes, offsets: Sequence[int], found: dict[str, Any], field: str) -> list[str | None]:
    """Return the text of a field of each end, None where it says nothing."""
    pairs = array("I", found[_SPANS[field][1]])
    return [
        None
        if not size
        else block[at : at + size].decode()
        if at != _ESCAPED
        else text_of(decode_line(_line(block, line)), field)
        for line, at, size in zip(offsets, pairs[::2], pairs[1::2], strict=True)
    ]


def _line(block: bytes, offset: int) -> bytes:
    return block[offset : block.index(b"\n", offset) + 1]


def _runs(block: bytes, fields: Sequence[int]) -> Iterator[PairedRun]:
    for number, kind, offset, size in zip(*[iter(fields)] * _RUN_FIELDS, strict=True):
        trace = None if offset == _NO_TRACE else block[offset : offset + size].decode()
        yield PairedRun(number, kind == _START, trace)


def locate(times: array[int], cuts: array[int]) -> bytes:
    """Return of each time how many of at most 255 ascending cuts it has reached; the scanner has to be there."""
    assert native is not None  # noqa: S101 - its columns are here
    found: bytes = native.locate(times, cuts)
    return found


def tally(
    rows: bytes, group_of: str, durations: Sequence[float], measured: bytes, tables: list[array[int]]
) -> tuple[array[int], bytes, array[float]]:
    """Count ends of columns that the scanner made by their rows and groups, and their durations in the rows' tables.

    `measured`: a byte for each group, 0 if its durations do not count. Returns for each row the ends of each group, and
    of the durations that are no index of a table the rows and the values.
    """
    assert native is not None  # noqa: S101 - its columns are here
    counts, rest_rows, rest = native.tally(rows, group_of.encode("latin-1"), durations, measured, tables)
    return array("I", counts), rest_rows, array("d", rest)


def keys_of(ends: Sequence[RunEnd]) -> list[int]:
    """Return the keys of ends that the decoder read, which are those of equal ones that the scanner read.

    The scanner reads them in the spelling of an encoder. One that it does not take so, it takes in no spelling.
    """
    return [key and _native_key(end, key) for end, key in zip(ends, columns.keys_of(ends), strict=True)]


def _native_key(end: RunEnd, key: int) -> int:
    if native is None:
        return key
    found = native.scan(json.encode(end) + b"\n", 0, _SEED, False, *ANY_TIME, None, None, 0)  # noqa: FBT003 - as C takes them
    return array("q", found["keys"])[0] if found["lines"] else key
