"""The live view in a terminal, by textual's own pilot: keys in, what stands on the screen and in the queues out."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import aged, execute, item, make_database, make_markdown, select
from conftest import NOW_S
from textual.widgets import OptionList

from ops_checks.cli.command import Invocation
from ops_checks.cli.live.app import WatchApp
from ops_checks.cli.live.item_list import ItemList
from ops_checks.cli.live.screens import ItemScreen, QuestionScreen
from ops_checks.errors import InputError
from ops_checks.exit_codes import INTERRUPTED
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual.pilot import Pilot

    Scenario = Callable[["View"], Coroutine[Any, Any, None]]

_LONGEST_S = 20
#: What a terminal would obey, markup of textual's and rich's, and text that is shown from right to left.
HOSTILE = "\x1b[31m[red]x[/red] [bold @click=app.quit]y[/] \u202e:warning:"
SHOWN = "\\x1b[31m[red]x[/red] [bold @click=app.quit]y[/] \\u202e:warning:"
ITEMS = [
    item("A-1", "IN_PROGRESS", "P0", owner_session="s1", started_at_kst="2026-01-01 22:00", task="first"),
    item("A-2", "FAILED", task="second"),
    item("A-3", "DONE", task="third"),
]


class View:
    """A view that runs, and its pilot."""

    def __init__(self, app: WatchApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    def text(self) -> str:
        """Return the text on the screen, line by line, as it is drawn."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    async def until(self, holds: Callable[[], Any], what: str = "") -> None:
        """Wait until something holds."""
        end_s = time.monotonic() + _LONGEST_S
        while not holds():
            assert time.monotonic() < end_s, f"{what}\n{self.text()}"
            await asyncio.sleep(0.005)

    async def shows(self, *texts: str) -> None:
        """Wait until texts stand on the screen."""
        for text in texts:
            await self.until(lambda text=text: text in self.text(), text)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)


@pytest.fixture
def live(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., WatchApp]:
    """Return what plays a scenario in a view of two queues that agree."""
    monkeypatch.setattr("ops_checks.gate.watching.POLL_S", 0.05)
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.001)  # conditions are waited for, and not for idleness
    monkeypatch.setenv("ORCH_DB_PATH", "q.db")
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS, {"A-2": {"last_error": "boom", "attempt_count": 1}})
    runs = [{"event": "run_end", "command": "done", "exit_code": 0, "duration_ms": 100}] * 20
    (folder / "runs.jsonl").write_text("".join(json.dumps(run) + "\n" for run in runs))
    aged(folder / "runs.jsonl")

    def play(scenario: Scenario, size: tuple[int, int] = (90, 30), **named: Any) -> WatchApp:
        settings = {"db": "q.db", "logs": ("runs.jsonl",), "actor": "kim", "lock_timeout_s": 0} | named
        context = resolve(queue="Q.md", now_s=NOW_S, **settings)
        app = WatchApp(Invocation(None, context, {}, lambda: float(NOW_S), terminal=True))

        async def run() -> None:
            async with app.run_test(size=size) as pilot:
                await scenario(View(app, pilot))

        asyncio.run(run())
        return app

    return play


def test_what_is_shown(live: Callable[..., WatchApp]) -> None:
    """Everything stands on one screen, and changes with the queue."""

    async def scenario(view: View) -> None:
        await view.shows(
            "PENDING 0  IN_PROGRESS 1  BLOCKED 0  FAILED 1  DONE 1",
            "workers 1: s1 1 (oldest 2h)",
            "oldest in progress: A-1 P0 s1 2h: first",
            "drift: no, 3 items compared",
            "kpi: alert stale_in_progress=1 exceeds 0",
            "failures arrived: 0",
            "before A-2 P1 -: boom",
            "\n3 items\n",
            "q quit",
        )
        execute("q.db", "UPDATE queue_items SET status = 'FAILED', last_error = 'no disk' WHERE id = 'A-1'")
        await view.shows("IN_PROGRESS 0  BLOCKED 0  FAILED 2", "00:00 A-1 P0 s1: no disk", "field_mismatch=1")
        await view.press("q")

    app = live(scenario)
    assert (app.return_value, app.failure, app.made) == (0, None, [])


def test_filters(live: Callable[..., WatchApp]) -> None:
    """`s` goes through the statuses, `/` asks for a text, Esc takes both away."""

    async def scenario(view: View) -> None:
        await view.shows("\n3 items\n")
        await view.press("s", "s")
        await view.shows("\n1 FAILED items\n", "second")
        assert "third" not in view.text()
        await view.press("escape", "slash", *"thi", "enter")
        await view.shows("1 items with thi", "third")
        await view.press("slash", *"qs/x[", "enter")
        await view.shows("0 items with thiqs/x[")
        await view.press("slash", "escape")
        await view.shows("\n3 items\n")

    live(scenario)


def test_an_item_is_opened(live: Callable[..., WatchApp]) -> None:
    """Enter shows what `show` shows, and reads it again when the queue changes; keys of the list do nothing there."""

    async def scenario(view: View) -> None:
        await view.shows("\n3 items\n")
        await view.press("down", "down", "enter")
        await view.shows("A-2 FAILED P1", "last error: boom", "sides: agree")
        await view.press("c", "r", "s", "slash")
        execute("q.db", "UPDATE queue_items SET last_error = 'other' WHERE id = 'A-2'")
        await view.shows("last error: other")
        await view.press("escape")
        await view.shows("\n3 items\n")

    assert live(scenario).made == []


@pytest.mark.parametrize("answer", ["n", "enter", "escape", "c"])
def test_a_change_is_asked_about(live: Callable[..., WatchApp], answer: str) -> None:
    """Whatever is not a yes changes nothing, and it is the question that `cancel` asks."""

    async def scenario(view: View) -> None:
        await view.shows("\n3 items\n")
        await view.press("down", "c")
        await view.shows("cancel 1 item? [y/N]", "id: A-1", "owner: s1")
        await view.press(answer)
        await view.shows("not confirmed: nothing was changed")

    assert live(scenario).made == []
    assert select("q.db", "SELECT status FROM queue_items WHERE id = 'A-1'") == [("IN_PROGRESS",)]


def test_cancel_and_retry(live: Callable[..., WatchApp]) -> None:
    """They are carried out by the commands: event, actor, attempts, an operation of its own each."""

    async def scenario(view: View) -> None:
        await view.shows("\n3 items\n")
        await view.press("down", "c", "y")
        await view.shows("A-1 -> BLOCKED", "changed=1 refused=0", "BLOCKED 1")
        await view.press("home", "r", "y")
        await view.shows("A-2 -> PENDING", "FAILED 0")

    app = live(scenario, lock_timeout_s=10)  # the view reads the database meanwhile
    assert app.made == ["A-1 -> BLOCKED", "A-2 -> PENDING"]
    events = select("q.db", "SELECT item_id, event_type, payload_json FROM queue_events ORDER BY event_id")
    found = [(item_id, kind, json.loads(payload)) for item_id, kind, payload in events]
    assert [(item_id, kind, payload["actor"]) for item_id, kind, payload in found] == [
        ("A-1", "cancelled", "kim"),
        ("A-2", "retried", "kim"),
    ]
    assert len({payload["operation"] for _, _, payload in found}) == 2


def test_what_is_refused_is_told(live: Callable[..., WatchApp]) -> None:
    """A refusal is a line, and the view goes on."""

    async def scenario(view: View) -> None:
        await view.shows("\n3 items\n")
        await view.press("c")
        await view.shows("cancel: point at an item first")
        await view.press("down", "down", "c", "y")
        await view.shows("error: A-2: is FAILED: only an item", "changed=0 refused=1")
        await view.press("down", "r", "y")
        await view.shows("error: A-3: is DONE")

    assert live(scenario).made == []


def test_an_item_that_changed_hands_meanwhile(live: Callable[..., WatchApp], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was confirmed was another item than the one there now: it is refused, as it is of a selection."""

    async def scenario(view: View) -> None:
        await view.shows("\n3 items\n")
        await view.press("down", "c")
        await view.shows("cancel 1 item?")
        view.app._feed.stop()
        execute("q.db", "UPDATE queue_items SET owner_session = 's2' WHERE id = 'A-1'")
        await view.press("y")
        await view.shows("error: A-1: is IN_PROGRESS s2 by now, and was selected as IN_PROGRESS s1")

    assert live(scenario).made == []
    assert select("q.db", "SELECT owner_session, status FROM queue_items WHERE id = 'A-1'") == [("s2", "IN_PROGRESS")]


def test_the_pointer_stays_with_its_item(live: Callable[..., WatchApp]) -> None:
    """Rows that move take it along; when the item is not listed any more it points at none, not at another one."""

    async def scenario(view: View) -> None:
        await view.shows("\n3 items\n")
        await view.press("down", "down")
        execute("q.db", "UPDATE queue_items SET status = 'BLOCKED' WHERE id = 'A-1'")
        await view.shows("BLOCKED 1")
        assert view.app.query_one(OptionList).highlighted == 0
        await view.press("c")
        await view.shows("id: A-2")
        await view.press("n")
        execute("q.db", "DELETE FROM queue_items WHERE id = 'A-2'")
        await view.shows("\n2 items\n")
        await view.press("c")
        await view.shows("point at an item first")

    live(scenario)


@pytest.mark.parametrize("size", [(20, 24), (20, 5), (1, 1), (300, 60)])
def test_any_size(live: Callable[..., WatchApp], size: tuple[int, int]) -> None:
    """The view can be drawn in, and resized to, any size; on 20 columns the keys are all there."""

    async def scenario(view: View) -> None:
        await view.until(
            lambda: view.app._state.kpi and view.app.query_one(ItemList).option_count and view.app._state.drift
        )
        for keys, screen in ((("down", "c"), QuestionScreen), (("n", "enter"), ItemScreen)):
            await view.press(*keys)
            await view.until(lambda screen=screen: isinstance(view.app.screen, screen))
        await view.press("escape", "slash", "escape")
        await view.pilot.resize_terminal(90, 30)
        await view.shows("oldest in progress: A-1 P0 s1 2h: first")
        await view.pilot.resize_terminal(20, 24)
        await view.shows("IN_PROGRESS 1", "r retry  q quit", "A-1")

    live(scenario, size=size)


def test_hostile_texts(live: Callable[..., WatchApp]) -> None:
    """Texts of the queue are text wherever they stand: nothing is obeyed, no markup is read, nothing breaks."""
    cells = {"owner_session": HOSTILE, "task": HOSTILE}
    items = [item(f"A {HOSTILE}", "IN_PROGRESS", "P0", **cells), item("A-2", "FAILED", **cells)]
    make_markdown(Path("Q.md"), items)
    Path("q.db").unlink()
    make_database(Path("q.db"), items, {"A-2": {"last_error": HOSTILE}})

    async def scenario(view: View) -> None:
        await view.shows("\n2 items\n", f"oldest in progress: A {SHOWN} P0", f"before A-2 P1 {SHOWN}: {SHOWN}")
        await view.press("down", "enter")
        await view.shows(f"A {SHOWN} IN_PROGRESS P0", f"task: {SHOWN}")
        await view.press("escape", "c")
        await view.shows(f"id: A {SHOWN}", f"task: {SHOWN}")
        await view.press("y")
        await view.shows(f"A {SHOWN} -> BLOCKED")
        assert all(line.isprintable() for line in view.text().split("\n"))

    app = live(scenario, size=(400, 30))
    assert app.made == [f"A {SHOWN} -> BLOCKED"]


def test_a_queue_that_goes(live: Callable[..., WatchApp]) -> None:
    """The view ends with the error that every command would tell; what is beside the queue may be missing."""

    async def scenario(view: View) -> None:
        await view.shows("\n3 items\n")
        os.unlink("runs.jsonl")
        await view.shows("kpi: runs.jsonl: no such run log")
        os.unlink("q.db")
        await view.until(lambda: view.app.failure)

    app = live(scenario)
    assert isinstance(app.failure, InputError)
    assert str(app.failure).startswith("q.db: no such")


def test_interrupted(live: Callable[..., WatchApp]) -> None:
    """Ctrl-C ends the view from wherever it is."""
    for keys in ([], ["down", "enter"], ["down", "c"], ["slash"]):

        async def scenario(view: View, keys: list[str] = keys) -> None:
            await view.shows("\n3 items\n")
            await view.press(*keys, "ctrl+c")

        assert live(scenario).return_value == INTERRUPTED


def test_what_nobody_expected(live: Callable[..., WatchApp], monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception ends the view and is kept for the one line that tells it."""

    async def scenario(view: View) -> None:
        await view.shows("\n3 items\n")
        monkeypatch.setattr("ops_checks.cli.live.app.head_lines", lambda *_: 1 / 0)
        await view.press("s")
        await view.until(lambda: view.app.failure)

    with pytest.raises(ZeroDivisionError):
        live(scenario)
