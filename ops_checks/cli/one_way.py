"""Plan one way and apply it at once: `render` and `import` (RECONCILE section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.options import add_queues, name, path
from ops_checks.cli.reconcile_lines import applied_lines
from ops_checks.cli.reconcile_options import add_plan, base_name, plan_options
from ops_checks.cli.reconcile_result import add_format, applied_result, shown
from ops_checks.errors import RefusedError
from ops_checks.exit_codes import OK
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.gate.input_files import input_files
from ops_checks.reconcile.apply import apply_plan
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.planning import make_plan, must_not_stop
from ops_checks.reconcile.preview import render_elsewhere
from ops_checks.reconcile.result_json import NOTHING_DONE
from ops_checks.sanitize import visible
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.reconcile.planning import Planned


def one_way(direction: str, word: str, *, view: bool, help: str, example: str) -> Command:  # noqa: A002 - as Command calls it
    """Return the command that plans in one direction and applies the plan; `word` begins its first line.

    `view`: the document is a view of the database, and another document may be written in its place.
    """

    def add_arguments(parser: ArgumentParser) -> None:
        add_queues(parser)
        add_plan(parser)
        add_format(parser)
        parser.add_argument("--actor", metavar="NAME", type=name, help="who does it (default: the login name)")
        if view:
            parser.add_argument("-o", "--output", metavar="FILE", type=path, help="write another document, for looking")

    def run(invocation: Invocation) -> Result:
        """Plan and apply. Raises RefusedError for a safety stop, and for a view that may only be read."""
        context, keep = invocation.context, invocation.args.max_details
        output = _output(invocation) if view and invocation.args.output else None
        if view and output is None and context.markdown_read_only:
            raise RefusedError(f"{visible(context.queue)}: read-only by ORCH_QUEUE_MD_READ_ONLY")
        planned = _planned(invocation, direction, view=view, elsewhere=output is not None)
        nothing = f"{word} nothing: total={planned.reading.total}"
        plan = parse_plan(plan_text(planned.json(context)), "the plan")
        if output is not None:
            preview = render_elsewhere(context, plan, lambda chunks: write_output(output[0], chunks, output[1]))
            first, *lines = [nothing] if planned.plan.empty else applied_lines(preview.result, word, keep)
            lines = [f"{first} -> {output[0].path}", *lines]
            return applied_result(invocation, word, preview.result, lines, preview.drift)
        if planned.plan.empty:
            return OK, shown(invocation, NOTHING_DONE, None, [nothing])
        found = apply_plan(context, plan)
        return applied_result(invocation, word, found, applied_lines(found, word, keep))

    return Command(run, help=help, example=example, needs=POLICY, arguments=add_arguments)


def _planned(invocation: Invocation, direction: str, *, view: bool, elsewhere: bool) -> Planned:
    """Return the plan in one direction. Raises RefusedError for a safety stop."""
    options = plan_options(invocation)
    source = "db" if view else options.source_of_truth
    options = replace(options, direction=direction, view=view, source_of_truth=source)
    base = base_name(invocation.args)
    planned = make_plan(invocation.context, options, base=base, digests=True, elsewhere=elsewhere)
    invocation.note(planned.notes)
    must_not_stop(invocation.context, planned)
    return planned


def _output(invocation: Invocation) -> tuple[Output, OutputGuard]:
    """Return the other document that is written, and its guard: it may replace one that begins as this one does."""
    context = invocation.context
    with MarkdownSnapshot(context.queue) as snapshot:
        output = Output("-o", invocation.args.output, (snapshot.beginning(),))
    guard = OutputGuard(lambda: input_files(context), [output])
    guard.check()
    return output, guard
