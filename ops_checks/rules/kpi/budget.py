"""Rules on error budgets: how much of one is used, and whether it burns too fast to last.

Of an objective, that so many of the task outcomes of a time succeed, the budget is what may fail. Which burn rates are
alerts is from B. Beyer et al., "The Site Reliability Workbook" (2018), chapter 5, "Alerting on SLOs", section
"6: Multiwindow, Multi-Burn-Rate Alerts".
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ops_checks.findings import KPI, Verdict
from ops_checks.report.model import Metric
from ops_checks.rules.rule import Offenders, Rule, Threshold, value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from ops_checks.rules.kpi.evidence import KpiEvidence
    from ops_checks.rules.rule import Limit

    class Outcomes(Protocol):
        """The task outcomes of a window."""

        done: int
        failed: int

    #: Returns the outcomes of the last so many seconds.
    Last = Callable[[int], Outcomes]

_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60
#: Digits to which a rate of burning is rounded: what is exactly at a limit is not beyond it for the sake of binary.
_DIGITS = 9


class Alert(NamedTuple):
    """A rate of burning that is an alert, if it is exceeded over a long window and over a short one.

    The windows are these shares of that of the objective: of 30 days 720 is an hour. A page is an error, a ticket a
    warning.
    """

    name: str
    rate: float
    long: int
    short: int
    severity: str


#: The Workbook's table 5-8: 2 % of the budget of 30 days in 1 hour, 5 % in 6 hours, 10 % in 3 days.
ALERTS = (
    Alert("fast", 14.4, 720, 8640, "error"),
    Alert("medium", 6.0, 120, 1440, "error"),
    Alert("slow", 1.0, 10, 120, "warning"),
)


class Budget(Struct, frozen=True):
    """An objective: `percent` of the task outcomes of the last `days` succeed. A name, where there are several.

    Fewer than `min_samples` outcomes in the long window of an alert are no alert.
    """

    percent: float
    days: int
    name: str = ""
    min_samples: int = 10

    @property
    def allowed(self) -> float:
        """The share of the outcomes that may fail."""
        return round((100 - self.percent) / 100, _DIGITS)

    @property
    def seconds(self) -> int:
        """The length of its window."""
        return self.days * _DAY_S

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts that can be: no budget burns faster than if everything fails."""
        return tuple(alert for alert in ALERTS if 1 / self.allowed > alert.rate)

    @property
    def windows(self) -> tuple[int, ...]:
        """The lengths of all windows that its rules need, in seconds."""
        return (self.seconds, *(self.seconds // part for alert in ALERTS for part in (alert.long, alert.short)))

    def id_of(self, rule: str) -> str:
        """Return the id of one of its rules."""
        return f"{rule}-{self.name}" if self.name else rule


#: How the ids of the rules begin.
USED, _BURN = "error-budget", "burn-rate"


def budget_rules(budget: Budget) -> Iterator[Rule]:
    """Yield the rules of an objective."""
    objective = f"{budget.percent:.15g} % over {span_text(budget.seconds)}"
    rule = partial(Rule, group=KPI.id, of_log=True, offenders=lambda *_: Offenders())
    yield rule(
        id=budget.id_of(USED),
        title=f"The error budget of {objective} is used up",
        help="More outcomes failed than the objective allows. Read the errors that `failure-rate` lists, and change "
        "nothing but what makes fewer fail until there is budget again (`ops-checks help budgets`).",
        measure=partial(_measured, budget.id_of(USED), "%"),
        message=_used_message,
        unit="%",
        default=Threshold(max=100, min_samples=budget.min_samples),
    )
    for alert in budget.alerts:
        spans = " and ".join(span_text(budget.seconds // part) for part in (alert.long, alert.short))
        name = _burn_id(budget, alert)
        yield rule(
            id=name,
            title=f"The error budget of {objective} burns too fast over {spans}",
            help="At this rate the budget does not last. Read the errors that `failure-rate` lists, the latest first "
            "(`ops-checks help budgets`).",
            measure=partial(_measured, name, "1"),
            message=_burn_message,
            unit="1",
            counted=True,
            default=Threshold(max=alert.rate, severity=alert.severity),
        )


def is_of_budget(rule: Rule) -> bool:
    """Return whether a rule is one of `budget_rules`."""
    return rule.group == KPI.id and rule.id.startswith((USED, _BURN))


def measure_budget(budget: Budget, last: Last) -> dict[str, Metric]:
    """Return what the rules of an objective measure, by their ids; `last` returns the outcomes of the last seconds."""
    burning = {_burn_id(budget, alert): _burning(budget, alert, last) for alert in budget.alerts}
    return {budget.id_of(USED): _used(budget, last)} | burning


def _burn_id(budget: Budget, alert: Alert) -> str:
    return budget.id_of(f"{_BURN}-{alert.name}")


def _used(budget: Budget, last: Last) -> Metric:
    """Return the share of the budget that is used, in per cent."""
    whole, lately_s = last(budget.seconds), budget.seconds // ALERTS[-1].long
    name, total, span = budget.id_of(USED).replace("-", "_"), _total(whole), span_text(budget.seconds)
    if not total:
        return Metric(name, None, "%", 0, words=f"no outcome in the last {span}: nothing says what is used of a budget")
    used = round(_rate(budget, whole) * 100, _DIGITS)
    words = (
        f"{value_text(used, '%')} % of the error budget of {span} is used: {whole.failed} of {total} outcomes failed, "
        f"{int(round(budget.allowed * total, _DIGITS))} may"
    )
    return Metric(name, used, "%", total, words=words + _end(budget, whole, last(lately_s), lately_s))


def _burning(budget: Budget, alert: Alert, last: Last) -> Metric:
    """Return the lower of the rates in both windows, 0 where one of them says nothing."""
    spans = budget.seconds // alert.long, budget.seconds // alert.short
    whole, long, short = last(budget.seconds), *map(last, spans)
    metric = partial(Metric, _burn_id(budget, alert).replace("-", "_"), unit="1", samples=_total(long))
    if not _total(whole):
        return metric(value=None, needed=1, words=f"no outcome in the last {span_text(budget.seconds)}")
    rates = _rate(budget, long), _rate(budget, short)
    words = (
        f"the error budget of {span_text(budget.seconds)} burns {value_text(rates[0], '1')} times as fast as it may in "
        f"the last {span_text(spans[0])} ({_share(long)}), {value_text(rates[1], '1')} times in the last "
        f"{span_text(spans[1])} ({_share(short)})"
    )
    if _total(long) < budget.min_samples:
        return metric(value=0.0, words=f"{words}; no alert by fewer than {budget.min_samples} outcomes")
    if not _total(short):
        return metric(value=0.0, words=f"{words}; no alert without any in the last {span_text(spans[1])}")
    return metric(value=min(rates), words=words + _end(budget, whole, long, spans[0]))


def _end(budget: Budget, whole: Outcomes, lately: Outcomes, seconds: int) -> str:
    """Say when a budget is gone that burns as in a window; nothing where it lasts, or is gone."""
    rate, left = _rate(budget, lately), 1 - _rate(budget, whole)
    if rate <= 1 or left <= 0:
        return ""
    gone = span_text(_rough(left * budget.seconds / rate))
    return f"; at the rate of the last {span_text(seconds)} it is gone in {gone}"


def _share(outcomes: Outcomes) -> str:
    total = _total(outcomes)
    return f"{outcomes.failed} of {total} outcomes failed" if total else "no outcome"


def _total(outcomes: Outcomes) -> int:
    return outcomes.done + outcomes.failed


def _rate(budget: Budget, outcomes: Outcomes) -> float:
    """Return how many times as many outcomes failed as may; 0 without any."""
    total = _total(outcomes)
    return round(outcomes.failed / (budget.allowed * total), _DIGITS) if total else 0.0


def _measured(name: str, unit: str, evidence: KpiEvidence) -> Metric:
    return evidence.over_time.get(name, Metric(name.replace("-", "_"), None, unit, 0))


def _used_message(_rule: Rule, metric: Metric, _limit: Limit | None, _verdict: Verdict, needed: int | None) -> str:
    return f"{metric.words}; {needed} more outcomes are needed" if needed and metric.samples else metric.words


def _burn_message(_rule: Rule, metric: Metric, limit: Limit | None, verdict: Verdict, _needed: int | None) -> str:
    if limit is None or verdict not in {Verdict.FAIL, Verdict.WARN}:
        return metric.words
    return f"{metric.words}; both are above {limit.limit:g}"


def span_text(seconds: int) -> str:
    """Return a length of time in the largest unit of which there are at least two or it is one: `3 d`, `84 min`."""
    for unit, size in (("d", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S)):
        if seconds >= 2 * size or seconds == size:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{seconds} s"


def _rough(seconds: float) -> int:
    """Return a length of time in whole minutes, hours or days: nobody knows more of what is to come."""
    size = next((size for size in (_DAY_S, _HOUR_S) if seconds >= 2 * size), _MINUTE_S)
    return max(1, round(seconds / size)) * size
