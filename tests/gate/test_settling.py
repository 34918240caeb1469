"""A program that writes one queue, and the other a moment later, has not let them drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import execute, item, make_database, make_markdown

from ops_checks import open_queue
from ops_checks.gate.stable_reading import compare

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_is_half_written_is_given_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check waits before it says drift: what the other program writes in that time is read."""
    md = make_markdown(tmp_path / "Q.md", [item("A-1", "DONE")])
    db = make_database(tmp_path / "q.db", [item("A-1", "PENDING")])
    execute(db, "PRAGMA journal_mode = WAL")  # a writer need not wait for readers
    waited = []

    def finish(seconds: float) -> None:
        if seconds:
            waited.append(seconds)
            execute(db, "UPDATE queue_items SET status = 'DONE'")

    monkeypatch.setattr("time.sleep", finish)
    assert compare(open_queue(md), open_queue(db)).ok
    assert waited
