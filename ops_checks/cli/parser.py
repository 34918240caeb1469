"""The command line's grammar: global options, the commands of the registry, help (OPS_COMMANDS)."""

from __future__ import annotations

import argparse
import itertools

from ops_checks.cli.command import command_names, load_command
from ops_checks.cli.help_format import HelpFormatter, exit_code_lines, formatter
from ops_checks.cli.options import UnknownWordError, add_globals
from ops_checks.errors import UsageError
from ops_checks.exit_codes import EXIT_CODES
from ops_checks.suggestions import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, NoReturn

_EXIT_CODES = "exit codes of all commands:"
_EXIT_CODES_THERE = "exit codes: see `ops-checks --help`"


class Answered(Exception):  # noqa: N818 - not an error
    """The help or the version was asked for, and there is no command to carry out: `text` is what to print."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class SingleValue(argparse.Action):
    """What stores an option's value; a second, different one is an error: none is dropped in silence (FORMATS 5)."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002 - argparse's own signature
    ) -> None:
        """Store the value. Raises ArgumentError, which the parser makes a UsageError."""
        first = parser.given.setdefault(self.dest, values) if isinstance(parser, Parser) else values
        if first != values:
            raise argparse.ArgumentError(self, f"given twice, as {first!a} and as {values!a}: give it once")
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageError, so that they end in one line and exit code 4.

    `given` are the values of the options so far, those before the command's name included. `words` are those that are
    parsed, and `meant` the end of the error's line: what was likely meant by one that is unknown.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(**{"formatter_class": HelpFormatter, **settings})
        self.given: dict[str, object] = {}
        self.words: Sequence[str] = ()
        self.meant = ""
        for action in (None, "store"):
            self.register("action", action, SingleValue)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the command's name and where to read more."""
        raise UsageError(f"{message}: see `{self.prog} --help`{self.meant}")

    def refuse(self, unknown: Sequence[str], options: Iterable[str]) -> NoReturn:
        """Raise UsageError for words that are no arguments; `options` are those that one of them can mean."""
        wrong = next((word.partition("=")[0] for word in unknown if word.startswith("-")), None)
        self.meant = "" if wrong is None else did_you_mean(wrong, options)
        self.error(f"unrecognized arguments: {' '.join(unknown)}")

    def shown_options(self) -> list[str]:
        """Return the names of the options that the help shows."""
        shown = (action for action in self._actions if action.help != argparse.SUPPRESS)
        return [name for action in shown for name in action.option_strings]

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Raise ArgumentError for a value that is none of the choices. An option before it may be what is wrong."""
        if action.choices is not None and value not in action.choices:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no other name for it
                before = itertools.takewhile(lambda word: word != value, self.words)
                options = [word for word in before if word.startswith("-")]
                unknown = [word for word in options if word.partition("=")[0] not in self._option_string_actions]
                if unknown:
                    self.refuse(unknown[:1], self.shown_options())
            self.meant = did_you_mean(str(value), map(str, action.choices))
        super()._check_value(action, value)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:  # noqa: ANN401 - argparse's own
        """Return the value of an argument. Raises ArgumentError."""
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError as error:
            if isinstance(error.__context__, UnknownWordError):
                self.meant = error.__context__.meant
            raise

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:  # noqa: ANN401 - argparse's own
        """Return the values of an argument; `--option=--` has one, which argparse drops before Python 3.13."""
        if action.option_strings and arg_strings == ["--"]:
            value = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)

    def _print_message(self, message: str, file: object = None) -> NoReturn:  # noqa: ARG002 - argparse's own signature
        """Raise Answered: there is one place that prints, and it knows what a reader that has gone means."""
        raise Answered(message)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments as a namespace; `command` names the command. Raises UsageError, or Answered for --help."""
    parser = build_parser(argv)
    parser.words = argv
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.refuse(unknown, [option for each in _chain(parser, args) for option in each.shown_options()])
    return args


def _chain(parser: Parser, args: argparse.Namespace) -> Iterator[Parser]:
    """Yield a parser, and those of the command and its step that were named."""
    yield parser
    for action in _steps(parser):
        yield from _chain(action.choices[getattr(args, action.dest)], args)


def _steps(parser: Parser) -> Iterator[Any]:
    return (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))  # noqa: SLF001 - no other way


def _version() -> str:
    from ops_checks import __version__
    from ops_checks.runlog.scanner import state

    return f"ops-checks {__version__}\nrun log scanner: {state()}"


def build_parser(argv: Sequence[str]) -> Parser:
    """Return the parser of the commands that these arguments can mean: all of them take longer to build than to use."""
    asked = not {"-h", "--help"}.isdisjoint(argv)
    parser = Parser(
        prog="ops-checks",
        description="The gate between QUEUE.md and the queue database.",
        epilog=f"{_example('ops-checks status')}\n\n{_EXIT_CODES}\n{exit_code_lines(EXIT_CODES)}" if asked else None,
        formatter_class=formatter(asked=asked),
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=_version() if "--version" in argv else "")
    add_globals(parser)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Parser, prog=parser.prog
    )
    for name in _possible(argv):
        command = load_command(name)
        subparser = commands.add_parser(
            name,
            help=command.help,
            description=command.help,
            epilog=f"{_example(command.example)}\n\n{_EXIT_CODES_THERE}" if asked else None,
            formatter_class=formatter(asked=asked),
            allow_abbrev=False,
        )
        add_globals(subparser)
        command.arguments(subparser)
        _share_given(subparser, parser.given)
    return parser


def _share_given(parser: Parser, given: dict[str, object]) -> None:
    """Let a command, and each step of it, know the options that were given before its name."""
    parser.given = given
    for action in _steps(parser):
        for below in action.choices.values():
            _share_given(below, given)


def _possible(argv: Sequence[str]) -> list[str]:
    """Return the commands that these arguments can mean."""
    names = command_names()
    named = [word for word in argv if word in names]
    asks_for_all = not named or not {"-h", "--help"}.isdisjoint(argv[: argv.index(named[0])])
    return names if asks_for_all else list(dict.fromkeys(named))


def _example(example: str) -> str:
    return f"example:\n  {example}"
