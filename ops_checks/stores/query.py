"""A statement of somebody else's that only reads: how much it may use, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    #: What stands for the parameters of a statement, by name.
    Values = Mapping[str, str | int]


class Limits(NamedTuple):
    """How much one statement may use.

    In `seconds` a queue of a million rows is read several times over, and a gate still ends while somebody waits for
    it. More than so many `rows` say nothing about single items. Of a row the first `columns` are kept; of a text, where
    the database cuts it, one more than `text` characters.
    """

    seconds: float = 10.0
    rows: int = 100_000
    columns: int = 9
    text: int = 1000


class Answer(NamedTuple):
    """The names of all columns of an answer, and its rows: of each the first values, see Limits."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[object, ...]]
