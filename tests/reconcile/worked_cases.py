"""The worked cases of RECONCILE, read from their file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops_checks.model import FIELDS, Item
from ops_checks.reconcile.model import ItemState, Options, Situation, Totals, base_row
from ops_checks.reconcile.planner import plan
from ops_checks.reconcile.units import UNITS
from ops_checks.stores.changes import Reliability

if TYPE_CHECKING:
    from ops_checks.reconcile.model import BaseRow, Plan

#: The moment at which all cases are planned: leases of 1795000300 run, those of a moment before do not.
NOW_S = 1795000000.0

CASES: list[dict[str, Any]] = json.loads(Path(__file__, "../../data/reconcile/cases.json").resolve().read_text("utf-8"))


def item(row: dict[str, Any]) -> Item:
    """Return a row of a case as an item."""
    return Item.from_cells(row[name] for name in FIELDS)


def plan_of(case: dict[str, Any]) -> Plan:
    """Return the plan of a case."""
    flags = case["flags"]
    base = {row["id"]: base_row(item(row)) for row in case["base"] or ()}
    md = {row["id"]: item(row) for row in case["md"]}
    db = {row["id"]: item(row) for row in case["db"]}
    leases = {row["id"]: _lease(row) for row in case["db"]}
    touched = {
        (side, item_id, unit)
        for side, items in flags.get("touched", {}).items()
        for item_id, units in items.items()
        for unit in units
    }
    states = [
        ItemState(
            item_id,
            base.get(item_id),
            md.get(item_id),
            db.get(item_id),
            leases.get(item_id),
            frozenset((side, unit) for side, touched_id, unit in touched if touched_id == item_id),
        )
        for item_id in dict.fromkeys([*md, *base, *db])
    ]
    totals = Totals(
        base=len(base),
        md=len(md),
        db=len(db),
        md_of_base=len(base.keys() & md.keys()),
        db_of_base=len(base.keys() & db.keys()),
        gone_md=len((base.keys() & db.keys()) - md.keys()),
        gone_db=len((base.keys() & md.keys()) - db.keys()),
        moved_md=sum(_has_moved(base[each], md[each]) for each in base.keys() & md.keys()),
    )
    options = Options(prefer=flags.get("prefer", {}), union=flags.get("no_base") == "union")
    situation = Situation(
        NOW_S,
        has_base=case["base"] is not None,
        lineage=flags.get("lineage", "ok"),
        md_read_only=flags.get("md_read_only", False),
    )
    return plan(states, totals, options, situation)


def _has_moved(base: BaseRow, md: Item) -> bool:
    return not all(base.agrees(md, unit) for unit in UNITS)


def _lease(row: dict[str, Any]) -> Reliability:
    return Reliability(
        lease_owner=row.get("lease_owner"),
        lease_expires_at=row.get("lease_expires_at"),
        attempt_count=row.get("attempt_count", 0),
        max_attempts=row.get("max_attempts", 3),
    )
