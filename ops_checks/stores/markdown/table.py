"""The queue's GFM table: finding it in a document, parsing and editing its rows.

The rules are GFM's (FORMATS section 1): a pipe is literal after a backslash, leading and trailing pipes are optional,
a table ends at a blank line or a new block, and none is in a fence, an indented code block, a quote or an HTML block.
"""

from __future__ import annotations

from itertools import repeat

from ops_checks.model import BLANK, FIELDS, MAX_DEFECTS, NOTHING, PRIORITIES, STATUSES, Item
from ops_checks.stores.markdown.blocks import Blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    #: Consecutive rows of the queue: the line number of the first, and the text of each.
    Rows = tuple[int, list[str]]

_WIDTH = len(FIELDS)
_MOST_ID = 64  # characters: ids are shorter, and copying more of a row only to find one takes time
_PIPES = _WIDTH + 1
#: In place of an escaped pipe while rows are split: no line contains a line feed, and a single one ends a row.
_ESCAPED = "\n\n"
_STATUSES = frozenset(STATUSES)
_PRIORITIES = frozenset(PRIORITIES)
_HEADER = list(FIELDS)


def split_cells(line: str) -> list[str]:
    """Return the cells of a table line as text: trimmed, and with `\\|` read as a pipe."""
    body = line.strip(BLANK)
    cells = _split_escaped(body) if "\\" in body else body.split("|")
    if body[:1] == "|":
        del cells[0]
    if body[-1:] == "|" and body[-2:] != "\\|" and cells:
        cells.pop()
    return [cell.strip(BLANK) for cell in cells]


def _split_escaped(body: str) -> list[str]:
    """Split a trimmed line at its unescaped pipes; unescape the others."""
    *parts, last = body.split("|")
    cells: list[str] = []
    pending = ""
    for part in parts:
        if part[-1:] == "\\":
            pending += part[:-1] + "|"
        else:
            cells.append(pending + part)
            pending = ""
    return [*cells, pending + last]


def _spans(body: str) -> list[tuple[int, int]]:
    """Return start and end of each cell of a trimmed line, between its unescaped pipes."""
    pipes = [at for at, character in enumerate(body) if character == "|" and body[at - 1 : at] != "\\"]
    edges = [-1, *pipes, len(body)]
    if pipes and pipes[0] == 0:
        del edges[0]
    if len(edges) > 1 and pipes and pipes[-1] == len(body) - 1:
        edges.pop()
    return [(edges[i] + 1, edges[i + 1]) for i in range(len(edges) - 1)]


def escape_cell(text: str) -> str:
    """Return text escaped for a cell: on one line, trimmed, every pipe escaped."""
    from ops_checks.sanitize import one_line

    return one_line(text).strip(BLANK).replace("|", "\\|")


def edit_row(line: str, cells: Iterable[tuple[str, str]]) -> str:
    """Return a row with some cells replaced (pairs of field name and text); every other character stays.

    The row must have its nine cells. The blanks around a replaced cell stay.
    """
    lead = len(line) - len(line.lstrip(BLANK))
    spans = _spans(line.strip(BLANK))
    for field, text in sorted(cells, key=lambda cell: -FIELDS.index(cell[0])):
        start, end = (lead + edge for edge in spans[FIELDS.index(field)])
        line = line[:start] + _fill(line[start:end], escape_cell(text)) + line[end:]
    return line


def _fill(old: str, text: str) -> str:
    """Return a cell with its text replaced and the blanks around it kept."""
    bare = old.strip(BLANK)
    before, after = (old.split(bare, 1)[0], old.rsplit(bare, 1)[-1]) if bare else (" ", " ")
    if text.endswith("\\") and not after:
        after = " "  # a backslash next to the cell's end would escape its pipe
    return before + text + after


def render_row(item: Iterable[str]) -> str:
    """Return the nine cells as a row of the table, without a line break."""
    return "| " + " | ".join(escape_cell(cell) for cell in item) + " |"


def render_head() -> list[str]:
    """Return the header and the delimiter row of an empty queue."""
    return [render_row(FIELDS), "|" + " --- |" * _WIDTH]


def _all_dashes(cells: list[str]) -> bool:
    """Return whether these are the cells of a delimiter row: dashes, with optional colons at the ends (GFM 4.10)."""
    if not cells[0].startswith(("-", ":")):  # as nearly always
        return False
    return all((dash := cell.removeprefix(":").removesuffix(":")) and not dash.strip("-") for cell in cells)


class Table:
    """Parser of a document's one queue table.

    `rows` yields its rows as they are written, `items` as items, once. Afterwards `defects` has pairs of line number
    and message (the first MAX_DEFECTS; `more` counts the others), and `strays` the line numbers of well-formed rows
    outside of the table, which GFM does not read as rows.
    """

    def __init__(self) -> None:
        self.defects: list[tuple[int, str]] = []
        self.more = 0
        self.strays: list[int] = []
        self.header_line = 0
        self.before = 0  # lines before the chunk that is being parsed
        self._headless = 0
        self._blocks = Blocks()
        self._above: list[str] = []  # the cells of the line before, which a delimiter row makes a header
        self._inside = self._of_queue = False  # a table; the queue's

    def items(self, chunks: Iterable[str]) -> Iterator[tuple[int, Item]]:
        """Yield line number and item of every well-formed row, also after a defect; `defects` has the others."""
        for first, lines in self.rows(chunks):
            yield from self.parsed(first, lines)

    def parsed(self, first: int, lines: list[str]) -> list[tuple[int, Item]]:
        """Return line number and item of each well-formed row in a batch of `rows`; add a defect for every other."""
        items = plain_items(lines)
        if items is not None:
            return list(enumerate(items, first))
        found = []
        for number, line in enumerate(lines, first):
            item = parse_row(line)
            if item is None:
                self.defect(number, row_defect(line) if len(self.defects) < MAX_DEFECTS else "")
            else:
                found.append((number, item))
        return found

    def rows(self, chunks: Iterable[str]) -> Iterator[Rows]:
        """Yield the rows of the queue's table, well-formed or not, in one batch for each chunk.

        `chunks` is the document in chunks of complete lines. Only LF or CRLF ends a line.
        """
        self.before = 0
        for lines in map(lines_of, chunks):
            at, before = 0, self.before
            while at < len(lines):
                if not self._inside:
                    at = self._seek(lines, at, before)
                    continue
                end = self._blocks.table_end(lines, at)
                if self._of_queue and end > at:
                    yield before + at + 1, lines[at:end]
                self._inside = end == len(lines)
                at = end
            self.before += len(lines)
        self._conclude()

    @property
    def goes_on(self) -> bool:
        """Whether each line of the next chunk that begins with a pipe is a row, up to the first that does not."""
        return self._inside and self._of_queue and self._blocks.at_top

    def _seek(self, lines: list[str], start: int, before: int) -> int:
        """Skip lines up to a delimiter row; return the index behind it. `before` is the number of earlier lines."""
        enter, above = self._blocks.enter, self._above
        for at in range(start, len(lines)):
            line = lines[at]
            cells = split_cells(line) if not enter(line) and "|" in line else []
            if cells and len(cells) == len(above) and not self._blocks.deep and _all_dashes(cells):
                self._inside, self._of_queue, self._above = True, above == _HEADER, []
                if self._of_queue:
                    self._enter_table(before + at)
                return at + 1
            if cells == _HEADER:
                self._headless = self._headless or before + at + 1
            if self.header_line and _is_item(cells):
                self.strays.append(before + at + 1)
            above = cells
        self._above = above
        return len(lines)

    def _enter_table(self, header: int) -> None:
        if self.header_line:
            self.defect(header, f"a second queue table; the first is in line {self.header_line}: keep one")
        self.header_line = self.header_line or header

    def defect(self, number: int, message: str) -> None:
        """Add a defect of a line (0: of the document); the first MAX_DEFECTS are kept, the others counted."""
        if len(self.defects) < MAX_DEFECTS:
            self.defects.append((number, message))
        else:
            self.more += 1

    def _conclude(self) -> None:
        if self.header_line or self.defects:
            return
        if self._headless:
            self.defect(self._headless, f"expected a delimiter row of {_WIDTH} columns under the queue's header")
        else:
            self.defect(0, "no queue table: expected one with the header " + " | ".join(FIELDS))


def lines_of(chunk: str) -> list[str]:
    """Return the lines of a chunk of complete lines; only LF or CRLF ends one."""
    lines = (chunk.replace("\r\n", "\n") if "\r" in chunk else chunk).split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def plain_items(lines: list[str]) -> list[Item] | None:
    """Return the items of rows, or None if one of them must be parsed alone: it may be malformed."""
    cells = _cells_of(lines)
    columns = [list(map(str.strip, cells[number::_PIPES], repeat(BLANK))) for number in range(1, _PIPES)]
    valid = all(columns[0]) and _STATUSES.issuperset(columns[1]) and _PRIORITIES.issuperset(columns[2])
    if not cells or not valid:
        return None
    if any("\\|" in line for line in lines):
        columns = [[cell.replace(_ESCAPED, "|") for cell in column] for column in columns]
    columns[5:8] = [[cell or NOTHING for cell in column] for column in columns[5:8]]
    return list(map(Item.from_cells, zip(*columns, strict=True)))


def _cells_of(lines: list[str]) -> list[str]:
    """Return the texts between the pipes of rows: before the first row, its nine cells, after it, and so on.

    Splits all rows at once; returns an empty list if one of them is not nine cells between pipes. An escaped
    pipe is replaced by _ESCAPED.
    """
    text = "\n".join([*lines, ""])
    if "\\" in text:
        text = text.replace("\\|", _ESCAPED)
    cells = text.split("|")
    ends = cells[_PIPES::_PIPES]
    framed = not cells[0] and len(cells) == _PIPES * len(lines) + 1 and ends.count("\n") == len(lines)
    return cells if framed and "\r" not in text else []


def parse_row(line: str) -> Item | None:
    """Return the item of a row (an empty owner, start or due is `-`), or None if the row is malformed."""
    cells = split_cells(line) if line.count("|") >= _WIDTH - 1 else []
    if not _is_item(cells) or "\r" in line:
        return None
    if not (cells[5] and cells[6] and cells[7]):
        cells[5:8] = [cell or NOTHING for cell in cells[5:8]]
    return Item.from_cells(cells)


def plain_id(row: str) -> str:
    """Return the id of a row written as `| id | …` or `id | …`, or "" if the row must be parsed to find it."""
    cells = row[:_MOST_ID].split("|", 2)
    at = 0 if cells[0].strip(BLANK) else 1
    return cells[at].strip(BLANK) if len(cells) > at + 1 and cells[at][-1:] != "\\" else ""


def _is_item(cells: list[str]) -> bool:
    return len(cells) == _WIDTH and cells[1] in _STATUSES and cells[2] in _PRIORITIES and cells[0] != ""


def row_defect(line: str) -> str:
    """Return what is wrong with a row that is no item, and what was expected."""
    cells = split_cells(line)
    if "\r" in line:
        return "a carriage return inside the row: expected one row a line"
    if len(cells) != _WIDTH:
        return (
            f"expected {_WIDTH} cells, found {len(cells)}: write a literal pipe as \\|, end the table with a blank line"
        )
    if not cells[0]:
        return "the id is empty: expected one such as ORCH-001"
    if cells[1] not in _STATUSES:
        return f"status {cells[1]!a}: expected one of {', '.join(STATUSES)}"
    return f"priority {cells[2]!a}: expected one of {', '.join(PRIORITIES)}"
