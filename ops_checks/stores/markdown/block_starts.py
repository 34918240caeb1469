"""How blocks of Markdown begin and end, by one trimmed line each (CommonMark 4, GFM 4)."""

from __future__ import annotations

#: What is trimmed around a line.
BLANK = " \t\v\f\r"
CODE_INDENT = 4
TAB = 4
#: The characters that a list marker begins with, and the marks of thematic breaks.
MARKERS = "-+*_0123456789"
#: The characters that any block begins with.
STARTS = ">`~<#=" + MARKERS
_NOT_PLAIN = BLANK + STARTS
_MOST_HASHES = 6  # of a heading
LEAST_MARKS = 3  # of a thematic break
_MOST_DIGITS = 9  # of a list marker
LONGEST_MARKER = _MOST_DIGITS + 1
DIGITS = "0123456789"
BULLETS = ("-", "+", "*")
_CAPITALS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RAW_TAGS = ("script", "pre", "style")


def is_plain(line: str) -> bool:
    """Return, cheaply, whether a line opens nothing: it starts with none of the characters that could."""
    return line[:1] not in _NOT_PLAIN


def indent_of(line: str, start: int = 0) -> int:
    """Return the indentation, in columns, of text that begins in column `start`; tab stops are every 4 columns."""
    column = start
    for char in line:
        if char == " ":
            column += 1
        elif char == "\t":
            column += TAB - column % TAB
        else:
            break
    return column - start


def fence_of(body: str) -> str:
    """Return the fence (its marks) that a trimmed line opens, or ""."""
    for char in ("`", "~"):
        if body.startswith(char * 3):
            length = len(body) - len(body.lstrip(char))
            return "" if char == "`" and "`" in body[length:] else char * length
    return ""


def closes(fence: str, body: str) -> bool:
    """Return whether a trimmed line closes a fence."""
    return body.startswith(fence) and not body.strip(fence[0])


def html_end(body: str, *, interrupts: bool) -> str | None:
    """Return the end of the HTML block that a trimmed line opens: text, `""` for a blank line, None for no block.

    `interrupts`: the line continues a paragraph, which a tag alone on its line does not interrupt (CommonMark 4.6).
    """
    if not body.startswith("<"):
        return None
    for start, end in (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")):
        if body.startswith(start):
            return end
    if body.startswith("<!") and body[2:3] in _CAPITALS:
        return ">"
    name, rest = _tag(body)
    if name in _RAW_TAGS and body[1] != "/":
        return "</"
    return "" if name in _block_tags() or (name and not interrupts and _is_alone(rest)) else None


def _is_alone(rest: str) -> bool:
    """Return whether nothing stands behind a tag, given what stands behind its name."""
    ends = rest.endswith(">") and rest.find(">") == len(rest) - 1 and "<" not in rest
    return ends and (rest in {">", "/>"} or rest[0].isspace())


def _tag(body: str) -> tuple[str, str]:
    """Return the name, in lower case, of the tag that a line begins with, and what stands behind it; "" for no tag."""
    rest = body[1:].removeprefix("/")
    named = rest.lstrip(_LETTERS + DIGITS + "-")
    name = rest[: len(rest) - len(named)]
    ends = not named or named[0].isspace() or named.startswith((">", "/>"))
    return (name.lower(), named) if name[:1] in set(_LETTERS) and ends else ("", "")


def html_ends(end: str, body: str) -> bool:
    """Return whether a trimmed line ends an HTML block, whose end is as `html_end` returned it."""
    if end == "</":  # the end of any of them, not only of the one that began
        return any(f"</{name}>" in body.lower() for name in _RAW_TAGS)
    return end in body if end else not body


def _block_tags() -> frozenset[str]:
    """Return the tags that open an HTML block up to the next blank line (CommonMark 4.6, condition 6)."""
    names = (
        "address article aside base basefont blockquote body caption center col colgroup dd details dialog dir div dl "
        "dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend "
        "li link main menu menuitem nav noframes ol optgroup option p param search section summary table tbody td "
        "tfoot th thead title tr track ul"
    )
    return frozenset(names.split())


def opens(body: str) -> bool:
    """Return whether a trimmed line outside of a paragraph opens a block of its own."""
    first = body[:1]
    if first in MARKERS:
        return marker_width(body[: LONGEST_MARKER + 1], interrupts=False) > 0 or is_heading(body, continues=False)
    return first in STARTS and (
        first == ">"
        or bool(fence_of(body))
        or html_end(body, interrupts=False) is not None
        or is_heading(body, continues=False)
    )


def is_heading(body: str, *, continues: bool) -> bool:
    """Return whether a trimmed line is a heading, the underline of its paragraph, or a thematic break."""
    first = body[0]
    if first == "#":
        level = len(body) - len(body.lstrip("#"))
        return level <= _MOST_HASHES and body[level : level + 1] in ("", " ", "\t")
    if continues and first in "=-" and not body.strip(first):
        return True
    return first in "-_*" and body.count(first) >= LEAST_MARKS and not body.strip(first + " \t")


def marker_width(body: str, *, interrupts: bool) -> int:
    """Return the length of the list marker at the start of a trimmed line, or 0.

    `interrupts`: the line continues a paragraph, which only an item with content interrupts, and only number 1.
    """
    width = 1
    if body[:1] not in BULLETS:
        width += len(body) - len(body.lstrip(DIGITS))
        if not 1 < width <= LONGEST_MARKER or body[width - 1 : width] not in (".", ")"):
            return 0
    if body[width : width + 1] not in ("", " ", "\t"):
        return 0
    if interrupts and (width == len(body) or (width > 1 and int(body[: width - 1]) != 1)):
        return 0
    return width
