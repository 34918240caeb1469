"""Derive what shells complete from the parsers of all commands: `python -m ops_checks.cli.completion_source`.

Making the parsers takes ten times as long as a completion may. So what they say is kept in `completion_table`, which
this writes, and which a test holds to be equal to what this derives.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from ops_checks.cli import completion_table
from ops_checks.cli.command import ONE
from ops_checks.cli.options import add_globals
from ops_checks.cli.parser import Parser, build_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.cli.completion_table import Argument, Node, Option

_HEAD = '''\
"""What shells complete, command by command: made by `python -m ops_checks.cli.completion_source`, never by hand."""
# ruff: noqa: E501, Q000

from __future__ import annotations

#: What a value is completed with, see `ops_checks.cli.command`; empty for a value that nobody can guess.
Words = tuple[str, ...]
#: An option: its names, its help, the words of its value (None for a flag), whether it may be repeated.
Option = tuple[tuple[str, ...], str, Words | None, bool]
#: An argument without a name: its words, and whether there may be several.
Argument = tuple[Words, bool]
#: A command or a step of one: its help, its options, its arguments.
Node = tuple[str, tuple[Option, ...], tuple[Argument, ...]]
'''


def global_options() -> tuple[Option, ...]:
    """Return the options of every command."""
    parser = Parser()
    add_globals(parser)
    return tuple(_options(parser))


def nodes() -> dict[str, Node]:
    """Return every command and step by its words, the program itself by none."""
    return dict(_nodes("", "", build_parser([]), {names for names, *_ in global_options()}))


def source() -> str:
    """Return the source of the module that keeps them."""
    lines = [_HEAD, "# fmt: off", "GLOBALS: tuple[Option, ...] = ("]
    lines += [f"    {option!r}," for option in global_options()]
    lines += [")", "", "NODES: dict[str, Node] = {"]
    for name, (text, options, arguments) in nodes().items():
        lines += [f"    {name!r}: ({text!r}, (", *(f"        {option!r}," for option in options)]
        lines += [f"    ), {arguments!r}),"]
    return "\n".join([*lines, "}", "# fmt: on", ""])


def _nodes(name: str, text: str, parser: Parser, shared: set[tuple[str, ...]]) -> Iterator[tuple[str, Node]]:
    options = tuple(option for option in _options(parser) if option[0] not in shared)
    yield name, (text, options, tuple(_arguments(parser)))
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            helps = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001 - as above
            for step, below in action.choices.items():
                yield from _nodes(f"{name} {step}".strip(), helps[step], below, shared)


def _options(parser: Parser) -> Iterator[Option]:
    for action in parser._actions:  # noqa: SLF001 - as above
        if action.option_strings and action.help != argparse.SUPPRESS:
            is_flag = action.nargs == 0
            repeatable = isinstance(action, argparse._AppendAction)  # noqa: SLF001 - argparse has no other name for it
            text = (action.help or "").replace("%(prog)s", "ops-checks")
            yield tuple(action.option_strings), text, None if is_flag else _words(action), repeatable


def _arguments(parser: Parser) -> Iterator[Argument]:
    for action in parser._actions:  # noqa: SLF001 - as above
        if not action.option_strings:
            yield _words(action), action.nargs in ("+", "*")


def _words(action: argparse.Action) -> tuple[str, ...]:
    """Return what the values of an argument are completed with: what it says itself, its choices, or its type's."""
    named: tuple[str, ...] | None = getattr(action, "words", None)
    if named is not None:
        return named
    if action.choices is not None:
        return (ONE, *map(str, action.choices))
    by_type = getattr(action.type, "words", None)
    return tuple(by_type()) if by_type else ()


if __name__ == "__main__":
    from pathlib import Path

    Path(os.path.abspath(completion_table.__file__)).write_text(source(), encoding="utf-8")
