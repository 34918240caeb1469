"""Read a statement of somebody else's as its database does: where it ends, its parameters, the functions it calls.

A lexer knows strings, quoted names and comments, no more: whether a statement only reads its database has to see to.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import StatementError
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.stores.query import Values

#: Characters of a statement: room for a list of thousands of ids.
MOST_CHARACTERS = 50_000
_SHOWN = 40

_NAME = r"[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*"
_STRING = r"'(?:[^']|'')*'"
_QUOTED = r'"(?:[^"]|"")*"'
#: How SQLite reads (https://www.sqlite.org/src/file/src/tokenize.c): a comment may end with the text.
_SQLITE = rf"""
    (?P<space>[ \t\n\f\r]+|--[^\n]*|/\*(?s:.*?)(?:\*/|\Z))
    |(?P<quoted>{_STRING}|{_QUOTED}|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<parameter>[:@$\#](?:[A-Za-z0-9_$\u0080-\U0010ffff]|::)+|\?[0-9]*)
    |(?P<name>{_NAME})
    |(?P<open>['"`\[])
    |(?P<sign>[0-9]+|(?s:.))
"""
#: How PostgreSQL reads with standard_conforming_strings (manual, 4.1); comments nest, and are read apart.
_POSTGRES = rf"""
    (?P<space>[ \t\n\r\f\v]+|--[^\n\r]*|(?P<nested>/\*))
    |(?P<escaped>[eE]'(?s:[^'\\]|\\.|'')*')
    |(?P<unicode>[uU]&{_QUOTED})
    |(?P<quoted>(?:[bBxXnN]|[uU]&)?{_STRING}|{_QUOTED}|(?P<tag>\$(?:[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)?\$)(?s:.*?)(?P=tag))
    |(?P<cast>::|:=)
    |(?P<parameter>:{_NAME}|\$[0-9]+)
    |(?P<name>{_NAME})
    |(?P<open>['"$])
    |(?P<sign>[0-9]+|(?s:.))
"""
_COMMENT_SIGN = re.compile(r"/\*|\*/")


class Syntax(NamedTuple):
    """How one kind of database reads a text.

    `brackets`: they hold the bounds of a slice, which are no parameters; `lenient`: a name in double quotes that there
    is not is taken for a string, in silence.
    """

    name: str
    tokens: re.Pattern[str]
    brackets: bool = False
    lenient: bool = False


SQLITE = Syntax("SQLite", re.compile(_SQLITE, re.VERBOSE), lenient=True)
POSTGRES = Syntax("PostgreSQL", re.compile(_POSTGRES, re.VERBOSE), brackets=True)


class Token(NamedTuple):
    """A piece of a statement with its kind, and where it begins."""

    kind: str
    text: str
    start: int

    @property
    def name(self) -> str:
        """What it names: without quotation marks, in lower case."""
        return _unquoted(self.text).lower()


class Statement(NamedTuple):
    """One statement that begins as a query does, its parameters replaced; lines are where they were.

    `called` are the names that stand before a parenthesis, as they are found in the database's catalog; `tokens` are
    those of the text as it was given, without space.
    """

    text: str
    called: frozenset[str]
    tokens: tuple[Token, ...]
    given: str

    def line(self, offset: int) -> int:
        """Return the line, from 1, of an offset in the text that was given."""
        return self.given.count("\n", 0, offset) + 1

    def line_of(self, word: str) -> int | None:
        """Return the line of a word that stands in the statement once, None for another."""
        found = [token for token in self.tokens if token.name == word.lower()]
        return self.line(found[0].start) if len(found) == 1 else None


def read_statement(text: str, syntax: Syntax, values: Values) -> Statement:
    """Return the one query in a text, with `values` in place of its parameters (`:name`).

    Raises StatementError for what is none or more than one, and for a parameter that has no value.
    """
    _must_be_text(text)
    every = list(_tokens(text, syntax))
    tokens = [token for token in every if token.kind != "space"]
    end = _end(tokens, text)
    first = next((token for token in tokens if token.text != "("), None)
    if first is None or first.text == ";":
        raise StatementError("there is no statement: expected one SELECT")
    if first.text.lower() not in {"select", "with"}:
        begins = visible(first.text[:_SHOWN])
        raise StatementError(f"begins with {begins}: expected one SELECT, or WITH … SELECT", _line(text, first.start))
    kept = [token for token in tokens if token.start < end]
    parameters = _parameters(kept, text, syntax, values)
    pieces = parameters | (_strict(kept) if syntax.lenient else {})
    rewritten = "".join(pieces.get(token.start, token.text) for token in every if token.start < end)
    return Statement(rewritten, frozenset(_called(kept, parameters)), tuple(kept), text)


def _must_be_text(text: str) -> None:
    """Raise StatementError for a text that a driver would cut, or could not send."""
    if len(text) > MOST_CHARACTERS:
        raise StatementError(f"has {len(text)} characters: expected at most {MOST_CHARACTERS}")
    odd = next((index for index, char in enumerate(text) if char == "\0" or "\ud800" <= char <= "\udfff"), None)
    if odd is not None:
        raise StatementError(f"holds {visible(text[odd])}, which no database reads: take it out", _line(text, odd))


def _tokens(text: str, syntax: Syntax) -> Iterator[Token]:
    """Yield the pieces of a text. Raises StatementError for a quotation or comment without an end."""
    at = 0
    while at < len(text):
        found = syntax.tokens.match(text, at)
        if found is None:
            raise AttributeError(f"every character is a token: {text[at]!a}")
        kind, end = found.lastgroup or "", found.end()
        if found.groupdict().get("nested"):
            kind, end = "space", _nested_end(text, at)
        elif found.groupdict().get("tag"):
            kind = "quoted"
        if kind == "open":
            raise StatementError(f"a quotation is not closed: {visible(text[at : at + _SHOWN])}", _line(text, at))
        yield Token(kind, text[at:end], at)
        at = end


def _nested_end(text: str, start: int) -> int:
    """Return the end of a comment that may hold others. Raises StatementError for one without an end."""
    depth = 0
    for found in _COMMENT_SIGN.finditer(text, start):
        depth += 1 if found[0] == "/*" else -1
        if not depth:
            return found.end()
    raise StatementError("a comment is not closed", _line(text, start))


def _end(tokens: list[Token], text: str) -> int:
    """Return the offset of the first semicolon, or of the end. Raises StatementError for what stands behind it."""
    semicolon = next((index for index, token in enumerate(tokens) if token.text == ";"), None)
    if semicolon is None:
        return len(text)
    behind = next((token for token in tokens[semicolon:] if token.text != ";"), None)
    if behind is not None:
        what = visible(behind.text[:_SHOWN])
        raise StatementError(f"more than one statement: take out {what} …", _line(text, behind.start))
    return tokens[semicolon].start


def _parameters(tokens: list[Token], text: str, syntax: Syntax, values: Values) -> dict[int, str]:
    """Return the literals that stand for parameters, by where those begin. Raises StatementError."""
    found: dict[int, str] = {}
    depth = 0
    for before, token in zip((None, *tokens), tokens, strict=False):
        depth += (token.text == "[") - (token.text == "]")
        if token.kind == "unicode":
            raise StatementError('a name in U&"…" is not read here: write it plainly', _line(text, token.start))
        if before is not None and before.kind == "escaped" and token.text[0] == "'":
            raise StatementError("E'…' goes on behind its end: write it as one string", _line(text, token.start))
        if token.kind == "parameter" and not (syntax.brackets and depth > 0):
            if token.text[0] != ":" or token.text[1:] not in values:
                expected = ", ".join(f":{name}" for name in values)
                line = _line(text, token.start)
                raise StatementError(f"no such parameter {visible(token.text)}: expected {expected}", line)
            found[token.start] = _literal(values[token.text[1:]])
    return found


def _strict(tokens: list[Token]) -> dict[int, str]:
    """Return the names in double quotes in marks that never make a string, by where they begin.

    A misspelled column would be a text that is never equal to anything: https://www.sqlite.org/quirks.html, section 8.
    """
    return {
        token.start: "`" + _unquoted(token.text).replace("`", "``") + "`" for token in tokens if token.text[0] == '"'
    }


def _literal(value: str | int) -> str:
    """Return a value as SQL writes it, in parentheses: it touches neither a minus before it nor a word."""
    quoted = "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
    return f"({quoted})"


def _called(tokens: list[Token], parameters: dict[int, str]) -> Iterator[str]:
    """Yield the names that stand before a parenthesis."""
    for token, behind in pairwise(tokens):
        if behind.text == "(" or behind.start in parameters:
            if token.kind == "name":
                yield token.text.lower()
            elif token.text[:1] == '"':
                yield _unquoted(token.text)


def _unquoted(text: str) -> str:
    """Return a name without its marks, whichever a database takes for some; a string is none."""
    mark = text[:1]
    return text[1:-1].replace(mark * 2, mark) if mark in {'"', "`", "["} and text[1:] else text


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
