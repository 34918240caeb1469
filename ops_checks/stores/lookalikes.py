"""Texts that look equal and are not: which character differs, and where (FORMATS section 1).

Another Unicode form, a no-break space, a character without width, a letter of another script: printed, both values
are the same, and nobody sees what is to be mended.
"""

from __future__ import annotations

from unicodedata import category, name, normalize

#: Letters and signs that most fonts draw alike, in the order of what they look like. Few: a guess must not mislead.
_DRAWN_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455"  # Cyrillic, small
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405"  # Cyrillic, capital
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"  # Greek
    "\u2010\u2011\u2012\u2013\u2212\u00ad\u2018\u2019\u201c\u201d\u2044\u2236\uff1a",  # signs
    "aeopcyxijsABEKMHOPCTXIJSABEZHIKMNOPTYXo-----\u00ad''\"\"/::",
)
#: Characters without a width that are no format characters: variation selectors, a joiner, fillers of Hangul.
_NO_WIDTH = {*map(chr, range(0xFE00, 0xFE10)), "\u034f", "\u115f", "\u1160", "\u3164", "\uffa0"}
_BLANK = "\u2800"  # the empty pattern of Braille


def appearance(text: str) -> str:
    """Return what is seen of a text: equal for two texts that look equal, as far as that is known."""
    if text.isascii():
        return " ".join(text.split())
    seen = "".join(" " if category(char) == "Zs" or char == _BLANK else char for char in text if _has_width(char))
    return " ".join(normalize("NFC", seen.translate(_DRAWN_ALIKE)).split())


def _has_width(char: str) -> bool:
    return char not in _NO_WIDTH and category(char) != "Cf"


def difference(md: str, db: str) -> str | None:
    """Return how two texts differ that look equal: `character 5 is U+00A0 … in Markdown …`; None for others."""
    if md == db or appearance(md) != appearance(db):
        return None
    at, left, right = first_difference(md, db)
    where = f"they look equal, and character {at} is {left} in Markdown, {right} in the database"
    same = normalize("NFC", md) == normalize("NFC", db)
    return f"{where}: the same text in two Unicode forms" if same else where


def first_difference(left: str, right: str) -> tuple[int, str, str]:
    """Return the position, from 1, of the first character in which two texts differ, and that of each by its name."""
    pairs = enumerate(zip(left, right, strict=False))
    at = next((at for at, pair in pairs if pair[0] != pair[1]), min(len(left), len(right)))
    return at + 1, _named(left, at), _named(right, at)


def _named(text: str, at: int) -> str:
    if at >= len(text):
        return "missing"
    char = text[at]
    return f"U+{ord(char):04X} ({name(char, 'no name')})"
