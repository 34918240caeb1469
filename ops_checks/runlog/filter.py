"""Which runs of a log count."""

from __future__ import annotations

from msgspec import Struct


class RunFilter(Struct, frozen=True):
    """Which runs count: `since_ms` bounds ends and unfinished starts, `commands` names those whose latency counts.

    `since_ms` is in epoch milliseconds, inclusive; None stands for no bound and for all commands. `details`: also
    collect the slowest, failed and unfinished runs and the time range; reading is faster without.
    """

    since_ms: int | None = None
    commands: frozenset[str] | None = None
    details: bool = True
