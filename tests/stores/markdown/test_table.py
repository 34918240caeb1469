"""The queue's table as text: cells, rows, edits, defects (FORMATS section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import DELIMITER, HEAD, item, table
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.model import FIELDS, PRIORITIES, STATUSES, Item
from ops_checks.sanitize import one_line
from ops_checks.stores.markdown.search import plain_ids
from ops_checks.stores.markdown.table import (
    MAX_DEFECTS,
    Table,
    edit_row,
    escape_cell,
    parse_row,
    plain_items,
    render_head,
    render_row,
    row_defect,
    split_cells,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.stores.markdown.table import Rows

BLANK = " \t\v\f\r"
ROW = "| A-1 | PENDING | P0 | t | s | - | - | - |  |"


def read(*documents: str) -> tuple[list[tuple[int, Item]], list[tuple[int, str]]]:
    """Return items and defects of a document given in chunks."""
    found = Table()
    return list(found.items(documents)), found.defects


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("| a | b |", ["a", "b"]),
        ("a | b", ["a", "b"]),
        ("| a | b", ["a", "b"]),
        ("a | b |", ["a", "b"]),
        ("  |a|b|\t ", ["a", "b"]),
        ("| a |  |", ["a", ""]),
        ("||", [""]),
        ("|", []),
        ("", [""]),
        (r"| a \| b |", ["a | b"]),
        (r"| `a \| b` | c |", ["`a | b`", "c"]),
        (r"| a \\| b |", [r"a \| b"]),
        (r"| a \\\| b |", [r"a \\| b"]),
        (r"a \|", ["a |"]),
        (r"\| a | b", ["| a", "b"]),
        (r"| a \ | b |", ["a \\", "b"]),
        (r"| a \n b |", [r"a \n b"]),
        ("| a\u00a0 | \u2028b |", ["a\u00a0", "\u2028b"]),
        ("| 한국어 (1) ; 2) | — |", ["한국어 (1) ; 2)", "—"]),
    ],
)
def test_split_cells(line: str, cells: list[str]) -> None:
    """Cells stand between unescaped pipes, outer pipes are optional, and only Markdown's blanks are trimmed."""
    assert split_cells(line) == cells


def test_a_pipe_is_escaped_by_any_backslash_before_it() -> None:
    """GFM takes the pipe of `\\\\|` as escaped as well: the backslash before it is not itself an escape."""
    assert split_cells(r"| a \\\\| b |") == [r"a \\\| b"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", "a"),
        ("a | b", r"a \| b"),
        (r"a \| b", r"a \\| b"),
        ("a\nb\r\nc\rd", "a b c d"),
        ("a\n| x | DONE |", r"a \| x \| DONE \|"),
        (" a ", "a"),
        ("a\u2028b\u0085c\vd", "a\u2028b\u0085c\vd"),
        ("\x00\x1b[31m", "\x00\x1b[31m"),
    ],
)
def test_escape_cell(text: str, written: str) -> None:
    """What is written into a cell is one line with every pipe escaped, and nothing else is changed."""
    assert escape_cell(text) == written


#: Any text that UTF-8 can hold.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    "a|\\ -`\r\n\t\v\f\u2028\u0085", max_size=8
)
words = texts.map(lambda text: one_line(text).strip(BLANK))
ids = words.filter(bool)
items = st.builds(
    lambda item_id, status, priority, cells: Item(
        [item_id, status, priority, *cells[:2], *(cell or "-" for cell in cells[2:5]), cells[5]]
    ),
    ids,
    st.sampled_from(STATUSES),
    st.sampled_from(PRIORITIES),
    st.lists(words, min_size=6, max_size=6),
)


@given(items)
def test_render_then_parse_is_the_identity(each: Item) -> None:
    """An item that is rendered and parsed again is the same item, whatever its text."""
    assert parse_row(render_row(each)) == each


@given(st.lists(items, max_size=4, unique_by=lambda each: each.id))
def test_a_rendered_queue_has_exactly_its_items(queue: list[Item]) -> None:
    """Text in a cell never makes another row, another column, or the table's end."""
    lines = [*render_head(), *map(render_row, queue), ""]
    assert read("\n".join(lines)) == ([(number, each) for number, each in enumerate(queue, 3)], [])


@given(items)
def test_rendering_what_was_parsed_gives_the_same_bytes(each: Item) -> None:
    """A row in our own spacing is reproduced to the byte."""
    row = render_row(each)
    parsed = parse_row(row)
    assert parsed is not None
    assert render_row(parsed) == row


@given(texts)
def test_what_is_written_into_a_cell_reads_back_equal(text: str) -> None:
    """Pipes, backslashes and control characters come back; line breaks come back as spaces."""
    assert split_cells(f"| {escape_cell(text)} | next |") == [one_line(text).strip(BLANK), "next"]


blanks = st.text(" \t", max_size=3)


@st.composite
def written_rows(draw: st.DrawFn) -> tuple[str, Item]:
    """Return a row as a person may write it, with any spacing and optional outer pipes, and its item."""
    each = draw(items)
    cells = [draw(blanks) + escape_cell(cell) + " " * cell.endswith("\\") + draw(blanks) for cell in each]
    left = draw(st.sampled_from(["|", " |", ""])) if each.id[0] != "-" else "|"
    right = draw(st.sampled_from(["|", "| ", ""])) if each.notes else "|"
    return left + "|".join(cells) + right, each


# No rule empties the notes, which would end a row without a last pipe one cell early.
edits_of_cells = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(FIELDS[3:8], texts) | {"notes": texts.filter(lambda text: one_line(text).strip(BLANK))}
)


@given(written_rows(), edits_of_cells)
def test_edit_row_touches_only_its_cells(written: tuple[str, Item], edits: dict[str, str]) -> None:
    """Every character outside the replaced cells stays, and the row reads as the item with those cells."""
    row, each = written
    edited = edit_row(row, edits.items())
    told = {name: one_line(text).strip(BLANK) for name, text in edits.items()}
    expected = each.with_cells((name, text or "-" * (name in FIELDS[5:8])) for name, text in told.items())
    assert parse_row(edited) == expected or not edits
    assert "\n" not in edited
    before, after = _raw_cells(row), _raw_cells(edited)
    assert [a for n, a in zip(FIELDS, before, strict=True) if n not in edits] == [
        a for n, a in zip(FIELDS, after, strict=True) if n not in edits
    ]


def _raw_cells(row: str) -> list[str]:
    """Return the cells as they are written, blanks and escapes included."""
    marked = row.strip(" \t").replace("\\|", "\0\0")
    return marked.removeprefix("|").removesuffix("|").split("|")[:9]


@pytest.mark.parametrize(
    ("row", "edits", "edited"),
    [
        (ROW, {"status": "DONE"}, "| A-1 | DONE | P0 | t | s | - | - | - |  |"),
        (ROW, {"notes": "n"}, "| A-1 | PENDING | P0 | t | s | - | - | - | n |"),
        (
            "A-1|PENDING|P0|t|s|-|-|-|old",
            {"notes": "old | new", "status": "BLOCKED"},
            "A-1|BLOCKED|P0|t|s|-|-|-|old \\| new",
        ),
        (
            "|A-1  |  PENDING   |P0|t|s|-|-|-|   |\r",
            {"status": "DONE", "notes": "n"},
            "|A-1  |  DONE   |P0|t|s|-|-|-| n |\r",
        ),
        ("  | A-1 | PENDING |P0|t|s|x|-|-||", {"owner_session": "-"}, "  | A-1 | PENDING |P0|t|s|-|-|-||"),
        (r"|A-1|PENDING|P0|`a\|b`|s|-|-|-|n|", {"notes": "n\\"}, "|A-1|PENDING|P0|`a\\|b`|s|-|-|-|n\\ |"),
    ],
)
def test_edit_row(row: str, edits: dict[str, str], edited: str) -> None:
    """A cell is replaced between the blanks that stood around it."""
    assert edit_row(row, edits.items()) == edited


@pytest.mark.parametrize(
    ("row", "defect"),
    [
        ("| A-1 | DONE |", "expected 9 cells, found 2: write a literal pipe as \\|, end the table with a blank line"),
        (ROW + " x |", "expected 9 cells, found 10: write a literal pipe as \\|, end the table with a blank line"),
        ("|  | DONE | P0 | t | s | - | - | - |  |", "the id is empty: expected one such as ORCH-001"),
        (
            "| A-1 | Done | P0 | t | s | - | - | - |  |",
            "status 'Done': expected one of PENDING, IN_PROGRESS, BLOCKED, FAILED, DONE",
        ),
        ("| A-1 | DONE | P3 | t | s | - | - | - |  |", "priority 'P3': expected one of P0, P1, P2"),
        (
            "| A-1 | DONE\u00a0 | P0 | t | s | - | - | - |  |",
            r"status 'DONE\xa0': expected one of PENDING, IN_PROGRESS, BLOCKED, FAILED, DONE",
        ),
        ("| A-1 | DONE | P0 | a\rb | s | - | - | - |  |", "a carriage return inside the row: expected one row a line"),
    ],
)
def test_a_malformed_row_says_what_was_expected(row: str, defect: str) -> None:
    """Each defect of FORMATS section 1 is told with what was expected."""
    assert parse_row(row) is None
    assert row_defect(row) == defect
    assert read(table(row)) == ([], [(3, defect)])


def test_empty_cells_are_read_as_nothing() -> None:
    """An empty owner, start or due is `-`; an empty text, criterion or note stays empty."""
    assert parse_row("|A-1|DONE|P0|||||||") == item("A-1", "DONE", "P0", task="", success_criteria="")


def test_every_defect_is_reported_up_to_the_limit() -> None:
    """The first twenty defects are kept with their lines, the others counted."""
    found = Table()
    assert list(found.items([table(*["| x |"] * 25)])) == []
    assert [number for number, _ in found.defects] == list(range(3, 23))
    assert (len(found.defects), found.more) == (MAX_DEFECTS, 5)


@pytest.mark.parametrize(
    ("document", "defects"),
    [
        ("", [(0, "no queue table: expected one with the header " + " | ".join(FIELDS))]),
        ("text\n", [(0, "no queue table: expected one with the header " + " | ".join(FIELDS))]),
        (
            HEAD.replace("id", "Id") + "\n" + DELIMITER,
            [(0, "no queue table: expected one with the header " + " | ".join(FIELDS))],
        ),
        (HEAD + "\n\n" + ROW, [(1, "expected a delimiter row of 9 columns under the queue's header")]),
        (HEAD + "\n" + ROW, [(1, "expected a delimiter row of 9 columns under the queue's header")]),
        (HEAD + "\n" + "|---" * 8 + "|", [(1, "expected a delimiter row of 9 columns under the queue's header")]),
        (
            table(ROW) + "\n" + table(ROW.replace("A-1", "A-2")),
            [(5, "a second queue table; the first is in line 1: keep one")],
        ),
    ],
)
def test_a_document_without_its_one_table(document: str, defects: list[tuple[int, str]]) -> None:
    """No table, more than one, or a header without its delimiter row is told with the line."""
    assert read(document)[1] == defects


@pytest.mark.parametrize(
    "delimiter",
    ["|-|-|-|-|-|-|-|-|-|", "-|-|-|-|-|-|-|-|-", "|:--|--:|:-:|---|-|-|-|-|----------|", "  | - | - |-|-|-|-|-|-|-"],
)
def test_delimiter_rows(delimiter: str) -> None:
    """A delimiter row may carry colons and any number of dashes; outer pipes are optional."""
    assert read(f"{HEAD}\n{delimiter}\n{ROW}\n") == (
        [(3, item("A-1", priority="P0", task="t", success_criteria="s"))],
        [],
    )


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        (f"text {ROW}\n{ROW}", []),
        (f"{table(ROW)}\n{ROW}\n", [5]),
        (f"{table(ROW)}# head\n{ROW}\n\n{ROW}\n", [5, 7]),
        (f"```\n{ROW}\n```\n\n{table(ROW)}\n```\n{ROW}\n```\n> {ROW}\n", []),
    ],
)
def test_strays_are_rows_that_stand_outside_the_table(document: str, lines: list[int]) -> None:
    """A row after the table's end is told, because a person would read it as one; examples in code are not."""
    found = Table()
    list(found.items([document]))
    assert found.strays == lines


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x1c", "\v", "\f"])
def test_only_a_line_feed_ends_a_line(odd: str) -> None:
    """What other programs call a line's end is a character of its cell like any other."""
    row = ROW.replace(" t ", f" t{odd}u ")
    assert read(table(row, ROW.replace("A-1", "A-2"))) == (
        [
            (3, item("A-1", priority="P0", task=f"t{odd}u", success_criteria="s")),
            (4, item("A-2", priority="P0", task="t", success_criteria="s")),
        ],
        [],
    )


@given(
    st.lists(
        st.sampled_from(
            ["table", HEAD, DELIMITER, ROW, "", "```", "> q", "- a", "text", "    code", "<!--", "-->", "|"]
        )
    )
)
def test_chunks_make_no_difference(lines: list[str]) -> None:
    """A document reads the same in one chunk, line by line, and with CRLF line ends."""

    def flat(rows: Iterable[Rows]) -> list[tuple[int, str]]:
        return [pair for first, texts in rows for pair in enumerate(texts, first)]

    lines = [line for name in lines for line in ([HEAD, DELIMITER, ROW, ROW] if name == "table" else [name])]
    whole = Table()
    expected = flat(whole.rows(["\n".join(lines) + "\n"]))
    for ending in ("\n", "\r\n"):
        found = Table()
        assert flat(found.rows(line + ending for line in lines)) == expected
        assert (found.defects, found.strays) == (whole.defects, whole.strays)


_CELLS = st.sampled_from(
    ["", "A-1", "a b", " x ", "DONE", "PENDING", "P0", "P3", "a\\|b", "\\", "\r", "한", "|", "\x85"]
)


def ids_of(lines: list[str], ending: str = "\n") -> list[str] | None:
    """Return the ids of rows that are all plainly items, None for others."""
    ids = plain_ids("".join(line + ending for line in lines).encode())
    return None if ids is None else [each.decode() for each in ids]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["|", "| ", "", " |", "|\\||"]),
            st.sampled_from(["A-1", "B-2", "", "a\\|b", "\\", " "]),
            st.sampled_from(["DONE", " DONE ", "PENDING", "done", ""]),
            st.sampled_from(["P0", "P2 ", "P3"]),
            st.lists(_CELLS, min_size=5, max_size=7),
            st.sampled_from(["|", " |", "", "| ", "\\|"]),
        ),
        max_size=4,
    )
)
def test_rows_looked_at_all_at_once_are_those_looked_at_one_by_one(
    drawn: list[tuple[str, str, str, str, list[str], str]],
) -> None:
    """What looks at all rows at once gives their items or ids, or leaves it to what looks at each."""
    lines = [start + "|".join((*cells, *more)) + end for start, *cells, more, end in drawn]
    items = [parse_row(line) for line in lines]
    assert plain_items(lines) in (None, items)
    assert ids_of(lines) in (None, [each and each.id for each in items])


@pytest.mark.parametrize(
    "rows",
    [
        ["|A|DONE|P0|t|c|-|-|-|", "|\\||B|DONE|P0|t|c|-|-|-|n|"],
        ["|A|DONE|P0|t|c|-|-|-|n", "|\\||B|DONE|P0|t|c|-|-|-|n|"],
    ],
    ids=["eight and ten cells", "an open end and ten cells"],
)
def test_an_escaped_pipe_alone_in_its_cell_is_no_end_of_a_row(rows: list[str]) -> None:
    """Rows that have the right number of pipes only together are not taken for rows that have them each."""
    assert plain_items(rows) is ids_of(rows) is None


def test_usual_rows_are_plain() -> None:
    """Rows as people and tools write them are looked at all at once: aligned, with escaped pipes, without blanks."""
    rows = [ROW, ROW.replace("A-1", "A-2   "), ROW.replace("t", "a \\| b"), ROW.replace(" | ", "|"), ROW]
    assert ids_of(rows) == ids_of(rows, "\r\n") == ["A-1", "A-2", "A-1", "A-1", "A-1"]
    assert plain_items(rows) == [parse_row(row) for row in rows]
    assert ids_of([*rows, ROW.replace("P0", "P3")]) is plain_items([*rows, ROW.replace("P0", "P3")]) is None


@given(st.text(), st.text("|\\-:` \r\n\tadDONEP0>*#<", max_size=60))
def test_any_text_ends_in_items_or_defects(anything: str, hostile: str) -> None:
    """Whatever the document holds, reading it ends without another error, and a defect is one line."""
    for document in (anything, hostile, table(hostile), table(ROW, anything, hostile)):
        found, defects = read(document)
        assert all(parse_row(render_row(each)) == each for _, each in found)
        assert all("\n" not in message and "\r" not in message for _, message in defects)
