"""Whether each metric has changed by more than noise since an earlier window or report: all of them judged at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.rules.kpi.samples import FAILURES, KINDS, SUCCESSES, UNJUDGED
from ops_checks.statistics.holm import step_down
from ops_checks.statistics.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.report.model import Metric
    from ops_checks.statistics.changes import Change
    from ops_checks.statistics.holm import Decision

#: What is said of a metric that is judged, besides `higher` and `lower`: its samples show no difference, or cannot.
NOT_SHOWN, UNTOLD = "no_difference_shown", "cannot_be_told"
#: Two names of one hypothesis: what is decided of the second is decided of the first.
_SAME = {SUCCESSES: FAILURES}


class Measured(NamedTuple):
    """A metric of one side, and what its noise is known from; None where nothing tells that."""

    metric: Metric
    samples: Any = None


class MetricChange(Struct, frozen=True):
    """A metric now and before; `before` and its samples are None where it was not measured.

    `change` is what it is above the one before, a count above that for the same time.
    `verdict` is `higher`, `lower`, NOT_SHOWN or UNTOLD; None for one that is not judged, which `reason` explains. `low`
    and `high` bound what it is above the one before, at `confidence`; None where nothing does.
    `needed` is how many more samples it takes: for UNTOLD at least, now and, as `needed_before`, before; for NOT_SHOWN
    about, to show the difference that there is if it stays. None where no number would do, or none is needed.
    """

    name: str
    unit: str
    now: float | None
    before: float | None
    samples: int
    samples_before: int | None
    change: float | None = None
    verdict: str | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    needed: int | None = None
    needed_before: int | None = None
    reason: str = ""


class Comparison(Struct, frozen=True):
    """Every metric now and before; `judged` were judged at once: all that is shown holds with `confidence`."""

    changes: tuple[MetricChange, ...]
    judged: int
    confidence: float


def compare(now: Mapping[str, Measured], before: Mapping[str, Measured], confidence: float = CONFIDENCE) -> Comparison:
    """Return how each metric that was measured now has changed; all verdicts together hold with `confidence`."""
    changes = {name: change for name in KINDS if (change := _change(name, now, before)) is not None}
    judged = [name for name in changes if _SAME.get(name) not in changes]
    decided = step_down(judged, lambda name, level: changes[name].shown(level) is not None, confidence)
    found = (
        _judged(_unjudged(each, before.get(name)), changes.get(name), decided.get(_SAME.get(name, name)))
        for name, each in now.items()
    )
    return Comparison(tuple(found), len(judged), confidence)


def _change(name: str, now: Mapping[str, Measured], before: Mapping[str, Measured]) -> Change | None:
    """Return what is known of a metric's change, None where a side has nothing to know its noise from."""
    if name not in now or name not in before:
        return None
    ours, theirs = now[name].samples, before[name].samples
    return None if ours is None or theirs is None else KINDS[name].change(ours, theirs)


def _unjudged(now: Measured, before: Measured | None) -> MetricChange:
    metric, other = now.metric, before.metric if before else None
    before_value = other.value if other else None
    return MetricChange(
        metric.name,
        metric.unit,
        metric.value,
        before_value,
        metric.samples,
        other.samples if other else None,
        None if metric.value is None or before_value is None else metric.value - before_value,
        reason=UNJUDGED.get(metric.name, ""),
    )


def _judged(found: MetricChange, change: Change | None, decided: Decision | None) -> MetricChange:
    """Return a metric with what was decided of it."""
    if found.name not in KINDS:
        return found
    if change is None or decided is None:
        return replace(found, verdict=UNTOLD, reason=_nothing_known(found))
    low, high = change.difference(decided.confidence)
    verdict = change.shown(decided.confidence)
    found = replace(found, change=change.value, low=low, high=high, confidence=decided.confidence)
    if verdict is not None:
        return replace(found, verdict=verdict)
    lacking, lacking_before = change.lacking(decided.confidence)
    if lacking or lacking_before:
        return replace(found, verdict=UNTOLD, needed=lacking or None, needed_before=lacking_before or None)
    if low is None or high is None:
        return replace(found, verdict=UNTOLD, reason="the report has no interval that is sure enough")
    return replace(found, verdict=NOT_SHOWN, needed=change.more_samples(decided.confidence))


def _nothing_known(found: MetricChange) -> str:
    """Say why nothing is known of a metric's noise."""
    if found.now is None:
        return "there is none now"
    return "there was none before" if found.before is None else "the report does not say how sure it is"
