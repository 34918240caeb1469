"""The live view in real terminals: tmux shows what a person sees, and a pseudo-terminal what is left behind."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown
from builders import select as rows
from postgres_queues import make_queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from postgres_queues import PgQueue
    from postgres_server import OwnServer

_LONGEST_S = 30
HOSTILE = "\x1b[31m[red]x[/red]\u202e"
SHOWN = "\\x1b[31m[red]x[/red]\\u202e"
ITEMS = [item("A-1", "IN_PROGRESS", owner_session="s1", task=HOSTILE), item("A-2", "FAILED", task="한국어")]
WATCH = [sys.executable, "-m", "ops_checks", "--queue", "Q.md", "--db", "q.db", "watch"]
#: What a shell may have exported once; the terminal is another one now.
_EXPORTED = {"COLUMNS": "77", "LINES": "11"}
#: What ends an application's use of the terminal: the other screen, and the cursor.
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h")


@pytest.fixture
def queues(tmp_path: Path) -> Path:
    """Return a folder with two queues that agree."""
    make_markdown(tmp_path / "Q.md", ITEMS)
    make_database(tmp_path / "q.db", ITEMS)
    return tmp_path


def environment() -> dict[str, str]:
    """Return an environment in which nothing is set for the program."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "GITHUB_", "TEXTUAL"))}
    return plain | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | _EXPORTED


class Tmux:
    """A terminal of tmux, on a server of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        shell = ["env", "PS1=$ ", "bash", "--norc", "--noprofile"]
        self.run("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "-c", str(folder), *shell)

    def run(self, *args: str) -> str:
        """Run a command of tmux, and return what it prints."""
        argv = ["tmux", "-u", "-S", self._socket, *args]
        return subprocess.run(argv, capture_output=True, text=True, check=True, env=environment()).stdout

    def keys(self, *keys: str) -> None:
        """Press keys."""
        self.run("send-keys", *keys)

    def shows(self, *texts: str) -> str:
        """Wait until texts stand on the screen, and return it."""
        end_s = time.monotonic() + _LONGEST_S
        while True:
            screen = self.run("capture-pane", "-p")
            if all(text in screen for text in texts):
                return screen
            assert time.monotonic() < end_s, f"{texts}\n{screen}"
            select.select([], [], [], 0.02)


@pytest.fixture
def tmux(queues: Path) -> Iterator[Tmux]:
    """Return a terminal in the folder of the queues."""
    terminal = Tmux(queues)
    yield terminal
    terminal.run("kill-server")


@pytest.mark.needs("tmux")
def test_in_tmux(tmux: Tmux, queues: Path) -> None:
    """An operator sees the queue, filters, opens, cancels, resizes and leaves; the shell is as it was before."""
    tmux.keys(" ".join(WATCH) + "; echo left $?", "Enter")
    screen = tmux.shows("IN_PROGRESS 1", "drift: no, 2 items compared", "한국어", SHOWN, "q quit")
    assert "echo left" not in screen
    tmux.keys("/한국", "Enter")
    tmux.shows("1 items with 한국")
    tmux.keys("Escape")
    tmux.shows("\n2 items\n")
    tmux.keys("Down", "Enter")
    tmux.shows("A-1 IN_PROGRESS P1", f"task: {SHOWN}", "cancel: -> BLOCKED")
    tmux.keys("Escape")
    tmux.shows("\n2 items\n")
    tmux.keys("c")
    tmux.shows("cancel 1 item? [y/N]", "id: A-1")
    tmux.keys("y")
    tmux.shows("A-1 -> BLOCKED", "changed=1 refused=0", "BLOCKED 1")
    tmux.run("resize-window", "-x", "20", "-y", "24")
    tmux.shows("IN_PROGRESS 0", "r retry  q quit")
    tmux.run("resize-window", "-x", "100", "-y", "30")
    tmux.keys("q")
    screen = tmux.shows("A-1 -> BLOCKED", "left 0", "echo left $?")
    assert "q quit" not in screen
    assert rows(queues / "q.db", "SELECT status FROM queue_items WHERE id = 'A-1'") == [("BLOCKED",)]


class Pseudo:
    """A view in a pseudo-terminal that is its own session's."""

    def __init__(self, folder: Path) -> None:
        self.controller, self.terminal = pty.openpty()
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(self.terminal)
        self.drawn = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _AS_LEADER, *WATCH[2:]],
            stdin=self.terminal, stdout=self.terminal, stderr=self.terminal,
            cwd=folder, env=environment(), start_new_session=True,
        )  # fmt: skip

    def read_until(self, holds: Callable[[], object]) -> None:
        """Read what is drawn until something holds."""
        end_s = time.monotonic() + _LONGEST_S
        while not holds():
            assert time.monotonic() < end_s, self.drawn[-2000:]
            if select.select([self.controller], [], [], 0.05)[0]:
                self.drawn += os.read(self.controller, 1 << 16)

    def close(self) -> None:
        """Close the terminal, as a window is closed."""
        for descriptor in (self.terminal, self.controller):
            os.close(descriptor)


#: Takes the terminal for its session's, and becomes the command.
_AS_LEADER = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, '-m', *sys.argv[1:]])"
)


@pytest.fixture
def pseudo(queues: Path) -> Iterator[Pseudo]:
    """Return a view that has been drawn."""
    view = Pseudo(queues)
    view.read_until(lambda: b"2 items compared" in view.drawn)
    yield view
    view.process.kill()
    view.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal(pseudo: Pseudo, number: signal.Signals) -> None:
    """The terminal is left as it was, with the one line of a command that was interrupted."""
    pseudo.process.send_signal(number)
    pseudo.read_until(lambda: b"error: interrupted\r\n" in pseudo.drawn)
    assert pseudo.process.wait(_LONGEST_S) == 130
    assert termios.tcgetattr(pseudo.terminal) == pseudo.before
    assert all(pseudo.drawn.rfind(end) > pseudo.drawn.rfind(b"2 items") for end in RESTORED)
    assert b"Traceback" not in pseudo.drawn
    pseudo.close()


def test_a_terminal_that_is_closed(pseudo: Pseudo) -> None:
    """The view ends at once, and takes no processor waiting for what cannot come."""
    pseudo.close()
    assert pseudo.process.wait(_LONGEST_S) == 130


def stop(tmux: Tmux, way: str) -> None:
    """Suspend what runs in the terminal, by Ctrl-Z or from outside."""
    if way == "the key":
        tmux.keys("C-z")
        return
    shell = tmux.run("display-message", "-p", "#{pane_pid}").strip()
    view = subprocess.run(["ps", "-o", "pid=", "--ppid", shell], capture_output=True, text=True, check=True).stdout
    os.kill(int(view), signal.SIGTSTP)


@pytest.mark.parametrize("way", ["the key", "a signal"])
def test_suspended(tmux: Tmux, queues: Path, way: str) -> None:
    """The shell has its terminal back while the view is suspended; the view tells what is new when it goes on."""
    tmux.keys("stty -g > before; " + " ".join(WATCH), "Enter")
    tmux.shows("2 items compared", "IN_PROGRESS 1", "q quit")
    stop(tmux, way)
    assert "q quit" not in tmux.shows("Stopped", "$ ")
    tmux.keys("stty -g > within; echo typed $((6 * 7))", "Enter")
    tmux.shows("typed 42")
    execute(queues / "q.db", "UPDATE queue_items SET status = 'BLOCKED' WHERE id = 'A-1'")
    tmux.keys("fg", "Enter")
    tmux.shows("IN_PROGRESS 0", "BLOCKED 1", "q quit")
    tmux.keys("q")
    assert "q quit" not in tmux.shows("typed 42", "$ ")
    tmux.keys("clear; stty -g > after; echo left $((6 * 7))", "Enter")
    tmux.shows("left 42")
    before, within, after = ((queues / name).read_text() for name in ("before", "within", "after"))
    assert before == within == after


@pytest.mark.parametrize("way", ["the key", "a signal"])
def test_plain_lines_are_suspended(tmux: Tmux, queues: Path, way: str) -> None:
    """They go on where they stopped, with what is new since, and Ctrl-C ends them as before."""
    tmux.keys(" ".join(WATCH) + " --plain", "Enter")
    tmux.shows("is watched: Ctrl-C ends it", "IN_PROGRESS=1")
    stop(tmux, way)
    tmux.shows("Stopped")
    execute(queues / "q.db", "UPDATE queue_items SET status = 'BLOCKED' WHERE id = 'A-1'")
    tmux.keys("clear; fg", "Enter")
    tmux.shows("IN_PROGRESS=0", "BLOCKED=1")
    tmux.keys("C-c")
    assert "Traceback" not in tmux.shows("error: interrupted", "\n$")


@pytest.fixture
def served(queues: Path, own_postgres: OwnServer) -> PgQueue:
    """Return the queue of the database, on a server that may be stopped."""
    (queues / "ops-checks.yaml").write_text("consistency: {settle: 0s}\n")
    return make_queue(own_postgres.admin, "served", ITEMS)


def watching(served: PgQueue, *options: str) -> str:
    """Return the words that watch a queue on a server, for a shell."""
    return shlex.join([*WATCH[:5], "--db", served.location(), "watch", *options])


@pytest.mark.needs("tmux")
def test_a_server_that_comes_back(tmux: Tmux, served: PgQueue, own_postgres: OwnServer) -> None:
    """A view of a queue on a server works as any; it says in one line that the server is gone, and goes on with it."""
    tmux.keys(f"{watching(served, '--lock-timeout', '600')}; echo left $?", "Enter")
    tmux.shows("IN_PROGRESS 1", "drift: no, 2 items compared", "한국어", SHOWN, "q quit")
    tmux.keys("Down", "c")
    tmux.shows("cancel 1 item? [y/N]", "id: A-1")
    tmux.keys("y")
    tmux.shows("A-1 -> BLOCKED", "changed=1 refused=0", "BLOCKED 1")
    tmux.keys("Down", "r")
    tmux.shows("retry 1 item? [y/N]", "id: A-2")
    tmux.keys("y")
    tmux.shows("A-2 -> PENDING", "PENDING 1")
    own_postgres.stop("fast")  # what was done just before a crash may be lost with these settings
    tmux.shows("error: postgresql:postgres schema served: the server cannot be reached", "drift: postgresql:")
    tmux.keys("c")
    tmux.shows("cancel 1 item? [y/N]")
    tmux.keys("y")
    tmux.shows("changed=0 refused=1")
    own_postgres.start()
    served.execute("UPDATE queue_items SET status = 'DONE' WHERE id = 'A-1'")
    assert "cannot be reached" not in tmux.shows("BLOCKED 0", "DONE 1", "drift: yes").split("\n2 items\n")[0]
    tmux.keys("q")
    screen = tmux.shows("A-1 -> BLOCKED", "A-2 -> PENDING", "left 0")
    assert ("q quit" in screen, "Traceback" in screen) == (False, False)


def test_lines_of_a_server_that_comes_back(queues: Path, served: PgQueue, own_postgres: OwnServer) -> None:
    """Plain lines go on as well: a line when the server goes, one when it is back, and what is new."""
    plain = subprocess.Popen(
        [*WATCH[:5], "--db", served.location(), "watch", "--plain", "--lock-timeout", "600"],
        cwd=queues, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert plain.stdout
    told = iter(plain.stdout.readline, "")
    assert any(line.startswith("drift: no") for line in told)
    own_postgres.stop("fast")
    assert next(told).startswith("warning: postgresql:postgres schema served: ")
    own_postgres.start()
    served.execute("UPDATE queue_items SET status = 'DONE' WHERE id = 'A-1'")
    # It may be told that the server is starting up, too.
    assert next(line for line in told if not line.startswith("warning: ")).endswith(": could be read again\n")
    assert any("A-1 IN_PROGRESS -> DONE" in line for line in told)
    plain.send_signal(signal.SIGINT)
    assert plain.communicate(timeout=_LONGEST_S)[0].endswith("error: interrupted\n")
