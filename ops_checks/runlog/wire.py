"""Run statistics as bytes: from one process to another, and from one evaluation to the next."""

from __future__ import annotations

from array import array

from msgspec import DecodeError, msgpack

from ops_checks.runlog.durations import Durations
from ops_checks.runlog.stats import Defect, LogRead, Run, RunStats


def packed(stats: RunStats) -> bytes:
    """Return statistics as bytes that `parsed` reads on the same machine."""
    return msgpack.encode(stats, enc_hook=_plain)


def packed_all(parts: dict[int, RunStats]) -> bytes:
    """Return the statistics of several parts, by number, as bytes that `parsed_all` reads on the same machine."""
    return msgpack.encode({number: packed(stats) for number, stats in parts.items()})


def parsed_all(data: bytes) -> dict[int, RunStats]:
    """Return the statistics in bytes made by `packed_all`; none if they are not whole."""
    try:
        parts = {number: parsed(part) for number, part in msgpack.decode(data, type=dict[int, bytes]).items()}
    except DecodeError:
        return {}
    return {number: stats for number, stats in parts.items() if stats is not None}


def parsed(data: bytes) -> RunStats | None:
    """Return the statistics in bytes made by `packed`, or None if they are not whole."""
    try:
        plain = msgpack.decode(data)
    except DecodeError:
        return None
    if not isinstance(plain, dict) or plain.keys() != set(RunStats.__struct_fields__):
        return None
    values, counts, rest = plain["durations"]
    durations = Durations()
    durations.counts.update(dict(zip(values, counts, strict=True)))
    durations.rest.frombytes(rest)
    early_ends = array("q")
    early_ends.frombytes(plain["early_ends"])
    return RunStats(
        **plain
        | {
            "durations": durations,
            "early_ends": early_ends,
            "slowest": tuple(Run(**run) for run in plain["slowest"]),
            "failures": tuple(Run(**run) for run in plain["failures"]),
            "defects": tuple(Defect(**defect) for defect in plain["defects"]),
            "open_runs": {trace: tuple(Run(**run) for run in starts) for trace, starts in plain["open_runs"].items()},
            "notes": tuple(plain["notes"]),
            "logs": tuple(LogRead(**log) for log in plain["logs"]),
        }
    )


def _plain(value: object) -> object:
    if isinstance(value, Durations):
        return [list(value.counts), list(value.counts.values()), value.rest.tobytes()]
    if isinstance(value, array):
        return value.tobytes()
    raise NotImplementedError(type(value))  # as msgspec asks of a hook that does not know a type
