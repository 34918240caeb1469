"""Suggest the known word that a mistyped one is most like: in an error, and never to be carried out."""

from __future__ import annotations

from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 100  # characters: the comparison takes the product of both lengths
_LEAST = 0.6
#: Ids of one queue are like each other: one that differs in more than about one character is another item's.
IDS_LEAST = 0.8


def closest(word: str, known: Iterable[str], least: float = _LEAST) -> str | None:
    """Return the known word that is most like a word, None where none is like it.

    `least` is the likeness that it takes, from 0 to 1 (difflib's ratio). Case, `_` for `-` and leading zeros make no
    difference. Of several that are equally like it, one of the same letters comes first, then the longest beginning
    that is the same, then the order of `known`.
    """
    from difflib import SequenceMatcher

    if len(word) > _LONGEST:
        return None
    wanted = _plain(word)
    matcher = SequenceMatcher(b=wanted)
    best: tuple[float, bool, int] = (least, False, -1)
    found = None
    for name in known:
        if len(name) > _LONGEST:
            continue
        matcher.set_seq1(plain := _plain(name))
        if matcher.real_quick_ratio() < best[0] or matcher.quick_ratio() < best[0]:
            continue
        likeness = (matcher.ratio(), sorted(plain) == sorted(wanted), _begins_alike(plain, wanted))
        if likeness > best:
            best, found = likeness, name
    return found


def did_you_mean(word: str, known: Iterable[str], least: float = _LEAST) -> str:
    """Return the end of an error's line, `; did you mean WORD?`, or nothing where no known word is like it."""
    meant = closest(word, known, least)
    return "" if meant is None else f"; did you mean {visible(meant)}?"


def _begins_alike(one: str, other: str) -> int:
    """Return how many characters two words begin with together."""
    return next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), len(one))


def _plain(word: str) -> str:
    import re

    return re.sub(r"0+(?=[0-9])", "", word.casefold().replace("_", "-"))
