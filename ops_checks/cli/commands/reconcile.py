"""`reconcile`: plan what brings both queues back into agreement, and apply it (RECONCILE section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import wants_json
from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.options import add_details, add_globals, add_queues, name, path
from ops_checks.cli.reconcile_lines import applied_lines, drift_lines, resumed_lines
from ops_checks.cli.reconcile_options import add_plan, base_name, plan_options
from ops_checks.cli.reconcile_result import add_format, applied_result, plan_document, shown
from ops_checks.exit_codes import DRIFT, OK
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.gate.input_files import input_files
from ops_checks.reconcile.apply import apply_plan
from ops_checks.reconcile.plan_file import read_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.planning import make_plan, must_not_stop
from ops_checks.reconcile.preview import preview_plan
from ops_checks.reconcile.result_json import ALREADY_APPLIED, APPLIED, NOTHING_DONE, RESUMED, WOULD_APPLY
from ops_checks.reconcile.resume import resume

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

    from ops_checks.cli.command import Invocation, Result

_PLAN, _APPLY, _RESUME = "plan", "apply", "resume"
#: How the documents begin that a plan may replace.
_BEGINS = ('{\n "schema": "ops-checks/reconcile-plan/',)


def _add_arguments(parser: ArgumentParser) -> None:
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    planning = steps.add_parser(_PLAN, help="decide what goes over to which side; write no queue", allow_abbrev=False)
    add_plan(planning)
    planning.add_argument("-o", "--output", metavar="FILE", type=path, help="save the plan")
    applying = steps.add_parser(_APPLY, help="apply a saved plan to both queues", allow_abbrev=False)
    applying.add_argument("file", metavar="FILE", type=path, help="the plan")
    applying.add_argument(
        "--all-or-nothing", action="store_true", help="refuse the whole plan if a part does not hold any more"
    )
    applying.add_argument("--dry-run", action="store_true", help="decide and print, write nothing")
    add_details(applying)
    resuming = steps.add_parser(_RESUME, help="finish an application that was interrupted", allow_abbrev=False)
    add_details(resuming)
    for step in (planning, applying, resuming):
        add_globals(step)
        add_queues(step)
        add_format(step)
        step.add_argument("--actor", metavar="NAME", type=name, help="who does it (default: the login name)")


def run(invocation: Invocation) -> Result:
    """Plan, apply a plan, or finish one."""
    return _STEPS[invocation.args.step](invocation)


def _plan(invocation: Invocation) -> Result:
    """Decide what brings both queues into agreement, and save it. Raises RefusedError for a safety stop."""
    context, args = invocation.context, invocation.args
    output = Output("-o", args.output, _BEGINS) if args.output else None
    guard = OutputGuard(lambda: input_files(context), [output] if output else [])
    guard.check()
    planned = make_plan(context, plan_options(invocation), base=base_name(args), digests=True, blame=not args.no_blame)
    invocation.note(planned.notes)
    must_not_stop(context, planned)
    data = planned.json(context)
    if output is not None:
        write_output(output, plan_text(data), guard)
    code = OK if planned.plan.empty else DRIFT
    if wants_json(invocation.args):
        return code, [plan_document(invocation, planned, data)]
    saved = f" -> {args.output}" if args.output else ""
    counts = f"actions={len(planned.plan.actions)} needs={len(planned.plan.needs)}"
    drift = drift_lines(planned, context.queue, args.max_details, for_people=invocation.terminal)
    lines = [*drift, f"plan {data['plan_id']} {counts}{saved}"]
    if output is None and planned.plan.actions:
        lines.append("help: add -o plan.json")
    return code, lines


def _apply(invocation: Invocation) -> Result:
    """Apply a saved plan, or tell what that would do."""
    args, context = invocation.args, invocation.context
    plan, drift, operation = read_plan(args.file), None, APPLIED
    if args.dry_run:
        operation = WOULD_APPLY
        preview = preview_plan(context, plan, all_or_nothing=args.all_or_nothing)
        found, drift = preview.result, preview.drift
        invocation.remarks.append("dry run: nothing was written")
    else:
        found = apply_plan(context, plan, all_or_nothing=args.all_or_nothing)
    if found.already:
        return OK, shown(invocation, ALREADY_APPLIED, found, [f"already applied {found.plan.plan_id}"])
    return applied_result(invocation, operation, found, applied_lines(found, operation, args.max_details), drift)


def _resume(invocation: Invocation) -> Result:
    """Finish the application that was interrupted."""
    found = resume(invocation.context)
    if found is None:
        return OK, shown(invocation, NOTHING_DONE, None, ["nothing to resume"])
    return applied_result(invocation, RESUMED, found, resumed_lines(found, invocation.args.max_details))


_STEPS: Mapping[str, Callable[[Invocation], Result]] = {_PLAN: _plan, _APPLY: _apply, _RESUME: _resume}

COMMAND = Command(
    run,
    help="Bring both queues back into agreement: plan, apply, resume.",
    example="ops-checks reconcile plan -o plan.json",
    needs=POLICY,
    arguments=_add_arguments,
)
