"""A hostile shape: an input of any size whose answer must come in bounded time, whatever it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: The three inputs as the commands name them.
PATHS = ["--queue-path", "QUEUE.md", "--db-path", "queue.db", "--log-path", "runs.jsonl"]
CHECK = ["check", *PATHS]
KPI = ["kpi", "--log-path", "runs.jsonl", "--db-path", "queue.db"]


@dataclass(frozen=True)
class Shape:
    """An input that `make` writes into the current folder, of so many bytes, over a healthy operation.

    `argv` is the command that reads it, and `code` the exit code that it must end in, `small_code` where it is too
    small for the limit that refuses it. `share`: of so many bytes that a size asks for, the shape takes one; for
    inputs that are small by their own limit.
    """

    make: Callable[[int], object]
    argv: list[str]
    code: int
    share: int = 1
    small_code: int | None = None


def put(name: str, *parts: bytes) -> None:
    """Write a file of some parts."""
    Path(name).write_bytes(b"".join(parts))


def filled(size: int, pattern: bytes) -> bytes:
    """Return a pattern repeated to about so many bytes."""
    return pattern * max(1, size // len(pattern))


def numbered(size: int, pattern: str) -> bytes:
    """Return a pattern with a number in place of `%d`, from 0 on, repeated to about so many bytes."""
    return "".join(pattern % number for number in range(max(1, size // (len(pattern) + 5)))).encode()
