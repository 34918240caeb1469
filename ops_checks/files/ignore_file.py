"""Add to a folder's `.gitignore` what must not be committed; git is never run, and no other line is touched."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ops_checks.errors import OpsError, WriteError
from ops_checks.files.atomic_write import replace_file
from ops_checks.files.git_index import git_folder
from ops_checks.files.ignore_patterns import ignored, patterns_of
from ops_checks.files.new_file import make_file
from ops_checks.files.safe_open import FileKind, read_regular
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    #: What became of the file (None: nothing is asked of it), and notes.
    Ignored = tuple[str | None, list[str]]

GITIGNORE = ".gitignore"
MADE, CHANGED, KEPT = "made", "changed", "kept"
_HEADING = "# ops-checks: what programs make beside the queues, and reports"
_KIND = FileKind(GITIGNORE, "it is left as it is", most_bytes=1 << 18)
_BOM = b"\xef\xbb\xbf"


def add_ignored(folder: str, wanted: Iterable[tuple[str, str]]) -> Ignored:
    """Add patterns to the `.gitignore` of a folder (empty: the current one) that is inside a work tree of git.

    `wanted` are pairs of a path, relative to the folder, and the pattern that ignores it: it is added unless a line
    says already what becomes of the path. Raises nothing: a file that cannot be changed is a note.
    """
    path = os.path.join(folder, GITIGNORE)
    try:
        if git_folder(os.path.realpath(folder or os.curdir)) is None:
            return None, []
        seen = _stat(path)
        old = b"" if seen is None else read_regular(path, _KIND)
        missing, notes = _missing(path, old, wanted)
        if not missing:
            return (None if seen is None else KEPT), notes
        _write(folder, path, seen, _with_lines(old, missing))
    except (OSError, OpsError) as error:
        reason = error.message if isinstance(error, OpsError) else f"{visible(path)}: {error.strerror}"
        return None, [f"{reason}: what must not be committed is not added to it"]
    return (MADE if seen is None else CHANGED), notes


def _stat(path: str) -> os.stat_result | None:
    """Return the state of the file, None if there is none. Raises WriteError for a symlink, which git does not read."""
    try:
        state = os.lstat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(state.st_mode):
        raise WriteError(f"{visible(path)}: is a symlink, which git does not follow")
    return state


def _missing(path: str, old: bytes, wanted: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Return the patterns to add, and a note on each path that a line keeps from being ignored."""
    lines = os.fsdecode(old.removeprefix(_BOM)).split("\n")
    known = patterns_of(lines)
    verdicts = [(file, pattern, ignored(known, file)) for file, pattern in wanted]
    kept = [
        f"{visible(path)}: a line keeps {visible(file)} in git: left so"
        for file, _, found in verdicts
        if found is False
    ]
    return list(dict.fromkeys(pattern for _, pattern, found in verdicts if found is None)), kept


def _with_lines(old: bytes, patterns: Sequence[str]) -> bytes:
    """Return the content with lines behind it that end as its own do."""
    end = b"\r\n" if old.partition(b"\n")[0].endswith(b"\r") else b"\n"
    joint = end if old.removeprefix(_BOM) and not old.endswith(b"\n") else b""
    return old + joint + b"".join(os.fsencode(line) + end for line in (_HEADING, *patterns))


def _write(folder: str, path: str, seen: os.stat_result | None, data: bytes) -> None:
    """Write the file. Raises WriteError, also if another program changed it meanwhile."""
    if seen is not None:
        replace_file(path, data, state=seen)
    elif not make_file(folder, GITIGNORE, lambda: data):
        raise WriteError(f"{visible(path)}: another program has made it meanwhile")
