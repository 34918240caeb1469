"""The plan file: a plan as JSON that can be read, kept and applied later (RECONCILE section 8).

It is text from outside: nothing of it counts before its schema, its digest and every name in it were checked.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from ops_checks.errors import InputError, UsageError
from ops_checks.files.safe_open import FileKind, read_regular
from ops_checks.model import FIELDS, PRIORITIES, STATUSES
from ops_checks.reconcile.decision import ADD, REKEY, REMOVE, RESTORE, SET
from ops_checks.reconcile.model import MD, Action
from ops_checks.reconcile.plan_json import ID_DIGITS, digest, plan_id
from ops_checks.reconcile.units import ROW, UNITS
from ops_checks.report.published import Published
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


_MOST_BYTES = 64 * 1024 * 1024
_ADVICE = "make it again with `ops-checks reconcile plan -o FILE`"
PLAN_FILE = FileKind("plan", _ADVICE, most_bytes=_MOST_BYTES, wrong_path=UsageError)
_PLAN_ID = re.compile(rf"p-[0-9a-f]{{{ID_DIGITS}}}")


class SavedPlan(Struct, frozen=True):
    """A plan that was read from a file: `data` is its JSON, `actions` are what is to be done."""

    plan_id: str
    queue_id: str | None
    base: str | None
    actions: list[Action]
    needs: list[tuple[str, str, str, bool]]
    data: Mapping[str, Any]


def unplanned(operation: str) -> SavedPlan:
    """Return what stands for the plan of changes that were made without one: the id of their operation, or nothing."""
    return SavedPlan(operation, None, None, [], [], {})


def is_plan_id(word: str) -> bool:
    """Return whether a word is the id of a plan, and no file's name."""
    return _PLAN_ID.fullmatch(word) is not None


def plan_schema() -> str:
    """Return the JSON Schema (2020-12) of plan files, as text."""
    return files("ops_checks.reconcile").joinpath("schemas", "reconcile-plan-1.json").read_text(encoding="utf-8")


@cache
def _published() -> Published:
    return Published("plan", plan_schema(), _ADVICE)


def read_plan(path: str) -> SavedPlan:
    """Read a plan file. Raises UsageError for what is no plan, InputError for what cannot be read."""
    name, data = visible(path), read_regular(path, PLAN_FILE)
    try:
        return parse_plan(data, name)
    except InputError as error:
        raise UsageError(error.message) from error


def parse_plan(text: str | bytes, name: str) -> SavedPlan:
    """Return the plan in a text. Raises InputError, one line with `name`, for what is no plan or was changed."""
    published = _published()
    data = cast("dict[str, Any]", published.load(text, name))
    published.must_follow(data, name)
    if data["digest"] != digest(data) or data["plan_id"] != plan_id(data):
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


def _action(name: str, data: Mapping[str, Any]) -> Action:
    """Return an action. Raises InputError for one that no plan has: names and values from the fixed lists only."""
    where = f"{name}: the action on {visible(data['id'])} ({data['unit']})"
    kind, unit = data["kind"], data["unit"]
    if (unit == ROW) is (kind == SET) or (kind == REKEY and data["to"] != MD):
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
    rekeyed: set[str] = set()
    for action in actions:
        if action.kind == ADD and action.to == MD and action.id in rekeyed:
            rekeyed.remove(action.id)  # the other of two rows under one id comes where the row with a new id was
            continue
        if action.kind == REKEY:
            rekeyed.add(action.id)
        key = (action.id, action.to, action.unit)
        rows = (action.id, action.to, ROW)
        if key in seen or (rows in seen and action.kind != ADD):
            raise InputError(f"{name}: the action on {visible(action.id)} ({action.unit}) stands twice: {_ADVICE}")
        seen.add(key)
