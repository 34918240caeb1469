"""Rules on changes: a metric may be worse than it was by so much, and a rule fails only where more than that is shown.

The value of such a rule is the increase that is shown, the lower bound of an interval on one side: 0 where none is. All
rules of a policy together raise a false alarm no more often than it allows one, by S. Holm (`statistics.holm`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from ops_checks.findings import KPI, Verdict
from ops_checks.report.model import Metric
from ops_checks.rules.kpi.samples import KINDS, Samples
from ops_checks.rules.rule import Offenders, Rule, Threshold, value_text
from ops_checks.sanitize import visible
from ops_checks.statistics.changes import fewest_outcomes
from ops_checks.statistics.distributions import tail_of
from ops_checks.statistics.holm import step_down
from ops_checks.statistics.intervals import CONFIDENCE, Interval, mean_samples, one_sided, percentile_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from ops_checks.rules.kpi.evidence import KpiEvidence
    from ops_checks.rules.rule import Limit
    from ops_checks.runlog.percentiles import Durations
    from ops_checks.statistics.changes import Change

    class Runs(Protocol):
        """Statistics of the runs of a window: its task outcomes and run times."""

        done: int
        failed: int
        durations: Durations


#: What a metric is compared with: the same window a week earlier, the one right before it, or else a saved report.
LAST_WEEK, PREVIOUS = "last-week", "previous"
_WHEN = {LAST_WEEK: "a week before", PREVIOUS: "right before"}
_PERCENT = "%"
#: Digits behind the point of an increase: more say nothing.
_DIGITS = 4


class Regression(Struct, frozen=True):
    """A limit on how much worse a metric may be than it was; `against` is LAST_WEEK, PREVIOUS or a report's path.

    `most` is how much it may rise, or fall where more is better: in per cent of what it was if `relative`, else in its
    own unit. `confidence` is that of all rules together which have it, `severity` what a violation counts as.
    """

    metric: str
    most: float
    relative: bool = False
    against: str = LAST_WEEK
    confidence: float = CONFIDENCE
    severity: str = "error"

    @property
    def id(self) -> str:
        """The id of its rule."""
        return f"regression-{self.metric.replace('_', '-')}"

    @property
    def unit(self) -> str:
        """The unit of the increase."""
        return _PERCENT if self.relative else COMPARED[self.metric].unit

    @property
    def when(self) -> str:
        """When it was what it is compared with."""
        return _WHEN.get(self.against, f"in {visible(self.against)}")

    def signed(self, value: float | None) -> str:
        """Return an increase as a text with its sign and unit; of a metric that is worse if it falls, the fall."""
        if value is None:
            return "unknown"
        change = -value if COMPARED[self.metric].falls else value
        sign = "-" if change < 0 else "+"
        return sign + _with_unit(abs(change), self.unit)


def regression_rule(regression: Regression) -> Rule:
    """Return the rule of a limit on a change."""
    metric, rule = regression.metric, regression.metric.replace("_", "-")
    return Rule(
        id=regression.id,
        group=KPI.id,
        title=f"{metric} is {COMPARED[metric].word} than {regression.when}",
        help="It has changed by more than the limit and more than chance explains. Look for what was changed in "
        f"between, and at the runs that `{rule}` lists (`ops-checks help budgets`).",
        measure=lambda evidence: _measured(regression, evidence),
        offenders=lambda *_: Offenders(),
        message=partial(_message, regression),
        unit=regression.unit,
        default=Threshold(max=regression.most, severity=regression.severity),
        of_log=True,
    )


class Known(NamedTuple):
    """What is known of a metric on one side: the number of its samples, and those as `samples.KINDS` has them."""

    samples: int
    of_kind: Any = None


if TYPE_CHECKING:
    #: Returns what is known of a metric.
    Side = Callable[[str], Known]


def side_of_runs(runs: Runs) -> Side:
    """Return a side whose runs were read."""
    samples = Samples(runs.done, runs.failed, runs.durations)
    return lambda metric: Known(COMPARED[metric].samples(samples), KINDS[metric].of_window(samples))


def side_of_report(metrics: Mapping[str, Metric]) -> Side:
    """Return a side that a saved report published."""

    def known(metric: str) -> Known:
        found = metrics.get(metric)
        return Known(0) if found is None else Known(found.samples, KINDS[metric].of_published(found, None))

    return known


def measure_changes(regressions: Sequence[Regression], now: Side, before: Mapping[str, Side]) -> dict[str, Metric]:
    """Return the increase that is shown of each metric, by the id of its rule; `before` is what they are `against`.

    Rules of one confidence are decided by it, with all rules at once.
    """
    compared = {each.id: _Compared(each, now, before[each.against], len(regressions)) for each in regressions}
    found: dict[str, Metric] = {}
    for confidence in {each.confidence for each in regressions}:
        decided = step_down(compared, lambda name, level: compared[name].exceeds(level), confidence)
        for regression in regressions:
            if regression.confidence == confidence:
                found[regression.id] = compared[regression.id].metric(decided[regression.id].confidence)
    return found


class Compared(NamedTuple):
    """A metric that can be compared: its unit, what its samples are called, how many there are, and the fewest.

    `fewest` returns how many either side must have at a confidence, where nothing more is known. `falls`: less of it is
    worse.
    """

    unit: str
    noun: str
    samples: Callable[[Samples], int]
    fewest: Callable[[float], int]
    falls: bool = False

    @property
    def word(self) -> str:
        """What it is when it is worse."""
        return "lower" if self.falls else "higher"


_RATE = Compared("ratio", "outcomes", lambda samples: samples.outcomes, fewest_outcomes)


def _time(fewest: Callable[[float], int]) -> Compared:
    return Compared("ms", "runs", lambda samples: len(samples.durations), fewest)


#: The metrics that can be compared, as a policy names them: those whose rules have a `change`.
COMPARED: dict[str, Compared] = {
    "failure_rate": _RATE,
    "success_rate": _RATE._replace(falls=True),
    **{f"latency_p{percent}_ms": _time(partial(percentile_samples, percent)) for percent in (50, 90, 95, 99)},
    "latency_avg_ms": _time(lambda _confidence: mean_samples(0)),
}


class _Compared:
    """A metric now and before, as far as there are samples of it; `rules` are judged at once."""

    def __init__(self, regression: Regression, now: Side, before: Side, rules: int) -> None:
        self._regression = regression
        self._kind = COMPARED[regression.metric]
        ours, theirs = now(regression.metric), before(regression.metric)
        self._samples = ours.samples, theirs.samples
        known = ours.of_kind is not None and theirs.of_kind is not None
        self._change = KINDS[regression.metric].change(ours.of_kind, theirs.of_kind) if known else None
        strictest = one_sided(1 - (1 - regression.confidence) / rules)
        self._fewest = (self._change or self._kind).fewest(strictest)

    def exceeds(self, confidence: float) -> bool:
        """Return whether an increase above the limit is shown at a confidence."""
        shown = self._shown(confidence)
        return shown is not None and shown > self._regression.most

    def metric(self, confidence: float) -> Metric:
        """Return the increase that is shown at a confidence, and in words what there is on either side."""
        name, unit = self._regression.id.replace("-", "_"), self._regression.unit
        samples = min(self._samples)
        shown = self._shown(confidence)
        if shown is None or self._change is None:
            needed = max(0, self._fewest - samples)
            return Metric(name, None, unit, samples, needed=needed, words=self._lacking())
        low, high = self._bounds(self._change, CONFIDENCE)
        return Metric(name, shown, unit, samples, low, high, words=self._words(self._change, low, high))

    def _shown(self, confidence: float) -> float | None:
        """Return the increase that is shown, 0 where none is; None where there is nothing to show one by."""
        change, level = self._change, one_sided(confidence)
        if change is None or min(self._samples) < self._fewest or self._is_of_nothing(change):
            return None
        low, chance = self._bounds(change, level).low, change.less if self._kind.falls else change.more
        if low is None or not _is_bounded(change, level):
            return None
        return max(0.0, round(low, _DIGITS)) if chance <= tail_of(level) else 0.0

    def _bounds(self, change: Change, confidence: float) -> Interval:
        """Return the interval of the increase in the unit of the limit; of the fall, where that is worse."""
        if self._regression.relative:
            return Interval(*(None if each is None else (each - 1) * 100 for each in change.ratio(confidence)))
        low, high = change.difference(confidence)
        return _opposite(low, high) if self._kind.falls else Interval(low, high)

    def _is_of_nothing(self, change: Change) -> bool:
        """Return whether it was 0 and is no more, which no percentage says."""
        now, before = _values(change)
        return self._regression.relative and not before and bool(now)

    def _words(self, change: Change, low: float | None, high: float | None) -> str:
        now, before = _values(change)
        regression, kind = self._regression, self._kind
        increase = now - before if not regression.relative else (now / before - 1) * 100 if before else 0.0
        bounds = (high, low) if kind.falls else (low, high)
        interval = " to ".join(map(regression.signed, bounds))
        seen = regression.signed(-increase if kind.falls else increase)
        return (
            f"{regression.metric} is {_with_unit(now, kind.unit)} of {self._samples[0]} {kind.noun}, {regression.when} "
            f"{_with_unit(before, kind.unit)} of {self._samples[1]}: {seen} (95 % interval {interval})"
        )

    def _lacking(self) -> str:
        """Say why nothing can be shown: by too few samples, by a percentage of nothing, or by an interval's lack."""
        (now, before), noun, when = self._samples, self._kind.noun, self._regression.when
        begin = f"{self._regression.metric} cannot be compared"
        if min(now, before) < self._fewest:
            return f"{begin}: {now} {noun} now, {before} {when}; {self._fewest} of each are needed"
        if self._change is not None and self._is_of_nothing(self._change):
            return f"{begin}: {when} it was 0, and nothing is a percentage of that: limit it in ms"
        return f"{begin}: {when} is no interval of it that is as sure as it has to be"


def _values(change: Change) -> tuple[float, float]:
    return change.now.estimate(CONFIDENCE).value, change.before.estimate(CONFIDENCE).value


def _is_bounded(change: Change, confidence: float) -> bool:
    """Return whether both sides are bounded towards each other: a ratio alone does not say so."""
    sides = change.now.estimate(confidence), change.before.estimate(confidence)
    return all(side.low is not None and side.high is not None for side in sides)


def _opposite(low: float | None, high: float | None) -> Interval:
    return Interval(None if high is None else -high, None if low is None else -low)


def _with_unit(value: float, unit: str) -> str:
    return value_text(value, unit) + ("" if unit == "ratio" else f" {unit}")


def _measured(regression: Regression, evidence: KpiEvidence) -> Metric:
    unread = Metric(regression.id.replace("-", "_"), None, regression.unit, 0)
    return evidence.over_time.get(regression.id, unread)


def _message(
    regression: Regression, _rule: Rule, metric: Metric, limit: Limit | None, verdict: Verdict, _needed: int | None
) -> str:
    """Return both values with their samples, and what is shown; that nothing was shown is not that nothing is there."""
    if limit is None or metric.value is None or verdict is Verdict.INSUFFICIENT:
        return metric.words
    most = regression.signed(limit.limit)
    if verdict is not Verdict.PASS:
        shown = f"at least {regression.signed(metric.value)} of it at {regression.confidence * 100:g} % confidence"
        return f"{metric.words}; {shown}, beyond the limit of {most}"
    if metric.high is not None and metric.high <= limit.limit:
        return f"{metric.words}; within the limit of {most}"
    return f"{metric.words}; not shown to be beyond the limit of {most}"
