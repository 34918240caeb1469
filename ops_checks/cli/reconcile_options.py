"""Options of the commands that compare three ways, and what they ask of a plan (RECONCILE section 2)."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ops_checks.cli.command import FILES, ONE
from ops_checks.cli.options import add_fields, completed, count, name, path
from ops_checks.errors import UsageError
from ops_checks.reconcile.bases import GIT
from ops_checks.reconcile.model import DB, EVERY, MD, Options
from ops_checks.reconcile.units import ROW, UNITS, units_of
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ops_checks.cli.command import Invocation

_SIDES = (MD, DB)
#: The name of the base that the database keeps.
OWN = "db"


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add what a person asks of a plan."""
    parser.add_argument(
        "--prefer", metavar="[ID[.UNIT]=]SIDE", type=preference, action="append", help="md or db decides; repeatable"
    )
    parser.add_argument(
        "--rekey", metavar="ID=NEW", type=rekey, action="append", help="new id of a row that both added; repeatable"
    )
    add_fields(parser)
    parser.add_argument(
        "--base", metavar="BASE", type=base, help="db (default), git:REV, or the file of an exported baseline"
    )
    parser.add_argument("--no-base", choices=("union",), help="without a baseline: what one side lacks is added to it")
    parser.add_argument("--max-removed", metavar="N", type=count, help="so many known items may be gone from a side")
    parser.add_argument("--max-changed", metavar="N", type=count, help="so many items may have changed in the document")
    parser.add_argument("--allow-empty", choices=_SIDES, help="the side that is meant to be empty")
    parser.add_argument("--no-blame", action="store_true", help="do not look who moved last")
    parser.add_argument("--max-details", metavar="N", type=count, help="details a kind; 0 prints all (default: 50)")


@completed(ONE, *_SIDES)
def preference(word: str) -> tuple[str, str]:
    """Return what is preferred (an id, an id and a unit, or everything) and the side."""
    key, equals, side = word.rpartition("=")
    if side not in _SIDES or (equals and not key.strip()):
        units = ", ".join((*UNITS, ROW))
        raise argparse.ArgumentTypeError(
            f"expected md, db, ID=md, ID=db or ID.UNIT=md (units: {units}), found {word!a}"
        )
    return (name(key).strip() if equals else EVERY), side


@completed(*FILES)
def base(word: str) -> str:
    """Return the name of a base."""
    if word.startswith(GIT) and (not word.removeprefix(GIT).strip() or word.startswith(f"{GIT}-") or "\0" in word):
        raise argparse.ArgumentTypeError(f"expected db, git:REV or a file, found {word!a}")
    return path(word)


def base_name(args: argparse.Namespace) -> str | None:
    """Return the name of the base that was asked for, None for the database's own. Raises UsageError for two bases."""
    named = None if args.base == OWN else args.base
    if named is not None and args.no_base is not None:
        raise UsageError("--base names a baseline, and --no-base says that there is none: give one of them")
    return named


def rekey(word: str) -> tuple[str, str]:
    """Return an id and the new id."""
    old, _, new = word.partition("=")
    if not (old.strip() and new.strip()) or old.strip() == new.strip():
        raise argparse.ArgumentTypeError(f"expected ID=NEW-ID, found {word!a}")
    return name(old).strip(), name(new).strip()


def plan_options(invocation: Invocation) -> Options:
    """Return what the command line asks of a plan. Raises UsageError for an item that it names twice differently."""
    args = invocation.args
    return Options(
        prefer=_once("--prefer", args.prefer or ()),
        rekey=_once("--rekey", args.rekey or ()),
        units=None if args.fields is None else units_of(args.fields),
        source_of_truth=DB if invocation.context.source_of_truth == "db" else None,
        union=args.no_base == "union",
        max_removed=args.max_removed,
        max_changed=args.max_changed,
        allow_empty=args.allow_empty,
    )


def _once(option: str, pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for key, value in pairs:
        if found.setdefault(key, value) != value:
            raise UsageError(f"{option}: {visible(key)} is given twice, with {found[key]} and {value}: give one")
    return found
