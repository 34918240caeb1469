"""Which lines of a Markdown document belong to a block that can hold no table (CommonMark, GFM)."""

from __future__ import annotations

_BLANK = " \t\v\f\r"
_CODE_INDENT = 4
_RAW_TAGS = ("script", "pre", "style", "textarea")


class Blocks:
    """The block a reader of lines stands in: a fence, a quote, an HTML block, or none."""

    def __init__(self) -> None:
        self._fence = ""
        self._html_end: str | None = None
        self._quote = False

    def enter(self, line: str) -> bool:
        """Take the next line; tell whether it belongs to a block in which there is no table."""
        if not (self._fence or self._html_end is not None or self._quote) and _is_plain(line):
            return False
        return self._enter(line.strip(_BLANK), indent_of(line))

    def _enter(self, body: str, indent: int) -> bool:
        if self._fence:
            if indent < _CODE_INDENT and _closes(self._fence, body):
                self._fence = ""
            return True
        if self._html_end is not None:
            if _html_ends(self._html_end, body):
                self._html_end = None
            return True
        if self._quote and body and not starts_block(body):
            return True  # a lazy continuation: the line belongs to the quote's paragraph
        self._quote = body.startswith(">") and indent < _CODE_INDENT and body.strip("> \t") != ""
        if indent >= _CODE_INDENT:
            return True
        return self._open(body)

    def _open(self, body: str) -> bool:
        fence = fence_of(body)
        if fence:
            self._fence = fence
            return True
        end = html_end(body)
        if end is not None:
            self._html_end = None if _html_ends(end, body) else end
            return True
        return body.startswith(">")


def _is_plain(line: str) -> bool:
    """Tell, cheaply, that a line opens nothing: it starts with none of the characters that could."""
    return line[:1] not in " \t>`~<"


def indent_of(line: str) -> int:
    """Return how many columns a line is indented; a tab reaches the next multiple of four."""
    column = 0
    for char in line:
        if char == " ":
            column += 1
        elif char == "\t":
            column += 4 - column % 4
        else:
            break
    return column


def fence_of(body: str) -> str:
    """Return the fence that a trimmed line opens, or an empty text."""
    for char in ("`", "~"):
        if body.startswith(char * 3):
            length = len(body) - len(body.lstrip(char))
            return "" if char == "`" and "`" in body[length:] else char * length
    return ""


def _closes(fence: str, body: str) -> bool:
    return body.startswith(fence) and not body.strip(fence[0])


def html_end(body: str) -> str | None:
    """Return what ends the HTML block that a trimmed line opens: a text, `""` for a blank line, None for no block."""
    if not body.startswith("<"):
        return None
    for start, end in (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")):
        if body.startswith(start):
            return end
    import re

    if re.match(r"<![A-Za-z]", body):
        return ">"
    tag = re.match(r"</?([A-Za-z][A-Za-z0-9-]*)(?=[\s/>]|$)", body)
    if tag is None:
        return None
    name = tag[1].lower()
    if name in _RAW_TAGS and not body.startswith("</"):
        return f"</{name}>"
    alone = re.fullmatch(r"</?[A-Za-z][A-Za-z0-9-]*(\s+[^<>]*)?/?>", body)
    return "" if name in _block_tags() or alone else None


def _html_ends(end: str, body: str) -> bool:
    return end in body.lower() if end else not body


def _block_tags() -> frozenset[str]:
    """Tags that open an HTML block up to the next blank line (CommonMark 4.6, condition 6)."""
    return frozenset(  # noqa: SIM905 - a list of sixty literals would fill the page
        "address article aside base basefont blockquote body caption center col colgroup dd details dialog dir div dl "
        "dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend "
        "li link main menu menuitem nav noframes ol optgroup option p param search section summary table tbody td "
        "tfoot th thead title tr track ul".split()
    )


def starts_block(line: str) -> bool:
    """Tell whether a line that follows a table's row ends the table: it opens another block (GFM 4.10)."""
    if indent_of(line) >= _CODE_INDENT:
        return True
    body = line.strip(_BLANK)
    if body[:1] not in "#>`~<*-+_0123456789":
        return False
    import re

    return bool(
        body.startswith(">")
        or fence_of(body)
        or html_end(body) is not None
        or re.match(r"#{1,6}(\s|$)", body)
        or re.match(r"([*+-]|[0-9]{1,9}[.)])(\s|$)", body)
        or re.fullmatch(r"([*_-])[ \t]*(\1[ \t]*){2,}", body)
    )
