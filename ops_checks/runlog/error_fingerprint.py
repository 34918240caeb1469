"""Error texts to what they have in common: without the numbers, ids, paths, URLs and values of the single case.

Deterministic, and of plain rules in this order, each of which leaves less to the next one: white space is one space;
a URL is `<url>`; what stands in quotes `<quoted>`; a path `<path>`; a UUID, a trace id, an item's id, a word of digits
and the letters a to f, and a number are `#`, numbers with only a separator between them one.
"""

from __future__ import annotations

import re
from functools import lru_cache

#: Characters of a text that are looked at, and of its fingerprint.
MOST_READ = 1_000
MOST_SHOWN = 200
_CUT, _LONG = "…", "<text>"
_REMEMBERED = 4_096

#: What does not stand before a word, and behind it; a name in a path, and what does not stand before that.
_WORD, _END = r"(?<![^\W_])", r"(?![^\W_])"
_NAME, _PATH = r"[\w.@+~%-]++", r"(?<![\w.@+~%/\\-])"
_HEX = "[0-9a-f]"
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b[A-Za-z][A-Za-z0-9+.-]*+://[^\s\"'`<>()\[\]{},;]*", "<url>"),
        (r"\"[^\"]*\"|`[^`]*`|“[^”]*”|「[^」]*」|(?<!\w)'[^']*'(?!\w)", "<quoted>"),
        (rf"{_PATH}(?:[A-Za-z]:\\|\\\\)(?:{_NAME}\\*+)++", "<path>"),
        (rf"{_PATH}(?:~|\.\.?)?/(?:{_NAME}/*+)++", "<path>"),
        (rf"{_PATH}{_NAME}/(?:{_NAME}/++)++(?:{_NAME})?|{_PATH}{_NAME}/[\w.@+~%-]*\.[A-Za-z]\w*+", "<path>"),
        (rf"(?i:{_WORD}{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}{_END})", "#"),
        (rf"(?i:{_WORD}trace-{_HEX}++{_END})", "#"),
        (rf"{_WORD}[A-Z][A-Z0-9]*-[0-9]++{_END}", "#"),
        (rf"(?i:{_WORD}(?:0x{_HEX}++|(?=[a-f]*[0-9]){_HEX}++){_END})", "#"),
        (r"\d+", "#"),
        (r"#(?:[.,:_/-]?#)+", "#"),
    )
)


def fingerprint(text: str) -> str:
    """Return what an error text has in common with others of its kind; that of a fingerprint is itself.

    Only the first MOST_READ characters count; a fingerprint is at most MOST_SHOWN long, cut behind a word. It is empty
    for a text that is blank.
    """
    return _fingerprint(text[:MOST_READ])


@lru_cache(_REMEMBERED)
def _fingerprint(text: str) -> str:
    found = " ".join(text.split())
    while (shorter := _cut(_reduced(found))) != found:  # of nested quotes the outer ones may only now be a pair
        found = shorter
    return found


def _reduced(text: str) -> str:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _cut(text: str) -> str:
    """Return whole words of a text, as many as fit; one that fits nowhere is `<text>`."""
    text = " ".join(word if len(word) <= MOST_SHOWN - 2 else _LONG for word in text.split(" "))
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1].rpartition(' ')[0]} {_CUT}"
