"""`undo`: take an applied plan back (RECONCILE section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.options import add_queues, name
from ops_checks.cli.output import Made
from ops_checks.cli.reconcile_lines import undone_lines
from ops_checks.errors import UsageError
from ops_checks.exit_codes import OK, REFUSED
from ops_checks.reconcile.plan_file import is_plan_id, read_plan
from ops_checks.reconcile.reading import database
from ops_checks.reconcile.undo import undo_plan
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result

_LISTED = 5


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--plan", metavar="ID|FILE", type=name, help="the applied plan, by its id or its file")
    add_queues(parser)
    parser.add_argument("--actor", metavar="NAME", type=name, help="who does it (default: the login name)")


def run(invocation: Invocation) -> Result:
    """Take an applied plan back. Raises UsageError, with the plans that could be meant, where none is named."""
    plan = invocation.args.plan
    if plan is None:
        raise UsageError("name what to take back with --plan", tuple(_candidates(invocation)))
    found = undo_plan(invocation.context, plan if is_plan_id(plan) else read_plan(plan).plan_id)
    invocation.note(found.notes)
    return (REFUSED if found.outcome.stale else OK), map(Made, undone_lines(found))


def _candidates(invocation: Invocation) -> list[str]:
    """Return a line for each of the plans that were applied last."""
    with database(invocation.context).snapshot() as snapshot:
        records = snapshot.agreement().plans(_LISTED)
    return [f"{each.plan_id} {each.state} {each.made_at} by {visible(each.actor)}" for each in records] or [
        "nothing to undo"
    ]


COMMAND = Command(
    run,
    help="Take an applied plan back.",
    example="ops-checks undo --plan p-0123456789abcdef",
    needs=POLICY,
    arguments=_add_arguments,
)
