"""`watch` as a script, a log and a screen reader meet it: plain lines, exit codes, errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, NamedTuple

import pytest
from builders import execute, item, make_database, make_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Told

    Watch = Callable[..., subprocess.Popen[str]]

WATCHED = "note: q.db is watched: Ctrl-C ends it\n"
FIRST = [
    "summary PENDING=1 IN_PROGRESS=1 BLOCKED=0 FAILED=0 DONE=0\n",
    "workers_active=1 in_progress=1\n",
    "oldest_in_progress A-1 (P1) owner=s1\\x1b[2J started=-\n",
    "drift: no, 2 items compared\n",
]


@pytest.fixture
def watch(folder: Path) -> Iterator[Watch]:
    """Return what begins to watch two queues that agree, and no log."""
    items = [item("A-1", "IN_PROGRESS", owner_session="s1\x1b[2J"), item("A-2")]
    make_markdown(folder / "Q.md", items)
    make_database(folder / "q.db", items)
    begun: list[subprocess.Popen[str]] = []

    def begin(*args: str, **environ: str) -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "ops_checks", "--queue", "Q.md", "--db", "q.db", "watch", *args]
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "GITHUB_"))}
        pipe = subprocess.PIPE
        begun.append(subprocess.Popen(argv, stdout=pipe, stderr=pipe, text=True, env=plain | environ))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def lines(stream: IO[str] | None, count: int) -> list[str]:
    """Return so many lines, as soon as they are written."""
    assert stream
    return [stream.readline() for _ in range(count)]


def test_a_line_for_each_change(watch: Watch) -> None:
    """First how everything stands, then what changes; Ctrl-C ends it. What is not there is told on stderr."""
    process = watch()
    assert lines(process.stdout, 4) == FIRST
    told = lines(process.stderr, 2)
    assert told[0] == WATCHED
    assert told[1].startswith("warning: ")
    assert "orch_runs.jsonl: no such" in told[1]
    execute("q.db", "UPDATE queue_items SET status = 'FAILED', last_error = 'no\ndisk' WHERE id = 'A-1'")
    failed, summary = lines(process.stdout, 2)
    assert failed[17:] == "A-1 IN_PROGRESS -> FAILED owner=s1\\x1b[2J: no\\ndisk\n"
    assert summary[17:] == "summary PENDING=1 IN_PROGRESS=0 BLOCKED=0 FAILED=1 DONE=0\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (130, "error: interrupted\n")


@pytest.mark.parametrize("closes_at_once", [True, False])
def test_a_reader_that_goes(watch: Watch, *, closes_at_once: bool) -> None:
    """A pipe that nobody reads any more ends it, at a line or between two (`| head -1`), which is no failure."""
    process = watch()
    assert process.stdout
    if not closes_at_once:
        lines(process.stdout, 4)
    process.stdout.close()
    assert process.wait(20) == 0


def test_a_full_disk(watch: Watch) -> None:
    """What cannot be written is an error, once."""
    with Path("/dev/full").open("w") as full:
        argv = [sys.executable, "-m", "ops_checks", "--queue", "Q.md", "--db", "q.db", "watch"]
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=20)
    assert done.returncode == 3
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert errors == ["error: the results cannot be written (No space left on device): check the disk"]


def test_a_queue_that_goes(watch: Watch) -> None:
    """One that stays away is exit code 3 with the one line, after as long as other writers are waited for."""
    process = watch("--plain", "--lock-timeout", "0")
    assert lines(process.stdout, 4) == FIRST
    Path("q.db").unlink()
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 3
    last = errors.splitlines()[-1]
    assert last.startswith("error: q.db: no such database")
    assert "Traceback" not in errors


@pytest.mark.parametrize("args", [(), ("--plain",)])
def test_no_queue(run: Callable[..., Told], args: tuple[str, ...]) -> None:
    """Where there is none it is the error of `status`, and exit code 3."""
    told = run("--queue", "no.md", "watch", *args)
    assert (told.code, told.out) == (3, "")
    assert told.err.splitlines()[-1].startswith("error: no.md: no such queue")


class Stream(NamedTuple):
    """A stream that is a terminal, or none."""

    is_terminal: bool

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self.is_terminal


def streams(*others: str) -> SimpleNamespace:
    """Return the three streams, terminals all of them but for some."""
    return SimpleNamespace(**{name: Stream(name not in others) for name in ("stdin", "stdout", "stderr")})


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the three streams be a terminal that can be drawn on."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("ops_checks.cli.commands.watch.sys", streams())


@pytest.mark.usefixtures("terminal")
def test_what_the_view_needs_is_named(run: Callable[..., Told], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library a terminal is told which extra brings it, exit code 4; plain lines do without."""
    monkeypatch.delitem(sys.modules, "ops_checks.cli.live.app", raising=False)
    monkeypatch.setitem(sys.modules, "textual.app", None)
    told = run("--queue", "no.md", "watch")
    assert (told.code, told.out) == (4, "")
    assert told.err == (
        "error: the live view needs textual, which is not installed: give --plain for lines, "
        "or install ops-checks with its extra live, as `ops-checks help install` says\n"
    )
    assert run("--queue", "no.md", "watch", "--plain").code == 3


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_be_drawn_on(
    run: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    """It gets plain lines."""
    monkeypatch.setenv("TERM", term)
    told = run("--queue", "no.md", "watch")
    assert told.err.startswith("note: no.md is watched: Ctrl-C ends it\n")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_stream_that_is_no_terminal(run: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    """Keys come by stdin, the view is drawn on stderr, stdout may be a log: without one there are plain lines."""
    monkeypatch.setattr("ops_checks.cli.commands.watch.sys", streams(stream))
    assert run("--queue", "no.md", "watch").err.startswith("note: no.md is watched")


@pytest.mark.parametrize("words", [("-f", "json"), ("--plain", "-f", "jsonl"), ("--format=json",)])
def test_it_has_no_document(run: Callable[..., Told], words: tuple[str, ...]) -> None:
    """What goes on has no end that a document could have: one line says so, before anything is watched."""
    done = run("watch", *words)
    assert done.code == 4
    assert done.err.startswith("error: unrecognized arguments: ")
    assert done.err.count("\n") == 1
