"""The options that say from when to when runs and retries count: of `kpi` and `check`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from ops_checks.cli.options import time_span
from ops_checks.timestamps import TIMES, moment

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from ops_checks.rules.rule import Rule

#: The options of the window, and the names of their values: those of `list` and its like are other ones.
WINDOW = {"--window": "kpi_window", "--since": "kpi_since", "--until": "kpi_until"}


def add_window(parser: ArgumentParser) -> None:
    """Add the options of the window."""
    begin = parser.add_mutually_exclusive_group()
    for group, option, parse, metavar, text in (
        (begin, "--window", window, "SPAN", "KPIs of the last SPAN before --until: 90s, 15m, 2h, 7d"),
        (begin, "--since", time, "TIME", "KPIs from then on: 7d, HH:MM, YYYY-MM-DD, 'YYYY-MM-DD HH:MM'"),
        (parser, "--until", time, "TIME", "KPIs before then (default: up to now)"),
    ):
        group.add_argument(option, dest=WINDOW[option], metavar=metavar, type=parse, help=text)


def unused_window(args: Namespace, rules: Mapping[str, Rule]) -> list[str]:
    """Return a note for each option of the window that says nothing of the rules which `--only` names.

    Those are of the queue as it is, or of error budgets, whose windows end where that of the KPIs does.
    """
    asked = args.only or ()
    given = [option for option, name in WINDOW.items() if getattr(args, name) is not None]
    if not asked or not given or not all(name in rules for name in asked):
        return []
    if all(rules[name].of_now for name in asked):
        return [f"{option} changes nothing: {', '.join(asked)} is of the queue as it is now" for option in given]
    from ops_checks.rules.kpi.budget import is_of_budget

    if all(is_of_budget(rules[name]) for name in asked):
        begins = [option for option in given if option != "--until"]
        return [f"{option} changes nothing: {', '.join(asked)} is of the days of its objective" for option in begins]
    return []


def window(word: str) -> int:
    """Return a time span in seconds that is not empty."""
    span_s = time_span(word)
    if not span_s:
        raise ArgumentTypeError(f"expected a time span such as 90s, 15m, 2h or 7d, found {word!a}")
    return span_s


def time(word: str) -> str:
    """Return a time as it is written; which moment that is, the queue's zone says (FORMATS section 8)."""
    if moment(word.strip(), 0, 0) is None:
        raise ArgumentTypeError(f"expected {TIMES}, found {word!a}")
    return word.strip()
