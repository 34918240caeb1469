"""Situations of the rules on changes and on error budgets: weeks of runs, and what a policy asks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaigns.changes import alone, together, with_args, with_policy
from tests.campaigns.expected import GREEN, Expected, Situation, alert, broken, insufficient, warns
from tests.campaigns.operation import NOW_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.campaigns.operation import Operation

HOUR, DAY = 3_600, 86_400
_QUIET = "  thresholds: {failure_rate: off, latency_p95_ms: off}\n"


def run(ago_s: float, command: str, duration_ms: float) -> dict[str, object]:
    """Return the record of a run that ended so many seconds ago."""
    return {
        "event": "run_end",
        "trace_id": f"trace-{int(ago_s * 1000):012x}",
        "command": command,
        "ts_epoch_ms": int((NOW_S - ago_s) * 1000),
        "exit_code": 0,
        "duration_ms": duration_ms,
    }


def spread(first_s: float, last_s: float, commands: Iterable[str], factor: float = 1) -> list[dict[str, object]]:
    """Return runs that ended between two times ago, evenly; they took `factor` times 100 to 199 ms, and again."""
    names = list(commands)
    step = (last_s - first_s) / len(names)
    return [
        run(first_s + step * (number + 0.5), command, factor * (100 + number % 100))
        for number, command in enumerate(names)
    ]


def outcomes(done: int, failed: int) -> list[str]:
    """Return so many outcomes, the failures spread among the others."""
    total = done + failed
    return ["fail" if (number + 1) * failed // total > number * failed // total else "done" for number in range(total)]


def _weeks(now: list[str], before: list[str], factor: float = 1):
    """Return an operation with the runs of two weeks; those of the last one took so many times as long."""

    def change(op: Operation) -> None:
        op.runs = [*spread(0, 7 * DAY, now, factor), *spread(7 * DAY, 14 * DAY, before)]

    return change


def _logged(*stretches: tuple[float, float, int, int]):
    """Return an operation with outcomes: between which times ago, how many were done, and how many failed."""

    def change(op: Operation) -> None:
        op.runs = [each for first, last, *counts in stretches for each in spread(first, last, outcomes(*counts))]

    return change


def _regression(text: str, more: str = ""):
    return with_policy(f"kpi:\n  window: 7d\n{_QUIET}{more}  regression:\n    {text}\n")


def _budget(text: str = "objective: 95% over 30d", more: str = ""):
    return with_policy(f"kpi:\n{_QUIET}{more}  budgets:\n  - {{{text}}}\n")


_P95 = _regression("latency_p95_ms: {max_increase: 10%}")
_FAILURES = _regression("failure_rate: {max_increase: 0.05}")
_ALIKE = _weeks(outcomes(180, 20), outcomes(180, 20))
_SLOWER = _weeks(outcomes(180, 20), outcomes(180, 20), 1.5)
_SLOW = alert("regression-latency-p95-ms")
_CALM = (DAY, 30 * DAY, 1970, 10)
_SLOWLY = _logged((3 * DAY, 30 * DAY, 4970, 10), (0, 3 * DAY, 80, 20))
_TWO_BUDGETS = "  budgets:\n  - objective: 90% over 30d\n  - {objective: 99% over 30d, name: strict}\n"
_WAIVED = "waivers:\n- {rule: regression-latency-p95-ms, owner: kim, reason: known, expires: '2026-01-31'}\n"
_BURNT = Expected(2, "fail", (("burn-rate-fast", "fail"), ("burn-rate-medium", "fail"), ("burn-rate-slow", "warn")))

SITUATIONS: tuple[Situation, ...] = (
    Situation("as slow as a week before", together(_P95, _ALIKE), GREEN),
    Situation("slower than a week before", together(_P95, _SLOWER), _SLOW),
    Situation("faster than a week before", together(_P95, _weeks(["done"] * 200, ["done"] * 200, 0.5)), GREEN),
    Situation("slower, by too few runs", together(_P95, _weeks(["done"] * 200, ["done"] * 40, 0.5)),
              insufficient("regression-latency-p95-ms")),
    Situation("no run a week before", together(_P95, lambda op: setattr(op, "runs", spread(0, DAY, ["done"] * 99))),
              insufficient("regression-latency-p95-ms")),
    Situation("slower, too few runs pass",
              together(_regression("latency_p95_ms: {max_increase: 10%}", "  on_insufficient: pass\n"),
                       _weeks(["done"] * 200, ["done"] * 40)),
              GREEN.with_(rules=(("regression-latency-p95-ms", "insufficient"),))),
    Situation("slower, a warning", together(
        _regression("latency_p95_ms: {max_increase: 10%, severity: warning}"), _SLOWER),
        warns("regression-latency-p95-ms")),
    Situation("slower, by less than the limit in milliseconds", together(
        _regression("latency_p95_ms: {max_increase: 200}"), _SLOWER), GREEN),
    Situation("slower than right before", together(
        _regression("latency_p95_ms: {max_increase: 10%, against: previous}"), _SLOWER), _SLOW),
    Situation("slower, waived", together(
        with_policy(f"kpi:\n  window: 7d\n{_QUIET}  regression: {{latency_p95_ms: {{max_increase: 10%}}}}\n{_WAIVED}"),
        _SLOWER), GREEN),
    Situation("slower, only that is asked for", together(
        _P95, _SLOWER, with_args("--only", "regression-latency-p95-ms")), _SLOW),
    Situation("slower, another rule is asked for", together(_P95, _SLOWER, with_args("--only", "malformed-lines")),
              GREEN),
    Situation("as many failures as a week before", together(_FAILURES, _ALIKE), GREEN),
    Situation("more failures than a week before", together(
        _FAILURES, _weeks(outcomes(140, 60), outcomes(180, 20))), alert("regression-failure-rate")),
    Situation("fewer successes than a week before", together(
        _regression("success_rate: {max_decrease: 0.05}"), _weeks(outcomes(140, 60), outcomes(180, 20))),
        alert("regression-success-rate")),
    Situation("two windows of a log in the wrong order", together(
        _P95, _SLOWER, lambda op: op.runs.reverse()), _SLOW),
    Situation("a regression without a window", alone(
        with_policy("kpi: {regression: {latency_p95_ms: {max_increase: 10%}}}\n")),
        Expected(4, "usage", error=("no window is set",))),
    Situation("an old log is no regression", together(
        _regression("latency_p95_ms: {max_increase: 10%}", "  max_log_age: 1h\n  stale_minutes: 9999\n"), _SLOWER,
        lambda op: setattr(op, "now_s", NOW_S + 2 * HOUR)),
        broken("runs.jsonl: ", "it says nothing about today",
               rules=("malformed-lines", "regression-latency-p95-ms"))),
    Situation("a budget with something left", together(_budget(), _logged(_CALM, (0, DAY, 10, 1))), GREEN),
    Situation("a budget that is used up", together(_budget(), _logged((2 * DAY, 30 * DAY, 900, 51), (0, DAY, 40, 0))),
              alert("error-budget")),
    Situation("a budget that was used up before", together(
        _budget(), _logged((31 * DAY, 60 * DAY, 0, 500), _CALM, (0, DAY, 40, 0))), GREEN),
    Situation("a budget without an outcome", together(
        _budget(), lambda op: setattr(op, "runs", spread(0, DAY, ["pick"] * 20))),
        insufficient("error-budget", "burn-rate-fast", "burn-rate-medium", "burn-rate-slow")),
    Situation("a budget that burns fast", together(_budget(), _logged(_CALM, (0, HOUR, 4, 76))), _BURNT),
    Situation("a budget that burnt fast until a while ago", together(
        _budget(), _logged(_CALM, (HOUR / 4, HOUR, 2, 30), (0, HOUR / 6, 40, 0))),
        warns("burn-rate-slow")),
    Situation("a budget that burns fast, one outcome alone", together(_budget(), _logged(_CALM, (0, 60, 0, 1))), GREEN),
    Situation("a budget that burns slowly", together(_budget(), _SLOWLY), warns("burn-rate-slow")),
    Situation("a budget that burns slowly, warnings fail", together(
        _budget(), _SLOWLY, with_args("--fail-level", "warn")),
        Expected(2, "fail", (("burn-rate-slow", "warn"),))),
    Situation("two budgets, one used up", together(
        with_policy(f"kpi:\n{_QUIET}{_TWO_BUDGETS}"),
        _logged((2 * DAY, 30 * DAY, 950, 20), (0, DAY, 40, 0))), alert("error-budget-strict")),
    Situation("a budget of a log with a clock ahead", together(
        _budget(), _logged(_CALM, (-60, 540, 2, 30))), _BURNT),
)  # fmt: skip
