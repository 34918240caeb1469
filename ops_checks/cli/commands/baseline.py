"""`baseline`: record what both queues agree on (RECONCILE sections 2 and 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.cli.answer import FORMAT, Answer
from ops_checks.cli.baseline_json import baseline_result_json, recorded_json
from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.options import add_queues, count, name, path
from ops_checks.cli.reconcile_lines import baseline_line, baseline_lines
from ops_checks.errors import UsageError
from ops_checks.exit_codes import DRIFT, OK
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.gate.input_files import input_files
from ops_checks.reconcile.agreement import advanced, record
from ops_checks.reconcile.base_file import BEGINS
from ops_checks.reconcile.exporting import export
from ops_checks.reconcile.history import DocumentHistory
from ops_checks.reconcile.model import LINEAGE_UNKNOWN, Options, Situation, Totals
from ops_checks.reconcile.planner import plan
from ops_checks.reconcile.planning import blames_of
from ops_checks.reconcile.reading import read_states

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

    from ops_checks.cli.command import Invocation, Result

_RECORD, _SHOW, _EXPORT = "record", "show", "export"


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=(_RECORD, _SHOW, _EXPORT),
        default=_RECORD,
        help="record (default), show or export",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", type=path, help="where to export it to")
    add_queues(parser)
    parser.add_argument("--max-details", metavar="N", type=count, help="details a kind; 0 prints all (default: 50)")
    parser.add_argument("--actor", metavar="NAME", type=name, help="who does it (default: the login name)")
    FORMAT.add_to(parser)


def run(invocation: Invocation) -> Result:
    """Record what is equal on both sides, show what was recorded, or export it; no queue is written to."""
    args = invocation.args
    if (args.file is not None) is not (args.action == _EXPORT):
        raise UsageError("baseline export FILE: the one needs the other: see `ops-checks baseline --help`")
    return _ACTIONS[args.action](invocation)


def _record(invocation: Invocation) -> Result:
    """Record what is equal on both sides, and return the baseline and what is not agreed."""
    context = invocation.context
    recorded = record(context)
    states = [replace(state, base=advanced(state.base, state.md, state.db)) for state in recorded.reading.states]
    planned = plan(states, Totals(), Options(), Situation(context.now_s))
    with DocumentHistory(context.queue, zone=context.zone) as history:
        blames = blames_of(history, recorded.reading, planned)
    keep, for_people = invocation.args.max_details, invocation.terminal
    lines = baseline_lines(recorded, planned, context, blames, keep, for_people=for_people)
    found = recorded.baseline, recorded.counts, planned, recorded.reading, context, blames
    return (DRIFT if states else OK), Answer(lines, lambda: recorded_json(*found))


def _show(invocation: Invocation) -> Result:
    """Return what was recorded, and whether the document came after it."""
    context = invocation.context
    reading = read_states(context, settle_s=0)
    base = reading.baseline
    with DocumentHistory(context.queue, zone=context.zone) as history:
        lineage = history.lineage(base.md_commit, base.md_digest).state if base else LINEAGE_UNKNOWN
    found = (_SHOW, base.name if base else None, reading.totals.base, reading.unagreed, base)
    lines = [baseline_line(reading, lineage)]
    return OK, Answer(lines, lambda: baseline_result_json(*found, lineage=lineage if base else None))


def _export(invocation: Invocation) -> Result:
    """Write the baseline to a file. Raises InputError where there is none."""
    context, args = invocation.context, invocation.args
    output = Output("baseline export", args.file, BEGINS)
    guard = OutputGuard(lambda: input_files(context), [output])
    guard.check()
    name, counts = export(context, lambda chunks: write_output(output, chunks, guard))
    found = (_EXPORT, name, counts.agreed, counts.unagreed)
    lines = [f"baseline {name} agreed={counts.agreed} unagreed={counts.unagreed} -> {args.file}"]
    return OK, Answer(lines, lambda: baseline_result_json(*found, file=args.file))


_ACTIONS: Mapping[str, Callable[[Invocation], Result]] = {_RECORD: _record, _SHOW: _show, _EXPORT: _export}

COMMAND = Command(
    run,
    help="Record what both queues agree on.",
    example="ops-checks baseline",
    needs=POLICY,
    arguments=_add_arguments,
)
