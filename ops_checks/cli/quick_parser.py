"""Commands without options of their own, understood without argparse, whose import takes longer than they do.

Whatever is not plainly one of them is left to `ops_checks.cli.parser`, which parses these the same way.
"""

from __future__ import annotations

from ops_checks.cli.command import is_command, load_command, no_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_PATHS = {"--queue": "queue", "--db": "db"}


class PlainArguments:
    """What argparse's namespace would hold: `command`, and `queue` and `db` where they were given."""

    def __init__(self, command: str, paths: dict[str, str]) -> None:
        self.command = command
        self.__dict__.update(paths)


def plain_arguments(argv: Sequence[str]) -> PlainArguments | None:
    """Return the arguments of a command that has none of its own, or None for what argparse must parse."""
    command = ""
    paths: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        if word in _PATHS:
            path = next(words, "")
            if path[:1] in ("", "-") or not path.strip() or "\0" in path:
                return None
            if paths.setdefault(_PATHS[word], path) != path:
                return None  # argparse says what is wrong with that
        elif command or not is_command(word):
            return None
        else:
            command = word
    if not command or load_command(command).arguments is not no_arguments:
        return None
    return PlainArguments(command, paths)
