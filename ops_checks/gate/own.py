"""Run the project's own rules (`rules` in the policy): each by the kind of its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.gate.inputs import Evidence, keep_for
from ops_checks.gate.own_python import run_python
from ops_checks.gate.own_run import Ran, Request
from ops_checks.gate.own_sql import run_sql
from ops_checks.rules.own.model import OwnFindings

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.gate.asked import Asked
    from ops_checks.rules.own.model import OwnRule


def read_own(context: Context, asked: Asked) -> Evidence:
    """Run the rules that are asked for; of one that cannot be run the others are no worse.

    Raises UsageError for code that is none: SQL that does not parse, a function that is not there.
    """
    own = {each.id: each for each in context.policy.own}
    keep = keep_for(context, asked)
    ran: dict[str, Ran] = {}
    lacking: dict[str, str] = {}
    for rule in asked.rules:
        try:
            request = Request(keep, asked.document and rule.id not in asked.besides)
            ran[rule.id] = _run(context, own[rule.id], request)
        except InputError as error:
            lacking[rule.id] = error.message
    left_out = {rule_id: each.left_out for rule_id, each in ran.items() if each.left_out}
    return Evidence(
        OwnFindings(
            {rule_id: each.total for rule_id, each in ran.items()},
            {rule_id: each.findings for rule_id, each in ran.items()},
            {rule_id: sum(read.rows or read.lines or 0 for read in each.inputs) for rule_id, each in ran.items()},
        ),
        tuple(dict.fromkeys(read for each in ran.values() for read in each.inputs)),
        remarks=(
            *(remark for each in ran.values() for remark in each.remarks),
            *(f"{rule_id}: {why}, and was not judged" for rule_id, why in left_out.items()),
        ),
        lacking=lacking,
        left_out=frozenset(left_out),
    )


def _run(context: Context, rule: OwnRule, request: Request) -> Ran:
    return run_python(context, rule, request) if rule.sql is None else run_sql(context, rule, request)
