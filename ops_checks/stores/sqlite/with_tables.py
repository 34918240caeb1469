"""How often SQLite writes out the tables of WITH clauses while it reads a statement, during which nothing stops it.

Each use of such a table is a copy of it, so that thirty short ones, each of which uses the one before twice, are a
billion: https://www.sqlite.org/lang_with.html, "materialization hints", is about what happens afterwards.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.stores.statement import Token

#: What stands before the name of a table that is used.
_BEFORE = frozenset({"from", "join", ",", "(", "in"})
#: So many tables would take long to follow; nobody writes them by hand.
_MOST_TABLES = 100
_HINTS = frozenset({"not", "materialized"})


class _Table(NamedTuple):
    """A table of a WITH clause, named by the token `at`; `scope` and `body`: between which it is known, and is."""

    name: str
    at: int
    scope: tuple[int, int]
    body: tuple[int, int]


def copies(tokens: Sequence[Token], most: int) -> int:
    """Return how many copies of such tables a statement makes, `most` for that many or more."""
    words = [token.name for token in tokens]
    closing = _closing(words)
    tables = list(islice(_tables(words, closing), _MOST_TABLES))
    if len(tables) == _MOST_TABLES:
        return most
    named = {table.at for table in tables}
    known: dict[_Table | None, int] = {}

    def within(table: _Table | None, first: int, last: int) -> int:
        if table in known:
            return known[table]
        known[table] = 0  # what uses itself is no copy
        inside = [each for each in tables if first <= each.body[0] and each.body[1] <= last and each is not table]
        total = 0
        for index in range(first, last + 1):
            if (
                any(each.body[0] <= index <= each.body[1] for each in inside)
                or index in named
                or not _is_use(words, index)
            ):
                continue
            used = _found(tables, words[index], index)
            if used is not None and used is not table:
                total = min(most, total + 1 + within(used, *used.body))
        known[table] = total
        return total

    return within(None, 0, len(words) - 1) if tables else 0


def _closing(words: Sequence[str]) -> dict[int, int]:
    """Return where each parenthesis that is closed is closed."""
    open_at: list[int] = []
    closing: dict[int, int] = {}
    for index, word in enumerate(words):
        if word == "(":
            open_at.append(index)
        elif word == ")" and open_at:
            closing[open_at.pop()] = index
    return closing


def _tables(words: Sequence[str], closing: dict[int, int]) -> Iterator[_Table]:
    """Yield the tables: `name [(columns)] AS [hint] (body)`."""
    for index, word in enumerate(words):
        if word != "as":
            continue
        start = index + 1
        while start < len(words) and words[start] in _HINTS:
            start += 1
        name = index - 1
        if start not in closing:
            continue
        if words[name] == ")":
            name = next((opening for opening, closed in closing.items() if closed == name), 0) - 1
        scopes = [(opening, closed) for opening, closed in closing.items() if opening < name < closed]
        yield _Table(words[name], name, max(scopes, default=(0, len(words) - 1)), (start, closing[start]))


def _is_use(words: Sequence[str], index: int) -> bool:
    return index > 0 and words[index - 1] in _BEFORE and words[index + 1 : index + 2] != ["."]


def _found(tables: Sequence[_Table], name: str, index: int) -> _Table | None:
    """Return the table that a name means at a place: that of the narrowest scope."""
    visible = [each for each in tables if each.name == name and each.scope[0] <= index <= each.scope[1]]
    return max(visible, key=lambda each: each.scope[0], default=None)
