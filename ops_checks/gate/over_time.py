"""Read what the rules on changes and on error budgets measure, in the one reading of the run log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import UsageError
from ops_checks.gate.comparing import EARLIER
from ops_checks.gate.inputs import RunsRead, read_runs
from ops_checks.policy.over_time import uncomparable
from ops_checks.policy.search import in_policy
from ops_checks.policy.window import Window
from ops_checks.report.saved import read_report
from ops_checks.rules.kpi.budget import USED, span_text
from ops_checks.rules.kpi.over_time import measure_over_time
from ops_checks.rules.kpi.regression import side_of_report, side_of_runs
from ops_checks.rules.kpi.samples import check_published
from ops_checks.runlog.filter import valid_times
from ops_checks.runlog.windows import Stretch, grouping_of, runs_within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.context import Context
    from ops_checks.policy.model import KpiPolicy
    from ops_checks.rules.kpi.regression import Side
    from ops_checks.runlog.grouping import Grouping, GroupStats
    from ops_checks.runlog.stats import RunStats


#: The share of a budget's time before a log's first record from which on that is said.
_NOTABLE = 0.05


def read_runs_over_time(context: Context, *, details: bool, groupings: tuple[Grouping, ...]) -> RunsRead:
    """Read the run log, and measure what the policy's rules on changes and on budgets need.

    Raises InputError for what cannot be read, UsageError for a window that cannot be compared with an earlier one.
    """
    kpi, times = context.policy.kpi, _Times(context)
    earlier = times.earlier(kpi)
    saved = {each.against for each in kpi.regressions} - EARLIER.keys()
    reports = {path: _report(context, path) for path in sorted(saved)}
    budgets = [times.last(seconds) for budget in kpi.budgets for seconds in budget.windows]
    needed = grouping_of((*earlier.values(), *budgets))
    read = read_runs(context, details=details, groupings=(needed, *groupings))
    groups = read.stats.groups[0] if read.stats.groups else {}

    def last(seconds: int) -> GroupStats:
        return runs_within(groups, times.last(seconds))

    windows = {against: side_of_runs(runs_within(groups, stretch)) for against, stretch in earlier.items()}
    return read._replace(
        remarks=(*read.remarks, *_late_logs(kpi, times, read.stats)),
        over_time=measure_over_time(
            kpi.regressions, kpi.budgets, side_of_runs(read.stats), {**windows, **reports}, last
        ),
    )


class _Times:
    """The windows of a run of the gate: they end at the policy's until, or now, where a clock may be ahead."""

    def __init__(self, context: Context) -> None:
        self._window = context.window
        self._zone = context.zone
        self.until_s = context.now_s if self._window.until_s is None else self._window.until_s
        self._end = valid_times(context.now_s)[1] + 1 if self._window.until_ms is None else self._window.until_ms

    def last(self, seconds: int) -> Stretch:
        """Return the last so many seconds."""
        return Stretch(int(self.until_s * 1000) - seconds * 1000, self._end)

    def earlier(self, kpi: KpiPolicy) -> dict[str, Stretch]:
        """Return the windows that regressions are against. Raises UsageError for one that cannot be."""
        found: dict[str, Stretch] = {}
        for each in kpi.regressions:
            since_s = self._window.since_s
            length_s = None if since_s is None else self.until_s - since_s
            why = uncomparable(each.against, length_s, begins=since_s is not None)
            if why:
                raise UsageError(f"{each.id}: {why}")
            if each.against in EARLIER:
                window = EARLIER[each.against](Window(since_s, self.until_s), self._zone)
                found[each.against] = Stretch(window.since_ms or 0, window.until_ms or 0)
        return found


def _report(context: Context, path: str) -> Side:
    """Return what a saved report published of its metrics. Raises InputError."""
    located = in_policy(context.policy, path) or path
    report = read_report(located)
    for metric in report.metrics:
        check_published(metric, located)
    return side_of_report({metric.name: metric for metric in report.metrics})


def _late_logs(kpi: KpiPolicy, times: _Times, runs: RunStats) -> Iterator[str]:
    """Yield a remark on each budget whose time the logs do not reach back to; where no time range was read, nothing."""
    first = min((log.first_ms for log in runs.logs if log.first_ms is not None), default=None)
    for budget in kpi.budgets:
        missing = 0 if first is None else first - times.last(budget.seconds).begin
        if first is not None and missing > budget.seconds * 1000 * _NOTABLE:
            ago = span_text(max(0, int(times.until_s - first / 1000)))
            rule = budget.id_of(USED)
            yield f"{rule}: the run log begins {ago} ago, and the budget is one of {span_text(budget.seconds)}"
