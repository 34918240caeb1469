"""Refuse an option of ours that is given twice with two values: none is dropped in silence (FORMATS section 5).

pytest joins `addopts`, PYTEST_ADDOPTS and the command line, and the last value counts: so a later one of these three
replaces what an earlier one says, as it is meant to. Within one of them it is a mistake.
"""

from __future__ import annotations

import argparse
import os
import shlex
from typing import TYPE_CHECKING, NoReturn, cast

import pytest

from ops_checks.errors import UsageError
from ops_checks.pytest_plugin import OPTIONS, ini_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OVERRIDE = "--override-ini"
#: What begins a word that names a file of more words, as far as this pytest reads such.
_FILES = "@" if pytest.version_tuple >= (8, 2) else None


class _Parser(argparse.ArgumentParser):
    """Finds our options among those of pytest, which it does not know."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message)


def refuse_repeated(config: pytest.Config) -> None:
    """Raise UsageError for an option, or an ini key given with `-o`, that one source gives two values."""
    for words in _sources(config):
        for name, values in _given(words):
            if len(set(values)) > 1:
                first, other = list(dict.fromkeys(values))[:2]
                raise UsageError(f"{name}: given twice, as {first!a} and as {other!a}: give it once")


def _sources(config: pytest.Config) -> Iterator[Sequence[str]]:
    """Yield the words of the configuration, of the environment and of the command line."""
    yield cast("list[str]", config.getini("addopts"))
    yield shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    yield [os.fspath(word) for word in config.invocation_params.args]


def _given(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each option that takes one value, and each of our ini keys, with the values that it is given."""
    parser = _Parser(add_help=False, allow_abbrev=False, fromfile_prefix_chars=_FILES)
    single = [option for option, ini_type, *_ in OPTIONS if ini_type == "string"]
    for option in single:
        parser.add_argument(option, dest=option, action="append", default=[])
    parser.add_argument("-o", _OVERRIDE, dest=_OVERRIDE, action="append", default=[])
    found = vars(parser.parse_known_args(words)[0])
    yield from ((option, found[option]) for option in single)
    overrides = [text.partition("=")[::2] for text in found[_OVERRIDE]]
    for name in (ini_name(option) for option, *_ in OPTIONS):
        yield f"-o {name}", [value for key, value in overrides if key.strip() == name]
