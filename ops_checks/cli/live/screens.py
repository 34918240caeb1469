"""The screens that a live view puts over its own: an item, and a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ops_checks.cli.live.messages import Shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key

#: Characters of a line that are shown of an item: `show` prints the whole.
_LONGEST = 4_000


class ItemScreen(ModalScreen[None]):
    """Everything about an item, read by `show` again when something has changed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "close", "Close")]
    CSS = """
    ItemScreen > VerticalScroll { background: $surface; }
    ItemScreen > #keys { dock: bottom; height: 1; text-style: reverse; text-wrap: nowrap; }
    """

    def __init__(self, show: Callable[[], list[str]]) -> None:
        super().__init__()
        self._show = show

    def compose(self) -> ComposeResult:
        """Lay out the text and the keys."""
        with VerticalScroll():
            yield Static(Content("reading"), id="item")
        yield Static(Content("Esc close"), id="keys")

    def on_mount(self) -> None:
        """Read the item."""
        self.read_again()

    @work(thread=True, exclusive=True)
    def read_again(self) -> None:
        """Read the item, which may take long, and show it."""
        lines = [line if len(line) <= _LONGEST else line[:_LONGEST] + "…" for line in self._show()]
        self.post_message(Shown("\n".join(lines)))

    def on_shown(self, message: Shown) -> None:
        """Show what was read."""
        self.query_one("#item", Static).update(Content(message.text))

    def action_close(self) -> None:
        """Go back to the view."""
        self.dismiss()


class QuestionScreen(ModalScreen[bool]):
    """Asks what `cancel` and `retry` ask. The `question` comes before the `lines` on the item, which may be many."""

    CSS = """
    QuestionScreen { align: left bottom; }
    QuestionScreen > Static { width: 100%; height: auto; max-height: 100%; background: $surface; }
    """

    def __init__(self, question: str, lines: list[str]) -> None:
        super().__init__()
        self._text = "\n".join([question, *lines])

    def compose(self) -> ComposeResult:
        """Lay out the item and the question."""
        yield Static(Content(self._text))

    def on_key(self, event: Key) -> None:
        """Take `y` for a yes, and every other key for a no."""
        event.stop()
        self.dismiss(event.key.lower() == "y")
