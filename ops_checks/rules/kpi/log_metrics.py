"""Rules on the run log itself: lines that are no record, runs that never ended (FORMATS sections 3 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.findings import KPI, Finding, Place
from ops_checks.report.model import Metric
from ops_checks.rules.kpi.run_metrics import run_finding
from ops_checks.rules.rule import LISTED, Offenders, Rule, Threshold, metric_message

if TYPE_CHECKING:
    from ops_checks.rules.kpi.evidence import KpiEvidence
    from ops_checks.rules.rule import Limit


def _measure_malformed(evidence: KpiEvidence) -> Metric:
    runs = evidence.runs
    return Metric("malformed_lines", runs.malformed if runs else None, "count", runs.lines if runs else 0)


def _malformed_lines(rule: Rule, evidence: KpiEvidence, _limit: Limit) -> Offenders:
    runs = evidence.runs
    if runs is None:
        return Offenders()
    first = {each.advice: each for each in reversed(runs.defects)}  # the same advice at each line would bury the lines
    found = tuple(
        Finding(
            rule.id,
            f"malformed line: {each.reason}",
            reason=(each.advice if first[each.advice] is each else "") or each.reason,
            places=(Place(each.path, each.line),),
        )
        for each in runs.defects
    )
    return Offenders(found, runs.malformed - len(found))


def _measure_unfinished(evidence: KpiEvidence) -> Metric:
    runs = evidence.runs
    value = runs.unfinished_count() if runs and runs.detailed else None
    if not value and evidence.windowed and not (runs and runs.runs):
        value = None  # nothing is known of the window
    return Metric("unfinished_runs", value, "count", runs.runs if runs else 0)


def _unfinished_runs(rule: Rule, evidence: KpiEvidence, _limit: Limit) -> Offenders:
    """Return the starts without an end, the longest ago first."""
    runs = evidence.runs
    if runs is None:
        return Offenders()
    found = tuple(run_finding(rule, run, "started and has not ended") for run in runs.unfinished()[:LISTED])
    return Offenders(found, runs.unfinished_count() - len(found))


#: The rules on the log, in the order of a report.
LOG_RULES = (
    Rule(
        id="malformed-lines",
        group=KPI.id,
        of_log=True,
        title="Malformed lines in the run log",
        help="Lines that are no record, so that other metrics may miss runs. Find the writer: each record must be one "
        "write of one whole line.",
        measure=_measure_malformed,
        offenders=_malformed_lines,
        message=metric_message,
        default=Threshold(max=0),
        counted=True,
        counts_findings=True,
        is_error=True,
        summary="Lines of the run log that are no record. Default: `max: 0`.",
        examples=(0, "off"),
    ),
    Rule(
        id="unfinished-runs",
        group=KPI.id,
        of_log=True,
        title="Runs that never ended",
        help="Starts without an end of the same trace id: still running, or killed. Look whether the process of each "
        "listed run still lives.",
        measure=_measure_unfinished,
        offenders=_unfinished_runs,
        message=metric_message,
        counted=True,
        summary="Runs in the log that started and did not end.",
        examples=({"warn_max": 0},),
    ),
)
