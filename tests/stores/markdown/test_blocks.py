"""Where a table can stand: held against cmark-gfm, the parser that GitHub renders with (FORMATS section 1)."""

from __future__ import annotations

import re

import cmarkgfm
import pytest
from builders import DELIMITER, HEAD, table
from cmarkgfm.cmark import Options
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it.rules_block.table import escapedSplit

from ops_checks.model import FIELDS
from ops_checks.stores.markdown.block_starts import html_end
from ops_checks.stores.markdown.table import Table, split_cells

ROW = "| A-1 | PENDING | P0 | t | s | - | - | - |  |"
QUEUE = [HEAD, DELIMITER, ROW]
_TAG = re.compile(r'<(/?)(table|blockquote|thead|tr|th|td)\b(?: data-sourcepos="(\d+):(\d+)-\d+:\d+")?[^>]*>([^<]*)')


def rendered(lines: list[str]) -> list[int]:
    """Return the lines that cmark-gfm renders as rows of a queue table, outside quotes."""
    html = cmarkgfm.github_flavored_markdown_to_html("\n".join(lines) + "\n", options=Options.CMARK_OPT_SOURCEPOS)
    rows: list[int] = []
    header: list[str] = []
    quotes = 0
    in_head = False
    for close, tag, line, _, text in _TAG.findall(html):
        if tag == "blockquote":
            quotes += -1 if close else 1
        elif tag == "thead":
            in_head = not close
            header = header if close else []
        elif tag == "th" and not close:
            header.append(text)
        elif tag == "tr" and not close and not in_head and not quotes and header == list(FIELDS):
            rows.append(int(line))
    return rows


def ours(lines: list[str]) -> list[int]:
    """Return the lines that we read as rows."""
    rows = Table().rows(["\n".join(lines) + "\n"])
    return [number for first, texts in rows for number in range(first, first + len(texts))]


@pytest.mark.parametrize(
    ("before", "is_read"),
    [
        ([], True),
        (["text"], True),
        (["text", "", ""], True),
        (["# head"], True),
        (["***"], True),
        (["```", "code", "```"], True),
        (["```", "code"], False),
        (["````", "```"], False),
        (["~~~ sh", "```"], False),
        (["``` a ` b"], True),
        (["    ```", ""], True),
        (["text", "    ```"], True),
        (["> quote"], False),
        (["> quote", ""], True),
        (["> quote", "lazy"], False),
        (["> # head"], True),
        (["> ```"], True),
        ([">"], True),
        (["<!-- comment"], False),
        (["<!-- comment -->"], True),
        (["<!--", "", "-->"], True),
        (["<div>"], False),
        (["<div>", ""], True),
        (["<details>", "<summary>s</summary>", ""], True),
        (["<b>"], False),
        (["text", "<b>"], True),
        (["<b>bold</b>"], True),
        (["<script>", "", "</pre>"], True),
        (["<script>", ""], False),
        (["</script>"], False),
        (["<?php", ""], False),
        (["- item"], False),
        (["- item", ""], True),
        (["- item", "lazy"], False),
        (["- item", "  # head"], True),
        (["- ```", "  code", "  ```"], True),
        (["1. ```sh", "   make", "   ```", ""], True),
        (["- item", "  ```", "  code", "  ```", ""], True),
        (["- item", "  ```", "  code", ""], True),
        (["- - ```", "    code", ""], True),
        (["- item", "  <!-- comment", ""], True),
        (["1. one", "", "       code", ""], True),
        (["text", "2. no item"], True),
        (["text", "-"], True),
        (["-", "", "   ```"], False),
        (["-", "  ```"], True),
        (["[^1]: note"], True),
        ([f"- {HEAD}"], False),
    ],
)
def test_what_stands_before_the_table(before: list[str], is_read: bool) -> None:  # noqa: FBT001 - a column
    """A table is read unless it continues a block that can hold none; cmark-gfm agrees."""
    lines = [*before, *QUEUE]
    assert ours(lines) == ([len(lines)] if is_read else [])
    assert rendered(lines) == ours(lines)


@pytest.mark.parametrize(
    ("after", "rows"),
    [
        ([ROW], 2),
        (["", ROW], 1),
        (["   ", ROW], 1),
        (["text"], 2),
        (["# head", ROW], 1),
        (["#tag"], 2),
        (["> quote", ROW], 1),
        (["- item", ROW], 1),
        (["-item"], 2),
        (["2) item", ROW], 1),
        (["2)item"], 2),
        (["***", ROW], 1),
        (["```", ROW], 1),
        (["<b>", ROW], 1),
        (["<b>x</b>"], 2),
        (["    code", ROW], 1),
        (["   text"], 2),
        (["\tcode"], 1),
        (["==="], 2),
        ([DELIMITER, "text"], 3),
    ],
)
def test_where_the_table_ends(after: list[str], rows: int) -> None:
    """The table ends at the first blank line or new block; any other line is a row of it; cmark-gfm agrees."""
    lines = [*QUEUE, *after]
    assert ours(lines) == list(range(3, 3 + rows))
    assert rendered(lines) == ours(lines)


@pytest.mark.parametrize(
    "lines",
    [
        [HEAD, "- | - | - | - | - | - | - | - | -", ROW],
        [HEAD, "    " + DELIMITER, ROW],
        ["    " + HEAD, DELIMITER, ROW],
        ["> " + HEAD, "> " + DELIMITER, "> " + ROW],
        ["- item", *QUEUE],
        ["> quote", *QUEUE],
        ["```md", *QUEUE, "```"],
        ["1. ```md", *("   " + line for line in QUEUE), "   ```"],
        ["<!--", *QUEUE, "-->"],
        [HEAD, "", DELIMITER, ROW],
    ],
)
def test_what_is_no_table(lines: list[str]) -> None:
    """A list item, code, a quote or a comment that looks like the queue is not the queue; cmark-gfm agrees."""
    found = Table()
    assert list(found.rows(["\n".join(lines)])) == rendered(lines) == []
    assert found.header_line == 0


def test_an_example_in_a_list_is_not_taken_for_the_queue() -> None:
    """A fence that opens behind a list marker hides its example, and not the queue that follows it."""
    lines = ["1. Write rows so:", "", "2. ```md", *("   " + line for line in QUEUE), "   ```", "", *QUEUE]
    assert ours(lines) == rendered(lines) == [len(lines)]


def test_a_table_in_a_list_item_is_a_table() -> None:
    """A list item holds a table; a row with less indentation is no longer in it."""
    lines = ["- item", "", *("  " + line for line in QUEUE), "  " + ROW, ROW]
    assert ours(lines) == rendered(lines) == [5, 6]


LINES = [
    *QUEUE, HEAD.strip("| "), "-|-|-|-|-|-|-|-|-", "- | - | - | - | - | - | - | - | -", "B-2|DONE|P1|t|s|-|-|-|n",
    "", "", "text", "a | b", "| a |", "|", "> quote", "> # head", "> ```", ">", "> - item", "- item", "* item",
    "1. one", "2) two", "10. ten", "-", "1.", "```", "~~~", "````", "```sh", "``` a ` b", "# head", "#tag", "---",
    "===", "***", "<div>", "</div>", "<!-- c", "-->", "<!-- c -->", "<details>", "<summary>x</summary>", "<b>x</b>",
    "<b>", "<script>", "</script>", "<pre>", "</pre>", "<?", "?>", "<!X", "[a]: x",
]  # fmt: skip
PROSE = [line for line in LINES if "|" not in line and line != "[a]: x"]
PREFIXES = [
    "",
    "",
    "",
    "",
    " ",
    "  ",
    "   ",
    "    ",
    "     ",
    "\t",
    "> ",
    ">",
    "- ",
    "1. ",
    "2. ",
    "* ",
    "  - ",
    "-     ",
]
lines_of_markdown = st.builds(lambda *parts: "".join(parts), *[st.sampled_from(PREFIXES)] * 2, st.sampled_from(LINES))


@given(
    st.lists(lines_of_markdown, max_size=5),
    st.sampled_from(["", "", " ", "    "]),
    st.lists(lines_of_markdown, max_size=4),
)
@example(["- a", "  - ```", "    x"], "", [])
@example(["10. ", "    a"], "    ", [])
def test_the_rows_are_those_that_cmark_gfm_renders(before: list[str], indent: str, after: list[str]) -> None:
    """Whatever stands around the table, the lines we read as rows are the lines GitHub shows as rows."""
    lines = [*before, *(indent + line for line in QUEUE), *after]
    assume(not any(_differs_by_design(*pair) for pair in zip(["", *lines], lines, strict=False)))
    assert ours(lines) == rendered(lines)


def _differs_by_design(above: str, line: str) -> bool:
    """Tell the few places where we are not as cmark-gfm is.

    A delimiter row with another number of columns than the line above makes cmark-gfm give up on the
    whole paragraph (its own economy, no rule of GFM): it takes a document that nobody writes. And a lone pipe under the
    table ends it for cmark-gfm: we call it a row without cells, which is an error, because the rows after it would be
    lost without a word.
    """
    delimiter = re.fullmatch(r"[-\s>*0-9.)]*[|:\s-]*-[|:\s-]*", line)
    mismatched = delimiter and "|" in line and line.count("|") != above.count("|")
    return bool(mismatched or re.fullmatch(r"\s*\|\s*", line))


@given(st.text("ab|\\ `\t", max_size=20))
def test_cells_are_those_of_two_other_parsers(row: str) -> None:
    """The cells of a row are as markdown-it splits them, and as many as cmark-gfm counts."""
    body = row.strip()
    assume(body not in ("", "|") and "``" not in row)
    expected = [cell.strip() for cell in escapedSplit(body)]
    if expected[0] == "":
        del expected[0]
    if expected and expected[-1] == "":
        expected.pop()
    assert split_cells(body) == expected
    wide = ["| h " * 30 + "|", "|-" * 30 + "|", body]
    html = cmarkgfm.github_flavored_markdown_to_html("\n".join(wide), options=Options.CMARK_OPT_SOURCEPOS)
    columns = [column for close, tag, _, column, _ in _TAG.findall(html) if tag == "td" and not close]
    assert sum(column != "0" for column in columns) == len(split_cells(body))


_DEEP = [
    mark * times
    for mark in ("> ", "- ", "1. ", ">", "- > ", "> - ", "* + ", "> > -  ")
    for times in (2, 20, 33, 49, 50, 51, 60, 98, 99, 100, 101, 150, 1000)
]


@pytest.mark.parametrize("end", ["x", "```", "<!--", "<div>", "# head", "-", ">", HEAD])
def test_deep_nesting(end: str) -> None:
    """However deep lists and quotes are nested in a line, the queue below it is where cmark-gfm renders it."""
    for start in _DEEP:
        for between in ([], [""], ["text"], [">" * 60], ["  " * 40 + "text"], [start + "y"], [start + "y", ""]):
            lines = [start + end, *between, *QUEUE]
            assert ours(lines) == rendered(lines)


@pytest.mark.parametrize("mark", ["- ", "1. ", "- > ", "> "])
def test_deep_nesting_over_many_lines(mark: str) -> None:
    """Lists that each line nests deeper hold a table where cmark-gfm renders one."""
    stairs = [" " * (len(mark) * level) + mark + "x" for level in range(120)]
    for indent in (0, 2, 60, 120, 240, 360):
        for between in ([], [""], ["", ""], ["", "text"]):
            lines = [*stairs, *between, *(" " * indent + line for line in QUEUE)]
            assert ours(lines) == rendered(lines)


@given(
    st.lists(st.builds(str.__add__, st.text("> -*1.\t", max_size=30), st.sampled_from(PROSE)), max_size=5),
    st.sampled_from(["", "  ", "    "]),
)
def test_nesting_of_any_kind(before: list[str], indent: str) -> None:
    """Markers, blanks and tabs in any order leave open what they leave open in cmark-gfm."""
    lines = [*before, *(indent + line for line in QUEUE)]
    assume(not any(_differs_by_design(*pair) for pair in zip(["", *lines], lines, strict=False)))
    assert ours(lines) == rendered(lines)


@pytest.mark.parametrize("line", [">" * 5000, "<a " + "/" * 5000, "<a" + " " * 100_000 + "<", "> - " * 100_000])
def test_long_lines(line: str) -> None:
    """A line without end is read like any other, and the table after it too."""
    assert ours([line + "x", "", "text", "", *QUEUE]) == [7]


def test_the_document_of_the_builders() -> None:
    """What the other tests build is what GitHub would show."""
    lines = table(ROW, ROW).splitlines()
    assert ours(lines) == rendered(lines) == [3, 4]


@pytest.mark.parametrize(("line", "end"), [("<!DOCTYPE html>", ">"), ("<!x>", None), ("<b>", "")])
def test_html_declarations(line, end):
    """A declaration is an HTML block up to its bracket (CommonMark 4.6, condition 4)."""
    assert html_end(line, interrupts=False) == end
