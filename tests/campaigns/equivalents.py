"""The mutations that change nothing anyone can notice: `mutants` leaves them out.

`scope` are the names of the classes and functions around it, `old` and `new` its lines as they stand and as they are
mutated, without their indents: an entry holds where its lines move. `reason` says why no test can fail: not that none
does.
"""

from __future__ import annotations

from typing import NamedTuple


class Equivalent(NamedTuple):
    """A mutation of a file, and why it changes nothing."""

    file: str
    scope: str
    old: str
    new: str
    reason: str


EQUIVALENTS: tuple[Equivalent, ...] = (
    Equivalent(
        "stores/sqlite/connection.py",
        "_opened",
        "connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, factory=WaitingConnection)",
        "connection = sqlite3.connect(uri, uri=True, timeout=0, factory=WaitingConnection)",
        "the driver begins a transaction of its own only where none is open, and every write is inside one of ours",
    ),
    Equivalent(
        "stores/markdown/line.py",
        "Line.__init__",
        "if text[:1] in BLANK:",
        "if text[:0] in BLANK:",
        "where no blank stands, skipping blanks ends where it began: the question only saves time",
    ),
    Equivalent(
        "stores/sqlite/connection.py",
        "_opened",
        "connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, factory=WaitingConnection)",
        "connection = sqlite3.connect(uri, uri=False, timeout=0, isolation_level=None, factory=WaitingConnection)",
        "a SQLite with the compile option USE_URI, as Debian's, takes a URI anyway; with others every test fails",
    ),
    Equivalent(
        "policy/yaml_reader.py",
        "_Reader._value",
        "def _value(self, event: Event, path: Path, key: int = -1) -> object:",
        "def _value(self, event: Event, path: Path, key: int = 1) -> object:",
        "where the key of a value stands is asked of values that have one, and those are given it",
    ),
    Equivalent(
        "policy/validator.py",
        "_causes",
        "for inner_error in fitting[0]:",
        "for inner_error in fitting[-1]:",
        "the list has exactly one element here",
    ),
    Equivalent(
        "runlog/engines/spark/engine.py",
        "",
        "_MOST_SHUFFLES = 2000",
        "_MOST_SHUFFLES = 1999",
        "into how many parts Spark shuffles changes what it costs, and no answer",
    ),
    Equivalent(
        "runlog/engines/spark/engine.py",
        "",
        "_MOST_SHUFFLES = 2000",
        "_MOST_SHUFFLES = 2001",
        "into how many parts Spark shuffles changes what it costs, and no answer",
    ),
    Equivalent(
        "runlog/percentiles.py",
        "",
        "_EXACT = 1 << 53",
        "_EXACT = 1 << 54",
        "whole floats are summed as integers whatever their size; twice the bound keeps the rest of the sum exact too",
    ),
    Equivalent(
        "rules/drift/comparison.py",
        "",
        "_END: Keys = (0, [])",
        "_END: Keys = (1, [])",
        "the number of the first of no rows is not used",
    ),
    Equivalent(
        "rules/drift/comparison.py",
        "Comparison._add",
        "if self._count_waiting() > self._most:",
        "if self._count_waiting() >= self._most:",
        "rows that wait are matched one batch earlier, and what matches is the same whenever it is done",
    ),
    Equivalent(
        "runlog/decoder.py",
        "_decode_each",
        "known[line] = row",
        "pass",
        "a malformed line is decoded again, to the same row; in both ways the first twenty are told",
    ),
)
