"""JSON values as text that is safe to print anywhere: on a terminal and in the log of a CI system.

Commands that must start fast import this, so it imports `json` only when it is called.
"""

from __future__ import annotations


def json_text(value: object) -> str:
    r"""Return a JSON value as indented text that ends in a line break and is safe to print anywhere.

    Control and invisible characters are written as `\u` escapes, and so are lone surrogates: the
    text can always be encoded as UTF-8. `##[`, which GitHub's runner executes anywhere in a line,
    has its second character escaped. Every JSON reader returns the same strings. Numbers must be
    finite.
    """
    return _dumped(value, indent=2) + "\n"


def json_line(value: object) -> str:
    """Return a JSON value as one line, without its line break, as safe to print as `json_text`."""
    return _dumped(value, indent=None)


def _dumped(value: object, *, indent: int | None) -> str:
    import json

    return printable_json(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False))


def printable_json(text: str) -> str:
    """Return the text of a JSON value as safe to print as `json_text` returns it; it stays the same value."""
    if not text.replace("\n", "").isprintable():
        unseen = (char for char in set(text) if char != "\n" and not char.isprintable())
        text = text.translate({ord(char): _escape(char) for char in unseen})
    return text.replace("##[", r"#\u0023[")


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))
