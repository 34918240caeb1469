"""Run statistics as bytes, from one process to another."""

from __future__ import annotations

from array import array
from typing import Any

from msgspec import DecodeError, msgpack

from ops_checks.runlog.durations import Durations
from ops_checks.runlog.stats import RunStats


def packed(stats: RunStats) -> bytes:
    """Return statistics as bytes that `parsed` reads on the same machine."""
    return msgpack.encode(stats, enc_hook=_plain)


def parsed(data: bytes) -> RunStats | None:
    """Return the statistics in bytes made by `packed`, or None if they are not whole."""
    try:
        return msgpack.decode(data, type=RunStats, dec_hook=_rich)
    except DecodeError:
        return None


def _plain(value: object) -> object:
    if isinstance(value, Durations):
        return [list(value.counts), list(value.counts.values()), value.rest.tobytes()]
    if isinstance(value, array):
        return value.tobytes()
    raise NotImplementedError(type(value))


def _rich(kind: type, plain: Any) -> object:  # noqa: ANN401 - what `_plain` made of a Durations or an array
    if kind is Durations:
        values, counts, rest = plain
        durations = Durations()
        durations.counts.update(dict(zip(values, counts, strict=True)))
        durations.rest.frombytes(rest)
        return durations
    numbers = array("q")
    numbers.frombytes(plain)
    return numbers
