"""The mutations that change nothing anyone can notice: `mutants` leaves them out.

`old` and `new` are the lines as they stand and as they are mutated, without their indents, so that an entry holds
where its lines move. `reason` says why no test can fail: not that none does.
"""

from __future__ import annotations

from typing import NamedTuple


class Equivalent(NamedTuple):
    """A mutation of a file, and why it changes nothing."""

    file: str
    old: str
    new: str
    reason: str


EQUIVALENTS: tuple[Equivalent, ...] = (
    Equivalent(
        "stores/markdown/snapshot.py",
        "named = [item.id for _, item in self._table.parsed(first, lines)] if plain is None else plain",
        "named = [item.id for _, item in self._table.parsed(first, lines)] if True else plain",
        "the ids that are read without parsing are those that parsing gives: only slower",
    ),
    Equivalent(
        "stores/markdown/blocks.py",
        "return body.startswith(fence) and not body.strip(fence[0])",
        "return body.startswith(fence) and not body.strip(fence[1])",
        "a fence is three or more of one character",
    ),
    Equivalent(
        "stores/sqlite/connection.py",
        "connection = sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None)",
        "connection = sqlite3.connect(uri, uri=False, timeout=timeout_s, isolation_level=None)",
        "a SQLite with the compile option USE_URI, as Debian's, takes a URI anyway; with others every test fails",
    ),
    Equivalent(
        "policy/validator.py",
        "for inner_error in fitting[0]:",
        "for inner_error in fitting[-1]:",
        "the list has exactly one element here",
    ),
    Equivalent(
        "runlog/percentiles.py",
        "_EXACT = 1 << 53",
        "_EXACT = 1 << 54",
        "whole floats are summed as integers whatever their size; the bound keeps the rest of the sum exact, as twice it",
    ),
    Equivalent(
        "rules/drift/comparison.py",
        "if sum(map(len, self._waiting)) > self._most:",
        "if sum(map(len, self._waiting)) >= self._most:",
        "rows that wait are matched one batch earlier, and what matches is the same whenever it is done",
    ),
)
