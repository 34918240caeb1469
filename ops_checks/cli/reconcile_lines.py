"""Render the lines of the commands that compare three ways (RECONCILE section 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.output import About, Made
from ops_checks.reconcile.lines import cut, plan_lines, tasks_of
from ops_checks.reconcile.model import DB, MD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ops_checks.context import Context
    from ops_checks.reconcile.agreement import Recorded
    from ops_checks.reconcile.apply import Result
    from ops_checks.reconcile.blame import Blames
    from ops_checks.reconcile.model import Plan
    from ops_checks.reconcile.planning import Planned
    from ops_checks.reconcile.reading import Reading

_NO_BASE_HELP = "help: ops-checks baseline records what is equal; it changes neither queue"


def drift_lines(planned: Planned, path: str, keep: int | None, *, for_people: bool) -> Iterator[str]:
    """Yield the lines of `drift` about the document at a path; those that a person reads have each item's task too."""
    plan, base, total = planned.plan, planned.reading.baseline, planned.reading.total
    if plan.empty:
        yield f"drift ok total={total} base={base.name if base else 'none'}"
        return
    if base is None and not plan.actions:
        yield f"drift unknown total={total} differ={len(planned.reading.states)} base=none"
    else:
        counts = " ".join(f"to_{side}={sum(action.to == side for action in plan.actions)}" for side in (MD, DB))
        named = f"{base.name} {base.made_at} lineage={planned.situation.lineage}" if base else "none"
        yield f"drift total={total} {counts} needs={len(plan.needs)} base={named}"
    tasks = tasks_of(planned.reading.states) if for_people else None
    yield from plan_lines(plan, planned.situation.now_s, keep, planned.blames, path, planned.remarks, tasks)
    yield from (f"unused: {option}: nothing asks for it" for option in plan.unused)
    if plan.stop is not None:
        yield f"stop {plan.stop.reason}: {plan.stop.message}"
    if base is None:
        yield _NO_BASE_HELP


def baseline_lines(
    recorded: Recorded, plan: Plan, context: Context, blames: Blames, keep: int | None, *, for_people: bool
) -> Iterator[str]:
    """Yield the lines of `baseline`: what was recorded, then what is not agreed, and who moved it last."""
    counts = recorded.counts
    yield Made(f"baseline {recorded.baseline.name} agreed={counts.agreed} unagreed={counts.unagreed}")
    tasks = tasks_of(recorded.reading.states) if for_people else None
    yield from plan_lines(plan, context.now_s, keep, blames, context.queue, tasks=tasks)


def baseline_line(reading: Reading, lineage: str) -> str:
    """Return the line of `baseline show`."""
    base = reading.baseline
    if base is None:
        return "baseline none"
    counts = f"agreed={reading.totals.base} unagreed={reading.unagreed}"
    return f"baseline {base.name} {base.made_at} {counts} lineage={lineage}"


def applied_lines(found: Result, word: str = "applied", keep: int | None = None) -> Iterator[str]:
    """Yield the lines of `reconcile apply`, or of what begins with another word; at most `keep` of a kind."""
    plan, outcome = found.plan, found.outcome
    counts = " ".join(f"to_{side}={sum(action.to == side for action in outcome.applied)}" for side in (MD, DB))
    yield f"{word} {plan.plan_id} {counts} stale={len(outcome.stale)} needs={len(plan.needs)}"
    tasks = _tasks(found)
    yield from _named(word, [(action.id, action.unit) for action in outcome.applied], keep, tasks)
    yield from _named("stale", [(action.id, action.unit) for action in outcome.stale], keep, tasks)
    refused = [(item_id, unit) for item_id, unit, _, is_refused in plan.needs if is_refused]
    yield from _named("refused", refused, keep, tasks)


def resumed_lines(found: Result, keep: int | None = None) -> Iterator[str]:
    """Yield the lines of `reconcile resume`, at most `keep` of a kind."""
    outcome = found.outcome
    counts = f"already={len(outcome.done)} applied={len(outcome.applied)} stale={len(outcome.stale)}"
    yield f"resumed {found.plan.plan_id} {counts}"
    yield from _named("stale", [(action.id, action.unit) for action in outcome.stale], keep, _tasks(found))


def _tasks(found: Result) -> Mapping[str, str]:
    """Return the tasks of the items that were met, by id."""
    outcome = found.outcome
    return tasks_of([*outcome.read.values(), *outcome.before.values(), *outcome.after.values()])


def _named(kind: str, units: Sequence[tuple[str, str]], keep: int | None, tasks: Mapping[str, str]) -> Iterator[str]:
    details: list[list[str]] = [
        [About(f"- {kind} {item_id} {unit}", tasks.get(item_id, ""))] for item_id, unit in units
    ]
    return cut(kind, details, keep)


def undone_lines(found: Result, word: str = "undone") -> Iterator[str]:
    """Yield the lines of `undo`, or of what begins with another word."""
    outcome = found.outcome
    done = outcome.applied + outcome.done
    counts = " ".join(f"to_{side}={sum(action.to == side for action in done)}" for side in (MD, DB))
    yield f"{word} {found.plan.plan_id} {counts} refused={len(outcome.stale)}"
    tasks = _tasks(found)
    yield from (About(f"- refused {action.id} {action.unit}", tasks.get(action.id, "")) for action in outcome.stale)
