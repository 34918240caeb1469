"""The checks of a session: all that the policy asks for, and those that pytest's arguments name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ops_checks.findings import GROUPS
from ops_checks.policy.search import DEFAULT_POLICY
from ops_checks.pytest_plugin.items import node_path
from ops_checks.pytest_plugin.options import shown_path

if TYPE_CHECKING:
    from ops_checks.pytest_plugin.options import Inputs

#: The rules of each file, as pairs of rule and group.
Plan = dict[str, list[tuple[str, str]]]


def plan_checks(inputs: Inputs) -> Plan:
    """Return the checks by the file they belong to, from the policy alone; no input is read."""
    context = inputs.context
    files = {
        "queue": context.queue,
        "db": context.db,
        "log": context.logs[0],
        "policy": context.policy.path or DEFAULT_POLICY,
    }
    plan: Plan = {}
    for rule in context.policy.active_rules():
        plan.setdefault(files[GROUPS[rule.group].reads], []).append((rule.id, rule.group))
    return plan


def rules_of(plan: Plan) -> list[str]:
    """Return the rules of a plan in its order."""
    return [rule for checks in plan.values() for rule, _ in checks]


def choose(plan: Plan, arguments: list[str], rootdir: str, here: str) -> tuple[Plan, list[str]]:
    """Return the checks that pytest's arguments name, or all, and the arguments that name something else.

    `here` is the folder in which pytest was called. Raises pytest.UsageError for a file of the plan without that check.
    """
    chosen: Plan = {}
    others: list[str] = []
    for argument in arguments:
        path, _, rule = argument.partition("::")
        whole_folder = not rule and os.path.isdir(os.path.join(here, path))  # its tests, whatever an input is set to
        file = None if whole_folder else _named(path, plan, rootdir, here)
        if file is None:
            others.append(argument)
        else:
            _choose_one(argument, file, rule, plan, chosen)
    return chosen or plan, others


def _choose_one(argument: str, file: str, rule: str, plan: Plan, chosen: Plan) -> None:
    found = [check for check in plan[file] if rule in {"", check[0]}]
    if not found:
        names = ", ".join(name for name, _ in plan[file])
        raise pytest.UsageError(f"not found: {argument}\n(the checks of {file} are {names})")
    checks = chosen.setdefault(file, [])
    checks += (check for check in found if check not in checks)


def _named(path: str, plan: Plan, rootdir: str, here: str) -> str | None:
    """Return the file of the plan at a path, relative to the current folder, or to the rootdir as in node ids.

    An editor names the path of the node, which is another one for an input outside of the rootdir.
    """
    absolute = os.path.join(here, path)
    by_node = [name for name in plan if str(node_path(rootdir, name)) == absolute]
    names = (shown_path(path, rootdir, here), path, *by_node)
    return next((name for name in names if name in plan), None)
