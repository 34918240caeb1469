"""The manual: one Markdown page a topic, shown by `ops-checks help TOPIC` and rendered by forges."""

from __future__ import annotations

import os

_FOLDER = os.path.dirname(__file__)


def topics() -> list[str]:
    """Return the name of every page."""
    return sorted(name.removesuffix(".md") for name in os.listdir(_FOLDER) if name.endswith(".md"))


def page(topic: str) -> str:
    """Return a page as Markdown. Raises OSError if there is none."""
    with open(os.path.join(_FOLDER, f"{topic}.md"), encoding="utf-8") as file:
        return file.read()
