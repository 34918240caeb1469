"""OpenMetrics 1.0 text for a textfile collector.

A node exporter reads such files as Prometheus text, which has no info and no stateset: every
family is a gauge, and the same text is valid in both formats.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.findings import Verdict
from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.presentation.known import counts
from ops_checks.presentation.limits import OPENMETRICS_LABEL, shorten
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.report.model import Report

_PREFIX = "ops_checks_"
_METRIC = re.compile(r"[a-z][a-z0-9_]*")
_LARGE = 1e15  # whole numbers up to here are written without an exponent

_Labels = dict[str, str]


class _Family(Struct, frozen=True):
    name: str
    help: str
    samples: Iterable[tuple[_Labels, float | None]]
    unit: str = ""


def render(report: Report, _options: RenderOptions) -> str:
    """Return the families, each with HELP and TYPE (and UNIT where its name ends in one), then `# EOF`.

    A missing number has no sample. Of a metric, rule or input that is in the report twice the first
    is written: two samples of the same labels would make the file unreadable.
    """
    own = [*_run(report), *_rules(report), *_compared(report), *_policy(report), *_inputs(report), *_evidence(report)]
    taken = {family.name for family in own}
    return "".join(map(_written, [*own, *_metrics(report, taken)])) + "# EOF\n"


def _run(report: Report) -> Iterator[_Family]:
    verdicts = [({"verdict": verdict.value}, float(verdict is report.verdict)) for verdict in Verdict]
    seconds = report.created_ms / 1000
    yield _Family("last_run_timestamp_seconds", "When the gate last ran.", [({}, seconds)], "seconds")
    yield _Family("verdict", "What the last run said: 1 for its verdict, 0 for the others.", verdicts)
    yield _Family("exit_code", "The exit code of the last run.", [({}, report.exit_code)])
    yield _Family("errors", "Inputs that could not be evaluated.", [({}, len(report.errors))])
    yield _Family("tool", "The version that made this file.", [({"version": report.tool_version}, 1)])


def _rules(report: Report) -> Iterator[_Family]:
    rules = [({"rule": rule.id, "group": rule.group}, rule) for rule in report.rules]
    verdicts = [
        ({**labels, "verdict": verdict.value}, float(verdict is rule.verdict))
        for labels, rule in rules
        for verdict in Verdict
    ]
    limits = [({**labels, "operator": rule.operator or ""}, rule.limit) for labels, rule in rules]
    findings = [(labels, len(rule.live) + rule.more_findings) for labels, rule in rules]
    yield _Family("rule_verdict", "What each rule said: 1 for its verdict, 0 for the others.", verdicts)
    yield _Family("rule_value", "What each rule measured, in its own unit.", [(at, rule.value) for at, rule in rules])
    yield _Family("rule_limit", "The limit of each rule, in its own unit.", limits)
    yield _Family("rule_findings", "Findings of each rule that no waiver holds.", findings)
    yield _Family(
        "rule_waived_findings",
        "Findings of each rule that a waiver holds.",
        [(at, len(rule.waived)) for at, rule in rules],
    )


def _compared(report: Report) -> Iterator[_Family]:
    """Yield what is new, known and gone, where the report was compared with another one."""
    if report.known is None:
        return
    made = report.known.created_ms / 1000
    yield _Family("known_report_timestamp_seconds", "When the known report was made.", [({}, made)], "seconds")
    for name, count in zip(("new", "known", "gone"), counts(report), strict=True):
        yield _Family(f"{name}_findings", f"Findings that are {name} by the known report.", [({}, count)])
    known = [({"rule": rule.id, "group": rule.group}, len(rule.known) + rule.more_known) for rule in report.rules]
    before = [({"rule": change.rule}, change.value) for change in report.known.changes]
    yield _Family("rule_known_findings", "Findings of each rule that the known report has.", known)
    yield _Family("rule_value_before", "What each rule that changed measured in the known report.", before)


def _inputs(report: Report) -> Iterator[_Family]:
    inputs = [({"kind": read.kind, "path": read.path}, read) for read in report.inputs]
    yield _Family("input_rows", "Items read from each input.", [(labels, read.rows) for labels, read in inputs])
    yield _Family(
        "input_lines", "Complete lines read from each log.", [(labels, read.lines) for labels, read in inputs]
    )


def _policy(report: Report) -> Iterator[_Family]:
    used = [({"path": read.path, "digest": read.state or ""}, 1) for read in report.inputs if read.kind == "policy"]
    yield _Family("policy", "The policy that was used; its labels are empty where it is no file.", used)


def _evidence(report: Report) -> Iterator[_Family]:
    samples = [({"metric": metric.name}, metric.samples) for metric in report.metrics]
    bounds = [
        ({"metric": metric.name, "bound": bound}, value)
        for metric in report.metrics
        for bound, value in (("low", metric.low), ("high", metric.high))
    ]
    yield _Family("metric_samples", "How many samples each metric was computed from.", samples)
    yield _Family("metric_interval", "The 95 % interval of each metric, in its own unit.", bounds)


def _metrics(report: Report, taken: set[str]) -> Iterator[_Family]:
    """Yield a family for each metric; one whose name is taken or invalid is a label of the family `metric`."""
    others: list[tuple[_Labels, float | None]] = []
    for metric in report.metrics:
        if _METRIC.fullmatch(metric.name) and metric.name not in taken and metric.name != "metric":
            taken.add(metric.name)
            unit = metric.unit if metric.name.endswith(f"_{metric.unit}") and _METRIC.fullmatch(metric.unit) else ""
            yield _Family(metric.name, f"The metric {metric.name} ({metric.unit}).", [({}, metric.value)], unit)
        else:
            others.append(({"metric": metric.name}, metric.value))
    yield _Family("metric", "Metrics whose name is no metric name here.", others)


def _written(family: _Family) -> str:
    lines: dict[str, str] = {}
    for labels, value in family.samples:
        if value is not None:
            lines.setdefault(_labels(labels), _number(value))
    if not lines:
        return ""
    name = _PREFIX + family.name
    unit = f"# UNIT {name} {family.unit}\n" if family.unit else ""
    head = f"# HELP {name} {_escaped(family.help)}\n# TYPE {name} gauge\n{unit}"
    return head + "".join(f"{name}{labels} {value}\n" for labels, value in lines.items())


def _labels(labels: _Labels) -> str:
    pairs = ",".join(
        f'{name}="{_escaped(shorten(visible(value), OPENMETRICS_LABEL))}"' for name, value in labels.items()
    )
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    r"""Return the text of a label or of HELP with `\\` and `\"`; a line break is a visible escape already."""
    return visible(text).replace("\\", r"\\").replace('"', r"\"")


def _number(value: float) -> str:
    try:
        number = float(value)
    except OverflowError:
        return "+Inf" if value > 0 else "-Inf"
    if math.isfinite(number):
        return str(int(number)) if number.is_integer() and abs(number) < _LARGE else repr(number)
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"


FORMAT = Format(
    help="OpenMetrics text for a textfile collector",
    extension=".prom",
    media_type="application/openmetrics-text",
    begins=("# HELP ops_checks_",),
    render=render,
)
