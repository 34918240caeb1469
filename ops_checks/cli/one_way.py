"""Plan one way and apply it at once: `render` and `import` (RECONCILE section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.options import add_queues, name
from ops_checks.cli.reconcile_lines import applied_lines
from ops_checks.cli.reconcile_options import add_plan, base_name, plan_options
from ops_checks.cli.reconcile_result import add_format, applied_result, shown
from ops_checks.errors import RefusedError
from ops_checks.exit_codes import OK
from ops_checks.reconcile.apply import apply_plan
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.planning import make_plan
from ops_checks.reconcile.result_json import NOTHING_DONE
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    add_queues(parser)
    add_plan(parser)
    add_format(parser)
    parser.add_argument("--actor", metavar="NAME", type=name, help="who does it (default: the login name)")


def one_way(direction: str, word: str, *, view: bool, help: str, example: str) -> Command:  # noqa: A002 - as Command calls it
    """Return the command that plans in one direction and applies the plan; `word` begins its first line.

    `view`: the document is a view of the database.
    """

    def run(invocation: Invocation) -> Result:
        """Plan and apply. Raises RefusedError for a safety stop, and for a view that may only be read."""
        context = invocation.context
        if view and context.markdown_read_only:
            raise RefusedError(f"{visible(context.queue)}: read-only by ORCH_QUEUE_MD_READ_ONLY")
        options = plan_options(invocation)
        source = "db" if view else options.source_of_truth
        planned = make_plan(
            context,
            replace(options, direction=direction, view=view, source_of_truth=source),
            base=base_name(invocation.args),
            digests=True,
        )
        invocation.note(planned.notes)
        if planned.plan.stop is not None:
            raise RefusedError(f"{planned.plan.stop.reason}: {planned.plan.stop.message}")
        if planned.plan.empty:
            return OK, shown(invocation, NOTHING_DONE, None, [f"{word} nothing: total={planned.reading.total}"])
        plan = parse_plan(plan_text(planned.json(context)), "the plan")
        found = apply_plan(context, plan)
        return applied_result(invocation, word, found, applied_lines(found, word))

    return Command(run, help=help, example=example, needs=POLICY, arguments=_add_arguments)
