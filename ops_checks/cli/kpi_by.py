"""`kpi --by`: the KPIs and alerts as ever, then those of groups of runs, in the formats that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.cli.group_options import SHOWN
from ops_checks.cli.kpi_by_json import csv_rows, kpi_by_json
from ops_checks.cli.kpi_by_table import table_lines
from ops_checks.cli.kpi_outputs import KpiOutputs, Shown
from ops_checks.cli.kpi_rules import concluded
from ops_checks.gate.input_files import input_files
from ops_checks.gate.kpi_groups import read_kpis_by

if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result


def kpi_by(invocation: Invocation) -> Result:
    """Return the exit code of `kpi`, and what is for stdout; write the rest. Raises UsageError and InputError."""
    args, context = invocation.args, invocation.context.without_exceptions()
    outputs = KpiOutputs(invocation, "--by", lambda: input_files(context))
    read = read_kpis_by(context, args.by)
    code, results = concluded(invocation, context, read.evidence)
    most = SHOWN if args.n is None else args.n
    shown = Shown(
        lambda columns: table_lines(read.found, most=most, columns=columns),
        lambda: kpi_by_json(read, results, context),
        lambda: csv_rows(read, context.zone),
    )
    return outputs.write(read.evidence, code, results, shown)
