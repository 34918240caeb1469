"""The blocks of a Markdown document that are open at a line (CommonMark 5, appendix A)."""

from __future__ import annotations

from bisect import bisect_left

from ops_checks.stores.markdown.block_starts import (
    CODE_INDENT,
    MARKERS,
    STARTS,
    closes,
    fence_of,
    html_end,
    html_ends,
    is_heading,
)
from ops_checks.stores.markdown.line import Line

#: A list marker behind so many markers of the same line is text, as in cmark-gfm.
_MOST_OPENED = 99


class OpenBlocks:
    """List items and quotes in each other, and in the innermost a fence, an HTML block or a paragraph.

    However deep they are, a line takes no longer than it is long: a blank one closes what it closes without a look at
    each block, and any other one is compared with no more blocks than it has characters.
    """

    __slots__ = ("_bare", "_fence", "_html_end", "_paragraph", "_quotes", "containers", "deep")

    def __init__(self, *, paragraph: bool = False) -> None:
        #: From the outermost on. A list item: the columns from where its parent's content begins to where its own does.
        #: Quotes, each directly in the one before: how many, below zero.
        self.containers: list[int] = []
        self._quotes: list[int] = []  # where in `containers` there are quotes
        self._fence = ""
        self._html_end: str | None = None
        self._paragraph = paragraph  # the line before was a paragraph's, which the next one may continue
        self._bare = False  # the innermost block is a list item that has nothing but its marker so far
        self.deep = False  # the line is text only because it continues a paragraph: it is indented like code

    @property
    def is_raw(self) -> bool:
        """Whether a fence or an HTML block is open."""
        return bool(self._fence) or self._html_end is not None

    @property
    def in_code(self) -> bool:
        """Whether a fence is open, or an HTML block of code (`<pre>`, `<script>`, `<style>`)."""
        return bool(self._fence) or self._html_end == "</"

    def content(self) -> object:
        """Return what makes two of them the same."""
        return (*self.containers, self._fence, self._html_end, self._paragraph, self._bare, self.deep)

    def copy(self, *, paragraph: bool | None = None) -> OpenBlocks:
        """Return the same blocks, which go on by themselves; `paragraph`: whether one is open in them."""
        copy = OpenBlocks(paragraph=self._paragraph if paragraph is None else paragraph)
        copy.containers, copy._quotes = self.containers.copy(), self._quotes.copy()
        copy._fence, copy._html_end, copy._bare = self._fence, self._html_end, self._bare
        copy.deep = self.deep
        return copy

    def enter(self, text: str) -> bool:
        """Process the next line; return whether it belongs to a block in which there is no table."""
        line = Line(text)
        depth, quotes = self._continue(line) if self.containers else (0, 0)
        inside = depth == len(self.containers)
        if not inside:
            self._fence, self._html_end = "", None  # they end with the block that contains them
            if not self._paragraph or line.is_blank:
                self._close(depth, quotes)
        if line.is_blank:
            return self._enter_blank()
        if inside and self.is_raw:
            self._continue_raw(line)
            return True
        return self._enter(line, depth, quotes, inside=inside)

    def _continue(self, line: Line) -> tuple[int, int]:
        """Skip what continues the open blocks; return how many of them go on, and how many quotes of the next one."""
        for depth, block in enumerate(self.containers):
            if line.at >= line.end:
                return self._continue_blank(line, depth), 0
            if block > 0:
                if line.start - line.column < block:
                    return depth, 0
                line.column += block
            elif (quotes := line.skip_quotes(-block)) < -block:
                return depth, quotes
        return len(self.containers), 0

    def _continue_blank(self, line: Line, depth: int) -> int:
        """Return how many blocks go on where nothing is left of a line: up to a quote, or an item without content."""
        quote = bisect_left(self._quotes, depth)
        if quote < len(self._quotes):
            return self._quotes[quote]
        ends = self._bare and line.indent < sum(self.containers[depth:])
        return len(self.containers) - ends

    def _enter_blank(self) -> bool:
        if self._html_end == "":
            self._html_end = None
        self._paragraph = False
        return True

    def _enter(self, line: Line, depth: int, quotes: int, *, inside: bool) -> bool:
        """Open the blocks that begin in a line behind those that go on: `depth` of them, and `quotes` of the next."""
        continues, lazy = self._paragraph and inside, self._paragraph and not inside
        self._bare = False
        opened = 0
        while line.at < line.end:
            leaf, block = self._begin(line, opened, continues=continues, lazy=lazy)
            if not (leaf or block):
                self._paragraph = True
                return lazy or opened > 0 or bool(self._quotes)
            if lazy:
                self._close(depth, quotes)  # what opens a block continues no paragraph
            if leaf:
                self._paragraph = False
                return True
            self._open_container(block)
            opened += max(1, -block)
            continues = lazy = False
        self._paragraph, self._bare = False, self.containers[-1] > 0
        return True

    def _begin(self, line: Line, opened: int, *, continues: bool, lazy: bool) -> tuple[bool, int]:
        """Return whether the rest of a line begins a block without blocks in it, and otherwise the container it begins.

        That is as in `containers`, and 0 for text. `opened`: containers that the line has opened so far.
        """
        self.deep = line.start - line.column >= CODE_INDENT
        if self.deep:
            return not (continues or lazy), 0
        char = line.text[line.at]
        if char not in STARTS:
            return False, 0
        if char == ">":
            return False, -line.skip_quotes(line.end)
        if self._open_leaf(line, continues=continues):
            return True, 0
        return False, line.skip_marker(interrupts=continues) if opened < _MOST_OPENED else 0

    def _open_container(self, block: int) -> None:
        if block > 0:
            self.containers.append(block)
        elif self.containers and self.containers[-1] < 0:
            self.containers[-1] += block
        else:
            self._quotes.append(len(self.containers))
            self.containers.append(block)

    def _close(self, depth: int, quotes: int) -> None:
        """Close the open blocks but `depth` of them and `quotes` of the next one."""
        keep = depth + (quotes > 0)
        if quotes:
            self.containers[depth] = -quotes
        del self.containers[keep:]
        del self._quotes[bisect_left(self._quotes, keep) :]
        self._bare = False

    def _continue_raw(self, line: Line) -> None:
        """Close the open fence or HTML block if a line ends it."""
        if self._fence:
            if line.indent < CODE_INDENT and closes(self._fence, line.rest):
                self._fence = ""
        elif html_ends(self._html_end or "", line.rest):
            self._html_end = None

    def _open_leaf(self, line: Line, *, continues: bool) -> bool:
        """Open the block, other than a container or a paragraph, that the rest of a line begins, if there is one."""
        if line.text[line.at] in MARKERS and not continues:  # there may be a million of them
            return line.is_rule()
        body = line.rest
        self._fence = fence_of(body)
        if self._fence:
            return True
        end = html_end(body, interrupts=continues)
        if end is not None:
            self._html_end = None if html_ends(end, body) else end
            return True
        return is_heading(body, continues=continues)
