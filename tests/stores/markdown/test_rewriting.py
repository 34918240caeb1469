"""Many rows of a document changed at once: what is written, byte for byte, and what is told afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item

from ops_checks.errors import ChangedError, WriteError
from ops_checks.stores.markdown.rewriting import MarkdownTransaction, RowEdits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = (
    "| id | status | priority | task | success_criteria | owner_session | started_at_kst | due_at_kst | notes |\n"
    "|---|---|---|---|---|---|---|---|---|\n"
)
ONE = "| A-1 | PENDING | P1 | task | done | - | - | - |  |\n"
TWO = "|  A-2  | PENDING | P1 | a \\| b | done | - | - | - |  |\n"
NEW = "| B-1 | PENDING | P1 | task | done | - | - | - |  |\n"


def _cells(edits: RowEdits) -> None:
    edits.cells["A-2"] += [("priority", "P0"), ("notes", "x | y")]


def _remove(edits: RowEdits) -> None:
    edits.removed.add("A-1")


def _remove_both(edits: RowEdits) -> None:
    edits.removed |= {"A-1", "A-2"}


def _insert(above: object) -> Callable[[RowEdits], None]:
    return lambda edits: edits.inserted.append((item("B-1"), above))


def _in_place_of(edits: RowEdits) -> None:
    """Take a row out, and put another where it stood."""
    edits.removed.add("A-1")
    edits.inserted.append((item("B-1"), "A-1"))


def _rename(edits: RowEdits) -> None:
    """Give a row another id, and put another item under the old one below it."""
    edits.cells["A-1"] += [("id", "B-1")]
    edits.inserted.append((item("A-1"), RowEdits.LAST))


P0 = "|  A-2  | PENDING | P0 | a \\| b | done | - | - | - | x \\| y |\n"
CASES = [
    (_cells, HEAD + ONE + P0),
    (_remove, HEAD + TWO),
    (_remove_both, HEAD),
    (_insert(RowEdits.TOP), HEAD + NEW + ONE + TWO),
    (_insert(RowEdits.LAST), HEAD + ONE + TWO + NEW),
    (_insert("A-1"), HEAD + ONE + NEW + TWO),
    (_insert("Z-9"), HEAD + ONE + TWO + NEW),
    (_in_place_of, HEAD + NEW + TWO),
    (_rename, HEAD + NEW + TWO + ONE),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("before", "behind"), [("", ""), ("\ufeff# Q\n\n", "\nText.\n"), ("# Q\n\n", "\nText")])
@pytest.mark.parametrize(("change", "rows"), CASES)
def test_only_the_rows_change(
    tmp_path: Path, change: Callable[[RowEdits], None], rows: str, before: str, behind: str, newline: str
) -> None:
    """Every other byte stays: line ends, the mark at the beginning, the text around, an end without a line break."""
    path = tmp_path / "Q.md"
    path.write_bytes((before + HEAD + ONE + TWO + behind).replace("\n", newline).encode())
    edits = RowEdits()
    change(edits)
    with MarkdownTransaction(str(path), 1) as transaction:
        with transaction.snapshot() as snapshot:
            transaction.write(snapshot, edits)
        assert transaction.settle() == []
    assert path.read_bytes() == (before + rows + behind).replace("\n", newline).encode()
    assert {each.name for each in tmp_path.iterdir()} == {"Q.md", "Q.md.lock"}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_last_row_without_its_line_break(tmp_path: Path, newline: str) -> None:
    """What is put below it ends as it did, and it ends as the others do."""
    path = tmp_path / "Q.md"
    path.write_bytes((HEAD + ONE).removesuffix("\n").replace("\n", newline).encode())
    edits = RowEdits()
    edits.inserted.append((item("B-1"), RowEdits.LAST))
    with MarkdownTransaction(str(path), 1) as transaction, transaction.snapshot() as snapshot:
        transaction.write(snapshot, edits)
    assert path.read_bytes() == (HEAD + ONE + NEW).removesuffix("\n").replace("\n", newline).encode()


def _written(path: Path) -> MarkdownTransaction:
    """Return an entered transaction that has set a priority."""
    path.write_text(HEAD + ONE + TWO)
    edits = RowEdits()
    edits.cells["A-1"] += [("priority", "P0")]
    transaction = MarkdownTransaction(str(path), 0.1).__enter__()
    with transaction.snapshot() as snapshot:
        transaction.write(snapshot, edits)
    return transaction


def test_who_wrote_elsewhere_has_undone_nothing(tmp_path: Path) -> None:
    """A program that appends to the document, or puts a version with the change there, is none of our business."""
    path = tmp_path / "Q.md"
    transaction = _written(path)
    with path.open("a") as file:
        file.write("\nanother line\n")
    assert transaction.settle() == []
    transaction.__exit__(None, None, None)


@pytest.mark.parametrize("text", [HEAD + ONE + TWO, HEAD + TWO, "no queue"])
def test_a_version_without_the_change_is_told(tmp_path: Path, text: str) -> None:
    """Where another program put a version that says otherwise, or none that can be read, the row is named."""
    path = tmp_path / "Q.md"
    transaction = _written(path)
    path.write_text(text)
    with pytest.raises(WriteError, match=r"Q\.md: A-1: was written, and another program has since put a version there"):
        transaction.settle()
    transaction.__exit__(None, None, None)


def test_a_document_that_changed_since_it_was_read(tmp_path: Path) -> None:
    """It is not written over: the other program's version stays."""
    path = tmp_path / "Q.md"
    path.write_text(HEAD + ONE)
    edits = RowEdits()
    edits.removed.add("A-1")
    with MarkdownTransaction(str(path), 0.1) as transaction, transaction.snapshot() as snapshot:
        other = tmp_path / "other"
        other.write_text(HEAD + ONE + TWO)
        other.replace(path)
        with pytest.raises(ChangedError):
            transaction.write(snapshot, edits)
    assert path.read_text() == HEAD + ONE + TWO
