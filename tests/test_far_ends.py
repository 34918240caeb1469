"""Branches that only an accident reaches: a file that changes between two looks, a system that says no."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from builders import item, make_markdown

from ops_checks import atomic
from ops_checks.errors import ChangingError, InputError, UsageError, WriteError
from ops_checks.policy import load as policy_load
from ops_checks.policy import load_policy, yamltext
from ops_checks.queues import lock, markdown, open_markdown
from ops_checks.queues.blocks import html_end
from ops_checks.queues.sqlite.file import _translate
from ops_checks.runlog import blocks, cache, read_runs, seal, shares, wire
from ops_checks.runlog.selection import Selection
from ops_checks.runlog.stats import KEPT


def test_a_policy_that_grows_while_it_is_read(tmp_path, monkeypatch):
    """A policy that is small when it is looked at and large when it is read is refused."""
    path = tmp_path / "p.yaml"
    path.write_bytes(b"#" * (policy_load.MAX_BYTES + 1))
    monkeypatch.setattr(policy_load, "_refuse_file", lambda *_: None)
    with pytest.raises(UsageError, match="over 1,000,000 bytes"):
        load_policy(str(path))


def test_a_parser_that_breaks_its_grammar():
    """Events that no grammar allows end the reading of a policy, and nothing is raised to the outside."""
    reader = yamltext._Reader(yamltext.Document("x"))
    (start, *_) = reader._parse()
    for ends_early in (lambda: reader._value(start, ()), lambda: reader._mapping(()), lambda: reader._sequence(())):
        with pytest.raises(yamltext._StopError):
            ends_early()


@pytest.mark.parametrize(("line", "end"), [("<!DOCTYPE html>", ">"), ("<!x>", None), ("<b>", "")])
def test_html_declarations(line, end):
    """A declaration is an HTML block up to its bracket (CommonMark 4.6, condition 4)."""
    assert html_end(line, interrupts=False) == end


def test_a_lock_whose_holder_is_gone(tmp_path):
    """Where the system does not tell who holds a lock, the message does without."""
    assert lock._holders(str(tmp_path / "gone")) == "another program"
    assert lock._describe("999999999") == "process 999999999"


def test_a_document_that_is_taken_away(tmp_path):
    """A document that is gone by the end of the look has changed; it has no events and no times of making."""
    path = make_markdown(tmp_path / "QUEUE.md", [item("A-1")])
    with open_markdown(path, lock_timeout_s=1).view() as view:
        (tmp_path / "QUEUE.md").unlink()
        assert view.changed()
        assert (view.retry_count(), view.newest_event(), view.pending_since()) == (None, None, None)


def test_a_malformed_document_that_is_being_replaced(tmp_path, monkeypatch):
    """A defect in a document that a writer replaces in the next moment is no defect yet: look again."""
    path = tmp_path / "QUEUE.md"
    path.write_text("# half a document\n")
    monkeypatch.setattr(markdown, "_let_a_writer_finish", lambda: path.replace(tmp_path / "other"))
    with (
        open_markdown(str(path), lock_timeout_s=1).view() as view,
        pytest.raises(ChangingError, match="changing while"),
    ):
        list(view.items())


@pytest.mark.parametrize("reason", ["attempt to write a readonly database", "unable to open: read-only file system"])
def test_a_database_that_may_only_be_read(reason):
    """SQLite's words for it become ours."""
    error = _translate("q.db", reason, writing=True)
    assert isinstance(error, WriteError)
    assert error.message == "q.db: may only be read by this user: ask its owner"


def test_a_fifo_that_takes_the_logs_place(tmp_path, monkeypatch):
    """A FIFO put in place of the log after the first look is refused, and its descriptor closed."""
    path = tmp_path / "log"
    os.mkfifo(path)
    monkeypatch.setattr(blocks.os, "stat", lambda _path: SimpleNamespace(st_mode=stat.S_IFREG))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(InputError, match="is a FIFO"), blocks.opened(str(path)):
        pass
    assert os.listdir("/proc/self/fd") == before


def test_words_for_what_the_system_refuses(tmp_path):
    """A log that this user may not read, and a disk that fails."""
    assert "may not be read by this user" in blocks._unreadable("l", PermissionError(errno.EACCES, "no")).message
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(InputError, match="l: cannot be read: Is a directory"):
        blocks.piece("l", folder, 1, 0)
    os.close(folder)


@pytest.mark.parametrize("packed", [False, True])
def test_progress_of_a_log(tmp_path, packed):
    """Whoever asks is told how much of all logs was read, and in the end that it is all."""
    from gzip import compress

    path = tmp_path / "log"
    path.write_bytes(compress(b"{}\n" * 999) if packed else b"{}\n" * 999)
    told = []
    read_runs([str(path)], progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    if not packed:
        told.clear()
        home = str(tmp_path / "home")
        for _ in range(2):
            read_runs([str(path)], cache_home=home, progress=lambda done, total: told.append((done, total)))
            assert told[-1] == (path.stat().st_size, path.stat().st_size)


def test_a_cache_without_statistics():
    """Statistics that are none are an error, not an empty log."""
    with pytest.raises(InputError, match="without --log-cache"):
        cache._unpacked(cache.Segment(0, 1, None, None, undated=False, stats=b""))


def test_a_log_that_is_shortened_while_its_proof_is_read(tmp_path):
    """There is no proof of a log that is shorter than what was read of it."""
    path = tmp_path / "log"
    path.write_bytes(b"{}\n")
    with path.open("rb") as file:
        log = cache._Log(str(path), file.fileno(), path.stat(), Selection(), None)
        assert cache._proof(log, 999) is None


def test_a_secret_that_cannot_be_made(tmp_path):
    """Without a folder, or where a file stands in its place, there is no secret."""
    (tmp_path / "file").write_bytes(b"")
    assert seal.secret("") is None
    assert seal.secret(str(tmp_path / "file")) is None
    assert seal.places("log", "") == ["log.ops-checks-cache"]


def test_a_cache_of_something_else(tmp_path):
    """What is sealed by this user and is no cache of this version is not used; nothing is kept nowhere."""
    path = tmp_path / "cache"
    assert seal.write({"x": 1}, [str(path)], b"key") is None
    assert seal.unsealed(str(path), b"key", cache.Kept) == "it is no cache of this version"
    assert seal.write({}, [], b"key") is None


def test_a_cache_that_cannot_be_put_down(tmp_path, monkeypatch):
    """Errors of the system are told, and the next place is tried."""
    gone = str(tmp_path / "gone" / "cache")
    assert "not written" in str(seal.write({}, [gone], b"key"))

    def full(_path, _data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(seal, "put_file", full)
    assert seal.write({}, [gone], b"key") == "No space left on device"


def test_a_cache_that_cannot_be_read():
    """A file that fails while it is read is told."""
    assert seal._content("/proc/self/mem", 100) == "it cannot be read (Input/output error)"


def test_a_child_that_is_gone():
    """A helper that somebody else has waited for is no error; and there is at least one processor."""
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    shares._end(child)
    assert shares._processors() >= 1


def test_an_interrupt_while_the_helper_starts(tmp_path, monkeypatch):
    """No descriptor stays open when the start of the helper is interrupted."""
    monkeypatch.setattr(shares, "_spawn", lambda *_: signal.raise_signal(signal.SIGINT))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(KeyboardInterrupt), shares._helper(0, (0, 1), Selection()):
        pass
    assert os.listdir("/proc/self/fd") == before


def test_the_helpers_work(tmp_path):
    """The helper reads its parts of standard input and writes their statistics to standard output."""
    path = tmp_path / "log"
    path.write_bytes(b'{"event":"run_end","command":"done","exit_code":0}\n' * 3)
    saved = os.dup(0), os.dup(1)
    log, (answers, questions), (tokens, offers) = os.open(path, os.O_RDONLY), os.pipe(), os.pipe()
    os.write(offers, bytes(4))
    os.close(offers)
    try:
        os.dup2(log, 0)
        os.dup2(questions, 1)
        shares.answer((0, path.stat().st_size), None, None, 1, tokens)
    finally:
        os.dup2(saved[0], 0)
        os.dup2(saved[1], 1)
        for descriptor in (*saved, log, questions, tokens):
            os.close(descriptor)
    with os.fdopen(answers, "rb") as pipe:
        (stats,) = wire.parsed_all(pipe.read()).values()
    assert (stats.lines, stats.done) == (3, 3)


def test_statistics_of_another_kind():
    """What is no statistics is none, and what cannot be packed is not packed."""
    assert wire.parsed(b"\x93\x01\x02\x03") is None
    with pytest.raises(NotImplementedError):
        wire._plain(object())


def test_runs_that_are_faster_than_the_slowest(tmp_path):
    """Once the list of the slowest is full, a block of faster runs does not change it."""
    line = '{"event":"run_end","command":"done","exit_code":0,"duration_ms":%d}\n'
    path = tmp_path / "log"
    path.write_text("".join(line % 9 for _ in range(KEPT)) + "".join(line % 1 for _ in range(5000)))
    assert {run.duration_ms for run in read_runs([str(path)]).slowest} == {9.0}


@contextmanager
def no_room():
    """Let no file grow beyond a few bytes: writing more fails as on a full disk, also what pytest itself writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("content", [None, b"old"])
def test_a_file_that_cannot_be_written_whole(tmp_path, content):
    """A new file is not there at all then, an existing one is as it was, and nothing is left beside it."""
    path = tmp_path / "file"
    if content:
        path.write_bytes(content)
    with no_room(), pytest.raises(WriteError, match="File too large"):
        atomic.put_file(str(path), b"x" * 1000)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([content] if content else [])


def test_a_temporary_file_that_is_gone_or_stays(tmp_path):
    """One that somebody took away is no matter; one that cannot be removed is named."""
    (tmp_path / "folder").mkdir()
    folder = os.open(tmp_path, os.O_RDONLY)
    atomic._remove(folder, "gone", "Q.md")
    with pytest.raises(WriteError, match="and folder stayed beside it"):
        atomic._remove(folder, "folder", "Q.md")
    os.close(folder)


def test_a_file_that_may_only_be_read(tmp_path, monkeypatch):
    """Whoever may not write to a file may not replace it, although the folder would let them."""
    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(atomic.os, "access", lambda *_, **__: False)
    with pytest.raises(WriteError, match="this user may only read it"):
        atomic.replace_file(str(tmp_path / "file"), b"new")


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.EIO, None])
def test_attributes_of_other_systems(tmp_path, monkeypatch, number):
    """Without attributes (another system, a file system without them) a file is replaced; a failing disk is told."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    if number is None:
        monkeypatch.setattr(atomic.sys, "platform", "other")
        assert atomic._attributes(0) == []
    else:
        monkeypatch.setattr(atomic.os, "listxattr", lambda _fd: (_ for _ in ()).throw(OSError(number, "no")))
    if number == errno.EIO:
        with pytest.raises(WriteError, match="not written"):
            atomic.replace_file(str(path), b"new")
    else:
        atomic.replace_file(str(path), b"new")
    assert path.read_bytes() == (b"old" if number == errno.EIO else b"new")


def test_a_folder_that_cannot_be_synced():
    """What cannot be synced by its nature is none the worse; where it fails, the file is written and may be lost."""
    reading, writing = os.pipe()
    atomic._sync_folder(reading, "Q.md")
    os.close(reading)
    os.close(writing)
    with pytest.raises(WriteError, match="may not survive a power cut"):
        atomic._sync_folder(reading, "Q.md")


def test_progress_of_a_document(tmp_path):
    """Whoever asks is told how much of the document was read."""
    path = make_markdown(tmp_path / "QUEUE.md", [item("A-1")])
    told = []
    with open_markdown(path, lock_timeout_s=1, progress=lambda done, total: told.append((done, total))).view() as view:
        list(view.items())
    assert told == [(os.path.getsize(path), os.path.getsize(path))]
