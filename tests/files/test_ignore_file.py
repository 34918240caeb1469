"""What must not be committed gets into `.gitignore` once, as git reads it, and no other line is touched."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from git_projects import GitProject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_checks.files.ignore_file import add_ignored
from ops_checks.files.ignore_patterns import as_pattern, ignored, patterns_of

if TYPE_CHECKING:
    from pathlib import Path

HEADING = "# ops-checks: what programs make beside the queues, and reports\n"
LOCK, DB = "docs/QUEUE.md.lock", "db/queue.db"
WANTED = [(LOCK, f"/{LOCK}"), (DB, f"/{DB}")]
BOTH = f"{HEADING}/{LOCK}\n/{DB}\n"

#: Pieces of patterns and of paths, few enough to meet.
_PIECES = (
    "a",
    "b",
    "ab",
    "*",
    "**",
    "?",
    "/",
    "[ab]",
    "[!a]",
    "[^b]",
    "[a-b]",
    "[",
    "]",
    "\\",
    "\\*",
    "\\a",
    " ",
    "#",
    ".",
    "-",
)
_PATTERN = st.lists(st.sampled_from((*_PIECES, "!")), min_size=1, max_size=6).map("".join)
_NAME = st.sampled_from(("a", "b", "ab", "a b", "*", "[", "a]", "!a", "#a", "a\\b", "a ", ".a", "?"))
_PATH = st.lists(_NAME, min_size=1, max_size=3).map("/".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitProject:
    """Return an empty repository, of which git is asked what it ignores."""
    return GitProject(tmp_path_factory.mktemp("repository"))


def by_git(repository: GitProject, content: bytes, path: str) -> bool | None:
    """Return what git says of a path with this `.gitignore`: ignored, kept by a pattern, or nothing."""
    (repository.folder / ".gitignore").write_bytes(content)
    answer = subprocess.run(
        ["git", "check-ignore", "--no-index", "-v", "-n", "-z", "--stdin"],
        cwd=repository.folder, env=repository.environment(), input=os.fsencode(path) + b"\0", capture_output=True,
        check=False,
    )  # fmt: skip
    assert answer.returncode in {0, 1}, answer.stderr
    pattern = os.fsdecode(answer.stdout.split(b"\0")[2])
    return None if not pattern else not pattern.startswith("!")


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(_PATTERN, max_size=3), path=_PATH)
def test_patterns_mean_what_git_means(repository: GitProject, lines: list[str], path: str) -> None:
    """The verdict on any path is git's."""
    expected = by_git(repository, "\n".join([*lines, ""]).encode(), path)
    assert ignored(patterns_of(lines), path) == expected


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=_PATH, other=_PATH)
def test_the_pattern_of_a_path_is_for_it_alone(repository: GitProject, path: str, other: str) -> None:
    """Whatever characters a path has, its pattern ignores it, and nothing beside it."""
    pattern = as_pattern(path)
    assert pattern is not None
    assert by_git(repository, pattern.encode() + b"\n", path) is True
    beside = other != path and not other.startswith(f"{path}/")
    assert not beside or by_git(repository, pattern.encode() + b"\n", other) is None


@pytest.mark.parametrize("path", ["a\nb", "a\rb", "a\r"])
def test_a_path_that_no_pattern_can_name(path: str) -> None:
    """A line break ends a pattern."""
    assert as_pattern(path) is None


@pytest.mark.parametrize("pattern", ["*a" * 60 + "b", "**/" * 60 + "b", "[" * 5000, "*" * 5000])
def test_hostile_patterns_take_no_time(pattern: str) -> None:
    """A pattern from a file of somebody else is looked at in bounded time."""
    assert not ignored(patterns_of([pattern]), "a" * 200 + "/" + "a" * 200) or set(pattern) == {"*"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, BOTH),
        ("", BOTH),
        ("*.pyc\n", f"*.pyc\n{BOTH}"),
        ("*.pyc", f"*.pyc\n{BOTH}"),
        ("# kept  \n\n*.pyc  \n\n", f"# kept  \n\n*.pyc  \n\n{BOTH}"),
        ("*.pyc\r\nx\r\n", "*.pyc\r\nx\r\n" + BOTH.replace("\n", "\r\n")),
        ("*.pyc\r\nx", "*.pyc\r\nx\r\n" + BOTH.replace("\n", "\r\n")),
        ("\ufeff*.pyc\n", f"\ufeff*.pyc\n{BOTH}"),
        ("\ufeff", f"\ufeff{BOTH}"),
        ("*.lock\n", f"*.lock\n{HEADING}/{DB}\n"),
        ("\ufeffQUEUE.md.lock\n", f"\ufeffQUEUE.md.lock\n{HEADING}/{DB}\n"),
        ("db/\r\n", "db/\r\n" + HEADING.replace("\n", "\r\n") + f"/{LOCK}\r\n"),
        ("docs/*.lock\ndb/queue.*\n", "docs/*.lock\ndb/queue.*\n"),
        ("**/queue.db\n/docs/**\n", "**/queue.db\n/docs/**\n"),
        (f"/{DB}\n/{LOCK}", f"/{DB}\n/{LOCK}"),
        ("*\n!*.md\n", "*\n!*.md\n"),
        ("*.lockx\n#db/\nqueue\n/queue.db\n", f"*.lockx\n#db/\nqueue\n/queue.db\n{BOTH}"),
    ],
)
def test_lines_are_added_behind_the_others(tmp_path: Path, old: str | None, new: str) -> None:
    """What is there stays to the byte, what says it already is not said twice, and a second time changes nothing."""
    (tmp_path / ".git").mkdir()
    path = tmp_path / ".gitignore"
    if old is not None:
        path.write_bytes(old.encode())
    what = "made" if old is None else "kept" if old == new else "changed"
    assert add_ignored(str(tmp_path), WANTED) == (what, [])
    assert path.read_bytes() == new.encode()
    assert add_ignored(str(tmp_path), WANTED) == ("kept", [])
    assert path.read_bytes() == new.encode()
    assert sorted(each.name for each in tmp_path.iterdir()) == [".git", ".gitignore"]


def test_a_file_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A name in another encoding stays as it is."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9\n")
    assert add_ignored(str(tmp_path), WANTED) == ("changed", [])
    assert (tmp_path / ".gitignore").read_bytes() == b"caf\xe9\n" + BOTH.encode()


def test_what_a_line_keeps_in_git_is_left_so(tmp_path: Path) -> None:
    """Somebody who keeps the database in git on purpose is told, not overruled."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*.db\n!queue.db\n")
    what, notes = add_ignored(str(tmp_path), WANTED)
    assert (what, notes) == ("changed", [f"{tmp_path}/.gitignore: a line keeps {DB} in git: left so"])
    assert (tmp_path / ".gitignore").read_text() == f"*.db\n!queue.db\n{HEADING}/{LOCK}\n"
    assert add_ignored(str(tmp_path), WANTED) == ("kept", notes)


@pytest.mark.parametrize("inside", ["folder", "file", "above", "none"])
def test_only_in_a_work_tree(tmp_path: Path, inside: str) -> None:
    """A folder that git does not know gets no such file; a work tree may be linked, or begin above."""
    folder = tmp_path / "project" / "part"
    folder.mkdir(parents=True)
    if inside == "folder":
        (folder / ".git").mkdir()
    elif inside == "file":
        (folder / ".git").write_text(f"gitdir: {tmp_path}/elsewhere\n")
    elif inside == "above":
        (folder.parent / ".git").mkdir()
    what, notes = add_ignored(str(folder), WANTED)
    assert (what, notes) == (None if inside == "none" else "made", [])
    assert (folder / ".gitignore").exists() == (inside != "none")


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "dangling link", "large", "two names"])
def test_a_file_that_cannot_be_changed_is_a_note(tmp_path: Path, kind: str) -> None:
    """Whatever stands in its place is left as it is, and told in one line."""
    (tmp_path / ".git").mkdir()
    path = tmp_path / ".gitignore"
    (tmp_path / "target").write_text("*.pyc\n")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "large":
        path.write_text("x\n" * (1 << 18))
    elif kind == "two names":
        os.link(tmp_path / "target", path)
    else:
        path.symlink_to("gone" if kind == "dangling link" else "target")
    what, [note] = add_ignored(str(tmp_path), WANTED)
    assert what is None
    assert note.startswith(f"{path}: ")
    assert note.endswith(": what must not be committed is not added to it")
    assert note.count("\n") == 0
    assert (tmp_path / "target").read_text() == "*.pyc\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == [".git", ".gitignore", "target"]
