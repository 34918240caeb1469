"""Hostile shapes of packed run logs: kilobytes may be hours of work, so what they may unpack to has a limit."""

from __future__ import annotations

import gzip
import importlib
import sys
import zlib
from functools import partial
from typing import TYPE_CHECKING

from tests.campaigns.growth_log import END, ONE_START, RUN, START
from tests.campaigns.growth_shape import CHECK, Shape, filled, put
from tests.campaigns.operation import ended, log

if TYPE_CHECKING:
    from types import ModuleType

_RUNS = log([record for number in range(50) for record in ended(number, "done", 100 + number)])
_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
#: Of a name in the head of a gzip.
_NAMED_HEAD = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03"
_RAW = -15
_LINES = 10_000


def _bomb(size: int, pattern: bytes) -> None:
    """Write a gzip of equal lines: a megabyte packed once, and again and again. Its end is not what it should be."""
    packer = zlib.compressobj(9, wbits=_RAW)
    block = filled(1 << 20, pattern)
    first, again = (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    put("runs.jsonl", _HEAD, first, again * max(1, size // len(again)), packer.flush(), bytes(8))


def _zstd() -> ModuleType:
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def _zstd_bomb(size: int, pattern: bytes) -> None:
    """Write frames of zstd, each of sixteen megabytes of equal lines."""
    frame = _zstd().compress(filled(16 << 20, pattern))
    put("runs.jsonl", frame * max(1, size // len(frame)))


def _numbered(size: int, pattern: str) -> None:
    """Write a gzip of so many bytes of lines each of which has another number."""
    packer = zlib.compressobj(6, wbits=-_RAW + 16)
    packed, done, number = [], 0, 0
    while done < size:
        lines = "".join(pattern % each for each in range(number, number + _LINES))
        packed.append(packer.compress(lines.encode()))
        done += len(packed[-1])
        number += _LINES
    put("runs.jsonl", *packed, packer.flush())


def _put(size: int, start: bytes, pattern: bytes, end: bytes = b"") -> None:
    put("runs.jsonl", start, filled(size, pattern), end)


_EQUAL = {
    "blank lines": b"\n",
    "zeros": b"\0",
    "short lines": b"1\n",
    "other events": b'{"event":""}\n',
    "one run": RUN.encode(),
    "starts of one trace id": ONE_START,
    "runs and blank lines": RUN.encode() + b"\n",
}

SHAPES: dict[str, Shape] = {
    **{f"packed: {name}": Shape(partial(_bomb, pattern=line), CHECK, 3) for name, line in _EQUAL.items()},
    **{f"packed by zstd: {name}": Shape(partial(_zstd_bomb, pattern=line), CHECK, 3) for name, line in _EQUAL.items()},
    "packed: starts of many trace ids": Shape(partial(_numbered, pattern=START), CHECK, 3, small_code=0),
    "packed: ends of many trace ids": Shape(partial(_numbered, pattern=END), CHECK, 3, small_code=0),
    "packed: distinct lines that are no objects": Shape(partial(_numbered, pattern="%d\n"), CHECK, 3),
    "packed: empty members": Shape(partial(_put, start=b"", pattern=gzip.compress(b"")), CHECK, 0),
    "packed: one long name": Shape(partial(_put, start=_NAMED_HEAD, pattern=b"a", end=b"\0"), CHECK, 3),
    "packed: zeros behind it": Shape(partial(_put, start=gzip.compress(_RUNS), pattern=b"\0"), CHECK, 0),
    "packed: no gzip behind it": Shape(partial(_put, start=gzip.compress(_RUNS), pattern=b"x"), CHECK, 3),
}
