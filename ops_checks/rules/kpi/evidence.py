"""What the KPI rules measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.findings import Place
    from ops_checks.rules.kpi.queue_statistics import QueueStatistics
    from ops_checks.runlog.stats import RunStats


class KpiEvidence(Struct, frozen=True):
    """The statistics of the run log and of the queue; None for an input that was not read.

    `rows` are the rows of the Markdown queue that a person reads of listed items, by id, where the queue is a database.
    """

    runs: RunStats | None = None
    queue: QueueStatistics | None = None
    rows: Mapping[str, Place] = field(default_factory=dict)
