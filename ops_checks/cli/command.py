"""A command, what it gets when it is invoked, and the registry of all of them."""

from __future__ import annotations

import os
import sys

from ops_checks.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from ops_checks.cli.bulk import Chosen
    from ops_checks.cli.outcomes import ItemOutcome
    from ops_checks.context import Context

    #: Exit code, and the lines for stdout: an Answer, where it can be JSON instead.
    Result = tuple[int, Iterable[str]]

#: What a command needs of the context: none at all, the queues, or the whole policy.
NOTHING, QUEUES, POLICY = "nothing", "queues", "policy"


#: The word that begins the command line by which a shell asks what can stand where the cursor is.
COMPLETE = "__complete"
#: What a shell completes the value of an option with, besides its choices: a kind, and the words of it that there are.
#: `ids` and `owners` of the store that the command line names, `files`, one of some words (ONE), several with commas
#: (SOME), one with or without `=FILE` after it (TARGET).
IDS, OWNERS, FILES = ("ids",), ("owners",), ("files",)
ONE, SOME, TARGET = "one", "some", "target"

#: How the remarks begin that only comment on a result.
WARNING, NOTE, SUMMARY = "warning: ", "note: ", "changed="
#: The kind of an option without a value.
FLAG = "flag"
#: The names of the option that leaves out what only comments on a result.
QUIET = ("-q", "--quiet")

_FOLDER = os.path.dirname(__file__) + "/commands"
_LONGEST_NAME = 40
_UNNEEDED = "typing_extensions"


def no_arguments(_parser: ArgumentParser) -> None:
    """Add no argument: the command has the global options only."""


class PlainOption:
    """An argument that needs little parsing: an option with a value, a flag, or words without an option.

    `names` are the option's, the long one last, or the one name of the words; `repeatable`: its values are a list.
    `kind` names the function of `cli.options` that makes its value of a word; without one it is the word. A FLAG has
    none.
    `words`: what a shell completes its value with, where that is not its choices.
    """

    __slots__ = (
        "choices", "default", "dest", "help", "is_flag", "is_option", "kind", "metavar", "names", "repeatable",
        "required", "words",
    )  # fmt: skip

    def __init__(
        self,
        *names: str,
        help: str,  # noqa: A002 - as argparse calls it
        metavar: str | None = None,
        choices: Sequence[str] | None = None,
        default: str | None = None,
        repeatable: bool = False,
        words: tuple[str, ...] | None = None,
        kind: str = "",
        required: bool = False,
    ) -> None:
        self.names = names
        self.kind, self.required, self.is_flag = kind, required, kind == FLAG
        self.words = words
        self.dest = names[-1].lstrip("-").replace("-", "_")
        self.is_option = names[0].startswith("-")
        self.help, self.metavar, self.choices = help, metavar, choices
        self.default = False if self.is_flag else default
        self.repeatable = repeatable

    def add_to(self, parser: ArgumentParser) -> None:
        """Add it to a parser of argparse's."""
        more: dict[str, Any] = {"action": "store_true"} if self.is_flag else {"metavar": self.metavar}
        if not self.is_flag:
            more |= {"choices": self.choices, "default": self.default}
            more |= {"required": True} if self.required else {}
        if self.kind and not self.is_flag:
            from ops_checks.cli import options

            more["type"] = getattr(options, self.kind)
        if self.repeatable:
            more |= {"action": "append"} if self.is_option else {"nargs": "+"}
        parser.add_argument(*self.names, help=self.help, **more).words = self.words  # type: ignore[attr-defined] # ours


def add_options(parser: ArgumentParser, options: Iterable[PlainOption]) -> None:
    """Add the arguments of a command to a parser of argparse's."""
    for option in options:
        option.add_to(parser)


class Command:
    """One command: `help` in a sentence, an `example`, what adds its `arguments`, what carries it out, what it needs.

    `options`: all the arguments of a command that must start fast, None for one whose `arguments` only argparse knows.
    `from_below`: the project of a queue above the current folder is meant; not by what makes one here.

    Each module of `ops_checks.cli.commands` defines one as COMMAND; its name is that of the module.
    """

    __slots__ = ("arguments", "example", "from_below", "help", "needs", "options", "run")

    def __init__(
        self,
        run: Callable[[Invocation], Result],
        *,
        help: str,  # noqa: A002 - as argparse calls it
        example: str,
        needs: str,
        arguments: Callable[[ArgumentParser], None] = no_arguments,
        options: Sequence[PlainOption] | None = None,
        from_below: bool = True,
    ) -> None:
        self.run = run
        self.from_below = from_below
        self.help = help
        self.example = example
        self.needs = needs
        self.options = () if arguments is no_arguments and options is None else options
        self.arguments = arguments if options is None else lambda parser: add_options(parser, options)


class Invocation:
    """One invocation of a command: its arguments, its context, the clock (a function: epoch seconds).

    `terminal`: stdout is one. `remarks` collects lines for stderr that change no exit code, `outcomes` what became of
    each item that was to be changed. `confirmed` are the items that somebody was shown and asked about before, None
    where that is for the command to do.
    """

    __slots__ = ("_context", "args", "clock", "confirmed", "environ", "outcomes", "remarks", "terminal")

    def __init__(
        self,
        args: Any,  # noqa: ANN401 - argparse's, or the quick parser's
        context: Context | None,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        *,
        terminal: bool,
        confirmed: Chosen | None = None,
    ) -> None:
        self.args = args
        self.confirmed = confirmed
        self._context = context
        self.environ = environ
        self.clock = clock
        self.terminal = terminal
        self.remarks: list[str] = []
        self.outcomes: list[ItemOutcome] = []

    @property
    def context(self) -> Context:
        """The context. A command that needs none has none."""
        if self._context is None:
            raise AttributeError("this command asked for no context")
        return self._context

    def warn(self, remarks: Iterable[str]) -> None:
        """Keep remarks for stderr."""
        self._remark(WARNING, remarks)

    def note(self, remarks: Iterable[str]) -> None:
        """Keep notes for stderr: what is good to know, and asks for nothing."""
        self._remark(NOTE, remarks)

    def _remark(self, kind: str, remarks: Iterable[str]) -> None:
        """Keep remarks; one that several items have is told once."""
        lines = dict.fromkeys([_of_kind(kind, remark) for remark in remarks])
        self.remarks += [line for line in lines if line not in self.remarks]


def _of_kind(kind: str, remark: str) -> str:
    task = getattr(remark, "task", "")
    if not task:
        return kind + remark
    from ops_checks.cli.output import About

    return About(kind + remark, task)


def command_names() -> list[str]:
    """Return the name of every command, without importing any."""
    modules = sorted(name.removesuffix(".py") for name in os.listdir(_FOLDER) if name.endswith(".py"))
    return [name.replace("_", "-") for name in modules if name.isidentifier() and not name.startswith("_")]


def is_command(word: str) -> bool:
    """Return whether a word is the name of a command, without importing any. Raises OSError if the look-up fails."""
    module = word.replace("-", "_")
    if "_" in word or len(word) > _LONGEST_NAME or not module.isidentifier():
        return False
    try:
        os.stat(f"{_FOLDER}/{module}.py")
    except FileNotFoundError:
        return False
    return True


def load_command(name: str) -> Command:
    """Return a command by its name; only its own module is imported. Raises UsageError if there is none."""
    if not is_command(name):
        raise UsageError(f"no command {name!a}: see `ops-checks --help`")
    module = f"ops_checks.cli.commands.{name.replace('-', '_')}"
    _import(module)
    command: Command = sys.modules[module].COMMAND
    return command


def _import(module: str) -> None:
    """Import a module, without typing_extensions: msgspec takes from it, where it is there, what typing has too.

    That takes a tenth of the time of most commands. Where there are other threads, one of them may want it.
    """
    hidden = _UNNEEDED not in sys.modules and len(sys._current_frames()) == 1  # noqa: SLF001 - threading would be slow
    if hidden:
        sys.modules[_UNNEEDED] = None  # type: ignore[assignment] # what is said to be not there
    try:
        __import__(module)  # importlib's import alone takes as long as all of ours
    finally:
        if hidden:
            del sys.modules[_UNNEEDED]
