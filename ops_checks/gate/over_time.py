"""Read what the rules on changes and on error budgets measure, in the one reading of the run log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import UsageError
from ops_checks.gate.inputs import RunsRead, read_runs
from ops_checks.policy.earlier_windows import EARLIER, length_s
from ops_checks.policy.over_time import uncomparable
from ops_checks.policy.search import in_policy
from ops_checks.presentation.wording import plural
from ops_checks.report.saved import read_report
from ops_checks.rules.kpi.budget import USED, span_text
from ops_checks.rules.kpi.over_time import measure_over_time
from ops_checks.rules.kpi.regression import side_of_report, side_of_runs
from ops_checks.rules.kpi.samples import check_published
from ops_checks.runlog.filter import valid_times
from ops_checks.runlog.windows import Stretch, counts_within, grouping_of, runs_within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.context import Context
    from ops_checks.policy.model import KpiPolicy
    from ops_checks.rules.kpi.budget import Budget
    from ops_checks.rules.kpi.regression import Side
    from ops_checks.runlog.grouping import Grouping, Groups, GroupStats


#: A log that begins later than a budget's time does by this share of it is said to.
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
    budgets += [times.first(budget) for budget in kpi.budgets]
    needed = grouping_of((*earlier.values(), *budgets))
    read = read_runs(context, details=details, groupings=(needed, *groupings))
    groups, read.stats.groups = read.stats.groups[0] if read.stats.groups else {}, read.stats.groups[1:]

    def last(seconds: int) -> GroupStats:
        return counts_within(groups, times.last(seconds))

    windows = {against: side_of_runs(runs_within(groups, stretch)) for against, stretch in earlier.items()}
    return read._replace(
        remarks=(*read.remarks, *_late_logs(kpi, times, groups), *_undated(context, groups)),
        over_time=measure_over_time(
            kpi.regressions, kpi.budgets, side_of_runs(read.stats), {**windows, **reports}, last
        ),
    )


class _Times:
    """The windows of a run of the gate: they end at the policy's until, or now, where a clock may be ahead."""

    def __init__(self, context: Context) -> None:
        self._window = context.window.ended(context.now_s)
        self._zone = context.zone
        until_ms = context.window.until_ms
        self._end = valid_times(context.now_s)[1] + 1 if until_ms is None else until_ms

    def last(self, seconds: int) -> Stretch:
        """Return the last so many seconds."""
        return Stretch((self._window.until_ms or 0) - seconds * 1000, self._end)

    def first(self, budget: Budget) -> Stretch:
        """Return all that is before a budget's time, and the beginning of that."""
        return Stretch(0, self.last(budget.seconds).begin + int(budget.seconds * 1000 * _NOTABLE))

    def earlier(self, kpi: KpiPolicy) -> dict[str, Stretch]:
        """Return the windows that regressions are against. Raises UsageError for one that cannot be."""
        found: dict[str, Stretch] = {}
        for each in kpi.regressions:
            begins = self._window.since_s is not None
            why = uncomparable(each.against, length_s(self._window, self._zone) if begins else None, begins=begins)
            if why:
                raise UsageError(f"{each.id}: {why}")
            if each.against in EARLIER:
                window = EARLIER[each.against](self._window, self._zone)
                found[each.against] = Stretch(window.since_ms or 0, window.until_ms or 0)
        return found


def _report(context: Context, path: str) -> Side:
    """Return what a saved report published of its metrics. Raises InputError."""
    located = in_policy(context.policy, path) or path
    report = read_report(located)
    for metric in report.metrics:
        check_published(metric, located)
    return side_of_report({metric.name: metric for metric in report.metrics})


def _late_logs(kpi: KpiPolicy, times: _Times, groups: Groups) -> Iterator[str]:
    """Yield a remark on each budget whose time the logs do not reach back to, though they have some of it."""
    for budget in kpi.budgets:
        is_late = not counts_within(groups, times.first(budget)).runs
        if is_late and counts_within(groups, times.last(budget.seconds)).runs:
            span = span_text(budget.seconds)
            yield f"{budget.id_of(USED)}: the run log begins later than its {span}: what came before does not count"


def _undated(context: Context, groups: Groups) -> Iterator[str]:
    """Yield a remark on runs without a time, which no budget has; where there is a window, that tells of them."""
    if None in groups and context.policy.kpi.budgets and not context.window.bounded:
        undated = plural(groups[None].runs, "run has", "runs have")
        yield f"{undated} no ts_epoch_ms: left out of the error budgets, as nothing tells when that was"
