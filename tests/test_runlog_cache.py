from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runlog_reference import summary, summary_of

from ops_checks.runlog import CACHE_SUFFIX, cache, expand_logs, read_runs, seal, shares

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops_checks.runlog import RunStats

NOT_USED = "the log cache was not used, and the whole log was read"


def lines(count: int, seed: int = 0, ms: int = 1000, step: int = 10) -> bytes:
    """Return lines of a log with all that a reader looks at; times grow, now and then one is behind or missing."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        trace = f"t{rng.randrange(count // 2 + 1)}"
        record: dict[str, Any] = {"event": rng.choice(["run_end", "run_end", "run_start", "beat"]), "trace_id": trace}
        record |= {"command": rng.choice(["done", "fail", "pick"]), "exit_code": rng.choice([0, 0, 1])}
        record |= {"duration_ms": rng.choice([5, 7, 7.5, rng.randrange(1000)]), "ts_epoch_ms": ms + step * number}
        record["ts_epoch_ms"] -= rng.choice([0, 0, 0, 7 * step])
        if rng.random() < 0.05:
            del record["ts_epoch_ms"]
        if rng.random() < 0.1:
            del record["trace_id"]
        made.append(json.dumps(record) if rng.random() > 0.03 else "{")
    return "".join(line + "\n" for line in made).encode()


class Place:
    """A log in a folder, and a user's cache folder."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "runs.jsonl"
        self.home = folder / "home"
        self.cache = folder / f"runs.jsonl{CACHE_SUFFIX}"
        self.log.write_bytes(lines(40))

    def read(self, **selection: Any) -> RunStats:
        """Read with the cache, check that the answer is that of a full read, and return it."""
        cached = read_runs([str(self.log)], cache_home=str(self.home), **selection)
        same_as_full(cached, self.log, **selection)
        return cached

    def append(self, data: bytes) -> None:
        """Append to the log."""
        with self.log.open("ab") as file:
            file.write(data)


def same_as_full(cached: RunStats, log: Path, **selection: Any) -> None:
    """Check that statistics are those of a full read, places and logs included."""
    full = read_runs([str(log)], **selection)
    assert summary(cached) == summary(full) == summary_of(log.read_bytes(), **selection)
    for name in ("slowest", "failures", "defects", "logs", "detailed"):
        assert getattr(cached, name) == getattr(full, name)
    assert cached.unfinished() == full.unfinished()
    assert (full.notes, log.read_bytes()) == ((), log.read_bytes())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a log that nobody has read."""
    return Place(tmp_path)


@pytest.fixture
def parts_read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Note which parts of the log are read, from the offset to the offset."""
    seen: list[tuple[int, int]] = []
    read_part = cache.read_part

    def noted(path: str, descriptor: int, start: int, stop: int, *rest: Any, **more: Any) -> RunStats:
        seen.append((start, stop))
        return read_part(path, descriptor, start, stop, *rest, **more)

    monkeypatch.setattr(cache, "read_part", noted)
    monkeypatch.setattr("ops_checks.runlog.reading.read_part", noted)
    return seen


# --- it saves reading


def test_only_what_was_appended(place: Place, parts_read: list[tuple[int, int]]) -> None:
    """The second evaluation reads what was appended, the third nothing; each says what a full read says."""
    first = place.log.stat().st_size
    assert place.read().notes == ()
    place.append(lines(30, seed=1) + b'{"event":')
    parts_read.clear()
    stats = read_runs([str(place.log)], cache_home=str(place.home))
    assert [part for part in parts_read if part[0] < part[1]] == [(first, place.log.stat().st_size - 9)]
    parts_read.clear()
    again = read_runs([str(place.log)], cache_home=str(place.home))
    assert [part for part in parts_read if part[0] < part[1]] == []
    same_as_full(stats, place.log)
    same_as_full(again, place.log)


def test_window_moves(place: Place, parts_read: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the window moves on, only the segment it begins in is read again."""
    monkeypatch.setattr(cache, "SEGMENT", 500)
    place.log.write_bytes(b"".join(json.dumps({"event": "run_end", "command": "done", "exit_code": 0, "duration_ms": n,
        "ts_epoch_ms": 1000 + n}).encode() + b"\n" for n in range(200)))  # fmt: skip
    place.read(since_ms=1000)
    for since in (1000, 1050, 1117, 1199, 1300, 900):
        parts_read.clear()
        stats = read_runs([str(place.log)], cache_home=str(place.home), since_ms=since)
        assert sum(stop - start for start, stop in parts_read) < 1000
        assert stats.notes == ()
        same_as_full(stats, place.log, since_ms=since)


def test_two_processes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large part is read by two processes here too, in segments or whole."""
    monkeypatch.setattr(shares, "_processors", lambda: 2)
    monkeypatch.setattr(cache, "WORTH_IT", 1)
    monkeypatch.setattr(shares.read_parts, "__kwdefaults__", {"advance": None, "worth_it": 1})
    monkeypatch.setattr(cache, "SEGMENT", 700)
    started: list[int | None] = []
    spawn = shares._spawn
    monkeypatch.setattr(shares, "_spawn", lambda *task: started.append(spawn(*task)) or started[-1])
    place.read()
    place.cache.unlink()
    place.read(since_ms=1200)
    place.append(lines(50, seed=2, ms=1500))
    place.read(since_ms=1300)
    assert len(started) >= 3
    assert None not in started


@pytest.mark.parametrize("data", [b"", b"\n", b"{", b"\xef\xbb\xbf" + lines(3), b"\xef\xbb\xbf", lines(1)[:-1]])
def test_little(place: Place, data: bytes) -> None:
    """Logs of nothing, of a torn line, of a byte order mark are read alike, now and when they have grown."""
    place.log.write_bytes(data)
    place.read()
    place.append(lines(5))
    place.read()
    place.read()


def test_other_questions(place: Place) -> None:
    """A cache of other commands, or of a window where none is asked for, is of no use, and a note says so."""
    place.read()
    for selection in ({"since_ms": 1100}, {"commands": frozenset({"pick"})}, {}):
        (note,) = place.read(**selection).notes
        assert note == f"{place.log}: {NOT_USED}: it is of another window or other commands"
        assert place.read(**selection).notes == ()


# --- the property


_since = st.sampled_from([None, None, 900, 1100, 1200, 1500, 99_999])
_steps = st.one_of(
    st.tuples(st.just("read"), _since),
    st.tuples(st.just("append"), st.integers(1, 30)),
    st.tuples(st.just("torn"), st.integers(1, 60)),
    st.tuples(st.just("truncate"), st.floats(0, 1)),
    st.tuples(st.just("rotate"), st.integers(0, 20)),
    st.tuples(st.just("rewrite"), st.integers(0, 60)),
    st.tuples(st.just("replace"), st.integers(0, 60)),
    st.tuples(st.just("edit"), st.floats(0, 1)),
    st.tuples(st.just("spoil"), st.floats(0, 1)),
)


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None
)
@given(steps=st.lists(_steps, max_size=15), segment=st.sampled_from([300, 2000, 1 << 22]))
def test_any_history(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]], segment: int) -> None:
    """After any sequence of appends, truncations, rotations, rewrites and damages the cache changes no answer."""
    place = Place(tmp_path_factory.mktemp("history"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "SEGMENT", segment)
        for number, (what, how) in enumerate(steps):
            change(place, what, how, number)
            place.read(since_ms=how if what == "read" else None)


def change(place: Place, what: str, how: Any, seed: int) -> None:
    """Do to a log what happens to logs."""
    data = place.log.read_bytes()
    if what == "append":
        place.append(lines(how, seed, ms=1000 + 100 * seed))
    elif what == "torn":
        place.append(lines(1, seed)[:how].rstrip(b"\n"))
    elif what == "truncate":
        os.truncate(place.log, int(how * len(data)))
    elif what == "rotate":
        place.log.rename(place.log.with_name("runs.jsonl.1"))
        place.log.write_bytes(lines(how, seed))
    elif what == "rewrite":
        place.log.write_bytes(lines(how, seed))
    elif what == "replace":
        other = place.log.with_name("other")
        other.write_bytes(lines(how, seed))
        other.rename(place.log)
    elif what == "edit" and data:
        at = int(how * (len(data) - 1))
        with place.log.open("r+b") as file:
            file.seek(at)
            file.write(b"7" if data[at : at + 1] != b"\n" else b"\n")
    elif what == "spoil" and place.cache.exists():
        sealed = bytearray(place.cache.read_bytes())
        sealed[int(how * (len(sealed) - 1))] ^= 1 + seed
        place.cache.write_bytes(sealed)


# --- what does not fit


def grow(log: Path) -> None:
    """Append a little."""
    with log.open("ab") as file:
        file.write(lines(3, seed=9))


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda log: os.truncate(log, 500), "the log is shorter than before"),
        (lambda log: log.rename(log.with_name("old")) and log.write_bytes(lines(90)), "the log is another file"),
        (lambda log: log.write_bytes(lines(90, seed=3)), "the log does not begin as it did before"),
        (
            lambda log: log.write_bytes(log.read_bytes().replace(b"done", b"fail")),
            "the log was changed and did not grow",
        ),
    ],
)
def test_another_log(place: Place, act: Callable[[Path], object], reason: str) -> None:
    """A log that is not the one that was read is read wholly, and a note says why; then the cache is of use again."""
    place.read()
    act(place.log)
    (note,) = place.read().notes
    assert note.startswith(f"{place.log}: {NOT_USED}: {reason}")
    grow(place.log)
    assert place.read().notes == ()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_bytes(b""), "it is no cache of this version"),
        (lambda path: path.write_bytes(b"\x00" * 5000), "it is no cache of this version"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "it is damaged, or another user wrote it"),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), "it is damaged, or another user wrote it"),
        (lambda path: path.unlink() or path.mkdir(), "it is no regular file"),
        (lambda path: path.unlink() or os.mkfifo(path), "it is no regular file"),
        (
            lambda path: path.unlink() or path.symlink_to("gone"),
            "it cannot be read (Too many levels of symbolic links)",
        ),
        (lambda path: os.truncate(path, seal.LARGEST + 1), "it is too large"),
    ],
)
def test_spoiled(place: Place, spoil: Callable[[Path], object], reason: str) -> None:
    """A cache that is damaged or no file is not believed: the log is read wholly, and a note says why."""
    place.read()
    spoil(place.cache)
    (note,) = place.read().notes
    assert note == f"{place.log}: {NOT_USED}: {reason}"
    grow(place.log)
    assert place.read().notes == ()  # kept again, here or in the user's folder


def test_forged(place: Place, tmp_path: Path) -> None:
    """A cache that is whole, of this very log, but of another user's making changes no count."""
    other = tmp_path / "another user"
    read_runs([str(place.log)], cache_home=str(other))
    (note,) = place.read().notes
    assert note == f"{place.log}: {NOT_USED}: it is damaged, or another user wrote it"


def test_cache_of_another_log(place: Place) -> None:
    """A cache that was copied to another log is not believed."""
    place.read()
    other = place.log.with_name("other.jsonl")
    other.write_bytes(place.log.read_bytes())
    other.with_name(other.name + CACHE_SUFFIX).write_bytes(place.cache.read_bytes())
    stats = read_runs([str(other)], cache_home=str(place.home))
    assert stats.notes == (f"{other}: {NOT_USED}: the log is another file than before",)
    same_as_full(stats, other)


# --- where it lies


def test_users_folder(place: Place) -> None:
    """Where nothing can be put beside the log, its cache goes to the user's cache folder, and is found there."""
    place.cache.mkdir()
    place.read()
    assert [path.suffix for path in (place.home / "ops-checks").iterdir() if path.name != "secret"] == [CACHE_SUFFIX]
    place.cache.rmdir()
    assert place.read().notes == ()
    assert not place.cache.exists()


@pytest.mark.parametrize("home", ["", "/dev/null", "/proc/nowhere", "a\0b"])
def test_no_users_folder(place: Place, home: str) -> None:
    """Without a folder for the secret nothing is kept, the log is read wholly, and a note says what to set."""
    stats = read_runs([str(place.log)], cache_home=home)
    same_as_full(stats, place.log)
    assert len(stats.notes) == 1
    assert "set HOME or XDG_CACHE_HOME" in stats.notes[0]
    assert not place.cache.exists()


def test_secret_is_private(place: Place) -> None:
    """The secret may be read by its user only, and is made once."""
    place.read()
    secret = place.home / "ops-checks" / "secret"
    made = secret.read_bytes()
    assert (secret.stat().st_mode & 0o777, secret.parent.stat().st_mode & 0o777, len(made)) == (0o600, 0o700, 32)
    grow(place.log)
    place.read()
    assert secret.read_bytes() == made


def test_cannot_be_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that cannot be written anywhere costs a note, not the answer."""
    place.cache.mkdir()
    place.read()
    monkeypatch.setattr(seal, "LARGEST", 100)
    grow(place.log)
    assert place.read().notes[-1].startswith(f"{place.log}: the log cache could not be kept: ")


def test_patterns_pass_caches_over(place: Place) -> None:
    """A pattern that matches a log and its cache means the log."""
    place.read()
    assert place.cache.exists()
    assert expand_logs([f"{place.log}*"]) == [str(place.log)]
