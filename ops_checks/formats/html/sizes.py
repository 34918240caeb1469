"""How much room texts take in the page, and how much it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import escape

from ops_checks.presentation.limits import TEXT, shorten
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Bytes of the whole page at most, whatever is in the report: people send it by mail, and phones open it.
PAGE = 1_000_000


def cut(text: str, most: int = TEXT) -> str:
    """Return a text of so many visible characters at most; one that was cut ends with `…`."""
    return shorten(visible(text[: most + 1]), most)


def bytes_of(texts: Iterable[str]) -> int:
    """Return how many bytes texts take in the page."""
    return len(escape(visible("".join(texts))).encode())
