"""Render the lines of the commands that compare three ways (RECONCILE section 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.output import Made
from ops_checks.model import NOTHING
from ops_checks.reconcile.blame import blame_line
from ops_checks.reconcile.claims import holder, lease_end_s
from ops_checks.reconcile.decision import ADD, REKEY
from ops_checks.reconcile.model import DB, MD, Action
from ops_checks.reconcile.reasons import Reason
from ops_checks.reconcile.units import ROW, UNITS
from ops_checks.rules.drift.comparison import DEFAULT_KEEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ops_checks.reconcile.agreement import Recorded
    from ops_checks.reconcile.apply import Result
    from ops_checks.reconcile.blame import Blames
    from ops_checks.reconcile.model import Need, Plan
    from ops_checks.reconcile.planning import Planned
    from ops_checks.reconcile.reading import Reading

    Cells = Mapping[str, str]

_NO_BASE_HELP = "help: ops-checks baseline records what is equal; it changes neither queue"


def drift_lines(planned: Planned, path: str, keep: int | None) -> Iterator[str]:
    """Yield the lines of `drift` about the document at a path."""
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
    yield from plan_lines(plan, planned.situation.now_s, keep, planned.blames, path)
    yield from (f"unused: {option}: nothing asks for it" for option in plan.unused)
    if plan.stop is not None:
        yield f"stop {plan.stop.reason}: {plan.stop.message}"
    if base is None:
        yield _NO_BASE_HELP


def plan_lines(
    plan: Plan, now_s: float, keep: int | None, blames: Blames | None = None, path: str = ""
) -> Iterator[str]:
    """Yield what goes over and what a person must decide, at most `keep` of a kind (None: the default, 0: all).

    `blames` say who moved last, in the document at a path and in the database.
    """
    most = DEFAULT_KEEP if keep is None else keep
    known = blames or {}
    for side in (MD, DB):
        actions = [action for action in plan.actions if action.to == side]
        yield from _cut(
            f"to_{side}", [[_action_line(each), *_blame_lines(each, known, path)] for each in actions], most
        )
    yield from _cut("needs", [list(_need_lines(need, now_s, known, path)) for need in plan.needs], most)


def _blame_lines(each: Action | Need, blames: Blames, path: str) -> Iterator[str]:
    """Yield who moved last, the side first from which the unit goes over; where a row is added there is no other."""
    sides = (DB, MD) if isinstance(each, Action) and each.to == MD else (MD, DB)
    for side in sides[:1] if isinstance(each, Action) and each.kind == ADD else sides:
        blame = blames.get((side, each.id, each.unit))
        if blame is not None:
            yield f"    {blame_line(side, blame, path)}"


def _cut(kind: str, details: Sequence[Sequence[str]], most: int) -> Iterator[str]:
    shown = details[:most] if most else details
    for lines in shown:
        yield from lines
    if len(details) > len(shown):
        yield f"- {kind}: {len(details) - len(shown)} more (--max-details 0 shows all)"


def _action_line(action: Action) -> str:
    return f"- to_{action.to} {action.id} {action.unit} {_change(action)}"


def _change(action: Action) -> str:
    before, after = action.before or {}, action.after or {}
    if action.unit == ROW:
        return f"rekey {after['id']}" if action.kind == REKEY else action.kind
    names = _telling(action.unit, before, after)
    return " ".join(f"{_label(action.unit, name)}{_text(name, before)} -> {_text(name, after)}" for name in names)


def _telling(unit: str, one: Cells, other: Cells) -> list[str]:
    """Return the cells that tell how a unit differs: of a claim the status, else owner and start."""
    names = [name for name in UNITS[unit] if _text(name, one) != _text(name, other)]
    return names[:1] if names[:1] == ["status"] else names


def _label(unit: str, name: str) -> str:
    """Return the name before a value, where the unit does not say it."""
    return "" if name in {unit, "status"} else f"{name}:"


def _text(name: str, cells: Cells) -> str:
    return cells.get(name) or NOTHING


def _need_lines(need: Need, now_s: float, blames: Blames, path: str) -> Iterator[str]:
    refused = " refused" if need.refused else ""
    yield f"- needs {need.id} {need.unit} {need.reason}{_values(need)}{_lease(need, now_s)}{refused}"
    yield from _blame_lines(need, blames, path)
    yield f"    help: {need.help}"


def _values(need: Need) -> str:
    """Return what both sides say, where both have the item."""
    md, db = need.md_cells, need.db_cells
    if need.other is not None:
        return f" other={need.other}"
    if md is None or db is None:
        return ""
    units = UNITS if need.unit == ROW else (need.unit,)
    labels = [(_label(need.unit, name), name) for unit in units for name in _telling(unit, md, db)]
    return "".join(f" {label}md={_text(name, md)} db={_text(name, db)}" for label, name in labels)


def _lease(need: Need, now_s: float) -> str:
    """Return who holds the item and for how long, where that is why a person is asked."""
    lease = need.lease
    if need.reason is not Reason.HELD or lease is None or lease.lease_expires_at is None:
        return ""
    ends_s = lease_end_s(lease)
    left = "unknown" if ends_s is None else f"{int(ends_s - now_s) + 1}s"
    return f" lease={holder(lease)} left={left}"


def baseline_lines(recorded: Recorded, plan: Plan, now_s: float, keep: int | None) -> Iterator[str]:
    """Yield the lines of `baseline`: what was recorded, then what is not agreed."""
    counts = recorded.counts
    yield Made(f"baseline {recorded.baseline.name} agreed={counts.agreed} unagreed={counts.unagreed}")
    yield from plan_lines(plan, now_s, keep)


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
    yield from _named(word, [(action.id, action.unit) for action in outcome.applied], keep)
    yield from _named("stale", [(action.id, action.unit) for action in outcome.stale], keep)
    yield from _named("refused", [(item_id, unit) for item_id, unit, _, refused in plan.needs if refused], keep)


def resumed_lines(found: Result, keep: int | None = None) -> Iterator[str]:
    """Yield the lines of `reconcile resume`, at most `keep` of a kind."""
    outcome = found.outcome
    counts = f"already={len(outcome.done)} applied={len(outcome.applied)} stale={len(outcome.stale)}"
    yield f"resumed {found.plan.plan_id} {counts}"
    yield from _named("stale", [(action.id, action.unit) for action in outcome.stale], keep)


def _named(kind: str, units: Sequence[tuple[str, str]], keep: int | None) -> Iterator[str]:
    details = [[f"- {kind} {item_id} {unit}"] for item_id, unit in units]
    return _cut(kind, details, DEFAULT_KEEP if keep is None else keep)


def undone_lines(found: Result) -> Iterator[str]:
    """Yield the lines of `undo`."""
    outcome = found.outcome
    done = outcome.applied + outcome.done
    counts = " ".join(f"to_{side}={sum(action.to == side for action in done)}" for side in (MD, DB))
    yield f"undone {found.plan.plan_id} {counts} refused={len(outcome.stale)}"
    yield from (f"- refused {action.id} {action.unit}" for action in outcome.stale)
