"""Situations of the policy and the settings: severities, waivers, what is read where, what a policy may not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaigns.changes import lacks, outcomes, stale, together, with_args, with_env, with_line, with_policy
from tests.campaigns.expected import (
    DEFAULT_KPIS,
    DRIFT,
    GREEN,
    Situation,
    alert,
    broken,
    differs,
    drift,
    malformed,
    unusable,
    warns,
)

if TYPE_CHECKING:
    from tests.campaigns.operation import Operation

_STALE = alert("stale-in-progress", ("ORCH-102", None))


def _drifts(op: Operation) -> None:
    op.cell("db", "ORCH-102", "task", "other")


def _waiver(rule: str, expires: str = "2026-01-01", **more: str):
    """Return a policy with one waiver; today is 2026-01-01 in the queue's zone."""
    lines = {"rule": rule, "reason": "agreed", "owner": "kim", "expires": expires, **more}
    return with_policy("waivers:\n- {" + ", ".join(f'{key}: "{value}"' for key, value in lines.items()) + "}\n")


def _severity(rule: str, severity: str):
    return with_policy(f"consistency: {{severity: {{{rule}: {severity}}}}}")


_SEVERITIES = (
    Situation(
        "a drift that only warns",
        together(_drifts, _severity("field-mismatch", "warning")),
        warns("field-mismatch", ("ORCH-102", "task")),
    ),
    Situation(
        "a drift that only warns, and warnings fail",
        together(_drifts, _severity("field-mismatch", "warning"), with_args("--fail-level", "warn")),
        warns("field-mismatch", ("ORCH-102", "task")).with_(code=1, verdict="fail"),
    ),
    Situation("a drift that is switched off", together(_drifts, _severity("field-mismatch", "off")), GREEN),
    Situation(
        "another drift is switched off",
        together(lacks, _severity("field-mismatch", "off")),
        drift("missing-in-db", "ORCH-103"),
    ),
    Situation(
        "a drift and an alert at once",
        together(_drifts, stale),
        differs("ORCH-102", "task").with_(
            rules=(("field-mismatch", "fail"), ("stale-in-progress", "fail")),
            findings=(("field-mismatch", "ORCH-102", "task"), ("stale-in-progress", "ORCH-102", None)),
        ),
    ),
    Situation(
        "a drift and a log with a torn line",
        together(_drifts, with_line(b"{")),
        malformed(2).with_(
            rules=(("field-mismatch", "fail"), ("malformed-lines", "error")),
            findings=(("field-mismatch", "ORCH-102", "task"), ("malformed-lines", 2, None)),
        ),
    ),
    Situation(
        "a drift with --exit-zero",
        together(_drifts, with_args("--exit-zero")),
        differs("ORCH-102", "task").with_(code=0),
    ),
    Situation("an alert with --exit-zero", together(stale, with_args("--exit-zero")), _STALE.with_(code=0)),
    Situation("a torn line with --exit-zero", together(with_line(b"{"), with_args("--exit-zero")), malformed(2)),
    Situation("only the consistency, with an alert", together(stale, with_args("--only", "consistency")), GREEN),
    Situation("only the KPIs, with a drift", together(_drifts, with_args("--only", "kpi")), GREEN),
    Situation("only the KPIs, with an alert", together(stale, with_args("--only", "kpi")), _STALE),
    Situation(
        "a status that is ignored",
        together(lambda op: op.db.pop(0), with_policy("consistency: {ignore_statuses: [DONE]}")),
        GREEN,
    ),
    Situation(
        "an ignored status on one side only",
        together(
            lambda op: op.cell("db", "ORCH-101", "status", "FAILED"),
            with_policy("consistency: {ignore_statuses: [DONE]}"),
        ),
        differs("ORCH-101", "status"),
    ),
    Situation(
        "a status that is not ignored",
        together(lacks, with_policy("consistency: {ignore_statuses: [DONE]}")),
        drift("missing-in-db", "ORCH-103"),
    ),
    Situation("fields by policy", together(_drifts, with_policy("consistency: {fields: [status]}")), GREEN),
    Situation(
        "all fields by policy",
        together(lambda op: op.cell("db", "DB-1", "notes", "x"), with_policy("consistency: {fields: all}")),
        differs("DB-1", "notes"),
    ),
)

_WAIVERS = (
    Situation(
        "a waiver on its last day", together(_drifts, _waiver("field-mismatch", item="ORCH-102")), GREEN.with_(waived=1)
    ),
    Situation(
        "a waiver on its last day, a minute before midnight",
        together(
            _drifts,
            _waiver("field-mismatch"),
            lambda op: setattr(op, "now_s", op.now_s + 719 * 60),
            lambda op: op.both("ORCH-102", "started_at_kst", "2026-01-01 23:30"),
        ),
        GREEN.with_(waived=1),
    ),
    Situation(
        "a waiver at the midnight after its last day",
        together(
            _drifts,
            _waiver("field-mismatch"),
            lambda op: setattr(op, "now_s", op.now_s + 720 * 60),
            lambda op: op.both("ORCH-102", "started_at_kst", "2026-01-01 23:30"),
        ),
        differs("ORCH-102", "task").with_(
            rules=(("field-mismatch", "fail"), ("waiver-expired", "fail")),
            findings=(("field-mismatch", "ORCH-102", "task"), ("waiver-expired", "field-mismatch", None)),
        ),
    ),
    Situation(
        "an expired waiver of what is gone",
        _waiver("field-mismatch", "2025-12-31"),
        differs("", "").with_(
            rules=(("waiver-expired", "fail"),), findings=(("waiver-expired", "field-mismatch", None),)
        ),
    ),
    Situation(
        "an expired waiver of a KPI",
        _waiver("failure-rate", "2025-12-31"),
        alert("waiver-expired", ("failure-rate", None)),
    ),
    Situation(
        "a waiver of a field",
        together(_drifts, _waiver("field-mismatch", item="ORCH-102", field="task")),
        GREEN.with_(waived=1),
    ),
    Situation(
        "an expired waiver of a drift, and only the KPIs are asked for",
        together(_waiver("field-mismatch", "2025-12-31"), with_args("--only", "kpi")),
        alert("waiver-expired", ("field-mismatch", None)),
    ),
    Situation(
        "an expired waiver of a KPI, and only the consistency is asked for",
        together(_waiver("failure-rate", "2025-12-31"), with_args("--only", "consistency")),
        alert("waiver-expired", ("failure-rate", None)).with_(code=1),
    ),
    Situation(
        "a waiver of another field",
        together(_drifts, _waiver("field-mismatch", item="ORCH-102", field="status")),
        differs("ORCH-102", "task").with_(
            rules=(("field-mismatch", "fail"), ("waiver-unused", "warn")),
            findings=(("field-mismatch", "ORCH-102", "task"), ("waiver-unused", "ORCH-102", "status")),
        ),
    ),
    Situation(
        "a waiver of another item",
        together(lacks, _waiver("missing-in-db", item="ORCH-104")),
        drift("missing-in-db", "ORCH-103").with_(
            rules=(("missing-in-db", "fail"), ("waiver-unused", "warn")),
            findings=(("missing-in-db", "ORCH-103", None), ("waiver-unused", "ORCH-104", None)),
        ),
    ),
    Situation(
        "a waiver of one of two items",
        together(lacks, lambda op: op.db.pop(2), _waiver("missing-in-db", item="ORCH-104")),
        drift("missing-in-db", "ORCH-103").with_(waived=1),
    ),
    Situation(
        "a waiver of another rule",
        together(lacks, _waiver("missing-in-md", item="ORCH-103")),
        drift("missing-in-db", "ORCH-103").with_(
            rules=(("missing-in-db", "fail"), ("waiver-unused", "warn")),
            findings=(("missing-in-db", "ORCH-103", None), ("waiver-unused", "ORCH-103", None)),
        ),
    ),
    Situation(
        "a waiver that matches nothing",
        _waiver("missing-in-db", item="ORCH-103"),
        warns("waiver-unused", ("ORCH-103", None)),
    ),
    Situation("a waiver of a failure rate", together(outcomes(1, 1), _waiver("failure-rate")), GREEN),
    Situation(
        "a waiver of a stale item",
        together(stale, _waiver("stale-in-progress", item="ORCH-102")),
        GREEN.with_(waived=1),
    ),
    Situation(
        "a waiver of malformed lines", together(with_line(b"{"), _waiver("malformed-lines")), GREEN.with_(waived=1)
    ),
    Situation(
        "a waiver cannot stand for what was not read",
        together(_waiver("missing-in-db"), lambda op: op.after.append(lambda folder: (folder / "queue.db").unlink())),
        broken("queue.db", "no such database", rules=(*DRIFT, *DEFAULT_KPIS)),
    ),
)

_REFUSED = (
    *(
        Situation(f"a policy with {what}", with_policy(text), unusable("ops-checks.yaml:", *words))
        for what, text, words in (
            ("an unknown key", "queu: x", ("unknown key", "did you mean queue?")),
            ("an unknown metric", "kpi: {thresholds: {failure_ratio: 0.1}}", ("did you mean failure_rate?",)),
            ("a limit that is text", 'kpi: {thresholds: {failure_rate: "0.2"}}', ("kpi.thresholds.failure_rate",)),
            ("a limit that is NaN", "kpi: {thresholds: {failure_rate: .nan}}", ("no finite number",)),
            ("a limit that is infinite", "kpi: {thresholds: {latency_p95_ms: .inf}}", ("no finite number",)),
            ("a limit of true", "kpi: {thresholds: {stale_in_progress: true}}", ("stale_in_progress",)),
            ("a limit of nothing", "kpi: {thresholds: {failure_rate: }}", ("failure_rate",)),
            ("a limit below 0", "kpi: {thresholds: {latency_p95_ms: -1}}", ("latency_p95_ms",)),
            ("a rate of 20", "kpi: {thresholds: {failure_rate: 20}}", ("failure_rate",)),
            ("a min above its max", "kpi: {thresholds: {pending: {min: 3, max: 2}}}", ("contradicts",)),
            ("no limit in a mapping", "kpi: {thresholds: {pending: {severity: error}}}", ("pending",)),
            ("a severity that is none", "consistency: {severity: {missing-in-db: fatal}}", ("missing-in-db",)),
            ("a key twice", "queue: a\nqueue: b", ("duplicate key",)),
            ("an alias", "queue: &a x\ndb: *a", ("alias",)),
            ("a tag", "queue: !!python/object:os.system x", ("tag",)),
            ("two documents", "queue: x\n---\nqueue: y", ("second document",)),
            ("a waiver without an end", "waivers: [{rule: blocked, reason: x, owner: k}]", ("expires",)),
            (
                "a waiver until a day that is none",
                'waivers: [{rule: blocked, reason: x, owner: k, expires: "2026-02-30"}]',
                ("no day",),
            ),
            ("a waiver of no rule", 'waivers: [{rule: "*", reason: x, owner: k, expires: "2026-02-01"}]', ("rule",)),
            ("a window of nothing", "kpi: {window: 0h}", ("window",)),
            ("no YAML in it", "queue: [", ("no valid YAML",)),
            ("nothing in it", "", ("empty",)),
            ("a list", "- queue", ("top level",)),
            ("a status that is none", "consistency: {ignore_statuses: [done]}", ("ignore_statuses",)),
        )
    ),
    Situation("a policy that is not there", with_args("--policy", "nowhere.yaml"), unusable("nowhere.yaml")),
    Situation(
        "a limit on the command line that is NaN", with_args("--max-failure-rate", "nan"), unusable("from 0 to 1")
    ),
    Situation("an unknown flag", with_args("--max-failures", "1"), unusable("--max-failures")),
    Situation("an unknown format", with_args("-f", "xml"), unusable("no format")),
    Situation("an unknown field", with_args("--fields", "state"), unusable("no field")),
    Situation("a zone that is none", with_policy("timezone: Asia/Soul"), unusable("did you mean Asia/Seoul?")),
    Situation(
        "a window that ends before it begins", with_args("--since", "1h", "--until", "2h"), unusable("which is not")
    ),
    Situation("a window and a beginning", with_args("--since", "1h", "--window", "2h"), unusable("not allowed with")),
    Situation("a zone that is no number", with_env(ORCH_TZ_OFFSET="KST"), unusable("ORCH_TZ_OFFSET")),
)


SITUATIONS = (*_SEVERITIES, *_WAIVERS, *_REFUSED)
