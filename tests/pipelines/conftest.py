"""What the tests of pipelines share: a project that is judged, a place where snapshots are kept."""

from __future__ import annotations

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
#: By its name what a project is like: the database's items and the command of its run.
SITUATIONS = {
    "good": (_ITEMS, "done"),
    "drift": ([_ITEMS[0], item("ORCH-2", "DONE")], "done"),
    "alert": (_ITEMS, "fail"),
}


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that makes a project of a kind: the document alone in a folder, database and log in another.

    Its host has a baseline, as the manual asks for; where the queues differ that is a 1.
    """

    def make(situation: str) -> Path:
        items, command = SITUATIONS[situation]
        folder, host = tmp_path / "project", tmp_path / "host"
        for each in (folder, host):
            each.mkdir(exist_ok=True)
        make_markdown(folder / "QUEUE.md", _ITEMS)
        (folder / "ops-checks.yaml").write_text("queue: QUEUE.md\n")
        (host / "queue.db").unlink(missing_ok=True)
        make_database(host / "queue.db", items)
        (host / "runs.jsonl").write_text(_RUN.format(command=command))
        done = run(["ops-checks", "baseline"], folder, environment(TOOLS, ORCH_DB_PATH=host / "queue.db"))
        assert done.code in {0, 1}, done.out
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
