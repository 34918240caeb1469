"""What every plot has: a title, a description in words, axes, and the table behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from ops_checks.formats.html.scales import Tick

#: How high plots are, in pixels, without the labels below them.
HEIGHT = 132
#: Characters of a name that a plot and its table show.
NAME = 120


class Table(Struct, frozen=True):
    """The numbers of a plot: the heads of the columns, rows of texts, and how many rows are not listed."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


class Plot(Struct, frozen=True, kw_only=True):
    """`kind` names the template that draws it; `description` says in words what is to be seen.

    `x_ticks` are in percent of the width, `y_ticks` in pixels from the top.
    """

    kind: str
    title: str
    description: str
    height: int
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...] = ()
    table: Table
