"""Find the repository around a folder; it is asked by `rev-parse` only, which runs nothing (RECONCILE section 14)."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.files.git_process import GitError, Limits, environment, run, with_users_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
#: What git says where the repository's folder belongs to somebody else.
_OTHER_OWNER = ("dubious ownership", "unsafe repository")
_MOST_LISTED_BYTES = 1 << 26


class NoRepository(NamedTuple):
    """Why there is no history to read, in one line; `absent`: there is no repository around the document at all."""

    reason: str
    absent: bool = False


class Place(NamedTuple):
    """The repository around a document, as `rev-parse` tells it: paths are absolute, `prefix` ends with `/`."""

    objects: str
    shallow: str
    prefix: str
    object_format: str
    head: str | None


def is_commit_id(text: str | None) -> bool:
    """Return whether a text is a whole commit id, of either object format."""
    return text is not None and _COMMIT.fullmatch(text) is not None


def find_place(folder: str, limits: Limits) -> Place | NoRepository:
    """Return the repository around a folder. Raises GitError."""
    env = environment()
    questions = ("--is-inside-work-tree", "--show-object-format", "--git-path", "objects", "--git-path", "shallow")
    words = ("rev-parse", *questions, "--show-prefix")
    answer = run(words, cwd=folder, env=env, limits=limits)
    if any(words in answer.reason for words in _OTHER_OWNER):
        env = with_users_settings(env)
        answer = run(words, cwd=folder, env=env, limits=limits)
    if answer.code:
        return _refused(answer.reason)
    lines = os.fsdecode(answer.output).split("\n")
    if len(lines) != 6:  # noqa: PLR2004 - five answers, each with its line feed
        return NoRepository("a line break in its path")
    inside, object_format, objects, shallow, prefix, _ = lines
    if inside != "true":
        return NoRepository("a bare repository, or a folder that is no work tree")
    return Place(
        os.path.join(folder, objects),
        os.path.join(folder, shallow),
        prefix,
        "sha256" if object_format == "sha256" else "sha1",
        _head(folder, env, limits),
    )


def _head(folder: str, env: Mapping[str, str], limits: Limits) -> str | None:
    """Return the commit that is checked out, None before the first. Raises GitError, also if its branch is damaged."""
    head = run(("rev-parse", "--verify", "--quiet", "HEAD"), cwd=folder, env=env, limits=limits)
    commit = head.output.decode("ascii", "replace").strip()
    if head.code == 0 and is_commit_id(commit):
        return commit
    # a branch without a commit is not among all, a damaged one is
    every = run(("rev-parse", "--all"), cwd=folder, env=env, limits=limits, most_bytes=_MOST_LISTED_BYTES)
    if every.code or any(not line.strip(b"0") for line in every.output.splitlines()):
        raise GitError("a branch is damaged, and HEAD names no commit")
    return None


def commit_of(folder: str, revision: str, limits: Limits) -> str:
    """Return the commit that a revision names in the repository around a folder. Raises GitError."""
    if revision.startswith("-"):
        raise GitError("a revision does not begin with -")
    named = _object_of(folder, revision, limits)
    return _object_of(folder, f"{named}^{{commit}}", limits)  # apart: `:/TEXT` would look for that as well


def _object_of(folder: str, name: str, limits: Limits) -> str:
    words = ("rev-parse", "--verify", "--quiet", name)
    answer = run(words, cwd=folder, env=environment(), limits=limits)
    if any(each in answer.reason for each in _OTHER_OWNER):
        answer = run(words, cwd=folder, env=with_users_settings(environment()), limits=limits)
    found = answer.output.decode("ascii", "replace").strip()
    if answer.code or not is_commit_id(found):
        raise GitError(f"git knows no commit of that name{f' ({answer.reason})' if answer.reason else ''}")
    return found


def _refused(reason: str) -> NoRepository:
    if any(words in reason for words in _OTHER_OWNER):
        return NoRepository(
            "the repository belongs to another user, so that git does not read it: "
            "if you trust it, name it in git's safe.directory"
        )
    return NoRepository(reason or "git failed", absent="not a git repository" in reason)
