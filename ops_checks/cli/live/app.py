"""The live view in a terminal, drawn by textual. What it says is made in `lines`; nothing in it is markup."""

from __future__ import annotations

import asyncio
import math
import os
import select
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import Input, OptionList, Static

from ops_checks.cli.bulk import question
from ops_checks.cli.live.actions import CHANGES, Actions
from ops_checks.cli.live.item_list import ItemList, styled
from ops_checks.cli.live.lines import KEYS, Moment, about, head_lines, item_table, list_title, packed
from ops_checks.cli.live.messages import Arrived, Done
from ops_checks.cli.live.screens import ItemScreen, QuestionScreen
from ops_checks.cli.output import Made
from ops_checks.exit_codes import INTERRUPTED, OK
from ops_checks.gate.watching import POLL_S
from ops_checks.live.feed import Feed
from ops_checks.live.model import QUEUE, Filter, State

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.screen import Screen
    from textual.timer import Timer

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.stores.details import Details

#: Ages are drawn anew so often.
_AGING_S = 15.0
#: A terminal that is held (Ctrl-S) takes nothing: the process ends so long after it was told to.
_LAST_S = 5.0


class WatchApp(App[int]):
    """The view: `made` are the lines of the changes made in it, `failure` what nobody expected."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { overflow: hidden; }
    #head { height: auto; max-height: 60%; }
    #title { height: 1; text-style: bold; }
    #columns { height: 1; text-style: underline; }
    #items { height: 1fr; min-height: 1; border: none; padding: 0; scrollbar-size-vertical: 1; }
    #items > .option-list--option { padding: 0; }
    #told { height: auto; max-height: 4; }
    #text { height: 1; border: none; padding: 0; display: none; }
    #keys { height: auto; max-height: 3; text-style: reverse; }
    #head, #title, #columns, #items, #keys { text-wrap: nowrap; text-overflow: ellipsis; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "end(0)", "Quit"),
        Binding("ctrl+c", "end(130)", "Interrupt", priority=True),
        Binding("ctrl+z", "suspend_process", "Suspend", priority=True),
        Binding("slash", "ask_text", "Filter by text", priority=True),  # what is typed next is the text already
        Binding("s", "next_status", "Filter by status"),
        Binding("escape", "no_filter", "No filter"),
        *(Binding(key, f"change('{name}')", name) for key, name in CHANGES.items()),
    ]

    def __init__(self, invocation: Invocation) -> None:
        super().__init__()
        self._invocation = invocation
        self._actions = Actions(invocation.context, invocation.environ, invocation.clock)
        self._feed = Feed(invocation.context, invocation.clock, lambda news: self.post_message(Arrived(news)))
        self._state = State()
        self._wanted = Filter()
        self._busy = ""
        self._changing = threading.Lock()
        self._last: threading.Timer | None = None
        self._drawn_s = -math.inf
        self._due: Timer | None = None
        self.made: list[str] = []
        self.failure: Exception | None = None

    def compose(self) -> ComposeResult:
        """Lay out head, list, what was told last, and keys."""
        yield Static(id="head")
        yield Static(id="title")
        yield Static(id="columns")
        yield ItemList()
        yield Static(id="told")
        yield Input(id="text", placeholder="text to look for, Enter", select_on_focus=False)
        yield Static(id="keys")

    def on_mount(self) -> None:
        """Begin to watch."""
        self.query_one("#items").focus()
        self._draw()
        self.set_interval(_AGING_S, self._draw)
        if not self.is_headless:
            threading.Thread(target=self._end_with_terminal, name="watch-terminal", daemon=True).start()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.action_end, int(INTERRUPTED))
        self._feed.start()

    def on_unmount(self) -> None:
        """Stop watching."""
        self._feed.stop()

    def ended(self) -> None:
        """Let the process go on: the terminal has let go of the view."""
        if self._last is not None:
            self._last.cancel()

    def on_resize(self) -> None:
        """Draw in the new width."""
        self.call_after_refresh(self._draw)

    def on_arrived(self, message: Arrived) -> None:
        """Take over what is new, and draw it; end with what ended the watching."""
        news = message.news
        if news.ended is not None:
            self.failure = news.ended
            self.action_end(1)
            return
        self._state = self._state.after(news.part, news.seen, news.error, self._invocation.clock())
        self._draw_soon()
        above = self.screen_stack[-1] if self.screen_stack else None
        if isinstance(above, ItemScreen) and news.part == QUEUE:
            above.read_again()

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Open an item."""
        if message.option_id is not None:  # by its id: the list may have moved since
            self.push_screen(ItemScreen(partial(self._actions.show, message.option_id)))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Filter by a text."""
        self._list_only(self._wanted._replace(text=message.value.strip()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether a key means an action here: within a text, and on another screen, `/` is a character."""
        if action == "ask_text":
            return len(self.screen_stack) == 1 and not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    def action_end(self, code: int) -> None:
        """End the view with an exit code."""
        if code == INTERRUPTED and not self.is_headless and self._last is None:
            self._last = threading.Timer(_LAST_S, self._leave)
            self._last.daemon = True
            self._last.start()
        self.exit(code)

    def action_ask_text(self) -> None:
        """Ask for the text to filter by."""
        field = self.query_one("#text", Input)
        field.display = True
        self.screen.set_focus(field)

    def action_next_status(self) -> None:
        """Filter by the next status."""
        self._list_only(self._wanted.next_status)

    def action_no_filter(self) -> None:
        """List all items."""
        self.query_one("#text", Input).value = ""
        self._list_only(Filter())

    def action_change(self, name: str) -> None:
        """Ask whether to cancel or retry the item that is pointed at, and do it."""
        row = self.query_one(ItemList).pointed
        if row is None:
            self._tell([f"{name}: point at an item first, with the arrow keys"])
        elif self._busy:
            self._tell([f"{self._busy} is not done yet"])
        else:
            lines = [f"{label}: {value}" for label, value in about(row)]
            answered = partial(self._answered, name, row)
            self.push_screen(QuestionScreen(question(name, 1), lines), answered)

    def _answered(self, name: str, row: Details, yes: bool | None) -> None:  # noqa: FBT001 - as textual calls it
        if not yes:
            self._tell(["not confirmed: nothing was changed"])
            return
        self._busy = f"{name} {about(row)[0][1]}"
        self._tell([f"{self._busy} …"])
        self.run_worker(partial(self._carry_out, name, row), thread=True)

    def _carry_out(self, name: str, row: Details) -> None:
        """Change an item, in a thread; what was made is told after the view has ended, too."""
        with self._changing:
            outcome = self._actions.change(name, row.item)
            self.made += map(Made, outcome.lines)
        self.post_message(Done([*outcome.lines, *outcome.remarks]))

    def on_done(self, message: Done) -> None:
        """Tell how a change ended."""
        self._busy = ""
        self._tell(message.lines)
        self._feed.look(QUEUE)

    def _list_only(self, wanted: Filter) -> None:
        self._wanted = wanted
        field = self.query_one("#text", Input)
        field.display = False
        self.screen.set_focus(self.query_one("#items"))
        self._feed.list_only(wanted)

    def _tell(self, lines: list[str]) -> None:
        with suppress(NoMatches):  # the view is being taken down
            self.query_one("#told", Static).update(Content("\n".join(lines)))

    def _draw_soon(self) -> None:
        """Draw at once, or half a second after the last time: what arrives together is drawn together."""
        left_s = self._drawn_s + POLL_S - time.monotonic()
        if left_s <= 0:
            self._draw()
        elif self._due is None:
            self._due = self.set_timer(left_s, self._draw)

    def _draw(self) -> None:
        """Draw what is known, in the width that there is."""
        self._drawn_s = time.monotonic()
        if self._due is not None:
            self._due.stop()
            self._due = None
        if not self.screen_stack:
            return
        with suppress(NoMatches):  # news that came while the view is being taken down
            self._draw_on(self.screen_stack[0])

    def _draw_on(self, main: Screen[Any]) -> None:
        columns = max(1, self.size.width)
        moment = Moment(self._invocation.clock(), self._invocation.context.zone, columns)
        main.query_one("#head", Static).update(styled(head_lines(self._state, moment)))
        seen = self._state.queue
        main.query_one("#title", Static).update(Content(list_title(seen, self._wanted)))
        top, lines = item_table(seen, moment._replace(columns=max(1, columns - 1)))
        main.query_one("#columns", Static).update(Content(top))
        main.query_one("#keys", Static).update(Content("\n".join(packed(KEYS, columns))))
        main.query_one(ItemList).show(list(seen.rows) if seen else [], lines)

    def _end_with_terminal(self) -> None:
        """End the process when the terminal goes: nothing is left to be restored, and drawing may wait for ever."""
        poll = select.poll()
        with suppress(OSError, ValueError):
            poll.register(sys.__stdin__.fileno() if sys.__stdin__ else -1, 0)
            poll.poll()
            self._leave()

    def _leave(self) -> None:
        """End the process at once, but for a change that is being made."""
        with self._changing:
            os._exit(int(INTERRUPTED))

    def _handle_exception(self, error: Exception) -> None:
        """Keep what nobody expected, for the one line in which every command tells it."""
        self.failure = self.failure or error
        super()._handle_exception(error)

    def _print_error_renderables(self) -> None:
        """Print none of the library's own tracebacks."""
        self._exit_renderables.clear()


def watch(invocation: Invocation) -> Result:
    """Show the view until it is ended; return its exit code, and the lines of the changes made in it.

    Raises what ended the watching.
    """
    for name in ("COLUMNS", "LINES"):  # once exported they come before what the terminal says when it is resized
        os.environ.pop(name, None)
    app = WatchApp(invocation)
    code = app.run()
    app.ended()
    invocation.remarks += app.made if app.failure else []
    if app.failure is not None:
        raise app.failure
    if code == INTERRUPTED:
        invocation.remarks.append("error: interrupted")
    elif app.return_code:
        raise RuntimeError("the live view ended by itself")
    return (INTERRUPTED if code == INTERRUPTED else OK), app.made
