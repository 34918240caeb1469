"""What is asked of a log."""

from __future__ import annotations

from msgspec import Struct


class Selection(Struct, frozen=True):
    """Which runs count: ends (and unfinished starts) since an epoch millisecond, and whose commands' latency.

    `details`: also which runs were slowest, failed or never ended, and the time range, which a
    command that shows none of it is faster without.
    """

    since_ms: int | None = None
    commands: frozenset[str] | None = None
    details: bool = True
