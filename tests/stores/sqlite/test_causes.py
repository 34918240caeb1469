"""Why SQLite failed: each cause has its own words, and none of them advises what loses rows (SAFETY "SQLite")."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from builders import item, make_database

from ops_checks.errors import InputError, LockedError, OpsError, WriteError
from ops_checks.stores.registry import SQLITE
from ops_checks.stores.sqlite.causes import translate
from ops_checks.transitions import Stamp, cancel

HARMFUL = ("immutable", "delete", "remove", "rm ", "overwrite", "nolock")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes the rights of another user away")


def database(folder: Path, journal: str = "delete") -> Path:
    """Return a sound database in a folder of its own, with one item."""
    (folder / "db").mkdir(exist_ok=True)
    path = folder / "db" / "q.db"
    make_database(path, [item("A-1")])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    return path


def store(path: Path):
    """Return the store at a path; it waits for nobody."""
    return SQLITE.open(str(path), lock_timeout_s=0.01)


DECIDE = cancel(Stamp(actor="kim", now_s=1_767_225_600.0, tz_minutes=540))


def told(path: Path, *, change: bool = False) -> str:
    """Return what reading a database, or a change of it, says."""
    with pytest.raises(OpsError) as caught:
        store(path).change("A-1", DECIDE) if change else list(store(path))
    message = caught.value.message
    assert message.startswith(f"{path}: ")
    assert not any(word in message for word in HARMFUL)
    return message.removeprefix(f"{path}: ")


def named(text: str, name: str) -> sqlite3.OperationalError:
    """Return an error of SQLite as the driver raises it."""
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("database or disk is full", "SQLITE_FULL", "the disk is full: make room"),
        ("locking protocol", "SQLITE_PROTOCOL", "put the database on a local disk"),
        ("disk I/O error", "SQLITE_IOERR_LOCK", "put the database on a local disk"),
        ("disk I/O error", "SQLITE_IOERR_SHMMAP", "put the database on a local disk"),
        ("disk I/O error", "SQLITE_IOERR_READ", "check the disk"),
        ("database disk image is malformed", "SQLITE_CORRUPT", "restore it from a copy"),
        ("attempt to write a readonly database", "SQLITE_READONLY_DBMOVED", "run this again"),
        ("database is locked", "SQLITE_BUSY", "wait for it, or give --lock-timeout"),
        ("malformed database schema (x) - near", "SQLITE_CORRUPT", "as new as its writer's"),
        ("unsupported file format", "SQLITE_ERROR", "as new as its writer's"),
        ("no such module: vec0", "SQLITE_ERROR", "what only another program brings along (no such module: vec0)"),
        ("no such collation sequence: ko", "SQLITE_ERROR", "what only another program brings along"),
        ("interrupted", "SQLITE_INTERRUPT", "ran on and on"),
        ("something else", "SQLITE_ERROR", "(something else): check the file"),
    ],
)
def test_each_cause_has_its_words(tmp_path: Path, text: str, name: str, words: str) -> None:
    """By the name of the error, where it has one; a reader's, a writer's and that of a lock differ in class only."""
    path = database(tmp_path)
    locked = "--lock-timeout" in words
    for writing, kind in ((True, WriteError), (False, LockedError if locked else InputError)):
        error = translate(str(path), named(text, name), writing=writing)
        assert type(error) is kind
        assert words in error.message
        assert not any(word in error.message for word in HARMFUL)


def test_an_empty_file(tmp_path: Path) -> None:
    """It is a database without tables to SQLite."""
    path = tmp_path / "q.db"
    path.write_bytes(b"")
    assert told(path).startswith("no table queue_items, because the file is empty")


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_what_lies_beside_a_database_that_is_gone(tmp_path: Path, suffix: str) -> None:
    """The newest rows may be only there."""
    path = tmp_path / "q.db"
    Path(f"{path}{suffix}").write_bytes(b"x")
    assert told(path) == (
        f"no such database, but {path}{suffix} is there and may have its newest rows: put the database back beside it, "
        "and never one without the other"
    )


def test_a_trigger_on_a_virtual_table(tmp_path: Path) -> None:
    """A full-text index that triggers keep is refused to a database that anyone may have made."""
    path = database(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE VIRTUAL TABLE words USING fts5(task);"
            "CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN INSERT INTO words VALUES (new.task); END;"
        )
    assert told(path, change=True).startswith(
        "not written, because a trigger of the queue's tables uses a virtual table"
    )
    assert len(list(store(path))) == 1


def test_a_trigger_with_a_function_of_another_program(tmp_path: Path) -> None:
    """It is named."""
    path = database(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("slug", 1, str)
        connection.executescript(
            "CREATE TABLE slugs (slug);"
            "CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN INSERT INTO slugs VALUES (slug(new.task)); END;"
        )
    assert "what only another program brings along (no such function: slug)" in told(path, change=True)


READ = """
import sys
from ops_checks.errors import OpsError
from ops_checks.stores.registry import SQLITE
from ops_checks.transitions import Stamp, cancel
try:
    store = SQLITE.open(sys.argv[1], lock_timeout_s=0.01)
    store.change("A-1", cancel(Stamp(actor="kim", now_s=1.0, tz_minutes=540))) if sys.argv[2:] else list(store)
except OpsError as error:
    print(error.message)
else:
    print("read")
"""


def as_nobody(path: Path, *change: str) -> str:
    """Return what reading, or a change, says to a user who owns nothing here."""
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", READ, str(path)]
    run = subprocess.run(
        [*command, *change], capture_output=True, text=True, check=True, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert not any(word in run.stdout for word in HARMFUL)
    return run.stdout.strip().removeprefix(f"{path}: ")


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a folder that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def interrupted(path: Path) -> None:
    """Leave a database as a program leaves it that is killed while it writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO queue_events (item_id, payload_json) VALUES ('A-1', ?)", [("x" * 3000,)] * 400
        )
        for name in (path.name, f"{path.name}-journal"):
            shutil.copy(path.parent / name, path.parent / f"copy-{name}")
        connection.execute("ROLLBACK")
    for name in (path.name, f"{path.name}-journal"):
        (path.parent / f"copy-{name}").replace(path.parent / name)


@as_root
@pytest.mark.parametrize(
    ("journal", "mode", "folder", "words"),
    [
        ("delete", 0o644, 0o755, "read"),
        ("delete", 0o444, 0o555, "read"),
        ("delete", 0o600, 0o755, "may not be read by this user (user id 65534): ask its owner for the right"),
        ("wal", 0o600, 0o755, "may not be read by this user (user id 65534)"),
        ("wal", 0o644, 0o755, "is written through a write-ahead log, and to read it SQLite must make"),
        ("wal", 0o666, 0o555, "is written through a write-ahead log, and to read it SQLite must make"),
        ("wal", 0o666, 0o777, "read"),
        ("hot", 0o644, 0o755, "a program was cut off while it wrote, and SQLite must first undo that from"),
        ("hot", 0o666, 0o555, "a program was cut off while it wrote, and SQLite must first undo that from"),
        ("hot", 0o666, 0o777, "read"),
    ],
)
def test_rights(public: Path, journal: str, mode: int, folder: int, words: str) -> None:
    """What is missing is said: the file's right, the folder's, and why SQLite needs it."""
    path = database(public, "delete" if journal == "hot" else journal)
    if journal == "hot":
        interrupted(path)
    for file in path.parent.iterdir():
        file.chmod(mode)
    path.parent.chmod(folder)
    assert as_nobody(path).startswith(words)


@as_root
@pytest.mark.parametrize(
    ("journal", "mode", "folder", "words"),
    [
        ("delete", 0o666, 0o777, "read"),
        (
            "delete",
            0o644,
            0o777,
            "not written, because this user may only read it: run this where, or as who, may write",
        ),
        ("delete", 0o666, 0o755, "not written, because this user may not write in "),
        ("wal", 0o644, 0o755, "not written, because this user may only read it"),
        ("wal", 0o666, 0o755, "not written, because this user may not write in "),
    ],
)
def test_rights_to_change(public: Path, journal: str, mode: int, folder: int, words: str) -> None:
    """A change never advises to work on a copy."""
    path = database(public, journal)
    path.chmod(mode)
    path.parent.chmod(folder)
    assert as_nobody(path, "change").startswith(words)


@as_root
@pytest.mark.parametrize(("journal", "words"), [("delete", "read"), ("wal", "is written through a write-ahead log")])
def test_a_read_only_file_system(tmp_path: Path, journal: str, words: str) -> None:
    """A clean database that is written through a write-ahead log cannot be read there; the error says why."""
    path = database(tmp_path, journal)
    mount = f"mount --bind {path.parent} {path.parent} && mount -o remount,ro,bind {path.parent}"
    command = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", READ, str(path)]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
    )
    if run.returncode:
        pytest.skip(f"no mounting here: {run.stderr}")
    assert run.stdout.strip().removeprefix(f"{path}: ").startswith(words)
    assert words == "read" or f"{path.parent} is on a read-only file system" in run.stdout


def test_the_copy_that_is_advised_can_be_read_anywhere(tmp_path: Path) -> None:
    """`VACUUM INTO` writes no write-ahead log into the copy's header, which `.backup` does."""
    path = database(tmp_path, "wal")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    assert (tmp_path / "copy.db").read_bytes()[18:20] == b"\x01\x01"
