"""Read the words of a line that is being typed into a shell, and quote words for it. Nothing is ever expanded."""

from __future__ import annotations

from ops_checks.sanitize import visible

_BLANKS = " \t\n;|&<>()"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-")
_ESCAPED_IN_DOUBLE = '\\$`"'


class TypedLine:
    """The words before the one that is being typed, and that one: its `value` as the shell would understand it so far.

    The shell replaces what comes after the first `kept` characters of the value, inside a `quote` that is still open
    (`'`, `"`, or none).
    """

    __slots__ = ("kept", "quote", "value", "words")

    def __init__(self, words: list[str], value: str, kept: int, quote: str) -> None:
        self.words = words
        self.value = value
        self.kept = kept
        self.quote = quote


def typed_line(line: str, breaks: str = "") -> TypedLine:
    """Return the words of a line up to the cursor, by the quoting that all shells share.

    `breaks` are characters after which bash takes another word to begin (its COMP_WORDBREAKS).
    """
    words: list[str] = []
    value, begun, quote, kept, opened = "", False, "", 0, 0
    chars = iter(line)
    for char in chars:
        if quote and char == quote:
            quote = ""
        elif char == "\\" and quote != "'":
            after = next(chars, "")
            value += after if not quote or after in _ESCAPED_IN_DOUBLE else char + after
            begun = True
        elif quote:
            value += char
        elif char in "'\"":
            begun, quote, opened = True, char, len(value)
        elif char in _BLANKS:
            words += [value] if begun else []
            value, begun, kept = "", False, 0
        else:
            value, begun = value + char, True
            kept = len(value) if char in breaks else kept
    return TypedLine(words, value, opened if quote else kept, quote)


def quoted(text: str, quote: str) -> str | None:
    """Return a text that bash reads back as itself inside an open quote (or none); None where it cannot be written."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote:
        # Nothing keeps an interactive bash from expanding `!` there.
        escaped = (f"\\{char}" if char in _ESCAPED_IN_DOUBLE else char for char in text)
        return None if "!" in text else "".join(escaped)
    return "".join(char if char in _PLAIN or not char.isascii() else f"\\{char}" for char in text)


def can_be_typed(text: str) -> bool:
    """Return whether a text is one that a shell's line can show as it is: no line break, no control character."""
    return bool(text) and visible(text) == text
