from array import array
from typing import Any

INTERFACE: int
SOURCE: str

def scan(
    buffer: bytes,
    start: int,
    seed: int,
    details: bool,
    least_time: int,
    greatest_time: int,
    window: tuple[int, int] | None,
    counts: array[int] | None,
    fields: int,
    /,
) -> dict[str, Any]: ...
def locate(times: array[int], cuts: array[int], /) -> bytes: ...
def tally(
    rows: bytes, groups: bytes, durations: array[float], measured: bytes, tables: list[array[int]], /
) -> tuple[bytes, bytes, bytes]: ...
