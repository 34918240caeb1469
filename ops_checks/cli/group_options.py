"""The options of `kpi --by`, and the type of its formats."""

from __future__ import annotations

from ops_checks.cli.answer import TEXT
from ops_checks.cli.command import TARGET
from ops_checks.cli.options import completed, count, named_format
from ops_checks.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

CSV = "csv"
#: Groups that the table shows unless `-n` says how many.
SHOWN = 50


def _kpi_formats() -> Iterable[str]:
    from ops_checks.formats import FORMATS

    return sorted({*FORMATS, CSV})


@completed(TARGET, of=_kpi_formats)
def kpi_format(word: str) -> tuple[str, str | None]:
    """Return a format of `kpi` and its file (None: stdout) from `NAME[=FILE]`."""
    return named_format(word, _kpi_formats())


def add_groups(parser: argparse.ArgumentParser) -> None:
    """Add what runs are grouped by, and how many groups are shown."""
    from ops_checks.rules.kpi.groups import WAYS

    parser.add_argument("--by", choices=tuple(WAYS), help="then the same by group, in a table (-f text, json or csv)")
    parser.add_argument(
        "-n", metavar="N", type=count, help=f"groups in the text's table; 0 shows all (default: {SHOWN})"
    )


def unused_group_options(args: argparse.Namespace) -> list[str]:
    """Return a note for each option of groups that changes nothing. Raises UsageError for what cannot be asked for."""
    names = [name for name, _ in args.format or [(TEXT, None)]]
    if args.by is None:
        if CSV in names and args.compare is None:
            advice = "say with --by what to group them by, or with --compare since when"
            raise UsageError(f"--format {CSV} is for groups of runs and for changes: {advice}")
        return [] if args.n is None else ["-n changes nothing without --by"]
    if args.compare is not None:
        raise UsageError("--by and --compare are two answers: ask for one of them")
    return [] if args.n is None or TEXT in names else ["-n changes nothing: only the text is cut"]
