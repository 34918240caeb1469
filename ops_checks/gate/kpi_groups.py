"""Read the KPIs as the gate does, and in the same reading of the run log those of groups of runs."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import InputError
from ops_checks.gate.inputs import Evidence, measured, read_kpi_runs
from ops_checks.gate.stable_reading import must_be_read_whole, read_stable
from ops_checks.rules.kpi.groups import BY_OWNER, KpisBy, kpis_by
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.grouping import BY_ITEM, MOST_GROUPS, Grouping, TooManyGroupsError
from ops_checks.sanitize import visible
from ops_checks.timestamps import plain_zone

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.stores.protocol import Snapshot


class KpisRead(NamedTuple):
    """What was read for the KPIs of all runs, and those of their groups."""

    evidence: Evidence
    found: KpisBy


def read_kpis_by(context: Context, by: str) -> KpisRead:
    """Read the run log and the queue, and measure every metric, of all runs and by one of `groups.WAYS`.

    The groups are of the runs that the metrics are of. An owner is the one that the queue names when this begins.
    Raises InputError for what cannot be read, and where there are more groups than are kept.
    """
    grouping = grouping_by(context, by)
    try:
        runs = read_kpi_runs(context, details=False, groupings=(grouping,))
    except TooManyGroupsError as error:
        logs = ", ".join(map(visible, context.logs))
        raise InputError(
            f"{logs}: --by {by}: more than {MOST_GROUPS:,} groups, and no more are kept: narrow the window (--since or "
            "kpi.window), or group by owner, command or day"
        ) from error
    evidence = read_stable(context.kpi_store, lambda snapshot: measured(context, runs, snapshot))
    reach = grouping.reach() if grouping.of_time else None
    return KpisRead(evidence, kpis_by(by, runs.stats, zone=context.zone, reach=reach))


def grouping_by(context: Context, by: str) -> Grouping:
    """Return the grouping of the runs in the window by one of `groups.WAYS`; for owners the queue is read.

    Raises InputError for a queue that cannot be read.
    """
    names = read_stable(context.kpi_store, _owners) if by == BY_OWNER else None
    window = RunFilter(since_ms=context.window.since_ms, until_ms=context.window.until_ms).bounds
    return Grouping(BY_ITEM if by == BY_OWNER else by, window=window, zone=plain_zone(context.zone), names=names)


def _owners(snapshot: Snapshot) -> dict[str, str]:
    """Return the owner of each item. Raises InputError for a queue that cannot be read whole."""
    owners = {item.id: intern(item.owner_session) for _, item in snapshot.items()}
    must_be_read_whole(snapshot)
    return owners
