"""Neutralize untrusted text for terminals and CI systems."""

from __future__ import annotations

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str) -> str:
    """Return the text on one line, with every control, format and unassigned character escaped (`\\x1b`)."""
    if text.isprintable():
        return text
    from unicodedata import category

    return text.translate({ord(char): _escape(char) for char in set(text) if category(char) in _INVISIBLE})


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def one_line(text: str) -> str:
    """Return the text with each line break (CRLF, LF or CR, as in Markdown) replaced by one space.

    U+2028, U+0085, VT and FF are no line breaks in Markdown and stay in what others wrote.
    """
    if "\n" not in text and "\r" not in text:
        return text
    return text.replace("\r\n", " ").replace("\n", " ").replace("\r", " ")


def plain_line(text: str) -> str:
    """Return the text with a space for each character at which some program ends a line (`str.splitlines`).

    For what we add to a queue: a program that reads it by such lines would end the table there, and write a real
    line break the next time (FORMATS section 1).
    """
    return one_line(text).translate(_LINE_ENDS)


#: VT, FF, FS, GS, RS, NEL and the separators of lines and paragraphs.
_LINE_ENDS = dict.fromkeys((0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029), " ")


def without_password(line: str) -> str:
    """Return a line of an error without the passwords of the URLs and connection strings that it quotes."""
    if "@" not in line and "assword" not in line.lower():
        return line
    import re  # no start of a command waits for it

    return re.sub(
        r"(\w+://[^\s/:@]*):\S*@|(?i:(password\s*=\s*))('[^']*'|\S+)",
        lambda found: f"{found[1]}:…@" if found[1] else f"{found[2]}…",
        line,
    )


def without_commands(line: str) -> str:
    """Return a line of output with the workflow commands of GitHub Actions neutralized.

    The runner reads `::name …::` at the start of a line after trimming, and `##[name]` anywhere.
    """
    broken = line.replace("##[", "## [")
    body = broken.lstrip()
    return broken if not body.startswith("::") else broken[: len(broken) - len(body)] + ": :" + body[2:]
