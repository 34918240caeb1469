"""Text is only ever text: what may be shown of it, and that it is one line."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from ops_checks.sanitize import one_line, visible, without_commands, without_password
from tests.campaigns.sink_readers import runner_commands, unescaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("대기열 (1차)", "대기열 (1차)"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
        ("\x1b]52;c;eA==\x07", "\\x1b]52;c;eA==\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u2066\u200b\ufeff", "a\\u202eb\\u2066\\u200b\\ufeff"),
        ("\n\r\t\0", "\\n\\r\\t\\x00"),
        ("\u2028\u2029\x85\v\f", "\\u2028\\u2029\\x85\\x0b\\x0c"),
        ("\ud800\udcff", "\\ud800\\udcff"),
        ("\U000e0001\ue000\U0010ffff", "\\U000e0001\\ue000\\U0010ffff"),
        ("\\x1b", "\\x1b"),
    ],
)
def test_visible(text, shown):
    """Controls, format characters and what nobody can see stand as their escapes; all else as it is."""
    assert visible(text) == shown


def test_visible_of_every_code_point():
    """Every code point is shown as itself or as an escape that leads back to it."""
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        shown = visible(char)
        if shown != char:
            assert shown.isascii()
            assert unescaped(shown) == char
        else:
            assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a", "a"),
        ("a\nb", "a b"),
        ("a\r\nb\rc\n\nd", "a b c  d"),
        ("a\u2028b\x85c\vd\fe", "a\u2028b\x85c\vd\fe"),
    ],
)
def test_one_line(text, line):
    """Each line break as Markdown knows them becomes one space; other characters stay."""
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("plain: text :: with ## and [brackets]", "plain: text :: with ## and [brackets]"),
        ("::error::x", ": :error::x"),
        ("  \t::error::x", "  \t: :error::x"),
        ("\u00a0\u3000\u2003::error::x", "\u00a0\u3000\u2003: :error::x"),
        ("a ##[group]b##[error]", "a ## [group]b## [error]"),
        ("###[error]", "### [error]"),
        (" ::##[error]", " : :## [error]"),
        ("", ""),
    ],
)
def test_without_commands(line, broken):
    """Both forms of command are broken by a space, and nothing else is touched."""
    assert without_commands(line) == broken
    assert runner_commands(broken) == []


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("error: unknown: postgresql://u:s@t:p@h/x: see", "error: unknown: postgresql://u:…@h/x: see"),
        ("error: --dbb=postgres://u:p@h", "error: --dbb=postgres://u:…@h"),
        ("error: password=sesame host=h", "error: password=… host=h"),
        ("error: PASSWORD = 'se same' x", "error: PASSWORD = … x"),
        ("error: no item postgresql://me@h/x", "error: no item postgresql://me@h/x"),
        ("error: ops@example.com: no", "error: ops@example.com: no"),
    ],
)
def test_an_error_quotes_no_password(line: str, shown: str) -> None:
    """Whatever argument an error quotes, a password in it stays out of terminals and logs."""
    assert without_password(line) == shown
