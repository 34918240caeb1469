"""What the KPI rules measure."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec resolves the fields' types
from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.runlog.stats import RunStats

if TYPE_CHECKING:
    from ops_checks.report.model import Metric
    from ops_checks.rules.kpi.queue_statistics import QueueStatistics
    from ops_checks.runlog.grouping import GroupStats


class KpiEvidence(Struct, frozen=True):
    """The statistics of the run log and of the queue; None for an input that was not read.

    `windowed`: runs and retries outside of a window do not count.
    `over_time` is what rules on changes and on error budgets measure, by their ids.
    """

    runs: RunStats | None = None
    queue: QueueStatistics | None = None
    windowed: bool = False
    over_time: Mapping[str, Metric] = {}


def evidence_of(group: GroupStats) -> KpiEvidence:
    """Return what is known of the runs of a group; of a percentile the usual interval alone is measured by that."""
    runs = RunStats(runs=group.runs, done=group.done, failed=group.failed, durations=group.durations, detailed=False)
    return KpiEvidence(runs)
