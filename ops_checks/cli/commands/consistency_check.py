"""`consistency-check`: compare both queues field by field (OPS_COMMANDS `consistency-check`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.lines import consistency_lines
from ops_checks.cli.options import add_details, add_fields, add_formats, add_queues
from ops_checks.exit_codes import DRIFT, OK
from ops_checks.findings import CONSISTENCY
from ops_checks.gate.last_agreement import drift_hint, note_agreement
from ops_checks.gate.stable_reading import compare_by

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    add_queues(parser)
    add_fields(parser)
    add_details(parser)
    add_formats(parser)


def run(invocation: Invocation) -> Result:
    """Return the lines of `consistency-check`, or its report in the formats that were asked for.

    It shows what is, whatever a policy waives or counts less: that is the gate's.
    """
    context, args = invocation.context, invocation.args
    if args.format:
        from ops_checks.cli.gate_report import gate_report

        return gate_report(invocation, only=[CONSISTENCY.id], plain=True)
    drift = compare_by(
        context.policy.consistency,
        context.md_store,
        context.db_store,
        keep=args.max_details,
        on_read=note_agreement,
    )
    invocation.warn(context.warnings)
    invocation.note([*drift.notes, *([drift_hint(drift)] if drift.baseline else [])])
    return (OK if drift.ok else DRIFT), consistency_lines(drift, marked=invocation.terminal)


COMMAND = Command(
    run,
    help="Compare the Markdown queue with the database.",
    example="ops-checks consistency-check --queue-path QUEUE.md --db-path queue.db",
    needs=POLICY,
    arguments=_add_arguments,
)
