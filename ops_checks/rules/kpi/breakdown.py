"""The runs of a log by what they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.presentation.limits import shorten
from ops_checks.report.background import Breakdown, BreakdownRow

if TYPE_CHECKING:
    from ops_checks.runlog.grouping import Groups, GroupStats

MOST_ROWS = 20
_NAME = 200  # characters
_P95 = 95


def command_breakdown(groups: Groups) -> tuple[Breakdown, ...]:
    """Return the runs by command, those first that failed most; none without runs. Failed is another exit code than 0.

    Commands whose latency does not count have no percentile.
    """
    ranked = sorted(groups.items(), key=lambda named: (-named[1].errors, -named[1].runs, str(named[0])))
    rows = tuple(_row(str(name), group) for name, group in ranked[:MOST_ROWS])
    return (Breakdown("command", rows, len(ranked) - len(rows)),) if rows else ()


def _row(name: str, group: GroupStats) -> BreakdownRow:
    return BreakdownRow(
        shorten(name, _NAME),
        group.runs,
        group.errors,
        group.errors / group.runs if group.runs else None,
        group.durations.percentile(_P95),
    )
