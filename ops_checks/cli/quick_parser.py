"""Commands whose arguments need no parsing, understood without argparse, whose import takes longer than they do.

Whatever is not plainly one of them is left to `ops_checks.cli.parser`, which parses these the same way.
"""

from __future__ import annotations

from ops_checks.cli.command import QUIET, PlainOption, is_command, load_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

_PATHS = {"--queue": "queue", "--db": "db"}


class PlainArguments:
    """What argparse's namespace would hold: `command`, the global options that were given, the command's own."""

    def __init__(self, command: str, values: dict[str, Any]) -> None:
        self.command = command
        self.__dict__.update(values)


def plain_arguments(argv: Sequence[str]) -> PlainArguments | None:
    """Return the arguments of a command that has plain ones only, or None for what argparse must parse."""
    paths: dict[str, Any] = {}
    words = iter(argv)
    for word in words:
        if word in QUIET:
            paths["quiet"] = True
        elif word in _PATHS:
            if not _take_path(paths, word, words):
                return None
        elif not is_command(word):
            return None
        else:
            own = _own_arguments(load_command(word).options, words, paths)
            return None if own is None else PlainArguments(word, paths | own)
    return None


def _take_path(paths: dict[str, Any], option: str, words: Iterator[str]) -> bool:
    path = next(words, "")
    if path[:1] in ("", "-") or not path.strip() or "\0" in path:
        return False
    return bool(paths.setdefault(_PATHS[option], path) == path)  # argparse says what is wrong with another one


def _own_arguments(
    options: Sequence[PlainOption] | None, words: Iterator[str], paths: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the values of a command's own arguments, by their names; None for what argparse must parse."""
    if options is None:
        return None
    named = {name: option for option in options for name in option.names}
    positional = next((option for option in options if not option.is_option), None)
    given: dict[str, Any] = {}
    before: PlainOption | None = None
    for word in words:
        option = positional if word[:1] not in ("-", "") else named.get(word)
        if word in QUIET:
            paths["quiet"] = True
        elif word in _PATHS:
            if not _take_path(paths, word, words):
                return None
        elif (
            option is None
            or (option is positional is not before and option.dest in given)
            or not _take(given, option, word, words)
        ):
            return None
        before = option
    if positional is not None and positional.dest not in given:
        return None
    return {option.dest: option.default for option in options} | given


def _take(given: dict[str, Any], option: PlainOption, word: str, words: Iterator[str]) -> bool:
    """Keep the value of an argument, and return whether it plainly has one."""
    if option.is_flag:
        given[option.dest] = True
        return True
    value = next(words, "") if option.is_option else word
    if value[:1] in ("", "-") or (option.choices is not None and value not in option.choices):
        return False
    if option.repeatable:
        given.setdefault(option.dest, []).append(value)
        return True
    return bool(given.setdefault(option.dest, value) == value)


__all__ = ["PlainArguments", "plain_arguments"]
