"""Find why a document is no queue: marks of a merge, a header that only looks like one (FORMATS section 1)."""

from __future__ import annotations

from ops_checks.files.contents import CONFLICT_MARKS, unresolved
from ops_checks.model import FIELDS
from ops_checks.stores.markdown.blocks import Blocks
from ops_checks.stores.markdown.table import lines_of, split_cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def conflict(chunks: Iterable[str]) -> tuple[int, str] | None:
    """Return the line of the first mark of a merge outside code blocks, and what to do; None if there is none."""
    numbers = list(_marked(chunks))
    return (numbers[0], unresolved(numbers)) if numbers else None


def nearly_a_header(chunks: Iterable[str]) -> tuple[int, str] | None:
    """Return the line that looks like the queue's header and is none, and what is wrong with it; None without one."""
    from ops_checks.stores.lookalikes import appearance, first_difference

    lines = (line for chunk in chunks for line in lines_of(chunk))
    for number, line in enumerate(lines, 1):
        cells = split_cells(line) if "|" in line and not line.isascii() else []
        if [appearance(cell) for cell in cells] == list(FIELDS):
            name, cell = next((name, cell) for name, cell in zip(FIELDS, cells, strict=True) if name != cell)
            at, found, _ = first_difference(cell, name)
            return number, f"the header's `{name}` only looks like it: its character {at} is {found}: type it anew"
    return None


def _marked(chunks: Iterable[str]) -> Iterator[int]:
    blocks = Blocks()
    lines = (line for chunk in chunks for line in lines_of(chunk))
    for number, line in enumerate(lines, 1):
        blocks.enter(line)
        if line.startswith(CONFLICT_MARKS) and not blocks.in_code:
            yield number
