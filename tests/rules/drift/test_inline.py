"""What Markdown reads as the same text is no drift, whatever a formatter escaped; what it reads otherwise is."""

from __future__ import annotations

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ops_checks.rules.drift.inline import as_read
from ops_checks.rules.drift.same_text import same_text

#: A text as a person wrote it, and what mdformat makes of it.
FORMATTED = [
    ("rename _private", r"rename \_private"),
    (r"C:\temp\new", r"C:\\temp\\new"),
    (r"\\server\share", r"\\server\\share"),
    ("* first", r"\* first"),
    ("a*b", r"a\*b"),
    ("__x", r"\_\_x"),
    ("*x _y* z_", r"*x \_y* z\_"),
    ("A_-_b", r"A\_-\_b"),
    (r"`a\_b` _x", r"`a\_b` \_x"),
    ("``a`b`` `c", r"`` a`b `` \`c"),
    ("`` x `` y", "`x` y"),
    ("a &amp; b", "a & b"),
    ("&amp;amp;", r"\&amp;"),
    ("&copy; &nbsp;z &unknown; &#65; &#x41;", "© \u00a0z &unknown; A A"),
    ("&lt;x&gt; <b> a", r"\<x> <b> a"),
    ("a <b", r"a \<b"),
    ("[a]: b", r"\[a\]: b"),
    (r"!\[x](y)", r"!\[x\](y)"),
    (r"\d+\.\d", r"\\d+.\\d"),
    ("foo\\", r"foo\\"),
    (r"\-", "-"),
    ("www.a.com/_q_ x", r"www.a.com/_q\_ x"),
    ("(http://a/_b_) *", r"(http://a/_b\_) \*"),
    ("日本_語_", r"日本_語\_"),
]  # fmt: skip
#: Texts that differ to Markdown: markup and the characters it is made of, a code span, another text.
DIFFERENT = [
    ("*first*", r"\*first\*"),
    ("_a_ b", r"\_a_ b"),
    ("~~a~~", r"\~~a~~"),
    ("`a`", r"\`a\`"),
    ("*http://a*", r"\*http://a\*"),
    (r"`\_`", "`_`"),
    (r"`C:\\temp`", r"`C:\temp`"),
    ("`&amp;`", "`&`"),
    ("<b>", r"\<b>"),
    ("<http://a>", r"\<http://a>"),
    ("[a](b)", r"\[a](b)"),
    ("![a](b)", r"\![a](b)"),
    (r"[a](b\_c)", "[a](b_d)"),
    ("&lt;", "&amp;lt;"),
    ("&lt;b&gt;", "<b>"),
    (r"C:\temp\new", "C:tempnew"),
    (r"C:\temp", "C:/temp"),
    (r"\n", "n"),
    (r"\한", "한"),
    (r"a\b", "ab"),
    ("a &amp; b", "a b"),
    (r"a \ b", "a b"),
    ("a\\", "a"),
    ("*a*\\_", "_a_\\_"),
]


@pytest.mark.parametrize(("written", "formatted"), FORMATTED)
def test_what_a_formatter_escapes_is_the_same_text(written: str, formatted: str) -> None:
    """Backslashes and character references that Markdown reads as the same characters make no difference."""
    assert same_text(written, formatted)
    assert same_text(formatted, written)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_markdown_reads_otherwise_differs(one: str, other: str) -> None:
    """Markup is not its characters, a code span has no escapes, and only punctuation is escaped."""
    assert not same_text(one, other)
    assert not same_text(other, one)


PIECES = ["a", "b ", " ", "_", "*", "**", "~", "`", "``", "\\", "[", "](u)", "!", "<", ">", "<b>", "&", "&amp;", "&lt;",
          "#", ".", "(", ")", "-", "1", "한", "\\*", "\\_", "http://"]  # fmt: skip
#: How a piece may be written without becoming another one to most readers: as it is, or escaped.
ESCAPED = {"_": "\\_", "*": "\\*", "`": "\\`", "[": "\\[", "<": "\\<", "&": "&amp;", "\\_": "_", "\\*": "*", ".": "\\.",
           "~": "\\~", "&amp;": "&", "&lt;": "<", "\\": "\\\\", ">": "&gt;", "!": "\\!"}  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.booleans()), max_size=10))
def test_texts_that_are_the_same_are_the_same_to_other_readers(pieces: list[tuple[str, bool]]) -> None:
    """Where two texts compare equal, markdown-it or GitHub's own reader renders them equally.

    One of them is enough: they are of different editions of CommonMark, and disagree on symbols beside emphasis.
    """
    written = "x " + "".join(piece for piece, _ in pieces) + " x"
    other = "x " + "".join(ESCAPED.get(piece, piece) if escape else piece for piece, escape in pieces) + " x"
    if not same_text(written, other):
        return
    it = MarkdownIt("commonmark").enable("strikethrough")
    assert it.renderInline(written) == it.renderInline(other) or rendered(written) == rendered(other)


def rendered(text: str) -> str:
    """Return a text as GitHub's reader renders it in a cell."""
    return str(cmarkgfm.github_flavored_markdown_to_html(f"| a |\n|---|\n| {text} |\n"))


@given(st.text("ab _*~`\\[]()<>!&;#한", max_size=30))
def test_reading_loses_nothing(text: str) -> None:
    """Every text can be read, is the same as itself, and differs from itself with another word behind it."""
    assert same_text(text, text)
    assert as_read(text) != as_read(text + "z")


def test_a_long_text_is_compared_as_it_is_written() -> None:
    """What would take long to read is the same only if it is written the same way."""
    assert not same_text("<!--" * 10_000, "<!--" * 10_000 + "\\")
    assert same_text("\\_" * 6_000, "\\_" * 6_000)
