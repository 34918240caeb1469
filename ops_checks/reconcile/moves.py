"""Say of items that drifted which side moved and who moved it: the lines of `drift`, for a report of the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from ops_checks.errors import OpsError, unexpected
from ops_checks.reconcile.lines import action_lines, need_lines
from ops_checks.reconcile.model import DB, LINEAGE_UNKNOWN, MD, Options
from ops_checks.reconcile.planning import make_plan
from ops_checks.reconcile.reading import database
from ops_checks.reconcile.units import ROW
from ops_checks.rules.drift.units import UNIT_OF
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ops_checks.context import Context
    from ops_checks.reconcile.planning import Planned

_NO_BASE = "no baseline: `ops-checks baseline` records what is equal; from then on it is told which side moved, and who"


class Moves(Struct, frozen=True):
    """The lines of `drift` by item and unit, and what is to know about all of them in one line, None for nothing.

    Their text is made visible.
    """

    lines: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    remark: str | None = None

    def of(self, item: str | None, name: str | None) -> tuple[str, Sequence[str]]:
        """Return the unit that a drifted field (None: the row) is part of, and its lines; of both a name and none."""
        units = self.lines.get(item or "", {})
        unit = ROW if name is None else UNIT_OF.get(name, ROW)
        return (unit, units[unit]) if unit in units else (ROW, units.get(ROW, ()))


def moves_of(context: Context, ids: Collection[str]) -> Moves:
    """Return which side moved of some items, by the last agreement. Never fails: a report must not depend on it.

    Nobody is waited for, and git is asked only where there is an agreement, within the limits of every blame.
    """
    try:
        with database(context).snapshot() as snapshot:
            if snapshot.agreement().baseline() is None:
                return Moves(remark=_NO_BASE)
        options = Options(source_of_truth=DB if context.source_of_truth == "db" else None)
        return _moves(make_plan(context, options, blame=True, blamed=ids, settle_s=0), ids, context.queue)
    except OpsError as error:
        return Moves(remark=f"which side moved is unknown: {error.message}")
    except Exception as error:  # noqa: BLE001 - see above
        return Moves(remark=f"which side moved is unknown: {unexpected(error)}")


def _moves(planned: Planned, ids: Collection[str], path: str) -> Moves:
    plan = planned.plan
    stop = [f"{plan.stop.reason}: {plan.stop.message}"] if plan.stop else []
    remark = visible("; ".join((*stop, *planned.notes))) or None
    return Moves(_lines(planned, ids, path), remark) if _is_told(planned) else Moves(remark=remark)


def _is_told(planned: Planned) -> bool:
    """Return whether git could be asked where the agreement names a commit.

    Without it nobody knows whether the document is the newer one, and each of its moves would be called a need.
    """
    return planned.situation.lineage != LINEAGE_UNKNOWN or any(side == MD for side, *_ in planned.blames)


def _lines(planned: Planned, ids: Collection[str], path: str) -> dict[str, dict[str, list[str]]]:
    lines: dict[str, dict[str, list[str]]] = {}
    for action in planned.plan.actions:
        if action.id in ids:
            units = lines.setdefault(action.id, {})
            units.setdefault(action.unit, []).extend(map(visible, action_lines(action, planned.blames, path)))
    for need in planned.plan.needs:
        if need.id in ids:
            units = lines.setdefault(need.id, {})
            told = need_lines(need, planned.situation.now_s, planned.blames, path)
            units.setdefault(need.unit, []).extend(map(visible, told))
    return lines
