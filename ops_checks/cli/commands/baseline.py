"""`baseline`: record what both queues agree on (RECONCILE sections 2 and 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.options import add_queues, count, name
from ops_checks.cli.reconcile_lines import baseline_line, baseline_lines
from ops_checks.exit_codes import DRIFT, OK
from ops_checks.reconcile.agreement import advanced, record
from ops_checks.reconcile.model import Options, Situation, Totals
from ops_checks.reconcile.planner import plan
from ops_checks.reconcile.reading import read_states

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result

_RECORD, _SHOW = "record", "show"


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=(_RECORD, _SHOW), default=_RECORD, help="record (default), or show"
    )
    add_queues(parser)
    parser.add_argument("--max-details", metavar="N", type=count, help="details a kind; 0 prints all (default: 50)")
    parser.add_argument("--actor", metavar="NAME", type=name, help="who does it (default: the login name)")


def run(invocation: Invocation) -> Result:
    """Record what is equal on both sides, and return the baseline and what is not agreed; no queue is written to."""
    context = invocation.context
    if invocation.args.action == _SHOW:
        return OK, [baseline_line(read_states(context, settle_s=0))]
    recorded = record(context)
    states = [replace(state, base=advanced(state.base, state.md, state.db)) for state in recorded.reading.states]
    planned = plan(states, Totals(), Options(), Situation(context.now_s))
    lines = baseline_lines(recorded, planned, context.now_s, invocation.args.max_details)
    return (DRIFT if states else OK), lines


COMMAND = Command(
    run,
    help="Record what both queues agree on.",
    example="ops-checks baseline",
    needs=POLICY,
    arguments=_add_arguments,
)
