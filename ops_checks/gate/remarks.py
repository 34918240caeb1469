"""What a reader of KPIs should know of the inputs, and what changes no verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.rules.registry import OF_NOW
from ops_checks.sanitize import visible
from ops_checks.timestamps import expiry_defect, queue_time

if TYPE_CHECKING:
    from ops_checks.policy.window import Window
    from ops_checks.rules.kpi.queue_statistics import QueueStatistics
    from ops_checks.runlog.stats import RunStats
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.timestamps import Zone

_NAMED = 3  # logs that a remark names
#: So many leases that cannot be understood are named.
_LEASES_NAMED = 5


def lease_remarks(location: str, snapshot: Snapshot, now_s: float) -> tuple[str, ...]:
    """Return a line on the leases that `retry` would refuse: nothing is wrong yet, and in an incident it is too late.

    It counts for nothing: whether their items are stale is told by their starts (FORMATS sections 4 and 5).
    """
    defects = ((item_id, expiry_defect(value, now_s)) for item_id, value in snapshot.leases_beyond(now_s))
    odd = [f"{visible(item_id)} lease_expires_at {visible(defect)}" for item_id, defect in defects if defect]
    if not odd:
        return ()
    more = f" and {len(odd) - _LEASES_NAMED} more" if len(odd) > _LEASES_NAMED else ""
    return (
        f"{visible(location)}: leases of which nobody can tell when they end, so that they cannot be retried: "
        f"{', '.join(odd[:_LEASES_NAMED])}{more}: mend their writer; cancel and replan clear them",
    )


def log_remarks(runs: RunStats) -> tuple[str, ...]:
    """Return lines on ends of runs that were read and do not count."""
    remarks = []
    if runs.undated:
        from ops_checks.presentation.wording import plural

        undated = plural(runs.undated, "run has", "runs have")
        remarks.append(f"{undated} no ts_epoch_ms: left out of the window, as nothing tells when that was")
    repeated = [log for log in runs.logs if log.repeated]
    if repeated:
        logs = ", ".join(f"{visible(log.path)} ({log.repeated})" for log in repeated[:_NAMED])
        more = f" and {len(repeated) - _NAMED} more logs" if len(repeated) > _NAMED else ""
        remarks.append(
            "ends of runs that equal an earlier one of the same trace_id and time were counted once: "
            f"{logs}{more}: find out who writes them twice"
        )
    return tuple(remarks)


def window_remarks(window: Window, runs: RunStats, now_s: float, zone: Zone) -> tuple[str, ...]:
    """Return lines on a window without runs, though there are some outside of it, and on what its end means."""
    remarks = []
    outside = sum(log.outside for log in runs.logs)
    if outside and not runs.runs:
        times = [ms for log in runs.logs for ms in (log.first_ms, log.last_ms) if ms is not None]  # if details are read
        between = " and ".join(queue_time(each(times) / 1000, zone) for each in (min, max) if times)
        reach = f", records are between {between}" if times else ""
        remarks.append(f"no run ended in the window, {window.text(zone)}: {outside} ended outside of it{reach}")
    if window.until_s is not None and window.until_s > now_s:
        remarks.append(f"until {queue_time(window.until_s, zone)} lies ahead: the window ends now")
    elif window.until_s is not None:
        remarks.append(
            f"until {queue_time(window.until_s, zone)} holds for runs and retries: {', '.join(OF_NOW)} are those of now"
        )
    return tuple(remarks)


def retry_remarks(queue: QueueStatistics) -> tuple[str, ...]:
    """Return a line on retries without a time, which were read and do not count."""
    if not queue.retries_unread:
        return ()
    from ops_checks.presentation.wording import plural

    unread = plural(queue.retries_unread, "retried event has", "retried events have")
    return (
        f"{unread} a created_at that is no time (expected YYYY-MM-DD HH:MM): left out of the window, as nothing tells "
        "when that was",
    )
