"""A new version takes the place of the version it was made from, or of none (SAFETY "Writing the Markdown queue")."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from contextlib import ExitStack
from itertools import count
from typing import TYPE_CHECKING

import pytest

from ops_checks.errors import ChangedError, WriteError
from ops_checks.files import exchange
from ops_checks.files.atomic_write import replace_file
from ops_checks.files.exchange import Digest, Seen, clear_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OLD, NEW = b"| A-1 | PENDING |\n", b"| A-1 | BLOCKED |\n"
THEIRS = b"| A-2 | PENDING |\n"  # as long as the old version


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return a file with the old version, alone in a folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "QUEUE.md"
    path.write_bytes(OLD)
    return path


def beside(path: Path) -> dict[str, bytes]:
    """Return the content of each other file in the folder."""
    return {each.name: each.read_bytes() for each in path.parent.iterdir() if each != path}


def known(state: os.stat_result, unchanged: Callable[[], bool]) -> Seen:
    """Return what is known of the old version."""
    digest = Digest()
    digest.update(OLD)
    return Seen(state, digest, unchanged=unchanged)


@pytest.fixture
def seen(target: Path) -> Iterator[Callable[[], Seen]]:
    """Return a function that returns what a program knows that has just read the old version."""
    with ExitStack() as stack:

        def read() -> Seen:
            file = stack.enter_context(target.open("rb"))
            return known(os.fstat(file.fileno()), lambda: file.seek(0) == 0 and file.read() == OLD)

        yield read


def in_place(path: Path) -> None:
    """Write as an editor does that keeps the file."""
    path.write_bytes(THEIRS)


def in_place_in_the_same_tick(path: Path) -> None:
    """Write as many bytes, and leave the time of the last write as it was."""
    state = path.stat()
    path.write_bytes(THEIRS)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def by_rename(path: Path) -> None:
    """Write as an editor does that makes a new file."""
    path.with_name("theirs").write_bytes(THEIRS)
    path.with_name("theirs").rename(path)


def appended(path: Path) -> None:
    """Write as `>>` does."""
    with path.open("ab") as file:
        file.write(THEIRS)


WRITERS = [in_place, in_place_in_the_same_tick, by_rename, appended]


def at_the_last_moment(monkeypatch: pytest.MonkeyPatch, *writes: Callable[[], object]) -> None:
    """Call each function directly before an exchange of names: the first before the first, and so on."""
    real, calls = exchange._exchange, iter(writes)

    def exchanged(folder_fd: int, one: str, other: str) -> bool:
        next(calls, lambda: None)()
        return real(folder_fd, one, other)

    monkeypatch.setattr(exchange, "_exchange", exchanged)


def test_the_version_that_was_seen_is_replaced(target: Path, seen: Callable[[], Seen]) -> None:
    """A file that is still the one that was read gets its new version, and nothing stays beside it."""
    source = seen()
    replace_file(str(target), NEW, seen=source)
    assert (target.read_bytes(), beside(target)) == (NEW, {})
    assert source.stands(str(target))
    in_place(target)
    assert not source.stands(str(target))


@pytest.mark.parametrize("write", WRITERS)
def test_what_changed_before_the_exchange_is_kept(
    target: Path, write: Callable[[Path], None], seen: Callable[[], Seen]
) -> None:
    """A change since the reading is seen before anything moves."""
    source = seen()
    write(target)
    theirs = target.read_bytes()
    with pytest.raises(ChangedError, match="another program changed the file meanwhile; run the command again"):
        replace_file(str(target), NEW, seen=source)
    assert (target.read_bytes(), beside(target)) == (theirs, {})


@pytest.mark.parametrize("write", WRITERS)
def test_what_changed_in_the_last_moment_is_given_back(
    target: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None], seen: Callable[[], Seen]
) -> None:
    """A change between the last look and the exchange has the file's name again afterwards."""
    at_the_last_moment(monkeypatch, lambda: write(target))
    source = seen()
    with pytest.raises(ChangedError):
        replace_file(str(target), NEW, seen=source)
    assert THEIRS in target.read_bytes()
    assert beside(target) == {}
    assert not source.stands(str(target))


def test_a_file_that_is_taken_away_in_the_last_moment(
    target: Path, monkeypatch: pytest.MonkeyPatch, seen: Callable[[], Seen]
) -> None:
    """Nothing is made where there is nothing any more."""
    at_the_last_moment(monkeypatch, target.unlink)
    with pytest.raises(WriteError, match="not written"):
        replace_file(str(target), NEW, seen=seen())
    assert list(target.parent.iterdir()) == []


def test_two_programs_in_the_same_moment(
    target: Path, monkeypatch: pytest.MonkeyPatch, seen: Callable[[], Seen]
) -> None:
    """If another version comes while one is given back, the later has the name and the earlier is kept and named."""
    at_the_last_moment(monkeypatch, lambda: in_place(target), lambda: _replaced(target, b"later\n"))
    with pytest.raises(WriteError, match="two other programs changed the file in this moment") as caught:
        replace_file(str(target), NEW, seen=seen())
    ((name, kept),) = beside(target).items()
    assert (target.read_bytes(), kept) == (b"later\n", THEIRS)
    assert name in caught.value.message


def _replaced(path: Path, content: bytes) -> None:
    path.with_name("other").write_bytes(content)
    path.with_name("other").rename(path)


def test_who_may_still_write_is_waited_for(
    target: Path, monkeypatch: pytest.MonkeyPatch, seen: Callable[[], Seen]
) -> None:
    """A program that has the file open for writing would write to what was displaced: its next words would be lost."""
    with target.open("ab") as file, pytest.raises(ChangedError):
        replace_file(str(target), NEW, seen=seen())
    with ExitStack() as stack:
        at_the_last_moment(monkeypatch, lambda: stack.enter_context(target.open("r+b")))
        with pytest.raises(ChangedError):
            replace_file(str(target), NEW, seen=seen())
    assert file.closed
    assert (target.read_bytes(), beside(target)) == (OLD, {})
    replace_file(str(target), NEW, seen=seen())
    assert target.read_bytes() == NEW


def test_an_interrupt_while_looking_gives_back(target: Path) -> None:
    """Whatever goes wrong between the exchange and the verdict, the old version has its name again."""

    def interrupted() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(str(target), NEW, seen=known(target.stat(), interrupted))
    assert (target.read_bytes(), beside(target)) == (OLD, {})


def failing_at(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    """Let a disk fail from the call of that number on."""
    real, calls = getattr(exchange, name), count(1)

    def call(*args: object) -> object:
        if next(calls) >= number:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*args)

    monkeypatch.setattr(exchange, name, call)


def test_what_cannot_be_looked_at_is_given_back(
    target: Path, monkeypatch: pytest.MonkeyPatch, seen: Callable[[], Seen]
) -> None:
    """If the disk fails after the exchange, the old version has its name again; what stays beside it is named."""
    failing_at(monkeypatch, "_version", 2)
    with pytest.raises(WriteError, match=r"not written, the file is as it was, and .* stayed beside it") as caught:
        replace_file(str(target), NEW, seen=seen())
    ((name, content),) = beside(target).items()
    assert (target.read_bytes(), content, name in caught.value.message) == (OLD, NEW, True)
    clear_leftovers(str(target))
    assert beside(target) == {}


def test_what_cannot_be_given_back_is_named(
    target: Path, monkeypatch: pytest.MonkeyPatch, seen: Callable[[], Seen]
) -> None:
    """If the disk fails when another program's version is to be given back, that is kept, and nothing else is said."""
    failing_at(monkeypatch, "_exchange", 2)
    at_the_last_moment(monkeypatch, lambda: in_place(target))
    with pytest.raises(WriteError, match=r"written, but .* may hold what another program wrote") as caught:
        replace_file(str(target), NEW, seen=seen())
    ((name, content),) = beside(target).items()
    assert (target.read_bytes(), content, name in caught.value.message) == (NEW, THEIRS, True)


def test_not_ready(target: Path) -> None:
    """Whoever made the new version has the last word before it is published."""
    state = target.stat()
    with pytest.raises(ChangedError):
        replace_file(str(target), NEW, seen=Seen(state, Digest(), unchanged=lambda: True, ready=lambda: False))
    assert (target.read_bytes(), beside(target)) == (OLD, {})


def test_without_exchange(target: Path, monkeypatch: pytest.MonkeyPatch, seen: Callable[[], Seen]) -> None:
    """Where the system has no exchange, the last look comes directly before a rename."""
    monkeypatch.setattr(exchange, "_exchange", lambda *_names: False)
    source = seen()
    replace_file(str(target), NEW, seen=source)
    assert (target.read_bytes(), beside(target), source.stands(str(target))) == (NEW, {}, True)
    source = seen()
    by_rename(target)
    with pytest.raises(ChangedError):
        replace_file(str(target), NEW, seen=source)
    assert (target.read_bytes(), beside(target)) == (THEIRS, {})


# What a killed program leaves. It runs in a process of its own, which ends at once where it is told to.

_KILLED = """
import os, sys
from ops_checks.files import exchange
from ops_checks.files.atomic_write import replace_file
path, before, write = sys.argv[1:]
real, old = exchange._exchange, exchange.Digest()
old.update({old!r})
def ended(*names):
    if write == "theirs":
        open(path, "wb").write({theirs!r})
    if before == "exchange":
        os._exit(9)
    real(*names)
    os._exit(9)
exchange._exchange = ended
replace_file(path, {new!r}, seen=exchange.Seen(os.stat(path), old, unchanged=lambda: True))
"""


def killed(path: Path, before: str, write: str = "") -> None:
    """Run a change that ends before the exchange or directly after it; `theirs`: another program has written."""
    code = _KILLED.format(old=OLD, theirs=THEIRS, new=NEW)
    done = subprocess.run([sys.executable, "-c", code, str(path), before, write], check=False)
    assert done.returncode == 9
    assert len(beside(path)) == 1


@pytest.mark.parametrize(("before", "content"), [("exchange", OLD), ("look", NEW)])
def test_leftovers_of_our_own_are_removed(target: Path, before: str, content: bytes) -> None:
    """A version that never got the name and a version that was replaced are nobody's work that could be lost."""
    killed(target, before)
    target.with_name(".ops-checks-0000000000000000.tmp").write_bytes(b"of another kind")
    clear_leftovers(str(target))
    assert (target.read_bytes(), list(beside(target))) == (content, [".ops-checks-0000000000000000.tmp"])


def test_leftovers_of_others_are_kept_and_named(target: Path) -> None:
    """What another program wrote in the moment of a crash is kept, and the next change says where."""
    killed(target, "look", "theirs")
    (name,) = beside(target)
    with pytest.raises(WriteError, match="left what another program had written in") as caught:
        clear_leftovers(str(target))
    assert name in caught.value.message
    assert beside(target) == {name: THEIRS}
    clear_leftovers(str(target.with_name("OTHER.md")))  # of another document
    target.with_name(name).rename(target.parent.parent / "kept")
    clear_leftovers(str(target))


def test_the_displaced_version_is_no_new_file(target: Path, seen: Callable[[], Seen]) -> None:
    """Mode and content of the new version are those that the name had and was given."""
    target.chmod(0o640)
    replace_file(str(target), NEW, seen=seen())
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
