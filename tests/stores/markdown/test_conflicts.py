"""A document with marks of a merge is unresolved: no check and no change reads it (FORMATS section 1)."""

from pathlib import Path

import pytest
from builders import aged, document, item

from ops_checks.errors import InputError
from ops_checks.stores.registry import open_queue

ITEMS = [item("A-1"), item("A-2"), item("A-3")]
TEXT = document(ITEMS)
ROW = "| A-2 |"
OURS, THEIRS = "<<<<<<< HEAD\n", ">>>>>>> feature/x\n"


def queue(folder: Path, text: str, newline: str = "\n"):
    """Return the store of a document with this text."""
    path = folder / "QUEUE.md"
    path.write_bytes(text.replace("\n", newline).encode())
    aged(path)
    return open_queue(path)


def everything(store) -> None:
    """Read a store in every way there is, and begin a change; raise the first error, all of which are the same."""
    errors = []
    for read in (
        lambda: list(store),
        lambda: store.get("A-1"),
        lambda: store.get("no such"),
        lambda: _all_keys(store),
        lambda: store.change("A-1", lambda *_: pytest.fail("decided on an unresolved document")),
        lambda: store.preview("A-1", lambda *_: pytest.fail("decided on an unresolved document")),
    ):
        with pytest.raises(InputError) as caught:
            read()
        errors.append((caught.value.message, caught.value.details))
    assert len(set(errors)) == 1
    raise InputError(*errors[0])


def _all_keys(store) -> None:
    with store.snapshot() as snapshot:
        list(snapshot.keys())


INSIDE = TEXT.replace(ROW, OURS + ROW).replace("| A-3 |", THEIRS + "| A-3 |")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (INSIDE, 8),
        (OURS + "# Queue\n=======\n# Tasks\n" + THEIRS + TEXT, 1),
        ("\ufeff" + OURS + TEXT, 1),
        (TEXT + OURS, 12),
        (TEXT + THEIRS.rstrip("\n"), 12),
        (TEXT + "\n- item\n" + OURS, 14),
        (TEXT + "\n> quote\n" + THEIRS, 14),
        (TEXT + "\n<!--\n" + OURS + "-->\n", 14),
        (TEXT + "\n<div>\n" + OURS + "</div>\n", 14),
        (TEXT + "\n```\nx\n```\n" + OURS, 16),
        (TEXT + "\n- ```\n  x\n" + OURS, 15),
        (OURS + TEXT.replace("A-2", "A-1"), 1),
        (OURS + "no table at all\n", 1),
        (TEXT + "\n".join(["x"] * 50_000) + "\n" + OURS, 50_012),
    ],
)
def test_marks_outside_code_blocks(tmp_path: Path, text: str, line: int, newline: str) -> None:
    """Inside and outside the table: the line is named, and the advice is to resolve the merge, nothing else."""
    with pytest.raises(
        InputError, match=f":{line}: a merge conflict that is not resolved .*: resolve the merge, "
    ) as it:
        everything(queue(tmp_path, text, newline))
    assert "blank line" not in it.value.message
    assert not it.value.details


@pytest.mark.parametrize(
    "more",
    [
        "\n```\n<<<<<<< HEAD\n=======\n>>>>>>> x\n```\n",
        "\n~~~ text\n<<<<<<< HEAD\n~~~\n",
        "\n<pre>\n<<<<<<< HEAD\n</pre>\n",
        "\n    <<<<<<< HEAD\n",
        "\ntext <<<<<<< HEAD\n",
        "\n<<<<<<<HEAD\n",
        "\n<<<<<< HEAD\n",
        "\n||||||| base\n",
        "\nTitle\n=======\n",
    ],
)
def test_what_is_no_mark(tmp_path: Path, more: str) -> None:
    """A mark in a code block is an example; a heading, and what diff3 alone writes, are none."""
    assert len(list(queue(tmp_path, TEXT + more))) == len(ITEMS)


def test_a_mark_in_a_cell_is_text(tmp_path: Path) -> None:
    """Only the beginning of a line counts."""
    (found,) = queue(tmp_path, document([item("A-1", task="<<<<<<< HEAD")]))
    assert found.task == "<<<<<<< HEAD"
