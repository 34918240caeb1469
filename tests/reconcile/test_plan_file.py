"""Plan files: what was saved is read back, and nothing else passes for a plan (RECONCILE section 8)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from real_queues import Queues
from worked_cases import CASES

from ops_checks.errors import InputError, UsageError
from ops_checks.reconcile.model import Options
from ops_checks.reconcile.plan_file import parse_plan, plan_schema, read_plan
from ops_checks.reconcile.plan_json import digest, plan_id, plan_text
from ops_checks.reconcile.planning import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_UNDO = next(case for case in CASES if case["name"] == "undo")


@pytest.fixture
def saved(tmp_path: Path) -> dict[str, Any]:
    """Return the JSON of a plan with a set unit, an added and a restored row."""
    queues = Queues(tmp_path)
    queues.agree(_UNDO["base"])
    queues.write_md(_UNDO["md"])
    queues.write_db(_UNDO["db"])
    context = queues.context()
    planned = make_plan(context, Options(prefer=_UNDO["flags"]["prefer"]), digests=True)
    assert planned.plan.actions
    return planned.json(context)


def _resigned(data: dict[str, Any]) -> str:
    """Return the text of a plan that somebody changed and gave a new id and digest."""
    data["plan_id"] = plan_id(data)
    data["digest"] = digest(data)
    return plan_text(data)


def test_what_is_saved_is_read_back(saved: dict[str, Any]) -> None:
    """A plan follows its published schema, and its actions come back as they were."""
    Draft202012Validator(json.loads(plan_schema())).validate(saved)
    plan = parse_plan(plan_text(saved), "plan.json")
    assert [[each.id, each.unit, each.kind, each.to] for each in plan.actions] == _UNDO["expect"]["actions"]


def test_the_same_situation_gives_the_same_plan(saved: dict[str, Any]) -> None:
    """Its id does not depend on who asks, when, and with which release."""
    before = saved["plan_id"]
    saved |= {"made_at": "2001-01-01T00:00:00+00:00", "actor": "lee", "tool": "ops-checks 9"}
    saved["actions"][0]["md"] = {"what": "unknown"}
    assert json.loads(_resigned(saved))["plan_id"] == before
    saved["actions"][0]["to"] = "md"
    assert json.loads(_resigned(saved))["plan_id"] != before


def _set(*path: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    """Return what changes a value inside a plan."""

    def change(data: Any) -> None:
        *way, last = path
        for step in way:
            data = data[step]
        data[last] = to

    return change


def _twice(data: dict[str, Any]) -> None:
    data["actions"].append(data["actions"][0])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_set("schema", to="ops-checks/reconcile-plan/2"), "schema: expected ops-checks/reconcile-plan/1"),
        (_set("actions", 0, "unit", to="lease"), "actions[0].unit: expected one of"),
        (_set("actions", 0, "kind", to="drop"), "actions[0].kind: expected one of"),
        (_set("actions", 0, "to", to="disk"), "actions[0].to: expected one of"),
        (_set("actions", 0, "after", to={"lease_owner": "me"}), "actions[0].after"),
        (_set("actions", 0, "after", to={"task": "x"}), "has not the cells of a set"),
        (_set("actions", 0, "after", to={"priority": "P9"}), "priority P9: expected one of P0, P1, P2"),
        (_set("actions", 0, "after", to=None), "has not the cells of a set"),
        (_set("actions", 0, "unit", to="row"), "a set of this unit is no action"),
        (_set("actions", 1, "after", "status", to="GONE"), "status GONE: expected one of PENDING"),
        (_set("actions", 2, "after", "id", to="OTHER"), "is about another id"),
        (_set("actions", 2, "kind", to="remove"), "has not the cells of a remove"),
        (_set("actions", 0, "id", to=""), "actions[0].id"),
        (_set("plan_id", to="p-" + "0" * 16), "was changed after it was made"),
        (_set("more", to=1), "the whole"),
        (_twice, "stands twice"),
    ],
)
def test_a_plan_that_somebody_changed(saved: dict[str, Any], change: Callable[[Any], None], found: str) -> None:
    """Names and values are from the fixed lists, whoever has computed the digest; one line tells what is wrong."""
    change(saved)
    with pytest.raises(InputError) as error:
        parse_plan(_resigned(saved) if "was changed" not in found else plan_text(saved), "plan.json")
    assert error.value.message.startswith("plan.json: ")
    assert found in error.value.message
    assert "\n" not in error.value.message
    assert not error.value.details


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", "plan.json:1:1: not JSON: it ends too early"),
        (b"{", "not JSON: it ends too early"),
        (b"[]", "expected an object, found a list"),
        (b"\xff", "plan.json:1: not UTF-8"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"schema": NaN}', "NaN is no number"),
    ],
)
def test_what_is_no_plan(tmp_path: Path, text: bytes, found: str) -> None:
    """It is a usage error of one line."""
    path = tmp_path / "plan.json"
    path.write_bytes(text)
    with pytest.raises(UsageError, match="make it again with `ops-checks reconcile plan -o FILE`") as error:
        read_plan(str(path))
    assert found in error.value.message


def test_one_byte_is_enough(saved: dict[str, Any]) -> None:
    """A plan of which one byte was changed is none, wherever that is."""
    text = plan_text(saved).encode()
    for at in range(0, len(text), 97):
        changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        with pytest.raises(InputError):
            parse_plan(changed, "plan.json")
