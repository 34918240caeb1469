"""The beginning of a database: read without another program, and without dropping a lock (SAFETY "SQLite")."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from ops_checks.files.database_head import head_of_database


def test_the_head_of_a_live_database_is_read_without_dropping_its_locks(tmp_path: Path) -> None:
    """Another process may not write while this one holds the lock, also after the head was read (SAFETY "SQLite")."""
    path = tmp_path / "q.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("CREATE TABLE t (x)")
    holder.execute("BEGIN IMMEDIATE")
    before = [line for line in Path("/proc/locks").read_text().splitlines() if f":{path.stat().st_ino} " in line]
    assert head_of_database(str(path)).startswith(b"SQLite format 3\0")
    after = [line for line in Path("/proc/locks").read_text().splitlines() if f":{path.stat().st_ino} " in line]
    holder.close()
    assert before
    assert [line.split()[1:] for line in after] == [line.split()[1:] for line in before]


def test_the_head_is_read_without_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who may not run this Python again (it lies in another user's home) is told the same cause."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    path = tmp_path / "q.db"
    path.write_bytes(b"SQLite format 3\0")
    assert head_of_database(str(path)) == b"SQLite format 3\0"


def test_so_many_heads_keep_so_many_descriptors(tmp_path: Path) -> None:
    """One is kept for each file that has a name; no end of files opens no end of descriptors."""
    before = len(os.listdir("/proc/self/fd"))
    for number in range(600):
        path = tmp_path / f"{number % 300}.db"
        path.write_bytes(b"head")
        head_of_database(str(path))
    assert len(os.listdir("/proc/self/fd")) - before <= 256
    for each in tmp_path.iterdir():
        each.unlink()
    path = tmp_path / "new.db"
    path.write_bytes(b"head")
    assert head_of_database(str(path)) == b"head"
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_what_is_no_regular_file_has_no_head(tmp_path: Path) -> None:
    """A pipe is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    assert head_of_database(str(tmp_path / "pipe")) == head_of_database(str(tmp_path)) == b""
