"""What the KPI rules measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from ops_checks.rules.kpi.queue_statistics import QueueStatistics
    from ops_checks.runlog.stats import RunStats


class KpiEvidence(Struct, frozen=True):
    """The statistics of the run log and of the queue; None for an input that was not read.

    `windowed`: runs and retries outside of a window do not count.
    """

    runs: RunStats | None = None
    queue: QueueStatistics | None = None
    windowed: bool = False
