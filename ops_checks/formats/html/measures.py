"""What the page shows of each metric: its value, what is demanded of it, and how it came about in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.formats.html.plot import NAME
from ops_checks.formats.html.sizes import cut
from ops_checks.formats.html.timeline_plot import timeline_plot
from ops_checks.presentation.wording import interval, measurements, number, plural

if TYPE_CHECKING:
    from ops_checks.formats.html.clock import Clock
    from ops_checks.formats.html.timeline_plot import TimelinePlot
    from ops_checks.report.background import Timeline
    from ops_checks.report.model import Metric, Report, RuleResult

#: So many metrics, and timelines, are shown.
MOST_MEASURES = 24


class Measure(Struct, frozen=True):
    """A metric in texts; `verdict` is that of the rule that limits it, empty where none does."""

    title: str
    name: str
    value: str
    verdict: str
    details: tuple[str, ...]
    plot: TimelinePlot | None


def measures(report: Report, clock: Clock) -> list[Measure]:
    """Return the metrics of a report, and the timelines that are of none of them."""
    rules = {_key(rule.id): rule for rule in report.rules}
    timelines = {each.metric: each for each in report.background.timelines if each.points} if report.background else {}
    drawn = list(timelines.values())[:MOST_MEASURES]
    plots = {each.metric: timeline_plot(each, clock, len(drawn)) for each in drawn}
    found = [_measure(metric, rules.get(_key(metric.name)), plots.get(metric.name)) for metric in report.metrics]
    measured = {metric.name for metric in report.metrics}
    others = [_unmeasured(timelines[name], plot) for name, plot in plots.items() if name not in measured]
    return [*found, *others][:MOST_MEASURES]


def _key(name: str) -> str:
    """Return what a metric and the rule that limits it have in common."""
    return name.replace("-", "_")


def _measure(metric: Metric, rule: RuleResult | None, plot: TimelinePlot | None) -> Measure:
    title = plot.title if plot else rule.title if rule else metric.name
    numbers = dict(measurements(rule)) if rule else {}
    bounds = interval(metric.low, metric.high, metric.unit)
    details = (
        f"limit {numbers['limit']}" if "limit" in numbers else "",
        f"95 % interval {bounds}" if bounds else "",
        plural(metric.samples, "sample", "samples"),
    )
    return Measure(
        cut(title, NAME),
        cut(metric.name, NAME),
        cut(number(metric.value, metric.unit), NAME),
        rule.verdict.value if rule else "",
        tuple(cut(each, NAME) for each in details if each),
        plot,
    )


def _unmeasured(timeline: Timeline, plot: TimelinePlot) -> Measure:
    last = number(timeline.points[-1].value, timeline.unit)
    return Measure(plot.title, cut(timeline.metric, NAME), cut(last, NAME), "", ("in the last step",), plot)
