"""Bytes of the run log to typed records, or the reason why a line is malformed (FORMATS section 3)."""

from __future__ import annotations

import re
from itertools import filterfalse
from typing import Annotated

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType, ValidationError
from msgspec.json import Decoder
from msgspec.structs import astuple

#: Digits of the longest number accepted (Python's own limit for integers).
MOST_DIGITS = 4300
#: The reason why an empty line is malformed.
EMPTY = "an empty line"
#: Checking one byte in this many excludes a longer number: it would show as ten digits in a row.
_STRIDE = MOST_DIGITS // 11
_MAYBE_LONG_NUMBER = re.compile(rb"[0-9]{10}")
#: A text without its closing quote extends to the end of the line: restarting at each quote would take quadratic time.
_LONG_NUMBER = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|([0-9]{%d})' % (MOST_DIGITS + 1), re.DOTALL)
_SHORT = 64
_WHERE = re.compile(r" - at `\$\.(\w+)`$")

Duration = Annotated[float, Meta(ge=0)]
Milliseconds = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Record(Struct, gc=False):
    """A line of the run log. A missing key is UNSET; keys that are not listed may have any value.

    Only `item_id` and `error` may be null. NaN, infinity, negative durations, booleans for
    integers and integers written `1.0` are refused.
    """

    event: str
    trace_id: str | UnsetType = UNSET
    command: str | UnsetType = UNSET
    ts_epoch_ms: Milliseconds | UnsetType = UNSET
    ts_kst: str | UnsetType = UNSET
    exit_code: int | UnsetType = UNSET
    status: str | UnsetType = UNSET
    item_id: str | UnsetType | None = UNSET
    duration_ms: Duration | UnsetType = UNSET
    error: str | UnsetType | None = UNSET


class RunStart(Struct, gc=False, tag_field="event", tag="run_start"):
    """A Record whose event is `run_start`: the same keys in the same order, without the event."""

    trace_id: str | UnsetType = UNSET
    command: str | UnsetType = UNSET
    ts_epoch_ms: Milliseconds | UnsetType = UNSET
    ts_kst: str | UnsetType = UNSET
    exit_code: int | UnsetType = UNSET
    status: str | UnsetType = UNSET
    item_id: str | UnsetType | None = UNSET
    duration_ms: Duration | UnsetType = UNSET
    error: str | UnsetType | None = UNSET


class RunEnd(Struct, gc=False, frozen=True, tag_field="event", tag="run_end"):
    """A Record whose event is `run_end`. The command and the exit code are required."""

    command: str
    exit_code: int
    trace_id: str | UnsetType = UNSET
    ts_epoch_ms: Milliseconds | UnsetType = UNSET
    ts_kst: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    item_id: str | UnsetType | None = UNSET
    duration_ms: Duration | UnsetType = UNSET
    error: str | UnsetType | None = UNSET


class Malformed(Struct, gc=False):
    """A line that is no record; `reason` quotes nothing of the line, `advice` is for a line of a known kind."""

    reason: str
    advice: str = ""


#: A decoded line. A Record here is one of another event.
Row = RunStart | RunEnd | Record | Malformed

_decode_run = Decoder(RunStart | RunEnd).decode
_decode_record = Decoder(Record).decode


#: The first byte of every line that may be a record; in place of others, where no reason is needed.
_MAY_BEGIN = (b"{", b" ", b"\t", b"\r", b"\n")
_MALFORMED = Malformed("")


#: So many malformed lines of a log are told at most: the words for the kind of others are not looked for.
_MOST_TOLD = 20


def decode_lines(block: bytes, lines: list[bytes], *, reasons: bool = True) -> list[Row]:
    """Return the row of each line of a block of whole lines.

    The common lines are decoded in one loop. Where that fails, and where it would miss a defect
    (the decoder skips the values of unknown keys), the lines are decoded one by one. Without `reasons` those of
    malformed lines may be missing.
    """
    beyond_ascii = filterfalse(bytes.isascii, lines)
    if _is_utf8(b"".join(beyond_ascii)) and not _MAYBE_LONG_NUMBER.search(block[::_STRIDE]):
        try:
            return list(map(_decode_run, lines))
        except (DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return _decode_each(lines, reasons=reasons)


def _decode_each(lines: list[bytes], *, reasons: bool) -> list[Row]:
    """Return the row of each line; a short malformed line is decoded once, however often it is there."""
    known: dict[bytes, Row] = {}
    rows: list[Row] = []
    told = 0
    for line in lines:
        row = known.get(line)
        if row is None:
            row = decode_line(line) if reasons or line[:1] in _MAY_BEGIN else _MALFORMED
            if reasons and type(row) is Malformed and told < _MOST_TOLD:
                row = _recognized(line, row)
                told += 1
            if type(row) is Malformed and len(line) <= _SHORT:
                known[line] = row
        rows.append(row)
    return rows


def _recognized(line: bytes, row: Malformed) -> Malformed:
    """Return a malformed row with the words for its kind, where the line is of a kind that everybody meets."""
    from ops_checks.runlog.foreign_lines import recognize

    known = recognize(line)
    return Malformed(known.reason, known.advice) if known else row


def decode_line(line: bytes) -> Row:
    """Return the row of one line, with or without its line break."""
    if not line.strip(b" \t\r\n"):
        return Malformed(EMPTY)
    if not _is_utf8(line):
        return Malformed("not UTF-8")
    if len(line) > MOST_DIGITS and any(found[1] for found in _LONG_NUMBER.finditer(line)):
        return Malformed(f"a number of more than {MOST_DIGITS} digits")
    try:
        return _typed(_decode_record(line))
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Malformed(_reason(error))


def _typed(record: Record) -> Row:
    if record.event == "run_start":
        return RunStart(*astuple(record)[1:])
    if record.event != "run_end":
        return record
    if record.command is UNSET or record.exit_code is UNSET:
        return Malformed(f"a run_end without `{'command' if record.command is UNSET else 'exit_code'}`")
    return RunEnd(
        record.command,
        record.exit_code,
        trace_id=record.trace_id,
        ts_epoch_ms=record.ts_epoch_ms,
        ts_kst=record.ts_kst,
        status=record.status,
        item_id=record.item_id,
        duration_ms=record.duration_ms,
        error=record.error,
    )


def _reason(error: DecodeError | UnicodeDecodeError | RecursionError) -> str:
    """Return the reason for a decoder's error; it quotes no text of the line."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if not isinstance(error, ValidationError):
        return f"no JSON object: {_lowered(str(error).removeprefix('JSON is malformed: '))}"
    message = str(error)
    where = _WHERE.search(message)
    if where:
        return f"`{where[1]}`: {_lowered(message[: where.start()])}"
    if "missing required" in message:
        return "no `event`"
    return f"no JSON object: {_lowered(message)}"


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:].replace("`", "").replace(" | ", " or ")


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
