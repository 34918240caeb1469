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
    since: int | None,
    counts: array[int] | None,
    /,
) -> dict[str, Any]: ...
