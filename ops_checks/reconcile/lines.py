"""The lines of what a plan holds: what goes over, what a person decides, who moved last (RECONCILE section 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import NOTHING
from ops_checks.presentation.difference import excerpts
from ops_checks.presentation.limits import shorten
from ops_checks.reconcile.blame import blame_line
from ops_checks.reconcile.claims import clock_s, holder, lease_end_s
from ops_checks.reconcile.decision import ADD, REKEY
from ops_checks.reconcile.model import DB, MD, Action
from ops_checks.reconcile.reasons import Reason
from ops_checks.reconcile.units import ROW, UNITS
from ops_checks.rules.drift.comparison import DEFAULT_KEEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ops_checks.reconcile.blame import Blames
    from ops_checks.reconcile.model import ItemState, Need, Plan

    Cells = Mapping[str, str]
    #: Makes of both values what is shown of them.
    Show = Callable[[str, str], tuple[str, str]]


_TITLE = 80  # characters


def plan_lines(
    plan: Plan,
    now_s: float,
    keep: int | None,
    blames: Blames | None = None,
    path: str = "",
    remarks: Mapping[str, Sequence[str]] | None = None,
    tasks: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Yield what goes over and what a person must decide, at most `keep` of a kind (None: the default, 0: all).

    `blames` say who moved last, in the document at a path and in the database; `remarks` by item that its events
    could not have happened. `tasks` say what an item is about, and that a person reads the lines: they are added, and
    of long values what differs is shown. Without them the lines are those of RECONCILE section 13.
    """
    known = blames or {}
    show = _whole if tasks is None else excerpts
    for side in (MD, DB):
        actions = [action for action in plan.actions if action.to == side]
        details = [
            _titled(each, tasks, [*action_lines(each, known, path, show), *_remarks(each, remarks)]) for each in actions
        ]
        yield from cut(f"to_{side}", details, keep)
    needs = [
        _titled(need, tasks, [*need_lines(need, now_s, known, path, show), *_remarks(need, remarks)])
        for need in plan.needs
    ]
    yield from cut("needs", needs, keep)


def tasks_of(states: Sequence[ItemState]) -> dict[str, str]:
    """Return the tasks of items by id: the document's, or else the database's."""
    sides = ((state.id, state.md or state.db) for state in states)
    return {item_id: item.task for item_id, item in sides if item is not None and item.task}


def _titled(each: Action | Need, tasks: Mapping[str, str] | None, lines: list[str]) -> list[str]:
    """Return lines with the task of the item below the first."""
    task = (tasks or {}).get(each.id)
    return [lines[0], f"    task: {shorten(task, _TITLE)}", *lines[1:]] if task else lines


def _remarks(each: Action | Need, remarks: Mapping[str, Sequence[str]] | None) -> list[str]:
    return [f"    events: {line}" for line in (remarks or {}).get(each.id, ())]


def _whole(left: str, right: str) -> tuple[str, str]:
    return left, right


def action_lines(action: Action, blames: Blames, path: str, show: Show = _whole) -> Iterator[str]:
    """Yield what goes over, and who moved last."""
    yield f"- to_{action.to} {action.id} {action.unit} {_change(action, show)}"
    yield from _blame_lines(action, blames, path)


def need_lines(need: Need, now_s: float, blames: Blames, path: str, show: Show = _whole) -> Iterator[str]:
    """Yield what a person must decide, who moved last, and what can be done."""
    refused = " refused" if need.refused else ""
    yield f"- needs {need.id} {need.unit} {need.reason}{_values(need, show)}{_lease(need, now_s)}{refused}"
    yield from _blame_lines(need, blames, path)
    yield f"    help: {need.help}"


def _blame_lines(each: Action | Need, blames: Blames, path: str) -> Iterator[str]:
    """Yield who moved last, the side first from which the unit goes over; where a row is added there is no other."""
    sides = (DB, MD) if isinstance(each, Action) and each.to == MD else (MD, DB)
    for side in sides[:1] if isinstance(each, Action) and each.kind == ADD else sides:
        blame = blames.get((side, each.id, each.unit))
        if blame is not None:
            yield f"    {blame_line(side, blame, path)}"


def cut(kind: str, details: Sequence[Sequence[str]], keep: int | None) -> Iterator[str]:
    """Yield the first details of a kind (`keep`: None for the default, 0 for all), and how many are left."""
    most = DEFAULT_KEEP if keep is None else keep
    shown = details[:most] if most else details
    for lines in shown:
        yield from lines
    if len(details) > len(shown):
        yield f"- {kind}: {len(details) - len(shown)} more (--max-details 0 shows all)"


def _change(action: Action, show: Show) -> str:
    before, after = action.before or {}, action.after or {}
    if action.unit == ROW:
        return f"rekey {after['id']}" if action.kind == REKEY else action.kind
    names = _telling(action.unit, before, after)
    pairs = ((_label(action.unit, name), show(_text(name, before), _text(name, after))) for name in names)
    return " ".join(f"{label}{old} -> {new}" for label, (old, new) in pairs)


def _telling(unit: str, one: Cells, other: Cells) -> list[str]:
    """Return the cells that tell how a unit differs: of a claim the status, else owner and start."""
    names = [name for name in UNITS[unit] if _text(name, one) != _text(name, other)]
    return names[:1] if names[:1] == ["status"] else names


def _label(unit: str, name: str) -> str:
    """Return the name before a value, where the unit does not say it."""
    return "" if name in {unit, "status"} else f"{name}:"


def _text(name: str, cells: Cells) -> str:
    return cells.get(name) or NOTHING


def _values(need: Need, show: Show) -> str:
    """Return what both sides say, where both have the item."""
    md, db = need.md_cells, need.db_cells
    if need.other is not None:
        return f" other={need.other}"
    if md is None or db is None:
        return ""
    units = UNITS if need.unit == ROW else (need.unit,)
    labels = [(_label(need.unit, name), name) for unit in units for name in _telling(unit, md, db)]
    pairs = ((label, show(_text(name, md), _text(name, db))) for label, name in labels)
    return "".join(f" {label}md={left} db={right}" for label, (left, right) in pairs)


def _lease(need: Need, now_s: float) -> str:
    """Return who holds the item and for how long, where that is why a person is asked."""
    lease = need.lease
    if need.reason is not Reason.HELD or lease is None or lease.lease_expires_at is None:
        return ""
    ends_s = lease_end_s(lease)
    left = "unknown" if ends_s is None else f"{int(ends_s - clock_s(lease, now_s)) + 1}s"
    return f" lease={holder(lease)} left={left}"
