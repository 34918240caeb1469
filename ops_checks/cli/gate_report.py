"""Run the gate for a command and render its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.report_files import plan_outputs, render_report
from ops_checks.errors import OpsError
from ops_checks.exit_codes import NOT_EVALUATED
from ops_checks.files.output_guard import OutputGuard
from ops_checks.gate.input_files import input_files
from ops_checks.gate.run import run_gate
from ops_checks.report.saved import read_report
from ops_checks.rules.known import Known

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.cli.report_files import Outputs
    from ops_checks.gate.run_history import RunHistory
    from ops_checks.report.model import Report


def gate_report(
    invocation: Invocation,
    *,
    only: Collection[str] = (),
    fail_level: str = "error",
    plain: bool = False,
    history: RunHistory | None = None,
) -> Result:
    """Return the gate's exit code and its report for stdout; its notes and errors are remarks.

    `plain`: without what the policy waives or counts less, as the commands of OPS_COMMANDS show it. `history`: what
    the run is appended to; where that cannot be, the report is shown all the same, and the exit code is 3.
    """
    context = invocation.context.without_exceptions() if plain else invocation.context
    known = getattr(invocation.args, "known", None)
    saved = [known] if known else []
    kept = [history.path] if history else []
    OutputGuard(lambda: [*saved, *kept]).check_streams()
    outputs = plan_outputs(invocation, lambda: [*input_files(context), *saved, *kept])
    record = _recorder(invocation, history, lambda: [*input_files(context), *saved])
    if known:
        context = context.with_known(Known(known, read_report(known)))
    report = _runner(outputs)(
        context, only=only, fail_level=fail_level, max_details=getattr(invocation.args, "max_details", None)
    )
    of_snapshot = context.snapshot.notes if context.snapshot else []
    told = {*context.notes, *of_snapshot}  # the settings' are on stderr already
    invocation.note(note for note in report.notes if note in of_snapshot)
    invocation.warn(note for note in report.notes if note not in told)
    if ("text", None) in outputs.formats:
        invocation.note(report.hints)
    invocation.remarks += [f"error: {error}" for error in report.errors]
    if report.errors and context.looked:
        invocation.note([f"no project is here: {context.looked}"])
    is_kept = record(report)
    code, lines = render_report(invocation, report, outputs)
    return code if is_kept else NOT_EVALUATED, lines


def _runner(outputs: Outputs) -> Callable[..., Report]:
    """Return what runs the gate: where a format shows what lies behind a report, it is collected."""
    if not outputs.show_background:
        return run_gate
    from ops_checks.reconcile.field_drift import run_with_drift

    return run_with_drift


def _recorder(
    invocation: Invocation, history: RunHistory | None, inputs: Callable[[], list[str]]
) -> Callable[[Report], bool]:
    """Return what appends a run to a history, and returns whether it is kept as it was to be.

    Raises UsageError for a history that nothing may be appended to.
    """
    if history is None:
        return lambda _report: True
    from ops_checks.gate.run_history import must_be_writable, record_run

    must_be_writable(history, inputs)

    def record(report: Report) -> bool:
        try:
            invocation.warn(record_run(report, history, inputs, wait_s=invocation.context.lock_timeout_s))
        except OpsError as error:
            invocation.remarks.append(f"error: {error.message}; the verdict stands, and is in no history")
            return False
        return True

    return record
