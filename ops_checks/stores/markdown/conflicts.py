"""Find the marks of a merge that is not resolved (FORMATS section 1)."""

from __future__ import annotations

from ops_checks.files.contents import CONFLICT_MARKS, unresolved
from ops_checks.stores.markdown.blocks import Blocks
from ops_checks.stores.markdown.table import lines_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def conflict(chunks: Iterable[str]) -> tuple[int, str] | None:
    """Return the line of the first mark of a merge outside code blocks, and what to do; None if there is none."""
    numbers = list(_marked(chunks))
    return (numbers[0], unresolved(numbers)) if numbers else None


def _marked(chunks: Iterable[str]) -> Iterator[int]:
    blocks = Blocks()
    lines = (line for chunk in chunks for line in lines_of(chunk))
    for number, line in enumerate(lines, 1):
        blocks.enter(line)
        if line.startswith(CONFLICT_MARKS) and not blocks.in_code:
            yield number
