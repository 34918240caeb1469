"""Read the versions of a document out of git, without running a program that its repository names.

Filters, hooks, monitors, converters and helpers stand in the repository's own configuration, and most commands of git
run some of them. So the repository itself is asked by `rev-parse` only; all else is read through a git directory of
our own, which has the repository's objects and nothing of its settings (RECONCILE section 14).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import OpsError
from ops_checks.files.git_discovery import NoRepository, Place, commit_of, find_place, is_commit_id
from ops_checks.files.git_index import git_folder
from ops_checks.files.git_process import Answer, GitError, GitProcess, Limits, environment, run
from ops_checks.files.safe_open import FileKind, read_regular
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Self

_HEADER = re.compile(rb"[0-9a-f]{40,64} (\w+) (\d{1,15})")
_MOST_LISTED_BYTES = 1 << 26
_MOST_SHALLOW_BYTES = 1 << 22
_LONGEST_HEADER = 1 << 14
#: Asked for before the first of them is answered, in bytes: a pipe holds that much.
_AHEAD_BYTES = 4000
_SHALLOW = FileKind("list of shallow commits", "fetch the history again", most_bytes=_MOST_SHALLOW_BYTES)


class Version(NamedTuple):
    """A commit that changed the document, and its parents: the nearest older commits that did, listed or not."""

    commit: str
    parents: tuple[str, ...]


class Content(NamedTuple):
    """An object of the repository: its kind (`blob`, `commit`, …), its size in bytes, its content in blocks."""

    kind: str
    size: int
    blocks: Iterator[bytes]


def open_repository(document: str, *, silent_s: float = Limits().silent_s) -> GitRepository | NoRepository:
    """Return the repository around a document (around its target, if it is a symlink), or why there is none.

    The variables that a hook has in its environment (GIT_DIR, GIT_INDEX_FILE) do not count: the document's folder
    does. `silent_s` is how long git may say nothing. Raises nothing.
    """
    try:
        real = os.path.realpath(document)
        if git_folder(os.path.dirname(real)) is None:
            return NoRepository("not in a git repository", absent=True)
        if "\n" in real:
            return NoRepository("a line break in its path")
        place = find_place(os.path.dirname(real), Limits(silent_s))
        if isinstance(place, NoRepository):
            return place
        return GitRepository(place, place.prefix + os.path.basename(real), silent_s, os.path.dirname(real))
    except GitError as error:
        return NoRepository(str(error))
    except (OSError, ValueError, OpsError) as error:
        return NoRepository(f"the repository cannot be read ({visible(str(error))[:200]})")


class GitRepository:
    """The history of one document, read through a git directory of our own; a context manager that removes it.

    `path` is the document's path in the repository, `head` the commit that is checked out, None before the first.
    Every method may raise GitError; nothing is written to the repository.
    """

    def __init__(self, place: Place, path: str, silent_s: float, work_folder: str) -> None:
        self.path = path
        self._work_folder = work_folder
        self.head = place.head
        self._silent_s = silent_s
        self._folder = tempfile.mkdtemp(prefix="ops-checks-git-")
        try:
            self._initialize(place)
        except BaseException:
            self.close()
            raise

    def _initialize(self, place: Place) -> None:
        formats = ["--object-format=sha256"] if place.object_format == "sha256" else []
        words = ("init", "--quiet", "--bare", "--template=", *formats, "--", self._folder)
        answer = run(words, cwd=self._folder, env=environment(), limits=Limits(self._silent_s))
        if answer.code:
            raise GitError(answer.reason or "git failed")
        self._env = environment({"GIT_DIR": self._folder, "GIT_OBJECT_DIRECTORY": place.objects})
        self.shallow = frozenset(_shallow_commits(place.shallow))
        if self.shallow:
            with open(os.path.join(self._folder, "shallow"), "x", encoding="ascii") as file:
                file.writelines(f"{commit}\n" for commit in sorted(self.shallow))

    def __enter__(self) -> Self:
        """Return the repository."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove our git directory."""
        self.close()

    def close(self) -> None:
        """Remove our git directory."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def is_shallow(self) -> bool:
        """Whether the history ends before its beginning."""
        return bool(self.shallow)

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Return whether a commit is another one, or comes before it; False if it is not there."""
        if not (is_commit_id(commit) and is_commit_id(of)):
            return False
        return self._run("merge-base", commit, of).output == f"{commit}\n".encode("ascii")

    def versions(
        self, *, most: int, since: str | None = None, side_branches: bool = False, until: float | None = None
    ) -> list[Version]:
        """Return the commits that changed the document, up to `head`, newest first, `most` at most.

        `since`: without that commit and those before it. Of a merge only the parent that the document came from is
        followed, as git does by itself; with `side_branches` every commit counts. The document is not followed
        across a renaming. Ends with GitTimeoutError at the moment `until` of the monotonic clock.
        """
        if self.head is None:
            return []
        words = ["rev-list", "--parents", f"--max-count={most}", self.head]
        words += ["--simplify-merges"] if side_branches else []
        words += [f"^{since}"] if since is not None and is_commit_id(since) else []
        answer = self._run(*words, "--", self.path, until=until)
        if answer.code:
            raise GitError(answer.reason or "git failed")
        lines = [line.split() for line in answer.output.decode("ascii", "replace").splitlines()]
        return [Version(commit, tuple(parents)) for commit, *parents in lines]

    def documents(self, commits: Iterable[str], *, until: float | None = None) -> Iterator[tuple[str, Content | None]]:
        """Stream the document's versions in some commits; None where it cannot be read, or is not there.

        Read a version's blocks before the next version is asked for; what is left of them is skipped.
        """
        path = os.fsencode(self.path)
        names = ((commit, commit.encode("ascii") + b":" + path) for commit in commits)
        return self._contents(names, Limits(self._silent_s, until))

    def commits(self, commits: Iterable[str]) -> Iterator[tuple[str, Content | None]]:
        """Stream commits as they are stored, as `documents` does."""
        return self._contents(((commit, commit.encode("ascii")) for commit in commits), Limits(self._silent_s))

    def commit_of(self, revision: str) -> str:
        """Return the commit that a revision of the repository names."""
        return commit_of(self._work_folder, revision, Limits(self._silent_s))

    def has_document(self, commit: str) -> bool:
        """Return whether the document is part of a commit, also if its content is not there (a partial clone)."""
        answer = self._run("ls-tree", "--full-tree", "--name-only", "-z", commit, "--", self.path)
        if answer.code:
            raise GitError(answer.reason or "git failed")
        return bool(answer.output)

    def _run(self, *words: str, until: float | None = None) -> Answer:
        limits = Limits(self._silent_s, until)
        return run(words, cwd=self._folder, env=self._env, limits=limits, most_bytes=_MOST_LISTED_BYTES)

    def _contents(self, names: Iterable[tuple[str, bytes]], limits: Limits) -> Iterator[tuple[str, Content | None]]:
        """Stream objects by key and name through one process, asking ahead so that git and we work at the same time."""
        asked: deque[tuple[str, bytes]] = deque()
        ahead = 0
        more = iter(names)
        upcoming = next(more, None)
        if upcoming is None:
            return
        with GitProcess(("cat-file", "--batch"), cwd=self._folder, env=self._env, limits=limits) as process:
            answers = _Answers(process)
            while upcoming or asked:
                while upcoming and (not asked or ahead + len(upcoming[1]) < _AHEAD_BYTES):
                    process.send(upcoming[1] + b"\n")
                    asked.append(upcoming)
                    ahead += len(upcoming[1])
                    upcoming = next(more, None)
                key, name = asked.popleft()
                ahead -= len(name)
                yield key, answers.next(name)


class _Answers:
    """The answers of `cat-file --batch`, one after the other."""

    def __init__(self, process: GitProcess) -> None:
        self._process = process
        self._buffer = b""
        self._left = 0  # bytes of the last object, with its line feed

    def next(self, name: bytes) -> Content | None:
        """Return the next answer, to a question by name; None if there is no such object. Raises GitError."""
        for _ in self._blocks(0):
            pass  # what was not read of the answer before
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LONGEST_HEADER:
                raise GitError("git gave an answer that is none")
            self._buffer += self._process.receive()
        header, _, self._buffer = self._buffer.partition(b"\n")
        match = _HEADER.fullmatch(header)
        if match is None:
            if header == name + b" missing":
                return None
            raise GitError("git gave an answer that is none")
        size = int(match[2])
        self._left = size + 1
        return Content(match[1].decode("ascii"), size, self._blocks(1))

    def _blocks(self, keep: int) -> Iterator[bytes]:
        """Yield what is left of the object, but for the last `keep` bytes."""
        while self._left > keep:
            block = self._buffer or self._process.receive()
            taken = min(len(block), self._left - keep)
            self._buffer = block[taken:]
            self._left -= taken
            yield block[:taken]


def _shallow_commits(path: str) -> Iterator[str]:
    """Yield the commits at which the history ends; none for a repository that has all of it."""
    if os.path.exists(path):
        for line in read_regular(path, _SHALLOW).decode("ascii", "replace").splitlines():
            if is_commit_id(line):
                yield line
