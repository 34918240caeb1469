"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import argparse
import math

from ops_checks.cli.command import FILES, IDS, ONE, QUIET, SOME, TARGET
from ops_checks.suggestions import did_you_mean
from ops_checks.timestamps import duration_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    Type = TypeVar("Type", bound=Callable[[str], Any])

_LONGEST_COUNT = 15  # digits: exact as a float too
_LONGEST_WAIT_S = 86_400


def completed(*words: str, of: Callable[[], Iterable[str]] = tuple) -> Callable[[Type], Type]:
    """Let shells complete the values that a type parses: with a kind and its words, and those that `of` returns."""

    def named(parse: Type) -> Type:
        parse.words = lambda: (*words, *of())  # type: ignore[attr-defined] # ours
        return parse

    return named


def _engine_names() -> Iterable[str]:
    from ops_checks.runlog.engines import ENGINES

    return ENGINES


def _format_names() -> Iterable[str]:
    from ops_checks.formats import FORMATS

    return FORMATS


def _field_names() -> Iterable[str]:
    from ops_checks.model import FIELDS

    return (*FIELDS[1:], "all")


class UnknownWordError(argparse.ArgumentTypeError):
    """A value is none of the words that an option knows; `meant` is the end of the error's line, maybe empty."""

    def __init__(self, message: str, word: str, known: Iterable[str]) -> None:
        super().__init__(message)
        self.meant = did_you_mean(word, known)


def add_globals(parser: argparse.ArgumentParser) -> None:
    """Add the options that stand before or after the command's name."""
    group = parser.add_argument_group("global options")
    absent = argparse.SUPPRESS  # so that the command's parser does not forget what stood before it
    group.add_argument("--queue", metavar="PATH", type=path, default=absent, help="Markdown queue")
    group.add_argument(
        "--db",
        metavar="PATH",
        type=path,
        default=absent,
        help="queue database, PATH or postgresql://… or service=NAME; work on it instead of Markdown",
    )
    group.add_argument(
        "--policy", metavar="PATH", type=path, default=absent, help="policy file (default: the nearest ops-checks.yaml)"
    )
    group.add_argument(
        "--lock-timeout", metavar="SECONDS", type=seconds, default=absent, help="wait for other writers (default: 10)"
    )
    group.add_argument(
        *QUIET, action="store_true", default=absent, help="no notes, summaries and warnings; errors and results stay"
    )


def add_database(parser: argparse.ArgumentParser) -> None:
    """Add the database by name."""
    parser.add_argument(
        "--db-path", metavar="PATH", type=path, help="queue database, PATH or postgresql://… (default: --db)"
    )


def add_queues(parser: argparse.ArgumentParser) -> None:
    """Add both queues by name."""
    parser.add_argument("--queue-path", metavar="PATH", type=path, help="Markdown queue (default: --queue)")
    add_database(parser)


def add_fields(parser: argparse.ArgumentParser) -> None:
    """Add the fields to compare."""
    parser.add_argument("--fields", metavar="NAMES", type=fields, help="fields to compare, comma separated, or all")


def add_details(parser: argparse.ArgumentParser) -> None:
    """Add how many differences a kind are listed."""
    parser.add_argument("--max-details", metavar="N", type=count, help="details a kind; 0 prints all (default: 50)")


def add_formats(parser: argparse.ArgumentParser, kind: Callable[[str], object] | None = None, more: str = "") -> None:
    """Add the formats of a report; `kind` is the type of the option where there are `more` than those."""
    text = f"{', '.join(_format_names())}{more}; to stdout or FILE; repeatable"
    parser.add_argument("-f", "--format", metavar="NAME[=FILE]", type=kind or report_format, action="append", help=text)
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour the text")


def _check_ids() -> Iterable[str]:
    from ops_checks.findings import GROUPS
    from ops_checks.rules.registry import WAIVABLE

    return (*(group.id for group in GROUPS.values() if group.selectable), *WAIVABLE)


@completed(ONE, of=_check_ids)
def check_id(text: str) -> str:
    """Return the id of a group or a rule; which there are is known when the policy is read."""
    return text


@completed(TARGET, of=_format_names)
def report_format(word: str) -> tuple[str, str | None]:
    """Return a format and its file (None: stdout) from `NAME[=FILE]`."""
    return named_format(word, _format_names())


def named_format(word: str, known: Iterable[str]) -> tuple[str, str | None]:
    """Return one of some formats and its file (None: stdout) from `NAME[=FILE]`."""
    found, has_target, target = word.partition("=")
    names = tuple(known)
    if found not in names:
        raise UnknownWordError(f"no format {found!a}: expected one of {', '.join(names)}", found, names)
    return found, path(target) if has_target else None


@completed(of=_engine_names)
def engine(word: str) -> str:
    """Return an engine as it is written, `NAME` or `NAME=TARGET`."""
    from ops_checks.errors import UsageError
    from ops_checks.runlog.engines import ENGINES, parse_engine

    try:
        parse_engine(word)
    except UsageError as error:
        name = word.partition("=")[0]
        if name in ENGINES:
            raise argparse.ArgumentTypeError(error.message) from error
        raise UnknownWordError(error.message, name, ENGINES) from error
    return word


def _earlier_windows() -> Iterable[str]:
    from ops_checks.policy.earlier_windows import EARLIER

    return EARLIER


@completed(ONE, of=_earlier_windows)
def comparison(word: str) -> str:
    """Return what KPIs are compared with: a word, or the path of a report."""
    return path(word)


@completed(*FILES)
def path(word: str) -> str:
    """Return a path that is none of nothing."""
    if not word.strip() or "\0" in word:
        raise argparse.ArgumentTypeError("expected a path, found nothing")
    return word


def text(word: str) -> str:
    """Return a text that is UTF-8."""
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("is not UTF-8") from error
    return word


def name(word: str) -> str:
    """Return a name: a text that is not blank."""
    if not word.strip():
        raise argparse.ArgumentTypeError("expected a name, found nothing")
    return text(word)


@completed(*IDS)
def item_id(word: str) -> str:
    """Return an item's id, trimmed."""
    return name(word).strip()


def count(word: str) -> int:
    """Return a whole number from 0."""
    if not (word.isascii() and word.isdigit() and len(word) <= _LONGEST_COUNT):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, found {word!a}")
    return int(word)


def rate(word: str) -> float:
    """Return a number from 0 to 1."""
    value = number(word)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {word!a}")
    return value


def seconds(word: str) -> float:
    """Return seconds to wait, a day at most."""
    value = number(word)
    if not 0 <= value <= _LONGEST_WAIT_S:
        raise argparse.ArgumentTypeError(f"expected seconds from 0 to 86400, found {word!a}")
    return value


def time_span(word: str) -> int:
    """Return a time span in seconds (FORMATS section 8)."""
    span_s = duration_s(word)
    if span_s is None:
        raise argparse.ArgumentTypeError(f"expected a time span such as 90s, 15m, 2h or 7d, found {word!a}")
    return span_s


@completed(SOME, of=_field_names)
def fields(word: str) -> tuple[str, ...]:
    """Return the fields that a comma separated list names, each once; `all` is every field that can be compared."""
    from ops_checks.model import FIELDS

    comparable = FIELDS[1:]
    if word == "all":
        return comparable
    names = tuple(part.strip() for part in word.split(","))
    for part in names:
        if part not in comparable:
            expected = f"expected some of {', '.join(comparable)}, or all"
            raise UnknownWordError(f"no field {part!a}: {expected}", part, (*comparable, "all"))
    return tuple(dict.fromkeys(names))


def number(word: str) -> float:
    """Return a number, NaN for what is none."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    return value if word.isascii() and "_" not in word else math.nan
