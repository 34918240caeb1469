"""What a command answers: lines of text, and the same as one published JSON document where `-f json` asks for it."""

from __future__ import annotations

from ops_checks.cli.command import PlainOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

TEXT, JSON = "text", "json"
#: How a command prints that has one text and one document.
FORMAT = PlainOption("-f", "--format", choices=(TEXT, JSON), default=TEXT, help="how to print (default: text)")


class Answer:
    """An answer: its lines, which are what is iterated over, and what returns the published JSON of the same.

    The JSON begins with its `schema`. Exit code, errors, warnings and notes are added to it where it is printed; lines
    of changes that were made (`Made`) are told where stdout cannot take it.
    """

    __slots__ = ("json", "lines")

    def __init__(self, lines: Iterable[str], json: Callable[[], dict[str, Any]]) -> None:
        self.lines = lines
        self.json = json

    def __iter__(self) -> Iterator[str]:
        """Return the lines, one after the other."""
        return iter(self.lines)


def wants_json(args: Any) -> bool:  # noqa: ANN401 - argparse's, or the quick parser's
    """Return whether arguments ask for one JSON document on stdout."""
    return bool(getattr(args, "format", TEXT) == JSON)
