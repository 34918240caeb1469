"""Patterns of logs: what matches is found, each file once, and what cannot be looked through is an error."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ops_checks.errors import InputError
from ops_checks.runlog import patterns
from ops_checks.runlog.patterns import distinct, expand_logs, find_logs

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOBODY = 65534


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lay(*names: str) -> None:
    """Make empty files, with their folders."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def found(*wanted: str) -> tuple[list[str], list[str]]:
    """Return the logs of patterns, and the remarks about them."""
    remarks: list[str] = []
    return find_logs(wanted, remarks.append), remarks


def test_expand_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns expand to what they match, rotated logs oldest first; plain paths stay as they are; each once."""
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    for name in ("r.jsonl", "r.jsonl.1", "r.jsonl.2.gz", "r.jsonl.10.gz", "sub/s.jsonl", "[x].jsonl"):
        Path(name).touch()
    rotated = ["r.jsonl.10.gz", "r.jsonl.2.gz", "r.jsonl.1", "r.jsonl"]
    assert expand_logs(["r.jsonl*"]) == rotated
    assert expand_logs(["r.jsonl", "r.jsonl*", "./r.jsonl"]) == ["r.jsonl", *rotated[:-1], "./r.jsonl"]
    assert expand_logs(["**/s.jsonl", "missing", "[x].jsonl"]) == ["sub/s.jsonl", "missing", "[x].jsonl"]
    assert expand_logs([str(tmp_path / "sub" / "*")]) == [str(tmp_path / "sub" / "s.jsonl")]
    assert expand_logs([]) == []


def test_expand_logs_nothing(tmp_path: Path) -> None:
    """A pattern that matches nothing is an error, not an empty log."""
    pattern = str(tmp_path / "*.jsonl")
    with pytest.raises(InputError) as caught:
        expand_logs([pattern])
    assert caught.value.message == f"{pattern}: no run log matches; name a log, or a pattern that some log matches"


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("logs/*.jsonl", ["logs/a.jsonl", "logs/b.jsonl"]),
        ("logs/[!a].jsonl", ["logs/b.jsonl"]),
        ("logs/?.jsonl", ["logs/a.jsonl", "logs/b.jsonl"]),
        ("./logs//a*", ["./logs/a.jsonl"]),
        ("**/c.jsonl", ["logs/x/y/c.jsonl"]),
        ("**/**/c.jsonl", ["logs/x/y/c.jsonl"]),
        ("logs/**/x/**/*.jsonl", ["logs/x/y/c.jsonl"]),
        ("logs/**", ["logs/a.jsonl", "logs/b.jsonl", "logs/x/y/c.jsonl"]),
        ("logs/*/y/c.jsonl", ["logs/x/y/c.jsonl"]),
        ("*/x/../a.jsonl", ["logs/x/../a.jsonl"]),
        (".h*/*.jsonl", [".hidden/d.jsonl"]),
        ("logs/.*.jsonl", ["logs/.e.jsonl"]),
        ("**/*e.jsonl", None),
        ("logs/*/", None),
        ("logs/a.jsonl/*", None),
        ("nowhere/**/*.jsonl", None),
        ("*/nowhere.jsonl", None),
    ],
)
def test_what_matches(here: Path, pattern: str, matches: list[str] | None) -> None:
    """A part of a pattern matches names in one folder, `**` any folders; hidden names have to be spelled with a dot."""
    lay("logs/a.jsonl", "logs/b.jsonl", "logs/x/y/c.jsonl", ".hidden/d.jsonl", "logs/.e.jsonl")
    if matches is None:
        with pytest.raises(InputError, match="no run log matches"):
            found(pattern)
    else:
        assert found(pattern) == (matches, [])


def test_links_to_folders_are_not_followed(here: Path) -> None:
    """Folders that link to each other end the walk at once; the links are named, and read where they are named."""
    lay("logs/a.jsonl", "logs/x/b.jsonl", "elsewhere/c.jsonl")
    for name in ("logs/loop", "logs/x/loop", "logs/x/again"):
        Path(name).symlink_to("..")
    Path("logs/elsewhere").symlink_to("../elsewhere")
    remark = (
        "logs/**/*.jsonl: links to folders are not followed: logs/elsewhere and 3 more: "
        "name the folder itself to read the logs in it"
    )
    assert found("logs/**/*.jsonl") == (["logs/a.jsonl", "logs/x/b.jsonl"], [remark])
    assert found("logs/elsewhere/*.jsonl") == (["logs/elsewhere/c.jsonl"], [])
    assert found("**/loop/*.jsonl")[0] == ["logs/x/loop/a.jsonl"]


def test_a_link_to_a_log_is_a_log(here: Path) -> None:
    """A link to a file is another name of it, and a dangling one is left for the reader to refuse."""
    lay("a.jsonl")
    Path("current.jsonl").symlink_to("a.jsonl")
    Path("old.jsonl").symlink_to("gone")
    assert found("*.jsonl") == (
        ["a.jsonl", "old.jsonl"],
        ["a log under several names was read once: current.jsonl is a.jsonl"],
    )


def test_a_file_of_several_names_is_read_once(here: Path) -> None:
    """Hard links, symlinks and spellings of one file are one log; three other names are told, the rest counted."""
    lay("a.jsonl", "z.jsonl")
    for name in ("b.jsonl", "c.jsonl", "d.jsonl"):
        Path(name).hardlink_to("a.jsonl")
    Path("e.jsonl").symlink_to("a.jsonl")
    assert found("z.jsonl", "./z.jsonl") == (
        ["z.jsonl"],
        ["a log under several names was read once: ./z.jsonl is z.jsonl"],
    )
    assert found("*.jsonl", "missing") == (
        ["a.jsonl", "z.jsonl", "missing"],
        [
            "a log under several names was read once: b.jsonl is a.jsonl, c.jsonl is a.jsonl, d.jsonl is a.jsonl, "
            "and 1 more"
        ],
    )
    assert distinct(["a.jsonl", "a\0"], lambda _: None) == ["a.jsonl", "a\0"]


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be a user whom permissions stop; the superuser is stopped by none."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(mine)


@pytest.mark.parametrize("pattern", ["logs/**/*.jsonl", "logs/*/x/*.jsonl", "logs/closed/*.jsonl", "logs/*/a.jsonl"])
def test_a_folder_that_may_not_be_listed(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    """What may hold logs and cannot be looked through is an error, not an empty folder."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        monkeypatch.chdir(name)
        lay("logs/a.jsonl", "logs/closed/a.jsonl")
        os.chmod("logs/closed", 0)
        try:
            with unprivileged(), pytest.raises(InputError) as caught:
                found(pattern)
        finally:
            os.chmod("logs/closed", 0o755)
            monkeypatch.chdir("/")
    assert caught.value.message.startswith("logs/closed")
    assert caught.value.message.endswith(
        f": cannot be searched (Permission denied) for the logs of {pattern}: check its permissions, or name the logs"
    )


@pytest.mark.parametrize("pattern", ["a\0/*.jsonl", "a*/\0", "x" * 300 + "/*.jsonl"])
def test_a_pattern_that_cannot_be_a_path(here: Path, pattern: str) -> None:
    """It is refused in one line."""
    lay("ab/c")
    with pytest.raises(InputError, match="cannot be searched"):
        found(pattern)


def test_the_walk_is_bounded(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern that takes in half the disk is an error, not hours of work."""
    lay("a/1", "a/2", "b/3")
    monkeypatch.setattr(patterns, "MOST_NAMES", 4)
    with pytest.raises(InputError, match=r"\*\*/3: more than 4 names to look through: name the logs' own folder"):
        found("**/3")
    monkeypatch.setattr(patterns, "MOST_LOGS", 1)
    with pytest.raises(InputError, match=r"a/\*: more than 1 logs match: name fewer of them"):
        found("a/*")


def test_every_compression_rotates_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of a rotated log counts whatever it was compressed with."""
    monkeypatch.chdir(tmp_path)
    rotated = ["r.jsonl.11.zst", "r.jsonl.10.gz", "r.jsonl.9.zst", "r.jsonl.8.gz", "r.jsonl.7", "r.jsonl"]
    for name in rotated:
        Path(name).touch()
    assert expand_logs(["r.jsonl*"]) == rotated
