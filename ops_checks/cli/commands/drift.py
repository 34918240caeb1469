"""`drift`: compare both queues with what was agreed last (RECONCILE section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import wants_json
from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.options import add_queues
from ops_checks.cli.reconcile_lines import drift_lines
from ops_checks.cli.reconcile_options import add_plan, base_name, plan_options
from ops_checks.cli.reconcile_result import add_format, plan_document
from ops_checks.exit_codes import DRIFT, OK
from ops_checks.reconcile.planning import make_plan

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    add_queues(parser)
    add_plan(parser)
    add_format(parser)


def run(invocation: Invocation) -> Result:
    """Return the lines of `drift`, or the plan as JSON; neither queue is written to."""
    args, context = invocation.args, invocation.context
    as_json = wants_json(invocation.args)
    planned = make_plan(
        context, plan_options(invocation), base=base_name(args), digests=as_json, blame=not args.no_blame
    )
    invocation.note(planned.notes)
    code = OK if planned.plan.empty else DRIFT
    if as_json:
        return code, [plan_document(invocation, planned, planned.json(context))]
    return code, drift_lines(planned, context.queue, args.max_details, for_people=invocation.terminal)


COMMAND = Command(
    run,
    help="Compare both queues with what was agreed last.",
    example="ops-checks drift",
    needs=POLICY,
    arguments=_add_arguments,
)
