"""Situations of the settings: which files are read, by default, policy, environment and command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaigns.changes import lacks, together, with_args, with_env, with_policy
from tests.campaigns.expected import DEFAULT_KPIS, DRIFT, GREEN, Situation, broken, differs, drift

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaigns.operation import Operation


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


SITUATIONS = (
    Situation("the default paths", _default_paths, GREEN),
    Situation("the default paths, and a drift", together(_default_paths, lacks), drift("missing-in-db", "ORCH-103")),
    Situation(
        "stale files at the default paths, the policy names others",
        together(_moved, with_policy("{queue: ops/Q.md, db: ops/q.db, log: ops/r.jsonl}")),
        GREEN,
    ),
    Situation(
        "the policy names others, and they drift",
        together(_moved, lacks, with_policy("{queue: ops/Q.md, db: ops/q.db, log: ops/r.jsonl}")),
        drift("missing-in-db", "ORCH-103"),
    ),
    Situation("a policy in another folder", together(_moved, _policy_elsewhere), GREEN),
    Situation(
        "stale files at the default paths, the environment names others", together(_moved, with_env(**_OURS)), GREEN
    ),
    Situation(
        "the environment beats the policy",
        together(_moved, with_env(**_OURS), with_policy("{queue: x.md, db: x.db, log: x.jsonl}")),
        GREEN,
    ),
    Situation(
        "the command line beats the environment",
        with_env(ORCH_QUEUE_MD="x.md", ORCH_DB_PATH="x.db", ORCH_LOG_PATH="x.jsonl"),
        GREEN,
    ),
    Situation(
        "the environment names a database that is not there",
        together(_default_paths, with_env(ORCH_DB_PATH="x.db")),
        broken("x.db", "no such database", rules=(*DRIFT, *DEFAULT_KPIS)),
    ),
    Situation("the database is the source of truth", with_policy("source_of_truth: db"), GREEN),
    Situation(
        "the database is the source of truth, and the view is stale",
        together(with_policy("source_of_truth: db"), lambda op: op.cell("db", "ORCH-103", "status", "DONE")),
        differs("ORCH-103", "status"),
    ),
    Situation("the Markdown queue is read-only", with_env(ORCH_QUEUE_MD_READ_ONLY="1"), GREEN),
    Situation("on GitHub", with_env(GITHUB_ACTIONS="true"), GREEN),
    Situation(
        "on GitHub, and a drift", together(lacks, with_env(GITHUB_ACTIONS="true")), drift("missing-in-db", "ORCH-103")
    ),
    Situation(
        "a log named twice counts once", with_args("--log-path", "runs.jsonl", "--max-failure-rate", "0.1"), GREEN
    ),
)
