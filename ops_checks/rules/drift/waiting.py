"""The rows of one side that wait for their partner, of which there may be a million."""

from __future__ import annotations

from array import array
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Waiting:
    """The rows of one side whose partner has not come yet: `rows` are their comparison keys in UTF-8.

    A set, because whole batches meet in it at once; where a row stands is noted beside it, by the hash of its key. No
    hash decides whether rows are equal: of two different ones with the same hash, one would be shown at the other's
    line.
    """

    def __init__(self) -> None:
        self.rows: set[bytes] = set()
        self._numbers: dict[int, int] = {}
        self._forget()

    def _forget(self) -> None:
        self._hashes = array("q")
        self._lines = array("I")

    def note(self, numbers: Iterable[int], keys: Iterable[bytes]) -> None:
        """Note where rows stand that may come to wait."""
        self._hashes.extend(map(hash, keys))
        self._lines.extend(numbers)

    def numbered(self) -> list[tuple[int, bytes]]:
        """Return the rows that wait with their numbers, in their order; what was noted of others is forgotten."""
        self._numbers = dict(self._noted(set(map(hash, self.rows))))
        self._forget()
        return sorted((self._numbers[hash(key)], key) for key in self.rows)

    def numbers(self, key: bytes) -> list[int]:
        """Return every number noted of a row."""
        return [number for _, number in self._noted({hash(key)})]

    def _noted(self, wanted: set[int]) -> Iterator[tuple[int, int]]:
        noted = zip(self._hashes, self._lines, strict=True)
        return (pair for pair in chain(self._numbers.items(), noted) if pair[0] in wanted)
