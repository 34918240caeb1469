"""What a backtest found, as lines, as published JSON and as CSV."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from ops_checks.cli.csv_record import csv_record
from ops_checks.cli.lines import distinguished
from ops_checks.report.serialize import iso_utc, number
from ops_checks.rules.backtest import Outcome
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import value_text
from ops_checks.sanitize import visible
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ops_checks.gate.backtesting import Backtest
    from ops_checks.report.model import RuleResult
    from ops_checks.rules.backtest import Retold, Tally
    from ops_checks.rules.suggestion import Suggestion
    from ops_checks.timestamps import Zone

BACKTEST_SCHEMA = "ops-checks/backtest/1"


def backtest_lines(found: Backtest, shown: Sequence[Retold], policy: str, zone: Zone) -> Iterator[str]:
    """Yield how the runs would have ended, a line for each that is shown, and what there is to say of the rules."""
    counts = Counter(run.would for run in found.runs)
    words = " ".join(f"{outcome}={counts[outcome]}" for outcome in Outcome)
    yield f"backtest {visible(policy)} runs={len(found.runs)} {words}"
    if any(run.blocked is not None for run in found.runs):
        yield "changed " + " ".join(f"{name}={count}" for name, count in _changes(found.runs).items())
    for run in shown:
        yield _run_line(run, zone)
    yield from _named("always violated", [rule for rule in found.rules if rule.always])
    yield from _named("never violated", [rule for rule in found.rules if rule.never])
    for rule in found.rules:
        yield from (f"not told: {visible(rule.rule)} ({times}): {why}" for why, times in rule.untold.items())


def _named(what: str, rules: Sequence[Tally]) -> Iterator[str]:
    if rules:
        yield f"{what}: {', '.join(f'{visible(rule.rule)} ({rule.told})' for rule in rules)}"


def _changes(runs: Sequence[Retold]) -> Mapping[str, int]:
    """Return how many runs that passed would have been blocked, and how many that were blocked would have passed."""
    pairs = Counter((run.blocked, run.blocks) for run in runs)
    return {"would_block": pairs[False, True], "would_pass": pairs[True, False]}


def _run_line(run: Retold, zone: Zone) -> str:
    was = "" if run.was is None else f"{run.was} -> "
    why = [_why(result) for result in run.failing]
    why += [f"{visible(each.rule) or 'the run'}: {each.reason}" for each in run.untold if run.would is Outcome.UNKNOWN]
    return f"- {queue_time(run.at_ms / 1000, zone)} {was}{run.would} {'; '.join(why)}".rstrip()


def _why(result: RuleResult) -> str:
    if result.verdict.value in {"insufficient", "error"} or result.value is None or result.limit is None:
        return f"{visible(result.id)} {result.verdict}"
    return f"{visible(result.id)} {distinguished(result.value, result.limit, result.unit)}"


def backtest_json(found: Backtest, shown: Sequence[Retold], policy: str) -> dict[str, Any]:
    """Return everything that was found, and the runs that are shown."""
    counts = Counter(run.would for run in found.runs)
    return {
        "schema": BACKTEST_SCHEMA,
        "policy": policy,
        "counts": {outcome.value: counts[outcome] for outcome in Outcome},
        "changes": _changes(found.runs),
        "runs": [_run_json(run) for run in shown],
        "rules": [_tally_json(rule) for rule in found.rules],
        "suggestion": None,
    }


def _run_json(run: Retold) -> dict[str, Any]:
    return {
        "at": iso_utc(run.at_ms),
        "at_ms": run.at_ms,
        "was": run.was,
        "blocked": run.blocked,
        "would": run.would.value,
        "blocks": run.blocks,
        "failing": [
            {
                "rule": each.id,
                "verdict": each.verdict.value,
                "value": number(each.value),
                "operator": each.operator,
                "limit": number(each.limit),
            }
            for each in run.failing
        ],
        "untold": [{"rule": each.rule or None, "reason": each.reason} for each in run.untold],
    }


def _tally_json(rule: Tally) -> dict[str, Any]:
    untold = [{"reason": reason, "runs": runs} for reason, runs in rule.untold.items()]
    return {"rule": rule.rule, "told": rule.told, "violated": rule.violated, "untold": untold}


def backtest_records(shown: Sequence[Retold]) -> Iterator[str]:
    """Yield the head of a table, and a record for each run."""
    yield csv_record(["at", "was", "blocked", "would", "blocks", "failing", "untold"])
    for run in shown:
        failing, untold = (" ".join(ids) for ids in ([e.id for e in run.failing], [e.rule for e in run.untold]))
        cells = [iso_utc(run.at_ms), run.was, _truth(run.blocked), run.would.value, _truth(run.blocks)]
        yield csv_record([*cells, failing, untold])


def _truth(value: bool | None) -> str | None:  # noqa: FBT001 - a cell
    return None if value is None else str(value).lower()


def suggestion_lines(found: Suggestion) -> Iterator[str]:
    """Yield the proposed limit as a policy has it, and how often it would be a false alarm."""
    limit = value_text(found.limit, BY_METRIC[found.metric].unit)
    yield f"suggest kpi.thresholds.{found.metric}.{_bound(found)}={limit}"
    interval = f"{_percent(found.low)} to {_percent(found.high)}"
    yield (
        f"false_alarms expected={_percent(found.expected)} interval_95={interval} "
        f"beyond={found.alarms} runs={found.runs} independent={found.independent}"
    )


def suggestion_json(found: Suggestion, policy: str) -> dict[str, Any]:
    """Return a proposed limit."""
    nothing = {"counts": {outcome.value: 0 for outcome in Outcome}, "changes": _changes(()), "runs": [], "rules": []}
    suggestion = asdict(found) | {"bound": _bound(found)}
    return {"schema": BACKTEST_SCHEMA, "policy": policy, **nothing, "suggestion": suggestion}


def suggestion_records(found: Suggestion) -> Iterator[str]:
    """Yield the head of a table and its one record."""
    cells = asdict(found)
    yield csv_record(cells)
    yield csv_record(cells.values())


def _bound(found: Suggestion) -> str:
    return "max" if found.operator == "<=" else "min"


def _percent(rate: float) -> str:
    return f"{rate * 100:.2f}%"
