"""Situations of the policy and the settings: severities, waivers, what is read where, what a policy may not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaigns.changes import outcomes, stale, together, with_args, with_env, with_line, with_policy
from tests.campaigns.expected import DEFAULT_KPIS, DRIFT, GREEN, Situation, alert, broken, differs, drift, malformed, unusable, warns

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaigns.operation import Operation

_STALE = alert("stale-in-progress", ("ORCH-102", None))


def _drifts(op: Operation) -> None:
    op.cell("db", "ORCH-102", "task", "other")


def _lacks(op: Operation) -> None:
    op.db.pop(2)


def _waiver(rule: str, expires: str = "2026-01-01", **more: str):
    """Return a policy with one waiver; today is 2026-01-01 in the queue's zone."""
    lines = {"rule": rule, "reason": "agreed", "owner": "kim", "expires": expires, **more}
    return with_policy("waivers:\n- {" + ", ".join(f'{key}: "{value}"' for key, value in lines.items()) + "}\n")


def _severity(rule: str, severity: str):
    return with_policy(f"consistency: {{severity: {{{rule}: {severity}}}}}")


_SEVERITIES = (
    Situation("a drift that only warns", together(_drifts, _severity("field-mismatch", "warning")),
              warns("field-mismatch", ("ORCH-102", "task"))),
    Situation("a drift that only warns, and warnings fail",
              together(_drifts, _severity("field-mismatch", "warning"), with_args("--fail-level", "warn")),
              warns("field-mismatch", ("ORCH-102", "task")).with_(code=1, verdict="fail")),
    Situation("a drift that is switched off", together(_drifts, _severity("field-mismatch", "off")), GREEN),
    Situation("another drift is switched off", together(_lacks, _severity("field-mismatch", "off")),
              drift("missing-in-db", "ORCH-103")),
    Situation("a drift and an alert at once", together(_drifts, stale),
              differs("ORCH-102", "task").with_(
                  rules=(("field-mismatch", "fail"), ("stale-in-progress", "fail")),
                  findings=(("field-mismatch", "ORCH-102", "task"), ("stale-in-progress", "ORCH-102", None)))),
    Situation("a drift and a log with a torn line", together(_drifts, with_line(b"{")),
              malformed(2).with_(rules=(("field-mismatch", "fail"), ("malformed-lines", "error")),
                                  findings=(("field-mismatch", "ORCH-102", "task"), ("malformed-lines", 2, None)))),
    Situation("a drift with --exit-zero", together(_drifts, with_args("--exit-zero")), differs("ORCH-102", "task").with_(code=0)),
    Situation("an alert with --exit-zero", together(stale, with_args("--exit-zero")), _STALE.with_(code=0)),
    Situation("a torn line with --exit-zero", together(with_line(b"{"), with_args("--exit-zero")), malformed(2)),
    Situation("only the consistency, with an alert", together(stale, with_args("--only", "consistency")), GREEN),
    Situation("only the KPIs, with a drift", together(_drifts, with_args("--only", "kpi")), GREEN),
    Situation("only the KPIs, with an alert", together(stale, with_args("--only", "kpi")), _STALE),
    Situation("a status that is ignored", together(lambda op: op.db.pop(0), with_policy("consistency: {ignore_statuses: [DONE]}")),
              GREEN),
    Situation("an ignored status on one side only",
              together(lambda op: op.cell("db", "ORCH-101", "status", "FAILED"),
                   with_policy("consistency: {ignore_statuses: [DONE]}")), differs("ORCH-101", "status")),
    Situation("a status that is not ignored", together(_lacks, with_policy("consistency: {ignore_statuses: [DONE]}")),
              drift("missing-in-db", "ORCH-103")),
    Situation("fields by policy", together(_drifts, with_policy("consistency: {fields: [status]}")), GREEN),
    Situation("all fields by policy", together(lambda op: op.cell("db", "DB-1", "notes", "x"),
                                           with_policy("consistency: {fields: all}")), differs("DB-1", "notes")),
)  # fmt: skip

_WAIVERS = (
    Situation("a waiver on its last day", together(_drifts, _waiver("field-mismatch", item="ORCH-102")),
              GREEN.with_(waived=1)),
    Situation("a waiver on its last day, a minute before midnight",
              together(_drifts, _waiver("field-mismatch"), lambda op: setattr(op, "now_s", op.now_s + 719 * 60),
                   lambda op: op.both("ORCH-102", "started_at_kst", "2026-01-01 23:30")), GREEN.with_(waived=1)),
    Situation("a waiver at the midnight after its last day",
              together(_drifts, _waiver("field-mismatch"), lambda op: setattr(op, "now_s", op.now_s + 720 * 60),
                   lambda op: op.both("ORCH-102", "started_at_kst", "2026-01-01 23:30")),
              differs("ORCH-102", "task").with_(
                  rules=(("field-mismatch", "fail"), ("waiver-expired", "fail")),
                  findings=(("field-mismatch", "ORCH-102", "task"), ("waiver-expired", "field-mismatch", None)))),
    Situation("an expired waiver of what is gone", _waiver("field-mismatch", "2025-12-31"),
              differs("", "").with_(rules=(("waiver-expired", "fail"),),
                                    findings=(("waiver-expired", "field-mismatch", None),))),
    Situation("an expired waiver of a KPI", _waiver("failure-rate", "2025-12-31"),
              alert("waiver-expired", ("failure-rate", None))),
    Situation("a waiver of a field", together(_drifts, _waiver("field-mismatch", item="ORCH-102", field="task")),
              GREEN.with_(waived=1)),
    Situation("a waiver of another field", together(_drifts, _waiver("field-mismatch", item="ORCH-102", field="status")),
              differs("ORCH-102", "task").with_(
                  rules=(("field-mismatch", "fail"), ("waiver-unused", "warn")),
                  findings=(("field-mismatch", "ORCH-102", "task"), ("waiver-unused", "ORCH-102", "status")))),
    Situation("a waiver of another item", together(_lacks, _waiver("missing-in-db", item="ORCH-104")),
              drift("missing-in-db", "ORCH-103").with_(
                  rules=(("missing-in-db", "fail"), ("waiver-unused", "warn")),
                  findings=(("missing-in-db", "ORCH-103", None), ("waiver-unused", "ORCH-104", None)))),
    Situation("a waiver of one of two items",
              together(_lacks, lambda op: op.db.pop(2), _waiver("missing-in-db", item="ORCH-104")),
              drift("missing-in-db", "ORCH-103").with_(waived=1)),
    Situation("a waiver of another rule", together(_lacks, _waiver("missing-in-md", item="ORCH-103")),
              drift("missing-in-db", "ORCH-103").with_(
                  rules=(("missing-in-db", "fail"), ("waiver-unused", "warn")),
                  findings=(("missing-in-db", "ORCH-103", None), ("waiver-unused", "ORCH-103", None)))),
    Situation("a waiver that matches nothing", _waiver("missing-in-db", item="ORCH-103"),
              warns("waiver-unused", ("ORCH-103", None))),
    Situation("a waiver of a failure rate", together(outcomes(1, 1), _waiver("failure-rate")), GREEN),
    Situation("a waiver of a stale item", together(stale, _waiver("stale-in-progress", item="ORCH-102")),
              GREEN.with_(waived=1)),
    Situation("a waiver of malformed lines", together(with_line(b"{"), _waiver("malformed-lines")), GREEN.with_(waived=1)),
    Situation("a waiver cannot stand for what was not read",
              together(_waiver("missing-in-db"), lambda op: op.after.append(lambda folder: (folder / "queue.db").unlink())),
              broken("queue.db", "no such database", rules=(*DRIFT, *DEFAULT_KPIS))),
)  # fmt: skip

_REFUSED = (
    *(Situation(f"a policy with {what}", with_policy(text), unusable("ops-checks.yaml:", *words))
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
          ("a waiver until a day that is none",
           'waivers: [{rule: blocked, reason: x, owner: k, expires: "2026-02-30"}]', ("no day",)),
          ("a waiver of no rule", 'waivers: [{rule: "*", reason: x, owner: k, expires: "2026-02-01"}]', ("rule",)),
          ("a window of nothing", "kpi: {window: 0h}", ("window",)),
          ("no YAML in it", "queue: [", ("no valid YAML",)),
          ("nothing in it", "", ("empty",)),
          ("a list", "- queue", ("top level",)),
          ("a status that is none", "consistency: {ignore_statuses: [done]}", ("ignore_statuses",)),
      )),
    Situation("a policy that is not there", with_args("--policy", "nowhere.yaml"), unusable("nowhere.yaml")),
    Situation("a limit on the command line that is NaN", with_args("--max-failure-rate", "nan"), unusable("from 0 to 1")),
    Situation("an unknown flag", with_args("--max-failures", "1"), unusable("--max-failures")),
    Situation("an unknown format", with_args("-f", "xml"), unusable("no format")),
    Situation("an unknown field", with_args("--fields", "state"), unusable("no field")),
    Situation("a zone that is no number", with_env(ORCH_TZ_OFFSET="KST"), unusable("ORCH_TZ_OFFSET")),
)  # fmt: skip


def _elsewhere(op: Operation, *names: str) -> None:
    """Put the files at other names, and leave stale ones where the defaults lead."""

    def move(folder: Path) -> None:
        stale = folder / "automation" / "orchestrator"
        for part in ("db", "logs"):
            (stale / part).mkdir(parents=True)
        (stale / "QUEUE.md").write_bytes(b"# Queue\n")
        (stale / "db" / "queue.db").write_bytes(b"")
        (stale / "logs" / "orch_runs.jsonl").write_bytes(b"{")
        (folder / "ops").mkdir()
        for old, new in zip(("QUEUE.md", "queue.db", "runs.jsonl"), names, strict=True):
            (folder / old).rename(folder / new)

    op.named = False
    op.after.insert(0, move)


def _default_paths(op: Operation) -> None:
    """Put the files where the defaults lead."""

    def move(folder: Path) -> None:
        home = folder / "automation" / "orchestrator"
        for part in ("db", "logs"):
            (home / part).mkdir(parents=True)
        for old, new in (("QUEUE.md", "QUEUE.md"), ("queue.db", "db/queue.db"), ("runs.jsonl", "logs/orch_runs.jsonl")):
            (folder / old).rename(home / new)

    op.named = False
    op.after.insert(0, move)


_OURS = {"ORCH_QUEUE_MD": "ops/Q.md", "ORCH_DB_PATH": "ops/q.db", "ORCH_LOG_PATH": "ops/r.jsonl"}
_PLACES = ("ops/Q.md", "ops/q.db", "ops/r.jsonl")


def _moved(op: Operation) -> None:
    _elsewhere(op, *_PLACES)


def _policy_elsewhere(op: Operation) -> None:
    """Put the policy beside the files: its paths are relative to it."""
    op.after.append(lambda folder: (folder / "ops" / "gate.yaml").write_text("{queue: Q.md, db: q.db, log: r.jsonl}"))
    op.argv += ["--policy", "ops/gate.yaml"]


_PATHS = (
    Situation("the default paths", _default_paths, GREEN),
    Situation("the default paths, and a drift", together(_default_paths, _lacks), drift("missing-in-db", "ORCH-103")),
    Situation("stale files at the default paths, the policy names others",
              together(_moved, with_policy("{queue: ops/Q.md, db: ops/q.db, log: ops/r.jsonl}")), GREEN),
    Situation("the policy names others, and they drift",
              together(_moved, _lacks, with_policy("{queue: ops/Q.md, db: ops/q.db, log: ops/r.jsonl}")),
              drift("missing-in-db", "ORCH-103")),
    Situation("a policy in another folder", together(_moved, _policy_elsewhere), GREEN),
    Situation("stale files at the default paths, the environment names others",
              together(_moved, with_env(**_OURS)), GREEN),
    Situation("the environment beats the policy",
              together(_moved, with_env(**_OURS), with_policy("{queue: x.md, db: x.db, log: x.jsonl}")), GREEN),
    Situation("the command line beats the environment",
              with_env(ORCH_QUEUE_MD="x.md", ORCH_DB_PATH="x.db", ORCH_LOG_PATH="x.jsonl"), GREEN),
    Situation("the environment names a database that is not there",
              together(_default_paths, with_env(ORCH_DB_PATH="x.db")),
              broken("x.db", "no such database", rules=(*DRIFT, *DEFAULT_KPIS))),
    Situation("the database is the source of truth", with_policy("source_of_truth: db"), GREEN),
    Situation("the database is the source of truth, and the view is stale",
              together(with_policy("source_of_truth: db"), lambda op: op.cell("db", "ORCH-103", "status", "DONE")),
              differs("ORCH-103", "status")),
    Situation("the Markdown queue is read-only", with_env(ORCH_QUEUE_MD_READ_ONLY="1"), GREEN),
    Situation("on GitHub", with_env(GITHUB_ACTIONS="true"), GREEN),
    Situation("on GitHub, and a drift", together(_lacks, with_env(GITHUB_ACTIONS="true")),
              drift("missing-in-db", "ORCH-103")),
    Situation("a log named twice counts once", with_args("--log-path", "runs.jsonl", "--max-failure-rate", "0.1"), GREEN),
)  # fmt: skip

SITUATIONS = (*_SEVERITIES, *_WAIVERS, *_REFUSED, *_PATHS)
