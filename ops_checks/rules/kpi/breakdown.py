"""The runs of a log by what they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.presentation.limits import shorten
from ops_checks.report.background import Breakdown, BreakdownRow
from ops_checks.rules.kpi.groups import kpis_by, shown_first

if TYPE_CHECKING:
    from ops_checks.rules.kpi.groups import GroupKpis
    from ops_checks.runlog.grouping import Groups
    from ops_checks.runlog.stats import RunStats
    from ops_checks.timestamps import Zone

MOST_ROWS = 20
_NAME = 200  # characters


def breakdown(by: str, runs: RunStats, groups: Groups, zone: Zone) -> Breakdown | None:
    """Return the runs by one of `groups.WAYS`, in its order, those first that failed most; None without runs.

    A run failed that ended with another exit code than 0, or that says that its task did.
    """
    shown, more = shown_first(kpis_by(by, replace(runs, groups=(groups,)), zone=zone), MOST_ROWS)
    return Breakdown(by, tuple(map(_row, shown)), more) if shown else None


def _row(group: GroupKpis) -> BreakdownRow:
    failed = group.failed + group.errors
    rate = failed / group.runs if group.runs else None
    return BreakdownRow(shorten(group.name, _NAME), group.runs, failed, rate, group.p95)
