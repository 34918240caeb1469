"""Read run logs in this process: the engine where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.runlog.patterns import find_logs
from ops_checks.runlog.reader import read_runs

if TYPE_CHECKING:
    from ops_checks.runlog.engines import Wanted
    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.stats import RunStats


def read(wanted: Wanted, run_filter: RunFilter, _target: str | None) -> RunStats:
    """Return the statistics of the logs that paths and patterns name. Raises InputError."""
    return read_runs(find_logs(wanted.patterns, wanted.remark), run_filter, progress=wanted.progress)
