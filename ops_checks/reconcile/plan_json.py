"""A plan as the JSON of its file, with its id and its digest (RECONCILE section 8)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from ops_checks import __version__
from ops_checks.reconcile.claims import holder, is_held
from ops_checks.reconcile.model import DB, MD
from ops_checks.reconcile.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ops_checks.reconcile.blame import Blames
    from ops_checks.reconcile.model import Action, Need, Options, Plan, Situation
    from ops_checks.reconcile.reading import Reading
    from ops_checks.stores.changes import Reliability

SCHEMA = "ops-checks/reconcile-plan/1"
ID_DIGITS = 16
#: What is left out of a plan's id: the same situation gives the same plan, whoever asks, and whenever.
_NO_SITUATION = ("plan_id", "digest", "made_at", "actor", "tool")


def plan_json(
    plan: Plan,
    reading: Reading,
    options: Options,
    situation: Situation,
    blames: Blames,
    *,
    paths: tuple[str, str],
    actor: str,
    made_at: str,
) -> dict[str, Any]:
    """Return a plan as the JSON of its file; `paths` are those of the document and the database."""
    base = reading.baseline
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "made_at": made_at,
        "actor": actor,
        "tool": f"ops-checks {__version__}",
        "md": {"path": paths[0], "digest": reading.md_digest, "items": reading.totals.md},
        "db": {
            "path": paths[1],
            "digest": reading.db_digest,
            "items": reading.totals.db,
            "newest_event": reading.newest_event,
            "queue_id": (base.queue_id or None) if base else None,
        },
        "base": _base_json(reading, options, situation),
        "options": _options_json(options),
        "stop": None if plan.stop is None else {"reason": plan.stop.reason, "message": plan.stop.message},
        "counts": {
            "to_md": sum(action.to == MD for action in plan.actions),
            "to_db": sum(action.to == DB for action in plan.actions),
            "needs": len(plan.needs),
        },
        "actions": [_action_json(action, situation.now_s) | _blamed(action, blames) for action in plan.actions],
        "needs": [_need_json(need) | _blamed(need, blames) for need in plan.needs],
    }
    data["plan_id"] = plan_id(data)
    data["digest"] = digest(data)
    return data


def plan_text(data: Mapping[str, Any]) -> str:
    """Return the text of a plan file."""
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _canonical(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def digest(data: Mapping[str, Any]) -> str:
    """Return the digest of a plan, over all of it but the digest itself."""
    whole = {name: value for name, value in data.items() if name != "digest"}
    return "sha256:" + hashlib.sha256(_canonical(whole)).hexdigest()


def plan_id(data: Mapping[str, Any]) -> str:
    """Return the id of a plan, which is that of its situation."""
    situation = {name: value for name, value in data.items() if name not in _NO_SITUATION}
    situation["actions"] = [_without(each, ("md", "db")) for each in data["actions"]]
    situation["needs"] = [_without(each, ("md", "db", "help")) for each in data["needs"]]
    return "p-" + hashlib.sha256(_canonical(situation)).hexdigest()[:ID_DIGITS]


def _without(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


def _base_json(reading: Reading, options: Options, situation: Situation) -> dict[str, Any]:
    base = reading.baseline
    if base is None:
        return {"source": "union" if options.union else "view" if options.view else "none", "items": 0}
    return {
        "source": base.source,
        "id": base.name,
        "made_at": base.made_at,
        "actor": base.actor,
        "commit": base.md_commit,
        "lineage": situation.lineage,
        "items": reading.totals.base,
        "unagreed": reading.unagreed,
    }


def _options_json(options: Options) -> dict[str, Any]:
    fields = (
        None if options.units is None else [name for unit in UNITS if unit in options.units for name in UNITS[unit]]
    )
    given = {
        "prefer": dict(options.prefer),
        "rekey": dict(options.rekey) or None,
        "fields": fields,
        "max_removed": options.max_removed,
        "max_changed": options.max_changed,
        "allow_empty": options.allow_empty,
        "no_base": "union" if options.union else "view" if options.view else None,
        "direction": options.direction,
    }
    return {name: value for name, value in given.items() if value is not None} | {
        "source_of_truth": options.source_of_truth
    }


def _action_json(action: Action, now_s: float) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": action.id,
        "unit": action.unit,
        "kind": action.kind,
        "to": action.to,
        "before": action.before,
        "after": action.after,
        "base": _known(action.base),
        "why": action.why,
    }
    if action.anchor is not None:
        data["anchor"] = action.anchor
    if action.lease is not None:
        data["guard"] = _guard(action.lease, now_s)
    if action.attempt_count is not None:
        data["attempt_count"] = action.attempt_count
    return data


def _blamed(each: Action | Need, blames: Blames) -> dict[str, Any]:
    """Return who moved last on each side, where that was asked."""
    found = {side: blames.get((side, each.id, each.unit)) for side in (MD, DB)}
    return {side: to_builtins(blame) for side, blame in found.items() if blame is not None}


def _need_json(need: Need) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": need.id,
        "unit": need.unit,
        "reason": str(need.reason),
        "refused": need.refused,
        "help": need.help,
        "base": _known(need.base),
        "md_cells": need.md_cells,
        "db_cells": need.db_cells,
    }
    return data if need.other is None else data | {"other": need.other}


def _known(cells: Mapping[str, str | None] | None) -> dict[str, str] | None:
    """Return the cells of a base that were agreed once, None if none was."""
    return {name: text for name, text in (cells or {}).items() if text is not None} or None


def _guard(lease: Reliability, now_s: float) -> dict[str, Any]:
    live = is_held(lease, now_s)
    state = "live" if live else "none" if lease.lease_expires_at is None else "expired"
    counts = {"attempt_count": lease.attempt_count, "max_attempts": lease.max_attempts}
    return {
        "lease": state,
        "lease_owner": holder(lease),
        **{name: count for name, count in counts.items() if isinstance(count, int)},
    }
