"""What is asked of a log."""

from __future__ import annotations

from msgspec import Struct


class Selection(Struct, frozen=True):
    """Which runs count: ends (and unfinished starts) since an epoch millisecond, and whose commands' latency.

    `details`: also the time range and the pairing of starts with ends, which a command that
    shows neither is faster without.
    """

    since_ms: int | None = None
    commands: frozenset[str] | None = None
    details: bool = True
