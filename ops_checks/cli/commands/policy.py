"""`policy check`: validate the policy."""

from __future__ import annotations

import os

from ops_checks.cli.answer import FORMAT, Answer
from ops_checks.cli.command import NOTHING, Command
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.policy.model import Policy

POLICY_CHECK_SCHEMA = "ops-checks/policy-check/1"


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=("check",), help="validate the policy")
    FORMAT.add_to(parser)


def run(invocation: Invocation) -> Result:
    """Validate the policy. Raises UsageError with everything that is wrong in it."""
    from ops_checks.files.output_guard import OutputGuard
    from ops_checks.policy.loader import load_policy
    from ops_checks.policy.search import DEFAULT_POLICY, find_policy

    path: str | None = getattr(invocation.args, "policy", None)
    if path is None:
        path, notes = find_policy()
        invocation.note(notes)
    path = path or DEFAULT_POLICY  # and reading it tells that there is none
    OutputGuard(lambda: [path]).check_streams()
    policy = load_policy(path)
    invocation.warn((*policy.warnings, *_sql_warnings(policy)))
    return 0, Answer([f"policy ok {visible(path)}"], lambda: {"schema": POLICY_CHECK_SCHEMA, "policy": path})


def _sql_warnings(policy: Policy) -> list[str]:
    """Return what may be wrong with rules in SQL. Raises UsageError for what surely is."""
    if all(own.sql is None for own in policy.own):
        return []
    from ops_checks.gate.own_sql import check_sql

    return check_sql(policy, os.environ.get("ORCH_DB_PATH") or policy.db or "")


COMMAND = Command(
    run,
    help="Validate the policy.",
    example="ops-checks policy check",
    needs=NOTHING,
    arguments=_add_arguments,
)
