"""Situations of the files: missing, of another kind, damaged, of an older schema, hostile, or written to meanwhile."""

from __future__ import annotations

import os

from tests.campaigns.changes import alone, linked, replaced, then, together, with_args, with_log, with_policy
from tests.campaigns.expected import (
    DEFAULT_KPIS,
    DRIFT,
    GREEN,
    Situation,
    broken,
    drift,
    insufficient,
)

_ALL = (*DRIFT, *DEFAULT_KPIS)


_QUEUE = (
    Situation(
        "no queue file", then(lambda folder: (folder / "QUEUE.md").unlink()), broken("QUEUE.md", "no such queue")
    ),
    Situation("a folder in the queue's place", replaced("QUEUE.md", os.mkdir), broken("QUEUE.md", "is a directory")),
    Situation("a FIFO in the queue's place", replaced("QUEUE.md", os.mkfifo), broken("QUEUE.md", "is a FIFO")),
    Situation(
        "a dangling symlink in the queue's place",
        replaced("QUEUE.md", lambda path: path.symlink_to("gone")),
        broken("QUEUE.md", "no such queue"),
    ),
    Situation(
        "a symlink that leads to itself",
        replaced("QUEUE.md", lambda path: path.symlink_to("QUEUE.md")),
        broken("QUEUE.md", "cannot be opened"),
    ),
    Situation("a symlink to the queue", linked("QUEUE.md"), GREEN),
    Situation(
        "a hard link to the queue", then(lambda folder: (folder / "Q2.md").hardlink_to(folder / "QUEUE.md")), GREEN
    ),
    Situation(
        "both queues empty", alone(lambda op: (op.md.clear(), op.db.clear(), op.sql.clear())), insufficient(*DRIFT)
    ),
    Situation(
        "both queues empty, which only warns",
        alone(together(lambda op: (op.md.clear(), op.db.clear()), with_policy("kpi: {on_insufficient: warn}"))),
        insufficient(*DRIFT).with_(code=0, verdict="warn"),
    ),
    Situation(
        "an empty Markdown queue",
        alone(lambda op: op.md.clear()),
        drift("missing-in-md", "ORCH-101", "ORCH-102", "ORCH-103", "ORCH-104", "DB-1"),
    ),
    Situation(
        "an empty database",
        alone(lambda op: op.db.clear()),
        drift("missing-in-db", "ORCH-101", "ORCH-102", "ORCH-103", "ORCH-104", "DB-1"),
    ),
    Situation(
        "a row of the queue with a word more than 16 MB",
        lambda op: op.both("ORCH-103", "task", "x" * (17 << 20)),
        broken("QUEUE.md:13", "16 MB"),
    ),
    Situation(
        "a row of the queue with a word of 5 MB", lambda op: op.both("ORCH-103", "task", "|x" * (5 << 19)), GREEN
    ),
)

_LOGS = (
    Situation(
        "no log",
        then(lambda folder: (folder / "runs.jsonl").unlink()),
        broken("runs.jsonl", "no such run log", rules=DEFAULT_KPIS),
    ),
    Situation(
        "a pattern that no log matches",
        with_args("--log-path", "old/*.jsonl"),
        broken("old/*.jsonl", rules=DEFAULT_KPIS),
    ),
    Situation(
        "a folder in the log's place",
        replaced("runs.jsonl", os.mkdir),
        broken("runs.jsonl", "a directory", rules=DEFAULT_KPIS),
    ),
    Situation(
        "a FIFO in the log's place",
        replaced("runs.jsonl", os.mkfifo),
        broken("runs.jsonl", "a FIFO", rules=DEFAULT_KPIS),
    ),
    Situation("a symlink to the log", linked("runs.jsonl"), GREEN),
    Situation(
        "a log that calls itself compressed",
        with_log(lambda _: b"\x1f\x8bnot at all"),
        broken("runs.jsonl", "gzip", rules=DEFAULT_KPIS),
    ),
)

SITUATIONS = (*_QUEUE, *_LOGS)
