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


EQUIVALENTS: tuple[Equivalent, ...] = ()
