"""Regressions: where nothing has changed, rules on changes fail no more often than their confidence allows.

`size` is how many pairs of weeks are drawn of which nothing has changed: of many distributions in turn, judged by
five rules at once and by each alone, at a limit of nothing at all, which is the hardest one to keep. An exact binomial
test at 0.001 decides: over all weeks, over those of each distribution, and of each rule over those that it judges.
Beside it: how often intervals hold what they are of, how often a real increase of 30 % is found, bursts (of which no
rule promises anything), and a few weeks through the whole gate, which must say what the simulated ones say.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from ops_checks.rules.kpi.regression import LAST_WEEK, Regression, measure_changes
from tests.campaigns.common import Tally
from tests.campaigns.regress_coverage import coverages
from tests.campaigns.regress_gate import gate_problems
from tests.campaigns.regress_weeks import BURSTS, WEEKS
from tests.change_simulations import Shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from ops_checks.report.model import Metric
    from tests.campaigns.common import Outcome
    from tests.campaigns.regress_weeks import Week

SMALL = 300
LONG = 10_000

#: What the confidence of the rules leaves.
_NOMINAL = 0.05
#: The limits that nothing may exceed.
_RULES = (
    Regression("failure_rate", 0),
    Regression("latency_p50_ms", 0, relative=True),
    Regression("latency_p95_ms", 0, relative=True),
    Regression("latency_p99_ms", 0),
    Regression("latency_avg_ms", 0, relative=True),
)
_WORSE = 1.3


def run(size: int, report: Callable[[str], None], seed: int = 18) -> Outcome:
    """Draw `size` pairs of weeks; `alarms` are those in which some rule failed though nothing had changed."""
    tally = Tally()
    alarms, judged, pairs = _alarms(size, np.random.default_rng([seed, 1]))
    for name, number in {**pairs, "all": size}.items():
        shown = Shown(alarms[name], number)
        report(f"{name}: {shown.times} of {number} pairs of equal weeks failed a rule")
        tally.check(f"{name}: {shown} is more than {_NOMINAL}", holds=not shown.exceeds(_NOMINAL))
    for rule in _RULES:
        shown = Shown(alarms[rule.id], judged[rule.id])
        report(f"{rule.id} alone: {shown.times} of {shown.pairs}")
        tally.check(f"{rule.id} alone: {shown} is more than {_NOMINAL}", holds=not shown.exceeds(_NOMINAL))
    for coverage in coverages(size // 5, seed):
        report(f"{coverage.name}: {coverage.held.times} of {coverage.held.pairs} intervals hold it")
        what = f"{coverage.name}: {coverage.held} is less than {coverage.least}"
        tally.check(what, holds=not coverage.held.falls_short_of(coverage.least))
    tally.failures += gate_problems(np.random.default_rng([seed, 2]))
    tally.figures.update(weeks=size, alarms=alarms["all"], judged=sum(judged.values()))
    tally.figures.update(_found(max(1, size // 5), np.random.default_rng([seed, 3])))
    bursts = np.random.default_rng([seed, 4])
    with_bursts = [_fails(_measured(_RULES, BURSTS(bursts, 1), BURSTS(bursts, 1))) for _ in range(size // 5)]
    tally.figures["bursts_percent"] = round(100 * sum(with_bursts) / max(1, len(with_bursts)))
    return tally.outcome({"weeks": SMALL, "judged": 3 * SMALL, "found_p95_percent": 1})


def _alarms(size: int, random: Generator) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return in how many pairs of equal weeks a rule failed, how often each rule alone was judged, and the pairs.

    Alarms and pairs are by distribution, the alarms of a rule alone by its id; `all` are those of any distribution.
    """
    alarms, judged, pairs = Counter[str](), Counter[str](), Counter[str]()
    names = list(WEEKS)
    for number in range(size):
        name = names[number % len(names)]
        before, now = WEEKS[name](random, 1), WEEKS[name](random, 1)
        failed = _fails(_measured(_RULES, now, before))
        pairs[name] += 1
        alarms[name] += failed
        alarms["all"] += failed
        for rule in _RULES:
            alone = _measured((rule,), now, before)[rule.id]
            judged[rule.id] += alone.value is not None
            alarms[rule.id] += bool(alone.value)
    return alarms, judged, pairs


def _measured(rules: tuple[Regression, ...], now: Week, before: Week) -> dict[str, Metric]:
    return measure_changes(rules, now.side(), {LAST_WEEK: before.side()})


def _fails(metrics: dict[str, Metric]) -> bool:
    return any(metric.value for metric in metrics.values())


def _found(size: int, random: Generator) -> dict[str, int]:
    """Return in how many of a hundred pairs of weeks an increase of 30 % is found by a limit of 10 %."""
    limits = {
        "p50": Regression("latency_p50_ms", 10, relative=True),
        "p95": Regression("latency_p95_ms", 10, relative=True),
        "avg": Regression("latency_avg_ms", 10, relative=True),
        "rate": Regression("failure_rate", 0),
    }
    found = Counter[str]()
    for _ in range(size):
        before, now = WEEKS["day and night"](random, 1), WEEKS["day and night"](random, _WORSE)
        for name, limit in limits.items():
            value = _measured((limit,), now, before)[limit.id].value
            found[name] += value is not None and value > limit.most
    return {f"found_{name}_percent": round(100 * found[name] / size) for name in limits}
