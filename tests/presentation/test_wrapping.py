"""Text wrapped at words: no line is wider than the terminal, and no word is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.help import page, topics
from ops_checks.presentation.widths import display_width
from ops_checks.presentation.wrapping import reflowed, wrapped


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("", 5, [""]),
        ("one two", 7, ["one two"]),
        ("one two", 6, ["one", "  two"]),
        ("one automation/orchestrator/QUEUE.md", 8, ["one", "  automation/orchestrator/QUEUE.md"]),
        ("한국어 과제", 8, ["한국어", "  과제"]),
        ("키키키키키", 6, ["키키", "  키키", "  키"]),
        ("a  b", 9, ["a  b"]),
        ("a b", 0, ["a", "  b"]),
    ],
)
def test_wrapped(text: str, columns: int, lines: list[str]):
    """A line takes as many words as fit, Korean counted in columns; a path is not broken."""
    assert wrapped(text, columns, rest="  ") == lines


@given(st.text(st.sampled_from("ab 한`|-")), st.integers(1, 30))
def test_nothing_is_lost(text: str, columns: int):
    """Whatever the text and the width: the same characters but for spaces, and only a long word is wider."""
    lines = wrapped(text, columns, rest=" ")
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(display_width(line) <= max(columns, 3) or " " not in line.strip() for line in lines)


@pytest.mark.parametrize("columns", [100, 60, 40, 20])
@pytest.mark.parametrize("topic", topics())
def test_a_page(topic: str, columns: int):
    """Tables and blocks of code stay as they are; every other line fits the terminal where its words do."""
    shown = reflowed(page(topic), columns)
    assert "".join(shown.split()) == "".join(page(topic).split())
    is_code = False
    for line in shown.split("\n"):
        is_code ^= line.lstrip().startswith("```")
        if is_code or line.startswith(("|", "#", "<!--", "```")):
            assert line in page(topic).split("\n")
        else:
            assert display_width(line) <= columns or columns < 60


def test_a_page_that_is_wide_enough_keeps_its_structure():
    """Lists keep their markers, with what belongs to an entry below it."""
    text = "# T\n\nA b\nc.\n\n- one\n  two\n- three\n1. four five\n\n```\na    b\n```\n| x | y |\n"
    assert reflowed(text, 9) == "# T\n\nA b c.\n\n- one two\n- three\n1. four\n   five\n\n```\na    b\n```\n| x | y |\n"
