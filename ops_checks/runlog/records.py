"""Bytes of the run log to typed records, or the reason why a line is none (FORMATS section 3).

Importing this module imports msgspec; the reader does so when it starts to read.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType, ValidationError
from msgspec.json import Decoder

RUN_START: Final = "run_start"
RUN_END: Final = "run_end"

#: More digits than this in one number are no number any program reads (Python's own limit for integers).
MOST_DIGITS = 4300
#: Every so many bytes of a block are looked at to rule out such a number: a run of so many digits shows in ten of them.
_STRIDE = MOST_DIGITS // 11
_MAYBE_LONG_NUMBER = re.compile(rb"[0-9]{10}")
_LONG_NUMBER = re.compile(rb'"(?:[^"\\]++|\\.)*+"|([0-9]{%d})' % (MOST_DIGITS + 1))
_WHERE = re.compile(r" - at `\$\.(\w+)`$")

Duration = Annotated[float, Meta(ge=0)]
Milliseconds = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Record(Struct, gc=False):
    """One line of the run log. A key that is not there is UNSET; keys that are not listed may have any value.

    Only `item_id` and `error` may be null. Numbers written as 5,000 digits, NaN or infinity,
    negative durations, booleans for integers and integers written `1.0` are refused.
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


_decoder = Decoder(Record)


def decode_block(block: bytes) -> list[Record] | None:
    """Return the records of a block of whole lines, one a line, or None if that is in any doubt.

    None means: look at each line by itself with `decode_line`. The decoder would also take two
    objects on one line, an object over several lines, and blank lines. None of these is there if
    every line break but the last stands between `}` and `{` (inside a value that is never valid
    JSON, so each such break parts two records) and there are as many records as line breaks.
    It does not look into the text of unknown keys, so that is checked here.
    """
    lines = block.count(b"\n")
    joints = block.count(b"}\n{")
    if joints < lines - 1:
        joints += block.count(b"}\r\n{")
    if joints != lines - 1 or block[:1] != b"{" or not block.endswith((b"}\n", b"}\r\n")):
        return None
    if not _is_utf8(block) or _MAYBE_LONG_NUMBER.search(block[::_STRIDE]):
        return None
    try:
        records = _decoder.decode_lines(block)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return records if len(records) == lines and not any(map(_lacking, records)) else None


def decode_line(line: bytes) -> Record | str:
    """Return the record of one line (its line break may be there), or in a few words why it is none."""
    if not line.strip(b" \t\r\n"):
        return "an empty line"
    if not _is_utf8(line):
        return "not UTF-8"
    if len(line) > MOST_DIGITS and any(found[1] for found in _LONG_NUMBER.finditer(line)):
        return f"a number of more than {MOST_DIGITS} digits"
    try:
        record = _decoder.decode(line)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _reason(error)
    lacking = _lacking(record)
    return f"a run_end without `{lacking}`" if lacking else record


def _lacking(record: Record) -> str | None:
    """Return the key without which a run's end tells nothing, if it is not there."""
    if record.event != RUN_END:
        return None
    if record.command is UNSET:
        return "command"
    return "exit_code" if record.exit_code is UNSET else None


def _reason(error: DecodeError | UnicodeDecodeError | RecursionError) -> str:
    """Return the decoder's message in the words of this program; it quotes no text of the line."""
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
