"""Render the output lines that OPS_COMMANDS specifies to the byte (FORMATS section 6)."""

from __future__ import annotations

from ops_checks.cli.marks import NO_MARKS
from ops_checks.model import STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ops_checks.cli.marks import Marks
    from ops_checks.findings import Finding
    from ops_checks.overview import Summary, Worker
    from ops_checks.report.model import RuleResult
    from ops_checks.rules.drift.drift import Drift

_TOP = 5


def status_lines(summary: Summary, marks: Marks = NO_MARKS) -> Iterator[str]:
    """Yield the lines of `status`."""
    yield "summary " + " ".join(f"{status}={summary.counts[status]}" for status in STATUSES)
    if not summary.in_progress:
        yield "top_in_progress: none"
        return
    yield "top_in_progress:"
    for item in summary.in_progress[:_TOP]:
        priority, started = marks.priority(item.priority, item.priority), marks.stale(item.started_at_kst, item)
        item_id, owner = marks.text(item.id), marks.text(item.owner_session)
        yield marks.line(f"- {item_id} ({priority}) owner={owner} started={started}")


def workers_lines(groups: Sequence[Worker], in_progress: int, marks: Marks = NO_MARKS) -> Iterator[str]:
    """Yield the lines of `workers`; the owner `-` means none: it is listed and not counted."""
    yield f"workers_active={sum(group.owner != '-' for group in groups)} in_progress={in_progress}"
    if not groups:
        yield "workers: none"
    for group in groups:
        ids = marks.text(",".join(item.id for item in group.items))
        first, *others = (f"{name.lower()}={group.count(name)}" for name in ("P0", "P1", "P2"))
        by_priority = " ".join((marks.priority(first) if group.count("P0") else first, *others))
        oldest = marks.stale(group.oldest_start, *group.items)
        owner = marks.text(group.owner)
        yield marks.line(f"- {owner} tasks={len(group.items)} {by_priority} ids={ids} oldest_start={oldest}")


def consistency_lines(drift: Drift, *, marked: bool = False) -> Iterator[str]:
    """Yield the lines of `consistency-check`: the findings of each kind, and the number of those not listed.

    `marked`: a line below one with long values shows where they differ; for people only.
    """
    from ops_checks.rules.drift.rules import DRIFT_CHECKS

    if drift.ok:
        yield f"consistency ok total={drift.total - drift.ignored}"
        return
    rules = [check.rule for check in DRIFT_CHECKS]
    yield "consistency mismatch " + " ".join(f"{rule.metric}={drift.counts[rule.id]}" for rule in rules)
    for rule in rules:
        kept = drift.findings[rule.id]
        for finding in kept:
            reason = f" ({finding.reason})" if finding.reason else ""
            yield f"- {rule.word} {finding.item}{_both_values(finding)}{reason}"
            yield from _where_they_differ(finding) if marked else ()
        if drift.counts[rule.id] > len(kept):
            yield f"- {rule.word}: {drift.counts[rule.id] - len(kept)} more (--max-details 0 shows all)"


def _both_values(finding: Finding) -> str:
    return f":{finding.field}:md={finding.md} db={finding.db}" if finding.field else ""


def _where_they_differ(finding: Finding) -> Iterator[str]:
    from ops_checks.presentation.difference import excerpts

    values = (finding.md or "", finding.db or "")
    if finding.field and (shown := excerpts(*values)) != values:
        yield f"    {shown[0]} -> {shown[1]}"


def kpi_lines(values: Mapping[str, float | None], rules: Sequence[RuleResult]) -> Iterator[str]:
    """Yield the lines of `kpi`: the measured values by metric, then alerts and insufficient metrics."""
    yield (
        f"kpi success_rate={_percent(values['success_rate'])} latency_p95_ms={number(values['latency_p95_ms'])} "
        f"latency_avg_ms={_hundredths(values['latency_avg_ms'])} retry_count={number(values['retry_count'])} "
        f"stale_in_progress={number(values['stale_in_progress'])}"
    )
    for rule in rules:
        metric = rule.id.replace("-", "_")
        if rule.verdict in {"fail", "warn"} and rule.value is not None and rule.limit is not None:
            yield f"alert {metric}={distinguished(rule.value, rule.limit, rule.unit)}"
        elif rule.verdict == "insufficient" or rule.value is None:
            yield f"insufficient {metric} samples={rule.samples or 0}"


def distinguished(value: float, limit: float, unit: str | None) -> str:
    """Return a value and its violated limit with enough digits to differ: `0.5000 exceeds 0.2000`, `9.5 exceeds 9`."""
    verb = "exceeds" if value > limit else "falls below"
    if unit != "ratio":
        digits = next((d for d in range(2, 18) if round(value, d) != round(limit, d)), 17)
        return f"{number(round(value, digits))} {verb} {number(round(limit, digits))}"
    digits = next((d for d in range(4, 18) if f"{value:.{d}f}" != f"{limit:.{d}f}"), 4)
    return f"{value:.{digits}f} {verb} {limit:.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _hundredths(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def number(value: float | None) -> str:
    """Return a number in its shortest exact form: `300`, `12.5`; `-` for None."""
    if value is None:
        return "-"
    return str(int(value)) if value == int(value) else repr(float(value))
