"""Mark what an operator looks for first, in colour: P0, and what is in progress for too long."""

from __future__ import annotations

from ops_checks.cli.command import PlainOption
from ops_checks.cli.output import Painted
from ops_checks.sanitize import visible
from ops_checks.timestamps import is_overdue, start_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation
    from ops_checks.model import Item
    from ops_checks.timestamps import Zone

_CHOICES = ("auto", "always", "never")
COLOR = PlainOption("--color", choices=_CHOICES, default=_CHOICES[0], help="mark P0 and what is stale (default: auto)")
_FIRST = "P0"


def is_coloured(invocation: Invocation) -> bool:
    """Return whether to colour the text: by --color, then NO_COLOR and FORCE_COLOR, then by what stdout is."""
    choice = invocation.args.color
    if choice != "auto":
        return bool(choice == "always")
    if invocation.environ.get("NO_COLOR"):
        return False
    if invocation.environ.get("FORCE_COLOR"):
        return True
    return invocation.terminal and invocation.environ.get("TERM") != "dumb"


class Marks:
    """Marks texts of an item in colour, or leaves them as they are where nothing is coloured.

    Work is stale if it is in progress for more than `stale_s` seconds at `now_s`, by the clock of `zone`.
    """

    __slots__ = ("_now_s", "_stale_s", "_zone", "on")

    def __init__(self, *, on: bool = False, now_s: float = 0, zone: Zone = 0, stale_s: float = 0) -> None:
        self.on = on
        self._now_s, self._zone, self._stale_s = now_s, zone, stale_s

    def line(self, text: str) -> str:
        """Return a line of texts that `text`, `priority` and `stale` returned."""
        return Painted(text) if self.on else text

    def text(self, text: str) -> str:
        """Return a text from a queue for a marked line: what is printed there is not made visible any more."""
        return visible(text) if self.on else text

    def priority(self, text: str, priority: str = _FIRST) -> str:
        """Return a text marked if the priority is the highest."""
        return _painted(text, "BOLD", "RED") if self.on and priority == _FIRST else text

    def stale(self, text: str, *items: Item) -> str:
        """Return a text marked if one of its items is stale."""
        return _painted(self.text(text), "YELLOW") if any(map(self.is_stale, items)) else self.text(text)

    def is_stale(self, item: Item) -> bool:
        """Return whether an item is stale; none is where nothing is coloured."""
        is_busy = self.on and item.status == "IN_PROGRESS"
        return is_busy and is_overdue(start_epoch(item.started_at_kst, self._zone), self._now_s, self._stale_s)


def _painted(text: str, *names: str) -> str:
    from ops_checks.presentation import paint  # only where something is coloured

    return paint.Paint(on=True)(text, *(getattr(paint, name) for name in names))


#: Leaves everything as it is.
NO_MARKS = Marks()


def marks_of(invocation: Invocation) -> Marks:
    """Return the marks of an invocation. What is stale is asked of the policy only where something is coloured."""
    if not is_coloured(invocation):
        return NO_MARKS
    context = invocation.context
    stale_s = context.stale_minutes * 60
    return Marks(on=True, now_s=context.now_s, zone=context.zone, stale_s=stale_s)
