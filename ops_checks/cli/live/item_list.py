"""The list of items in a live view, and how its texts are drawn. Nothing in them is markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ops_checks.cli.live.lines import BAD, DIM, GOOD, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ops_checks.cli.live.lines import Line
    from ops_checks.stores.details import Details

_STYLES = {PLAIN: "", GOOD: "green", BAD: "bold red", DIM: "dim"}


class ItemList(OptionList):
    """The items, one of which is pointed at."""

    def __init__(self) -> None:
        super().__init__(id="items", markup=False, compact=True)
        self._rows: Sequence[Details] = ()

    @property
    def pointed(self) -> Details | None:
        """The item that is pointed at, None where none is."""
        at = self.highlighted
        return self._rows[at] if at is not None and at < len(self._rows) else None

    def show(self, rows: Sequence[Details], lines: Iterable[str]) -> None:
        """List items. It points at the same item as before, and at none when that one is not listed any more."""
        before = self.pointed
        pointed = before.item.id if before is not None else None
        self._rows = rows
        self.set_options([Option(Content(line), row.item.id) for line, row in zip(lines, rows, strict=True)])
        self.highlighted = next((number for number, row in enumerate(rows) if row.item.id == pointed), None)


def styled(lines: Iterable[Line]) -> Content:
    """Return lines in the styles of their tones."""
    return Content("\n").join([Content.styled(line.text, _STYLES[line.tone]) for line in lines])
