"""What an item is to do, below a line that names it: for people, who do not know ids by heart."""

from __future__ import annotations

from ops_checks.cli.item_table import cut
from ops_checks.cli.output import About
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TITLE = "    task: "


def with_tasks(lines: Iterable[str], columns: int) -> Iterator[str]:
    """Yield lines, and below each that is about an item its task, cut to so many columns of a terminal."""
    for line in lines:
        yield line
        if isinstance(line, About) and line.task:
            yield cut(_TITLE + visible(line.task), columns)
