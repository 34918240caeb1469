"""`history`: show past gate runs, from a history or from reports that were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.answer import JSON, TEXT, Answer
from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.history_lines import history_json, history_lines, history_records
from ops_checks.cli.options import add_globals, path
from ops_checks.cli.past_options import CSV, add_past, last, read_runs, records
from ops_checks.errors import UsageError
from ops_checks.exit_codes import OK
from ops_checks.gate.run_history import history_of

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping, Sequence

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.gate.past_runs import PastRun


def _add_arguments(parser: ArgumentParser) -> None:
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    show = steps.add_parser("show", help="show past runs, the newest last", allow_abbrev=False)
    show.add_argument(
        "file", nargs="*", metavar="FILE", type=path, help="histories, reports, folders (default: the policy's)"
    )
    add_globals(show)
    add_past(show)


def run(invocation: Invocation) -> Result:
    """Show past runs. Raises UsageError where no history is named, InputError for what cannot be read."""
    files: list[str] = invocation.args.file
    if not files:
        history = history_of(invocation.context, None)
        if history is None:
            raise UsageError("history show: name a history, or one in the policy (history.file)")
        files = [history.path]
    runs = last(invocation, read_runs(invocation, files))
    return OK, _FORMATS[invocation.args.format](invocation, runs)


def _text(invocation: Invocation, runs: Sequence[PastRun]) -> Answer:
    return Answer(history_lines(runs, invocation.context.zone), lambda: history_json(runs))


def _csv(invocation: Invocation, runs: Sequence[PastRun]) -> list[str]:
    return records(invocation, history_records(runs))


_FORMATS: Mapping[str, Callable[[Invocation, Sequence[PastRun]], Answer | list[str]]] = {
    TEXT: _text, JSON: _text, CSV: _csv,
}  # fmt: skip

COMMAND = Command(
    run,
    help="Show past gate runs, from a history or from saved reports.",
    example="ops-checks history show --since 7d",
    needs=POLICY,
    arguments=_add_arguments,
)
