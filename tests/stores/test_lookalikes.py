"""Two texts that look equal and are not: which character differs is said, and of other texts nothing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.findings import Finding
from ops_checks.rules.drift.unseen import explain_ids
from ops_checks.stores.lookalikes import appearance, difference


def nfd(text: str) -> str:
    """Return a text in the form that macOS gives to names of files."""
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    ("md", "db", "at", "left", "right"),
    [
        ("Rotate\u00a0keys", "Rotate keys", 7, "U+00A0 (NO-BREAK SPACE)", "U+0020 (SPACE)"),
        ("a", "a\u200b", 2, "missing", "U+200B (ZERO WIDTH SPACE)"),
        ("\ufeffa", "a", 1, "U+FEFF (ZERO WIDTH NO-BREAK SPACE)", "U+0061 (LATIN SMALL LETTER A)"),
        ("done\u00a0", "done", 5, "U+00A0 (NO-BREAK SPACE)", "missing"),
        ("a  b", "a b", 3, "U+0020 (SPACE)", "U+0062 (LATIN SMALL LETTER B)"),
        ("m\u0430il", "mail", 2, "U+0430 (CYRILLIC SMALL LETTER A)", "U+0061 (LATIN SMALL LETTER A)"),
        ("core\u20111", "core-1", 5, "U+2011 (NON-BREAKING HYPHEN)", "U+002D (HYPHEN-MINUS)"),
        ("it\u2019s", "it's", 3, "U+2019 (RIGHT SINGLE QUOTATION MARK)", "U+0027 (APOSTROPHE)"),
        ("\u2714\ufe0f", "\u2714", 2, "U+FE0F (VARIATION SELECTOR-16)", "missing"),
        ("a\u3000b", "a b", 2, "U+3000 (IDEOGRAPHIC SPACE)", "U+0020 (SPACE)"),
    ],
)
def test_the_character_is_named(md: str, db: str, at: int, left: str, right: str) -> None:
    """The first that differs, by its position from 1, its code and its name, on both sides."""
    assert difference(md, db) == (f"they look equal, and character {at} is {left} in Markdown, {right} in the database")


def test_forms_of_unicode() -> None:
    """The same text composed and decomposed is named as such."""
    assert str(difference("큐 전환", nfd("큐 전환"))).endswith(": the same text in two Unicode forms")


@pytest.mark.parametrize(
    ("md", "db"),
    [
        ("a", "a"),
        ("a", "b"),
        ("DONE", "done"),
        ("x²", "x2"),
        ("e", "é"),
        ("가", "각"),
        ("", "x"),
        ("1", "l"),
        ("①", "1"),
    ],
)
def test_what_is_seen_to_differ_is_not_explained(md: str, db: str) -> None:
    """Equal texts, and texts whose difference is plain."""
    assert difference(md, db) is None


@given(st.text(), st.sampled_from("\u00a0\u200b\u2060\ufe0f"), st.integers(0, 50))
def test_what_nobody_sees_is_always_explained(text: str, char: str, at: int) -> None:
    """A character without ink, wherever it stands, is named: a blank where one is already, or one without width."""
    other = text[:at] + char + text[at:]
    assert appearance(text + "\u200b") == appearance(text)
    if char != "\u00a0":
        assert str(difference(text, other)).startswith("they look equal, and character ")


def test_ids_that_look_equal_explain_each_other() -> None:
    """An id is missing on both sides, and printed alike in both findings."""
    md = [Finding("missing-in-db", "m", item="X-1"), Finding("missing-in-db", "m", item="A-가")]
    db = [Finding("missing-in-md", "m", item=nfd("A-가"))]
    explain_ids(md, db)
    assert [finding.reason and finding.reason[:26] for finding in (*md, *db)] == [
        None,
        "the database has an id lik",
        "Markdown has an id like it",
    ]
