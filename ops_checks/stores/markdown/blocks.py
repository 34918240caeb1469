"""Find the lines of a Markdown document in blocks that cannot contain a table (CommonMark, GFM)."""

from __future__ import annotations

from itertools import repeat

_BLANK = " \t\v\f\r"
_CODE_INDENT = 4
_MOST_SPACES = 4  # after a list marker, before they count as the indent of code
_MOST_HASHES = 6  # of a heading
_LEAST_MARKS = 3  # of a thematic break
_MOST_DIGITS = 9  # of a list marker
_DIGITS = "0123456789"
_RAW_TAGS = ("script", "pre", "style")
#: The deepest nesting of lists and of quotes that is parsed; what is deeper is text.
_DEEPEST = 50


class Blocks:
    """The open blocks at a line: list items, and a quote, fence, HTML block or paragraph in them."""

    def __init__(self, depth: int = 0) -> None:
        self.depth = depth
        self._indents: list[int] = []  # the column where the content of each open list item begins
        self._quote: Blocks | None = None  # the blocks inside the open quote
        self._fence = ""
        self._html_end: str | None = None
        self.paragraph = False  # the line before was a paragraph's, which the next one may continue
        self._bare = False  # the line before was a list marker and nothing else
        self.deep = False  # the line is text only because it continues a paragraph: it is indented like code

    def enter(self, line: str) -> bool:
        """Process the next line; return whether it belongs to a block in which there is no table."""
        if _is_plain(line) and not (self._indents or self._quote or self._fence or self._html_end is not None):
            self.paragraph = True
            self.deep = False
            return False
        body = line.strip(_BLANK)
        return self._enter(body, indent_of(line)) if body else self._enter_blank()

    def table_end(self, lines: list[str], start: int) -> int:
        """Return the index of the first line, from `start` on, that ends the open table; `len(lines)` if none does."""
        rest = lines[start:] if start else lines
        if not self._indents and all(map(str.startswith, rest, repeat("|"))):  # as in all of a table but its last chunk
            return len(lines)
        return next((at for at, line in enumerate(rest, start) if self._ends_table(line)), len(lines))

    def _ends_table(self, line: str) -> bool:
        """Return whether a line after a table's row ends the table: blank, or the start of a block (GFM 4.10)."""
        if line[:1] == "|" and not self._indents:
            return False
        indent = indent_of(line) - self._base(len(self._indents))
        body = line.strip(_BLANK)
        ends = not body or not 0 <= indent < _CODE_INDENT or _opens(body)
        if ends:
            self.paragraph = False
        return ends

    def _base(self, depth: int) -> int:
        return self._indents[depth - 1] if depth else 0

    def _enter_blank(self) -> bool:
        if self._html_end == "":
            self._html_end = None
        if self._bare:
            self._indents.pop()  # an item cannot begin with two blank lines
        self._quote, self.paragraph, self._bare = None, False, False
        return True

    def _enter(self, body: str, indent: int) -> bool:
        self._bare = False
        depth = sum(indent >= start for start in self._indents)  # they only grow
        inside = depth == len(self._indents)
        if inside and self._continue_raw(body, indent - self._base(depth)):
            return True
        if not inside:
            self._fence, self._html_end = "", None  # they end with the list item that contains them
        continues = self.paragraph and inside and self._quote is None
        lazy = self.paragraph and not continues
        marked = False
        while not self._open_leaf(depth, body, indent, continues=continues, lazy=lazy):
            self.deep = indent - self._base(depth) >= _CODE_INDENT
            width = 0 if self.deep or depth >= _DEEPEST else _marker_width(body, interrupts=continues)
            if not width:
                if not lazy:
                    self._open(depth, paragraph=True)
                return lazy or marked
            body, indent = self._open_item(depth, body, indent, width)
            depth += 1
            marked, continues, lazy = True, False, False
            self._bare = not body
        return True

    def _open_leaf(self, depth: int, body: str, indent: int, *, continues: bool, lazy: bool) -> bool:
        """Open the block, other than a list item or paragraph, that the rest of a line begins, if there is one."""
        if not body:
            return True
        if indent - self._base(depth) >= _CODE_INDENT:
            return not (continues or lazy) and self._open(depth, paragraph=False)
        if body.startswith(">"):
            return self._enter_quote(depth, body, indent + 1)
        raw = self._open_raw(body, continues=continues)
        return (raw or _is_heading(body, continues=continues)) and self._open(depth, paragraph=False)

    def _open_item(self, depth: int, body: str, indent: int, width: int) -> tuple[str, int]:
        """Open a list item whose marker has `width` characters; return its content and the column of that."""
        self._open(depth, paragraph=False)
        rest = body[width:]
        spaces = indent_of(rest, indent + width)
        content = rest.strip(_BLANK)
        self._indents.append(indent + width + (spaces if content and spaces <= _MOST_SPACES else 1))
        return content, indent + width + spaces

    def _open(self, depth: int, *, paragraph: bool) -> bool:
        """Close the blocks that a new block at `depth` ends, but for those that its own line opened. Return True."""
        del self._indents[depth:]
        self._quote = None
        self.paragraph = paragraph
        return True

    def _continue_raw(self, body: str, column: int) -> bool:
        """Return whether a line belongs to the open fence or HTML block, and close that if the line ends it."""
        if self._fence:
            if column < _CODE_INDENT and _closes(self._fence, body):
                self._fence = ""
            return True
        if self._html_end is not None:
            if _html_ends(self._html_end, body):
                self._html_end = None
            return True
        return False

    def _open_raw(self, body: str, *, continues: bool) -> bool:
        fence = fence_of(body)
        if fence:
            self._fence = fence
            return True
        end = html_end(body, interrupts=continues)
        if end is None:
            return False
        self._html_end = None if _html_ends(end, body) else end
        return True

    def _enter_quote(self, depth: int, body: str, start: int) -> bool:
        same = depth == len(self._indents)
        quote = self._quote if same and self._quote else Blocks(self.depth + 1)
        self._open(depth, paragraph=False)
        self._quote = quote
        if quote.depth <= _DEEPEST:
            quote.enter(" " * (indent_of(body[1:], start) - 1) + body[1:].lstrip(_BLANK))
        self.paragraph = quote.paragraph
        return True


def _is_plain(line: str) -> bool:
    """Return, cheaply, whether a line opens nothing: it starts with none of the characters that could."""
    return line[:1] not in " \t\v\f\r>`~<#=-+*_0123456789"


def indent_of(line: str, start: int = 0) -> int:
    """Return the indentation, in columns, of text that begins in column `start`; tab stops are every 4 columns."""
    column = start
    for char in line:
        if char == " ":
            column += 1
        elif char == "\t":
            column += 4 - column % 4
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


def _closes(fence: str, body: str) -> bool:
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
    import re

    if re.match(r"<![A-Z]", body):
        return ">"
    tag = re.match(r"<(/?)([A-Za-z][A-Za-z0-9-]*)(?=\s|/?>|$)", body)
    if tag is None:
        return None
    name = tag[2].lower()
    if name in _RAW_TAGS and not tag[1]:
        return "</"
    alone = not interrupts and re.fullmatch(r"</?[A-Za-z][A-Za-z0-9-]*(\s+[^<>]*)?/?>", body)
    return "" if name in _block_tags() or alone else None


def _html_ends(end: str, body: str) -> bool:
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


def _opens(body: str) -> bool:
    """Return whether a trimmed line outside of a paragraph opens a block of its own."""
    return body[:1] in "#>`~<*-+_0123456789" and (
        body.startswith(">")
        or bool(fence_of(body))
        or html_end(body, interrupts=False) is not None
        or _is_heading(body, continues=False)
        or _marker_width(body, interrupts=False) > 0
    )


def _is_heading(body: str, *, continues: bool) -> bool:
    """Return whether a trimmed line is a heading, the underline of its paragraph, or a thematic break."""
    first = body[0]
    if first == "#":
        level = len(body) - len(body.lstrip("#"))
        return level <= _MOST_HASHES and body[level : level + 1] in ("", " ", "\t")
    if continues and first in "=-" and not body.strip(first):
        return True
    marks = body.replace(" ", "").replace("\t", "")
    return first in "-_*" and len(marks) >= _LEAST_MARKS and not marks.strip(first)


def _marker_width(body: str, *, interrupts: bool) -> int:
    """Return the length of the list marker at the start of a trimmed line, or 0.

    `interrupts`: the line continues a paragraph, which only an item with content interrupts, and only number 1.
    """
    digits = len(body) - len(body.lstrip(_DIGITS))
    width = digits + 1
    marker = body[digits:width]
    marked = digits <= _MOST_DIGITS and marker in (".", ")") if digits else marker in ("-", "+", "*")
    if not marked or body[width : width + 1] not in ("", " ", "\t"):
        return 0
    if interrupts and (width == len(body) or (digits and int(body[:digits]) != 1)):
        return 0
    return width
