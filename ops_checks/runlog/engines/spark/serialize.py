"""Run statistics to bytes and back, from a worker to the driver."""

from __future__ import annotations

from array import array
from typing import Any

from msgspec import DecodeError, msgpack

from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.stats import RunStats

_FIELDS = RunStats.__struct_fields__


def serialize(parts: dict[int, RunStats]) -> bytes:
    """Return the statistics of parts of a log, by part number, as bytes for `deserialize`."""
    return msgpack.encode((_FIELDS, parts), enc_hook=_encode_hook)


def deserialize(data: bytes) -> dict[int, RunStats]:
    """Return the statistics that `serialize` wrote, by part number; nothing for any other bytes."""
    try:
        fields, parts = msgpack.decode(data, type=tuple[tuple[str, ...], dict[int, RunStats]], dec_hook=_decode_hook)
    except DecodeError:
        return {}
    # All fields have defaults, so the statistics of another version of this package would decode too.
    return parts if fields == _FIELDS else {}


def _encode_hook(value: Durations | array[int]) -> object:
    if isinstance(value, Durations):
        return list(value.counts), list(value.counts.values()), value.uncounted.tobytes()
    return value.tobytes()


def _decode_hook(kind: type, plain: Any) -> Durations | array[int]:  # noqa: ANN401 - whatever the bytes held
    """Return what `_encode_hook` encoded. Raises TypeError or ValueError, which msgspec makes a DecodeError."""
    if kind is not Durations:
        fingerprints = array("q")
        fingerprints.frombytes(plain)
        return fingerprints
    durations = Durations()
    values, counts, uncounted = plain
    durations.counts.update(dict(zip(values, counts, strict=True)))
    durations.uncounted.frombytes(uncounted)
    return durations
