"""`drift`: compare both queues with what was agreed last (RECONCILE section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.options import add_queues
from ops_checks.cli.reconcile_lines import drift_lines
from ops_checks.cli.reconcile_options import add_plan, plan_options
from ops_checks.exit_codes import DRIFT, OK
from ops_checks.reconcile.planning import make_plan

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    add_queues(parser)
    add_plan(parser)


def run(invocation: Invocation) -> Result:
    """Return the lines of `drift`; neither queue is written to."""
    args = invocation.args
    planned = make_plan(invocation.context, plan_options(invocation), blame=not args.no_blame)
    invocation.note(planned.notes)
    return (OK if planned.plan.empty else DRIFT), drift_lines(planned, invocation.context.queue, args.max_details)


COMMAND = Command(
    run,
    help="Compare both queues with what was agreed last.",
    example="ops-checks drift",
    needs=POLICY,
    arguments=_add_arguments,
)
