"""The width of texts on a terminal."""

from __future__ import annotations

import pytest

from ops_checks.presentation.widths import display_width, pad


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("abc", 3),
        ("가나", 4),
        ("\u1112\u1161\u11ab", 2),
        ("e\u0301", 1),
        ("ｱ", 1),
        ("\uff21", 2),
        ("日本", 4),
        ("✅", 2),
        ("é…", 2),
    ],
)
def test_display_width(text, columns):
    """Korean, Chinese and full-width characters take two columns, combining ones none."""
    assert display_width(text) == columns
    assert pad(text, 6) == text + " " * (6 - columns)
    assert pad(text, 0) == text
