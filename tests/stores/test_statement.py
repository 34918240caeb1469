"""Reading a statement as its database does: where it ends, its parameters, what it calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.errors import StatementError
from ops_checks.stores.statement import MOST_CHARACTERS, POSTGRES, SQLITE, Syntax, read_statement

VALUES = {"now": "2026-01-02 00:00", "now_s": 1_767_279_600, "tz_minutes": -540}
NOW, ZONE = "('2026-01-02 00:00')", "(-540)"
BOTH = (SQLITE, POSTGRES)


def read(text: str, syntax: Syntax) -> str:
    """Return a statement as it is sent."""
    return read_statement(text, syntax, VALUES).text


@pytest.mark.parametrize("syntax", BOTH, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT :now", f"SELECT {NOW}"),
        ("SELECT 1-:tz_minutes", f"SELECT 1-{ZONE}"),
        ("SELECT x IN:now", f"SELECT x IN{NOW}"),
        ("select ':now' -- :now", "select ':now' -- :now"),
        ("SELECT /* :now ; */ 1", "SELECT /* :now ; */ 1"),
        ("SELECT 'it''s :now', :now", f"SELECT 'it''s :now', {NOW}"),
        ("WITH x AS (SELECT 1) SELECT 1 FROM x;", "WITH x AS (SELECT 1) SELECT 1 FROM x"),
        ("SELECT 1 ;; -- the end\n ; /* ; */", "SELECT 1 "),
        ("-- why\nSELECT '%', 1 % 2", "-- why\nSELECT '%', 1 % 2"),
        ("SELECT '\u3164\u2028:now', id FROM t", "SELECT '\u3164\u2028:now', id FROM t"),
    ],
)
def test_parameters_are_replaced_where_they_are_some(syntax, text, expected):
    """Not in strings, names and comments; a semicolon at the end is none, and lines stay where they are."""
    assert read(text, syntax) == expected


@pytest.mark.parametrize(
    ("syntax", "text", "expected"),
    [
        (SQLITE, "SELECT [:now], `:now`", "SELECT [:now], `:now`"),
        (SQLITE, 'SELECT ":now", "a""b`c"', 'SELECT `:now`, `a"b``c`'),
        (POSTGRES, 'SELECT ":now", "a""b"', 'SELECT ":now", "a""b"'),
        (SQLITE, "SELECT '\\', :now", f"SELECT '\\', {NOW}"),
        (SQLITE, "SELECT 1 /* no end", "SELECT 1 /* no end"),
        (POSTGRES, "SELECT :now::timestamp, x::int", f"SELECT {NOW}::timestamp, x::int"),
        (POSTGRES, "SELECT f(a := 1), a[1:now], :now", f"SELECT f(a := 1), a[1:now], {NOW}"),
        (POSTGRES, "SELECT $$ :now ; $$, $a$ $$ :now $b$ $a$", "SELECT $$ :now ; $$, $a$ $$ :now $b$ $a$"),
        (POSTGRES, "SELECT /* /* */ :now */ 1", "SELECT /* /* */ :now */ 1"),
        (POSTGRES, "SELECT E'\\' :now', :now", f"SELECT E'\\' :now', {NOW}"),
        (POSTGRES, "SELECT j ? 'a', j ?| x, a$b$c", "SELECT j ? 'a', j ?| x, a$b$c"),
        (POSTGRES, "(SELECT 1) UNION (SELECT 2)", "(SELECT 1) UNION (SELECT 2)"),
    ],
)
def test_each_database_reads_its_own_way(syntax, text, expected):
    """Brackets quote in one and hold a slice in the other; a backslash, dollars and casts mean something in one."""
    assert read(text, syntax) == expected


@pytest.mark.parametrize("syntax", BOTH, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("", "there is no statement", None),
        (" -- nothing\n;", "there is no statement", None),
        ("\nATTACH 'x' AS y", "begins with ATTACH: expected one SELECT, or WITH … SELECT", 2),
        ("PRAGMA user_version", "begins with PRAGMA", 1),
        ("EXPLAIN SELECT 1", "begins with EXPLAIN", 1),
        ("VALUES (1)", "begins with VALUES", 1),
        ("SELECT 1;\n\nDROP TABLE queue_items", "more than one statement: take out DROP …", 3),
        ("SELECT ';';SELECT 2", "more than one statement", 1),
        ("SELECT\n:then", "no such parameter :then: expected :now, :now_s, :tz_minutes", 2),
        ("SELECT 'abc", "a quotation is not closed: 'abc", 1),
        ('SELECT\n"abc', 'a quotation is not closed: "abc', 2),
        ("SELECT 'a\0b'", "holds \\x00, which no database reads", 1),
        ("SELECT\n'\ud800'", "holds \\ud800, which no database reads", 2),
        ("SELECT " + "1" * MOST_CHARACTERS, "expected at most 50000", None),
    ],
)
def test_what_is_no_statement_is_refused(syntax, text, says, line):
    """With the line of the statement that is meant."""
    with pytest.raises(StatementError) as raised:
        read(text, syntax)
    assert says in raised.value.message
    assert raised.value.line == line


@pytest.mark.parametrize(
    ("syntax", "text", "says"),
    [
        (SQLITE, "SELECT ?", "no such parameter ?"),
        (SQLITE, "SELECT ?1", "no such parameter ?1"),
        (SQLITE, "SELECT @now", "no such parameter @now"),
        (SQLITE, "SELECT $now", "no such parameter $now"),
        (POSTGRES, "SELECT $1", "no such parameter $1"),
        (POSTGRES, "SELECT /* /* */", "a comment is not closed"),
        (POSTGRES, "SELECT $a$ $b$", "a quotation is not closed"),
        (POSTGRES, "SELECT E'a'\n'b\\' ; DROP TABLE x --'", "more than one statement"),
        (POSTGRES, "SELECT E'a'\n'b\\', '' AS x", "write it as one string"),
        (POSTGRES, "SELECT E'a' -- x\n  'b'", "write it as one string"),
        (POSTGRES, 'SELECT U&"pg\\005fsleep"(5)', "write it plainly"),
        (POSTGRES, "SELECT '\\'; SELECT 2 --'", "more than one statement"),
    ],
)
def test_what_would_be_read_differently_is_refused(syntax, text, says):
    """What the driver or the server might take for something else than it is taken for here."""
    with pytest.raises(StatementError) as raised:
        read(text, syntax)
    assert says in raised.value.message


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("SELECT PG_SLEEP(1)", {"pg_sleep"}),
        ("SELECT a.pg_sleep /* x */ (1)", {"pg_sleep"}),
        ('SELECT "pg_sleep" (1), "Q""uoted"(1)', {"pg_sleep", 'Q"uoted'}),
        ("SELECT 'pg_sleep(1)' -- pg_sleep(1)", set()),
        ("SELECT pg_sleep :now_s", {"pg_sleep"}),
        ("SELECT 1pg_sleep(1)", {"pg_sleep"}),
        ("SELECT * FROM ROWS FROM (pg_sleep(1))", {"from", "pg_sleep"}),
    ],
)
def test_names_before_a_parenthesis_are_known(text, called):
    """However they are written: the server is asked what they may do."""
    assert read_statement(text, POSTGRES, VALUES).called == called


#: Pieces in which nothing is a parameter, and the one between them that is.
_PIECES = {
    SQLITE: ["'{}'", "[{}]", "`{}`", "/*{}*/", "--{}\n"],
    POSTGRES: ["'{}'", '"{}"', "$${}$$", "$t${}$t$", "E'\\'{}'", "/*{}*/", "/*/**/{}*/", "--{}\n"],
}
_INSIDE = st.lists(st.sampled_from([":now", ";", "SELECT", "x(", " ", "\u3164", "%", "\\\\"])).map("".join)


@pytest.mark.parametrize("syntax", BOTH, ids=lambda syntax: syntax.name)
@given(data=st.data())
def test_any_mix_is_read_as_it_is_built(syntax, data):
    """Quoted texts and comments come out as they are, each parameter between them as its value."""
    quoted = st.builds(lambda frame, text: frame.format(text), st.sampled_from(_PIECES[syntax]), _INSIDE)
    pieces = data.draw(st.lists(st.one_of(quoted, st.sampled_from([":now", ":tz_minutes", " x ", "(", ")", "::int"]))))
    if syntax is SQLITE:
        pieces = [piece for piece in pieces if piece != "::int"]
    expected = [{":now": NOW, ":tz_minutes": ZONE}.get(piece, piece) for piece in pieces]
    assert read("SELECT " + ",".join(pieces), syntax) == "SELECT " + ",".join(expected)


@pytest.mark.parametrize("syntax", BOTH, ids=lambda syntax: syntax.name)
@given(text=st.text(alphabet=st.sampled_from(list("SELCT wih'\"`[]();:now_s$a-/*\\\nE?@é\u2028\0")), max_size=60))
def test_no_text_is_a_crash(syntax, text):
    """It is read, or refused in one line."""
    said = ""
    try:
        read("SELECT " + text, syntax)
    except StatementError as error:
        said = error.message
    assert "\n" not in said
