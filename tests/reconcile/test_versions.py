"""What is read of a version does not depend on the versions that were read before it."""

from __future__ import annotations

import pytest
from builders import DELIMITER, HEAD
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_checks.reconcile.versions import RowReader, Rows, item_in

IDS = ("ORCH-1", "ORCH-2", "ORCH-3")
ROWS = [
    *(
        f"| {name} | {status} | P1 | t | s | - | - | - | n |"
        for name in (*IDS, "ORCH-4")
        for status in ("PENDING", "DONE")
    ),
    "| ORCH-1 | OPEN | P1 | t | s | - | - | - | n |",
    "| ORCH-2 | DONE | P1 | t | a | pipe | - | - | - | n |",
    "ORCH-3 | DONE | P1 | t | s | - | - | - | n",
    "| ORCH-3 | DONE | P1 | t | a\\|b | - | - | - | n |\r",
    "|",
    "",
    "text",
    "# heading",
    "<!--",
    "-->",
    "```",
    HEAD,
    DELIMITER,
    "| OR\\|CH | DONE | P1 | t | s | - | - | - | n |",
]
BELOW = ["", "\n", "\ntext\n", "\n| ORCH-1 | DONE | P1 | t | s | - | - | - | n |", "text", f"\n{HEAD}\n{DELIMITER}\n"]
ABOVE = ["", "\ufeff", "# Queue\n\n", "text\n", "```\n", "<!--\n"]


def written(frame: tuple[str, str], rows: list[str], end: str) -> bytes:
    """Return a version: what stands above and below, the rows, and what ends them."""
    return f"{frame[0]}{HEAD}\n{DELIMITER}\n{chr(10).join(rows)}{end}{frame[1]}".encode()


FRAMES = st.tuples(st.sampled_from(ABOVE), st.sampled_from(BELOW))
PLAIN = st.lists(st.sampled_from(ROWS[:8]), max_size=4, unique_by=lambda row: row[:9])
ORDERED = PLAIN.map(sorted)
TABLES = PLAIN | ORDERED | ORDERED | st.lists(st.sampled_from(ROWS), max_size=5)
ENDS = st.sampled_from(["\n", "\n", ""])
DOCUMENTS = st.builds(written, FRAMES, TABLES, ENDS)


@st.composite
def histories(draw: st.DrawFn) -> list[bytes]:
    """Return versions that follow each other: mostly what stands around the rows stays."""
    frame, versions = draw(FRAMES), []
    for _ in range(draw(st.integers(2, 5))):
        other = draw(FRAMES)
        frame = draw(st.sampled_from([frame, frame, frame, (frame[0], other[1]), other]))
        versions.append(written(frame, draw(TABLES), draw(ENDS)))
    return versions


def meaning(rows: Rows | None) -> tuple[dict[str, str], dict[str, object]] | None:
    """Return rows as they are written, and what they say."""
    return rows and (rows.by_id, {name: item_in(rows, name) for name in IDS})


@settings(max_examples=500)
@given(histories())
def test_versions_are_read_as_if_alone(versions: list[bytes]) -> None:
    """A reader that knows the version before reads what one reads that knows none, and what changed is so."""
    read_in_turn(versions)


def read_in_turn(versions: list[bytes]) -> None:
    """Read versions with one reader, and each with a reader of its own."""
    reader = RowReader(IDS)
    before = None
    for data in versions:
        rows = reader.read(iter([data[:7], data[7:]]), len(data))
        assert meaning(rows) == meaning(RowReader(IDS).read([data], len(data)))
        if rows and before:
            differing = {name for name in IDS if rows.by_id.get(name) != before.by_id.get(name)}
            assert differing <= set(rows.differing(before))
            assert differing <= set(before.differing(rows))
        before = rows


A, A_DONE, B, B_DONE, C, _, X, _ = ROWS[:8]
PLACE = ("# Queue\n\n", "\ntext\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (written(PLACE, [A, B, C, X], "\n"), written(PLACE, [A, B_DONE, C, X], "\n")),
        (written(PLACE, [A, B, C, X], "\n"), written(PLACE, [A, B, X], "\n")),
        (written(PLACE, [A, B, X], "\n"), written(PLACE, [A, B, X, C], "\n")),
        (written(PLACE, [A, B, C, X], "\n"), written(PLACE, [X, C, B, A], "\n")),
        (written(PLACE, [A, B, C, X], "\n"), written(PLACE, [], "\n")),
        (written(PLACE, [A, B, C, X], "\n"), written(PLACE, [A, A_DONE, C, X], "\n")),
        (written(PLACE, [A, B, C, X], "\n"), written(PLACE, [A, B, C, A], "\n")),
        (written(PLACE, [A, B, C, X], "\n"), written(PLACE, [A, B, C, X, A_DONE], "\n")),
        (written(PLACE, [A, B, C, X], "\n"), written(PLACE, [A_DONE, A_DONE], "\n")),
        (written(PLACE, [A, B, C, X], "\n"), written(PLACE, [A, "", C, X], "\n")),
        (written(PLACE, [A, B, X], "\n"), written((PLACE[0], f"{C}\n"), [A, B, X], "\n")),
        (written((PLACE[0], f"\n{C}\n"), [A, B, X], "\n"), written((PLACE[0], f"\n{C}\n"), [A, B, X], "")),
        (written((PLACE[0], ""), [A, B, X], "\n"), written((PLACE[0], ""), [A, B, X, C], "")),
        (written((PLACE[0], ""), [A, B, X], "\n"), written((PLACE[0], ""), [A, B, C], "\r")),
        (written((PLACE[0], ""), [A, B, C], "\r"), written((PLACE[0], ""), [A, B, C], "\r\n")),
        (written(("<!--\n", ""), [A, B, X], "\n"), written(PLACE, [A, B, X], "\n")),
        (written(PLACE, [A, B, X], "\n"), written(("<!--\n", PLACE[1]), [A, B, X], "\n")),
    ],
)
def test_a_version_after_another_is_read_as_if_alone(before: bytes, after: bytes) -> None:
    """The ways in which a version may differ from the one before, each by itself."""
    read_in_turn([before, after])
    read_in_turn([before, after, before])


@given(DOCUMENTS, st.integers(1, 40))
def test_a_stream_is_read_as_a_whole(data: bytes, size: int) -> None:
    """Blocks of any size give the same rows."""
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    assert meaning(RowReader(IDS).read(blocks, 1 << 40)) == meaning(RowReader(IDS).read([data], len(data)))


@pytest.mark.parametrize("data", [b"\xff", b"", b"text", b"| " * 10, (HEAD + "\n").encode(), b"\0" * 100])
def test_what_is_no_queue(data: bytes) -> None:
    """It is no version without rows: nothing is known of it."""
    assert RowReader(IDS).read([data], len(data)) is None
    assert RowReader(IDS).read([data], 1 << 40) is None


def test_a_line_without_end_is_given_up() -> None:
    """A stream of it is not kept."""
    assert RowReader(IDS).read((b"x" * (1 << 20) for _ in range(1 << 20)), 1 << 40) is None
