"""What the tests of pipelines share: a project that is judged, a place where snapshots are kept."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest
from builders import item, make_database, make_markdown
from ci_systems import Keeper, run
from scratch_installation import TOOLS, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Runs without a time: the age of the log is that of the file.
_RUN = '{{"event":"run_end","command":"{command}","exit_code":0,"duration_ms":10}}\n'
_ITEMS = [item("ORCH-1"), item("ORCH-2", "BLOCKED")]
#: By its name what a project is like: the status in the database of the second item, and the command of its run.
SITUATIONS = {
    "good": ("BLOCKED", "done"),
    "drift": ("DONE", "done"),
    "alert": ("BLOCKED", "fail"),
}


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that makes a project of a kind: the document in a folder, database and log in another.

    Both sides agreed once, which a baseline says.
    """

    def make(situation: str) -> Path:
        status, command = SITUATIONS[situation]
        folder, host = tmp_path / "project", tmp_path / "host"
        for each in (folder, host):
            each.mkdir(exist_ok=True)
        make_markdown(folder / "QUEUE.md", _ITEMS)
        (folder / "ops-checks.yaml").write_text("queue: QUEUE.md\n")
        (host / "queue.db").unlink(missing_ok=True)
        make_database(host / "queue.db", _ITEMS)
        done = run(["ops-checks", "baseline"], folder, environment(TOOLS, ORCH_DB_PATH=host / "queue.db"))
        assert done.code == 0, done.out
        with contextlib.closing(sqlite3.connect(host / "queue.db")) as connection, connection:
            connection.execute("UPDATE queue_items SET status = ? WHERE id = 'ORCH-2'", [status])
        (host / "runs.jsonl").write_text(_RUN.format(command=command))
        return folder

    return make


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    """Return the variables by which a host names database and log."""
    return {name: str(tmp_path / "host" / file) for name, file in {"DB": "queue.db", "LOG": "runs.jsonl"}.items()}


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    """Return a server that keeps what is put there."""
    with Keeper() as serving:
        yield serving


@pytest.fixture
def grow() -> Callable[[Path], None]:
    """Return a function that does what a pull request does: it adds a task to a document."""
    return lambda folder: make_markdown(folder / "QUEUE.md", [*_ITEMS, item("ORCH-3")])


@pytest.fixture
def snapshot(tmp_path: Path, host: dict[str, str]) -> Callable[[Path], bytes]:
    """Return a function that returns what the host of a project publishes."""

    def make(folder: Path) -> bytes:
        environ = environment(TOOLS, ORCH_DB_PATH=host["DB"], ORCH_LOG_PATH=host["LOG"])
        done = run(["ops-checks", "snapshot", "-o", str(tmp_path / "published.json")], folder, environ)
        assert done.code == 0, done.out
        return (tmp_path / "published.json").read_bytes()

    return make
