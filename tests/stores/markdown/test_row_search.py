"""Finding one row: the same row, and the same defects, as reading every row as an item finds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from builders import item
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.errors import InputError
from ops_checks.model import FIELDS
from ops_checks.stores.markdown import document
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot
from ops_checks.stores.markdown.table import render_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = [render_row(FIELDS), "|" + " --- |" * len(FIELDS)]
ROWS = [render_row(item(f"A-{number}", notes="가" * number)) for number in range(12)]
ODD = [
    *(ROWS[1], ROWS[1].replace("| A-1 ", "|A-1|", 1), ROWS[4] + " ", " " + ROWS[4], ROWS[4].replace("A-4", "a \\| b")),
    *(ROWS[5].replace("A-5", ""), ROWS[5].replace("P1", "Q1"), ROWS[5].replace("PENDING", "pending"), ROWS[5] + "x |"),
    *(ROWS[5].removesuffix("|"), ROWS[5][2:], "x" + ROWS[5], ROWS[5].replace("가", "\r", 1), "| \r" + ROWS[5]),
    *("", "text", "> quote", "- list", "```", "<!--", "|", "\\|", "| a | b |", "   " + ROWS[5], ROWS[4] + ROWS[5][1:]),
]


class Refused(tuple[object, ...]):
    """Message and details of an error."""

    __slots__ = ()


def outcome(snapshot: MarkdownSnapshot, read: Callable[[], object]) -> object:
    """Return what a reading returns, or its errors; and what was remarked of it."""
    try:
        found = read()
    except InputError as error:
        return Refused((error.message, error.details))
    return found, snapshot.remarks()


def must_be_found_alike(path: Path, text: str, block: int, wanted: list[str]) -> None:
    """Assert that a document, read in blocks of so many bytes, has the rows of ids where reading all rows has them."""
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch, MarkdownSnapshot(str(path)) as snapshot:
        patch.setattr(document, "_BLOCK_BYTES", block)
        for item_id in wanted:

            def among_all(item_id: str = item_id) -> object:
                return {found.id: (number, found) for number, found in snapshot.items()}.get(item_id)

            found = outcome(snapshot, partial(snapshot.find, item_id))
            assert found == outcome(snapshot, among_all)
            if isinstance(found, Refused):
                return


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("block", [50, 70, 150, 1 << 15])
def test_what_stands_between_the_rows_makes_no_difference(tmp_path: Path, odd: str, block: int) -> None:
    """A row is found, or the document refused, as reading all rows does it: whatever the chunks that rows come in."""
    for ending in ("\n", "\r\n"):
        text = ending.join([*HEAD, *ROWS[:4], odd, *ROWS[6:], ""])
        must_be_found_alike(tmp_path / "QUEUE.md", text, block, ["A-2", "A-6", "A-11", "a | b", "none", "\udce9"])


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(["- a list", "", *("  " + line for line in [*HEAD, ROWS[0]]), *ROWS[1:], ""]),
        "\n".join(["| a | b |", "| - | - |", *ROWS[:6], "", *HEAD, *ROWS[6:], ""]),
    ],
    ids=["rows outside of the table's list item", "rows of another table"],
)
def test_what_only_looks_like_rows_is_none(tmp_path: Path, text: str) -> None:
    """A chunk of nothing but well-formed rows is one of the queue's only in the queue's table."""
    for block in range(40, 200, 5):
        must_be_found_alike(tmp_path / "QUEUE.md", text, block, ["A-0", "A-4", "A-8"])


@given(
    st.lists(st.sampled_from(ROWS), max_size=12, unique=True),
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(ODD)), max_size=2),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["\n", ""]),
    st.sampled_from(["", "\ufeff", "# A queue\n\n", "- a list\n\n  "]),
    st.integers(40, 400),
)
def test_any_document_is_searched_as_it_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[str],
    odd: list[tuple[int, str]],
    ending: str,
    last: str,
    above: str,
    block: int,
) -> None:
    """The same of any rows in any order, with a few odd lines, and anything above them."""
    for at, line in odd:
        rows.insert(at, line)
    text = above + ending.join([*HEAD, *rows]) + (ending if last else "")
    must_be_found_alike(tmp_path_factory.getbasetemp() / "QUEUE.md", text, block, ["A-1", "A-7", "a | b", "none"])


@pytest.mark.parametrize("number", [0, 5, 11])
@pytest.mark.parametrize("block", [50, 300, 1 << 15])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_only_the_row_that_was_found_is_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, block: int, ending: str
) -> None:
    """Behind however many chunks that are not taken apart, the edit meets the row that was found, and no other."""
    monkeypatch.setattr(document, "_BLOCK_BYTES", block)
    path = tmp_path / "QUEUE.md"
    before = ending.join(["# A queue", "", *HEAD, *ROWS, "", "the end"]).encode()
    path.write_bytes(before)
    with MarkdownSnapshot(str(path)) as snapshot:
        found = snapshot.find(f"A-{number}")
        assert found is not None
        snapshot.replace_lines({found[0]: lambda line: ["<" + line]}, lambda: True)
    assert path.read_bytes() == before.replace(ROWS[number].encode(), b"<" + ROWS[number].encode())


def test_lines_above_the_row_that_was_found_are_edited_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be edited decides where the document is taken apart, not what was looked for last."""
    monkeypatch.setattr(document, "_BLOCK_BYTES", 100)
    path = tmp_path / "QUEUE.md"
    before = "\n".join([*HEAD, *ROWS]).encode()
    path.write_bytes(before)
    with MarkdownSnapshot(str(path)) as snapshot:
        assert snapshot.find("A-9")
        snapshot.replace_lines({3: lambda _: ["first"], 12: lambda _: ["tenth"]}, lambda: True)
    after = before.replace(ROWS[0].encode(), b"first").replace(ROWS[9].encode(), b"tenth")
    assert path.read_bytes() == after
