"""The plan file: a plan as JSON that can be read, kept and applied later (RECONCILE section 8).

It is text from outside: nothing of it counts before its schema, its digest and every name in it were checked.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct, to_builtins

from ops_checks import __version__
from ops_checks.errors import InputError, UsageError
from ops_checks.files.safe_open import FileKind, read_regular
from ops_checks.model import FIELDS, PRIORITIES, STATUSES
from ops_checks.reconcile.claims import holder, is_held
from ops_checks.reconcile.decision import ADD, REKEY, REMOVE, RESTORE, SET
from ops_checks.reconcile.model import DB, MD, Action
from ops_checks.reconcile.units import ROW, UNITS
from ops_checks.report.published import Published
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ops_checks.reconcile.blame import Blames
    from ops_checks.reconcile.model import Need, Options, Plan, Situation
    from ops_checks.reconcile.reading import Reading
    from ops_checks.stores.changes import Reliability

SCHEMA = "ops-checks/reconcile-plan/1"
_MOST_BYTES = 64 * 1024 * 1024
_ADVICE = "make it again with `ops-checks reconcile plan -o FILE`"
PLAN_FILE = FileKind("plan", _ADVICE, most_bytes=_MOST_BYTES, wrong_path=UsageError)
#: What is left out of a plan's id: the same situation gives the same plan, whoever asks, and whenever.
_NO_SITUATION = ("plan_id", "digest", "made_at", "actor", "tool")
_ID_DIGITS = 16
_PLAN_ID = re.compile(rf"p-[0-9a-f]{{{_ID_DIGITS}}}")


class SavedPlan(Struct, frozen=True):
    """A plan that was read from a file: `data` is its JSON, `actions` are what is to be done."""

    plan_id: str
    queue_id: str | None
    base: str | None
    actions: list[Action]
    needs: list[tuple[str, str, str, bool]]
    data: Mapping[str, Any]


def is_plan_id(word: str) -> bool:
    """Return whether a word is the id of a plan, and no file's name."""
    return _PLAN_ID.fullmatch(word) is not None


def plan_schema() -> str:
    """Return the JSON Schema (2020-12) of plan files, as text."""
    return files("ops_checks.reconcile").joinpath("schemas", "reconcile-plan-1.json").read_text(encoding="utf-8")


@cache
def _published() -> Published:
    return Published("plan", plan_schema(), _ADVICE)


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
            "queue_id": base.queue_id if base else None,
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
    data["plan_id"] = _plan_id(data)
    data["digest"] = _digest(data)
    return data


def plan_text(data: Mapping[str, Any]) -> str:
    """Return the text of a plan file."""
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def read_plan(path: str) -> SavedPlan:
    """Read a plan file. Raises UsageError for what is no plan, InputError for what cannot be read."""
    name = visible(path)
    try:
        return parse_plan(read_regular(path, PLAN_FILE), name)
    except InputError as error:
        raise UsageError(error.message) from error


def parse_plan(text: str | bytes, name: str) -> SavedPlan:
    """Return the plan in a text. Raises InputError, one line with `name`, for what is no plan or was changed."""
    published = _published()
    data = cast("dict[str, Any]", published.load(text, name))
    published.must_follow(data, name)
    if data["digest"] != _digest(data) or data["plan_id"] != _plan_id(data):
        raise InputError(f"{name}: the plan was changed after it was made: {_ADVICE}")
    actions = [_action(name, each) for each in data["actions"]]
    _must_be_once(name, actions)
    return SavedPlan(
        data["plan_id"],
        data["db"].get("queue_id"),
        data["base"].get("id"),
        actions,
        [(need["id"], need["unit"], need["reason"], need["refused"]) for need in data["needs"]],
        data,
    )


def _canonical(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _digest(data: Mapping[str, Any]) -> str:
    whole = {name: value for name, value in data.items() if name != "digest"}
    return "sha256:" + hashlib.sha256(_canonical(whole)).hexdigest()


def _plan_id(data: Mapping[str, Any]) -> str:
    situation = {name: value for name, value in data.items() if name not in _NO_SITUATION}
    situation["actions"] = [_without(each, ("md", "db")) for each in data["actions"]]
    situation["needs"] = [_without(each, ("md", "db", "help")) for each in data["needs"]]
    return "p-" + hashlib.sha256(_canonical(situation)).hexdigest()[:_ID_DIGITS]


def _without(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


def _base_json(reading: Reading, options: Options, situation: Situation) -> dict[str, Any]:
    base = reading.baseline
    if base is None:
        return {"source": "union" if options.union else "view" if options.view else "none", "items": 0}
    return {
        "source": "db",
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


def _action(name: str, data: Mapping[str, Any]) -> Action:
    """Return an action. Raises InputError for one that no plan has: names and values from the fixed lists only."""
    where = f"{name}: the action on {visible(data['id'])} ({data['unit']})"
    kind, unit = data["kind"], data["unit"]
    if (unit == ROW) is (kind == SET):
        raise InputError(f"{where}: a {visible(kind)} of this unit is no action: {_ADVICE}")
    shape = _SHAPES[kind]
    for cells, names in zip((data["before"], data["after"]), shape(unit), strict=True):
        if (None if cells is None else tuple(sorted(cells))) != (None if names is None else tuple(sorted(names))):
            raise InputError(f"{where}: has not the cells of a {kind}: {_ADVICE}")
        _must_be_cells(where, data, cells or {}, rekey=kind == REKEY)
    return Action(
        id=data["id"],
        unit=unit,
        kind=kind,
        to=data["to"],
        before=data["before"],
        after=data["after"],
        why=data.get("why", "preferred"),
        base=data.get("base"),
        anchor=data.get("anchor"),
        attempt_count=data.get("attempt_count"),
    )


#: The names of the cells before and after, by the kind of the action.
_SHAPES: dict[str, Callable[[str], tuple[Sequence[str] | None, Sequence[str] | None]]] = {
    SET: lambda unit: (UNITS[unit], UNITS[unit]),
    ADD: lambda _: (None, FIELDS),
    RESTORE: lambda _: (None, FIELDS),
    REMOVE: lambda _: (FIELDS, None),
    REKEY: lambda _: (("id",), ("id",)),
}


def _must_be_cells(where: str, data: Mapping[str, Any], cells: Mapping[str, str], *, rekey: bool) -> None:
    allowed = {"status": STATUSES, "priority": PRIORITIES}
    wrong = [name for name, values in allowed.items() if name in cells and cells[name] not in values]
    if wrong:
        raise InputError(
            f"{where}: {wrong[0]} {visible(cells[wrong[0]])}: expected one of {', '.join(allowed[wrong[0]])}"
        )
    if "id" in cells and (not cells["id"].strip() or (not rekey and cells["id"] != data["id"])):
        raise InputError(f"{where}: is about another id: {_ADVICE}")


def _must_be_once(name: str, actions: Iterable[Action]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for action in actions:
        key = (action.id, action.to, action.unit)
        rows = (action.id, action.to, ROW)
        if key in seen or (rows in seen and action.kind != ADD):
            raise InputError(f"{name}: the action on {visible(action.id)} ({action.unit}) stands twice: {_ADVICE}")
        seen.add(key)
