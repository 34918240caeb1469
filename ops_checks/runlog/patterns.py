"""Find the logs that paths and patterns name (FORMATS section 4): nothing is left out without a word.

The walk is our own because the standard library's leaves out, without an error, the folders that it may not list,
and follows links to folders in circles.
"""

from __future__ import annotations

import os
from itertools import islice

from ops_checks.errors import InputError, MissingError
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ops_checks.runlog.copies import Content

    #: Takes a remark about what was found.
    Remark = Callable[[str], object]
    #: Returns the logs that patterns name.
    Expand = Callable[[Iterable[str], Remark], list[str]]

#: So many logs may match a pattern, and so many names may be looked through for them.
MOST_LOGS = 10_000
MOST_NAMES = 1_000_000

_ANY_FOLDERS = "**"
_MAGIC = "*?["
_ROTATED_DIGITS = 5
_NAMED = 3  # files with several names that a remark names


def find_logs(
    patterns: Iterable[str], remark: Remark, *, expand: Expand | None = None, content: Content | None = None
) -> list[str]:
    """Return the paths of the logs that patterns and plain paths name, each file and what is in it once.

    See `expand_logs`, `distinct` and `without_copies`. Raises InputError. `remark` gets what is left out. `expand` and
    `content` stand in for what looks for files of this machine, and opens them.
    """
    logs = distinct((expand or expand_logs)(patterns, remark), remark)
    unread = unread_pieces(logs)
    if unread:
        more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
        remark(
            f"{visible(unread[0])}{more}: beside a log, by its name a rotated piece of it, and not read: name a pattern"
        )
    if len(logs) < 2:  # noqa: PLR2004 - one is no copy of another
        return logs
    from ops_checks.runlog.copies import without_copies

    return without_copies(logs, remark, content)


def unread_pieces(logs: Iterable[str]) -> list[str]:
    """Return the rotated pieces of logs (`runs.jsonl.1`, `runs.jsonl.2.gz`) that lie beside them and are not read."""
    named = set(map(os.path.normpath, logs))
    found = []
    for log in named:
        base = os.path.basename(log)
        found += [path for path in _beside(log) if _is_piece(os.path.basename(path), base) and path not in named]
    return sorted(found, key=rotation_order)


def _is_piece(name: str, log: str) -> bool:
    """Return whether a name is that of a rotated piece of a log: a number of up to 5 digits, packed or not."""
    suffix = name[len(log) :].removesuffix(".gz") if name.endswith(".gz") else name[len(log) :].removesuffix(".zst")
    number = suffix[1:]
    numbered = number.isascii() and number.isdigit() and len(number) <= _ROTATED_DIGITS
    return name.startswith(log) and (not suffix or (suffix[0] == "." and numbered))


def is_pattern(text: str) -> bool:
    """Return whether a text has characters that stand for others in a pattern."""
    return any(character in text for character in _MAGIC)


def _beside(log: str) -> list[str]:
    folder = os.path.dirname(log)
    try:
        return [os.path.join(folder, name) for name in islice(os.listdir(folder or os.curdir), MOST_NAMES)]
    except OSError:
        return []


def expand_logs(patterns: Iterable[str], remark: Remark = lambda _: None) -> list[str]:
    """Return the paths that patterns (`logs/*.jsonl`, also with `**`) and plain paths name, each once.

    The matches of a pattern come oldest first, as log rotation numbers them: `runs.jsonl.2`, `runs.jsonl.1`,
    `runs.jsonl`. An existing path stands for itself even with `*` in it. A name that begins with a dot has to be
    spelled with one. Links to folders are not followed where a pattern matches them; `remark` gets a line about
    that. Raises InputError for a pattern without matches, for a folder that cannot be listed, and for too many
    names.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        if os.path.lexists(pattern) or not is_pattern(pattern):
            found[pattern] = None
            continue
        walk = _Walk(pattern)
        matches = sorted(walk.matches(), key=rotation_order)
        if not matches:
            raise MissingError(
                f"{visible(pattern)}: no run log matches; name a log, or a pattern that some log matches"
            )
        found.update(dict.fromkeys(matches))
        if walk.links:
            remark(_not_followed(pattern, walk.links))
    return list(found)


def distinct(paths: Iterable[str], remark: Remark) -> list[str]:
    """Return the first path of each file (by device and inode); `remark` gets a line about the other names.

    A path that leads to no file is kept: opening it says why.
    """
    first: dict[tuple[int, int], str] = {}
    kept, others = [], []
    for path in paths:
        try:
            state = os.stat(path)
        except (OSError, ValueError):
            kept.append(path)
            continue
        file = (state.st_dev, state.st_ino)
        if file in first:
            others.append(f"{visible(path)} is {visible(first[file])}")
        else:
            first[file] = path
            kept.append(path)
    if others:
        more = f", and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        remark(f"a log under several names was read once: {', '.join(others[:_NAMED])}{more}")
    return kept


class _Walk:
    """Matches one pattern against the file system. `links` are the links to folders that it did not follow."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        parts = [part for part in pattern.split("/") if part]
        # Any folders of any folders are any folders.
        self._parts = [part for at, part in enumerate(parts) if parts[at : at + 2] != [_ANY_FOLDERS] * 2]
        self._names = 0
        self.links: list[str] = []

    def matches(self) -> set[str]:
        """Return the paths that match. Raises InputError for a folder that cannot be listed, or for too many names."""
        found: set[str] = set()
        if self._pattern.endswith("/"):
            return found  # a folder, and no log
        waiting = [("/" if self._pattern.startswith("/") else "", 0)]
        seen = set(waiting)
        while waiting:
            for path, at in self._steps(*waiting.pop()):
                if at == len(self._parts):
                    found.add(path)
                elif (path, at) not in seen:
                    seen.add((path, at))
                    waiting.append((path, at))
            if len(found) > MOST_LOGS:
                raise InputError(f"{visible(self._pattern)}: more than {MOST_LOGS:,} logs match: name fewer of them")
        return found

    def _steps(self, folder: str, at: int) -> Iterator[tuple[str, int]]:
        """Yield what a part of the pattern matches in a folder: paths, each with the number of the part after it."""
        part = self._parts[at]
        last = at + 1 == len(self._parts)
        if part == _ANY_FOLDERS:
            yield from self._any_folders(folder, at, last=last)
        elif is_pattern(part):
            matched = _matcher(part)
            for entry in self._listed(folder):
                if matched(entry.name) and (last or self._is_folder(entry)):
                    yield os.path.join(folder, entry.name), at + 1
        else:
            path = os.path.join(folder, part)
            if not last or self._exists(path):
                yield path, at + 1

    def _any_folders(self, folder: str, at: int, *, last: bool) -> Iterator[tuple[str, int]]:
        if not last:
            yield folder, at + 1
        for entry in self._listed(folder):
            if entry.name.startswith("."):
                continue
            path = os.path.join(folder, entry.name)
            if self._is_folder(entry):
                yield path, at
            elif last and not os.path.isdir(path):
                yield path, at + 1

    def _listed(self, folder: str) -> list[os.DirEntry[str]]:
        """Return the entries of a folder, none of one that does not exist."""
        try:
            with os.scandir(folder or os.curdir) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, ValueError) as error:
            raise self._unlisted(folder, error) from error
        self._names += len(found)
        if self._names > MOST_NAMES:
            raise InputError(
                f"{visible(self._pattern)}: more than {MOST_NAMES:,} names to look through: name the logs' own folder"
            )
        return found

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        """Return whether an entry is a folder; a link to one is kept in `links` instead."""
        try:
            if entry.is_dir(follow_symlinks=False):
                return True
            is_link = entry.is_symlink()
        except OSError as error:
            raise self._unlisted(entry.path, error) from error
        if is_link and os.path.isdir(entry.path):
            self.links.append(entry.path)
        return False

    def _exists(self, path: str) -> bool:
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except (OSError, ValueError) as error:
            raise self._unlisted(path, error) from error
        return True

    def _unlisted(self, path: str, error: OSError | ValueError) -> InputError:
        reason = error.strerror if isinstance(error, OSError) else error
        return InputError(
            f"{visible(path)}: cannot be searched ({reason}) for the logs of {visible(self._pattern)}: "
            "check its permissions, or name the logs"
        )


def _matcher(part: str) -> Callable[[str], object]:
    """Return what matches names with one part of a pattern; it takes time linear in the name."""
    import re
    from fnmatch import translate

    match = re.compile(translate(part)).match
    return match if part.startswith(".") else lambda name: not name.startswith(".") and match(name)


def _not_followed(pattern: str, links: Iterable[str]) -> str:
    names = sorted(set(links))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return (
        f"{visible(pattern)}: links to folders are not followed: {visible(names[0])}{more}: "
        "name the folder itself to read the logs in it"
    )


def rotation_order(path: str) -> tuple[str, int, str]:
    """Sort key: `runs.jsonl.10.gz` before `runs.jsonl.2` before `runs.jsonl`, and other names by name."""
    bare = path.removesuffix(".gz").removesuffix(".zst")
    stem, _, number = bare.rpartition(".")
    rotated = number.isascii() and number.isdigit() and len(number) <= len("99999")
    return (stem, -int(number), path) if rotated else (bare, 0, path)
