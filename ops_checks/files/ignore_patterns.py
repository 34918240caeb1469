"""Match paths with the lines of a `.gitignore`, as git does (gitignore(5)); nothing is run for it. Pure."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SPECIAL = frozenset("*?[\\")
#: Longer patterns with wildcards match nothing here: at worst a path is ignored by two lines.
_LONGEST = 256


class Pattern(NamedTuple):
    """A line of a `.gitignore`: `text` matches whole paths from its folder on if `anchored`, else last names.

    `keeps`: what it matches is not ignored (`!`); `folders_only`: it ends with a slash.
    """

    text: str
    keeps: bool
    anchored: bool
    folders_only: bool

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Return whether the pattern matches a path relative to its folder."""
        if self.folders_only and not is_folder:
            return False
        return wildmatch(self.text, path if self.anchored else path.rpartition("/")[2])


def patterns_of(lines: Iterable[str]) -> list[Pattern]:
    """Return the patterns of some lines; comments and empty lines are none."""
    return [pattern for line in lines if (pattern := _pattern(line)) is not None]


def ignored(patterns: Iterable[Pattern], path: str) -> bool | None:
    """Return whether a file at a path is ignored, None if no pattern says anything of it.

    The last pattern that matches decides; what is below a folder that is ignored cannot be kept.
    """
    known = list(patterns)
    parts = path.split("/")
    for depth in range(1, len(parts)):
        if _decided(known, "/".join(parts[:depth]), is_folder=True):
            return True
    return _decided(known, path, is_folder=False)


def as_pattern(path: str) -> str | None:
    """Return the pattern of just this path, relative to the folder of the `.gitignore`; None if there can be none."""
    if "\n" in path or "\r" in path:
        return None
    escaped = "".join(f"\\{char}" if char in _SPECIAL else char for char in path)
    return "/" + (escaped[:-1] + "\\ " if escaped.endswith(" ") else escaped)


def _decided(patterns: Iterable[Pattern], path: str, *, is_folder: bool) -> bool | None:
    verdict = None
    for pattern in patterns:
        if pattern.matches(path, is_folder=is_folder):
            verdict = not pattern.keeps
    return verdict


def _pattern(line: str) -> Pattern | None:
    text = line.removesuffix("\r")
    while text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1]
    if not text or text.startswith("#"):
        return None
    keeps = text.startswith("!")
    text = text.removeprefix("!")
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    return Pattern(text.removeprefix("/"), keeps, "/" in text, folders_only) if text else None


def wildmatch(pattern: str, path: str) -> bool:
    """Return whether a pattern matches a path: `*`, `?` and `[…]` match within a name, `**` any folders."""
    if not _SPECIAL & set(pattern):
        return pattern == path
    if len(pattern) > _LONGEST:
        return False

    @cache
    def match(at: int, begin: int) -> bool:
        if at == len(pattern):
            return begin == len(path)
        if pattern[at] == "*":
            return _star(pattern, at, path, begin, match)
        if begin == len(path):
            return False
        end, matches = _one(pattern, at, path[begin])
        return matches and match(end, begin + 1)

    return match(0, 0)


def _star(pattern: str, at: int, path: str, begin: int, match: Callable[[int, int], bool]) -> bool:
    """Match `**/` and a last `/**` with any folders, every other star with a part of a name."""
    if pattern.startswith("**", at) and pattern[at - 1 : at] in {"", "/"}:
        if at + 2 == len(pattern):
            return begin < len(path)
        if pattern[at + 2] == "/":
            below = [place + 1 for place in range(begin, len(path)) if path[place] == "/"]
            return any(match(at + 3, place) for place in (begin, *below))
    end = path.find("/", begin)
    return any(match(at + 1, place) for place in range(begin, (len(path) if end < 0 else end) + 1))


def _one(pattern: str, at: int, char: str) -> tuple[int, bool]:
    """Return where the part of a pattern ends that stands for one character, and whether it matches this one."""
    kind = pattern[at]
    if kind == "?":
        return at + 1, char != "/"
    if kind == "\\":
        return at + 2, pattern[at + 1 : at + 2] == char
    return _class(pattern, at + 1, char) if kind == "[" else (at + 1, kind == char)


def _class(pattern: str, at: int, char: str) -> tuple[int, bool]:
    """Do what `_one` does for a class in brackets, after the first; one without its end matches nothing.

    Classes by name (`[:alpha:]`) are not known here and match nothing of what they name.
    """
    negated = pattern[at : at + 1] in {"!", "^"}
    at += negated
    matched, before = False, ""
    for count in range(len(pattern)):
        if pattern[at : at + 1] == "]" and count:
            return at + 1, char != "/" and matched != negated
        ranges = before and pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in {"", "]"}
        at += bool(ranges)
        at += pattern[at : at + 1] == "\\"
        found = pattern[at : at + 1]
        if not found:
            break
        matched = matched or (before <= char <= found if ranges else char == found)
        at, before = at + 1, "" if ranges else found
    return len(pattern), False
