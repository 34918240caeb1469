"""What the threads of a live view tell its screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from ops_checks.live.feed import News


class Arrived(Message):
    """Tells the view of News."""

    def __init__(self, news: News) -> None:
        super().__init__()
        self.news = news


class Done(Message):
    """Tells the view what a change ended in."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines


class Shown(Message):
    """Tells the screen of an item what was read of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
