"""`snapshot`: the database and the KPIs in a file, for checks where neither database nor log is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import FORMAT, Answer, wants_json
from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.kpi_options import add_log, log_warnings
from ops_checks.cli.options import add_database, count, path
from ops_checks.cli.output import Document, standard_stream
from ops_checks.errors import UsageError
from ops_checks.exit_codes import OK
from ops_checks.files.output_file import write_output
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.gate.input_files import input_files
from ops_checks.gate.recording import record
from ops_checks.snapshots.document import BEGINS
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.gate.recording import Chunks, Recorded

_STDOUT = "-"


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=path, required=True, help="where to write it; - is stdout"
    )
    add_log(parser)
    add_database(parser)
    parser.add_argument("--stale-minutes", metavar="MINUTES", type=count, help="stale after (default: 60)")
    FORMAT.add_to(parser)


def run(invocation: Invocation) -> Result:
    """Write the snapshot. Raises InputError for what cannot be read, UsageError for an output that is an input."""
    args, context = invocation.args, invocation.context
    invocation.warn(log_warnings(args))
    if args.output == _STDOUT or standard_stream(args.output) == "stdout":
        return _print(invocation)
    output = Output("-o", args.output, BEGINS)
    guard = OutputGuard(lambda: input_files(context), [output])
    guard.check()
    recorded = record(context, lambda chunks: write_output(output, chunks, guard))
    invocation.note(recorded.notes)
    made = queue_time(context.now_s, context.zone)
    line = f"snapshot {made} items={recorded.items} baseline={recorded.baseline or 'none'} -> {args.output}"
    return OK, Answer([line], lambda: _result_json(recorded, args.output))


def _print(invocation: Invocation) -> Result:
    """Return the snapshot itself."""
    if wants_json(invocation.args):
        raise UsageError("-o -: stdout is the snapshot, which is JSON: leave out --format, or name a file")
    texts: list[str] = []

    def keep(chunks: Chunks) -> None:
        texts.append(b"".join(chunks()).decode())

    invocation.note(record(invocation.context, keep).notes)
    return OK, [Document(texts[0])]


def _result_json(recorded: Recorded, file: str) -> dict[str, Any]:
    return {
        "schema": "ops-checks/snapshot-result/1",
        "file": file,
        "items": recorded.items,
        "baseline": recorded.baseline,
        "made_at": recorded.made_at,
    }


COMMAND = Command(
    run,
    help="Write database and KPIs into a file, for checks elsewhere.",
    example="ops-checks snapshot -o state.json",
    needs=POLICY,
    arguments=_add_arguments,
)
