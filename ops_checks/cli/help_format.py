"""How the help of commands is laid out: wrapped at words to the terminal, and nothing of a command's name is broken."""

from __future__ import annotations

import argparse
from functools import partial
from textwrap import TextWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.exit_codes import ExitCode

_ANY_COLUMNS = 80
_MARGIN = 2
_LEAST = 11
_CODES = 7  # columns before the meaning of an exit code


class HelpFormatter(argparse.HelpFormatter):
    """The help of a parser: descriptions and usage are wrapped, an indented line (an example) stays as it is."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return _fill(" ".join(text.split()), width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = (
            [line] if line.startswith(" ") else _fill(line, width - len(indent), first=indent, rest=indent) or [line]
            for line in text.split("\n")
        )
        return "\n".join(line for part in lines for line in part)

    def _format_usage(self, *args: object) -> str:
        """Return the usage; what argparse does not part, such as a long list of choices, gets lines of its own."""
        lines = super()._format_usage(*args).split("\n")  # type: ignore[arg-type] # as above
        width = max(self._width, _LEAST)
        parts: list[str] = []
        for line in lines:
            inner = line.lstrip()
            longest = max(map(len, inner.split() or [""]))
            indent = " " * max(_MARGIN, min(len(line) - len(inner), width - longest))
            fits = len(line) <= width or not line.startswith(" ")
            parts += [line] if fits else _fill(inner, width, first=indent, rest=indent)
        return "\n".join(parts)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """Return `-f, --format NAME`: the value once."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


def formatter(*, asked: bool) -> partial[HelpFormatter]:
    """Return what lays out the help. Every option makes one: asking the terminal its width takes longer than that."""
    return partial(HelpFormatter, width=None if asked else _ANY_COLUMNS)


def exit_code_lines(codes: Iterable[ExitCode]) -> str:
    """Return the table of exit codes, as wide as the terminal."""
    import shutil  # brings compression along, and only help needs it

    columns = max(shutil.get_terminal_size().columns - _MARGIN, _CODES + _LEAST)
    rest = " " * _CODES
    return "\n".join("\n".join(_fill(code.meaning, columns, first=f"  {code:<5}", rest=rest)) for code in codes)


def _fill(text: str, columns: int, *, first: str = "", rest: str = "") -> list[str]:
    wrapper = TextWrapper(
        max(columns, _LEAST),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.wrap(text)
