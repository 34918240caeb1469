"""Second lines of defence: each holds although, or when, the first one in front of it does not."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from builders import item, make_database, make_markdown, select

from ops_checks.errors import InputError, WriteError
from ops_checks.stores.changes import Change
from ops_checks.stores.registry import MARKDOWN, SQLITE
from ops_checks.stores.sqlite import connection as file
from ops_checks.stores.sqlite.writing import write_change
from ops_checks.transitions import Stamp, cancel

_STAMP = Stamp(actor="kim", now_s=1_767_279_600, tz_minutes=540)


def renamed(**cells):
    """Return a decision that writes cells as they are, whatever they are."""

    def decide(before, _reliability):
        after = before.with_cells(cells.items())
        return Change(before=before, after=after, event="x", payload="{}", changed_at="2026-01-02 00:00")

    return decide


@pytest.mark.parametrize("cells", [{"notes": " x "}, {"status": "GONE"}, {"id": ""}, {"task": "a\nb"}])
def test_a_row_that_would_not_read_back_is_not_written(tmp_path, cells):
    """A decision whose row would mean something else is refused, and the document stays as it was."""
    path = make_markdown(tmp_path / "QUEUE.md", [item("A-1"), item("A-2")])
    before = (tmp_path / "QUEUE.md").read_bytes()
    with pytest.raises(WriteError, match=re.escape("not written, the row could not be edited without harm")):
        MARKDOWN.open(path, lock_timeout_s=1).change("A-1", renamed(**cells))
    assert (tmp_path / "QUEUE.md").read_bytes() == before


def test_a_database_that_goes_away_is_not_made(tmp_path, monkeypatch):
    """A database that vanishes between the look at it and its opening is an error, and no new one is made."""
    monkeypatch.setattr(file, "stat_regular", lambda _path, _kind: None)
    with pytest.raises(InputError), SQLITE.open(str(tmp_path / "queue.db"), lock_timeout_s=1).snapshot():
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "meanwhile",
    ["status = 'IN_PROGRESS'", "notes = 'other'", "task = 'other'", "lease_owner = 'w'", "lease_expires_at = 5",
     "attempt_count = 1", "lease_owner = x'77'", "lease_owner = 'W'", "due_at_kst = ''", "lease_expires_at = 1e300"],
)  # fmt: skip
def test_a_change_of_another_row_than_was_seen_is_not_written(tmp_path, meanwhile):
    """Compare-and-set: where the row is not the one that the decision was made on, nothing is written."""
    path = make_database(tmp_path / "queue.db", [item("A-1"), item("A-2")])
    store = SQLITE.open(path, lock_timeout_s=1)
    change = store.preview("A-1", cancel(_STAMP))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        seen = store._read(connection, "A-1")
        connection.execute(f"UPDATE queue_items SET {meanwhile} WHERE id = 'A-1'")
        before = select(path, "SELECT * FROM queue_items")
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(WriteError, match="did not read back as it was made"):
            write_change(connection, path, change, seen)
        connection.execute("ROLLBACK")
    assert select(path, "SELECT * FROM queue_items") == before
