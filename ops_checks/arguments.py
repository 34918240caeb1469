"""The command line's grammar: commands, options, help (OPS_COMMANDS; exit codes of FORMATS section 7)."""

from __future__ import annotations

import argparse
import math
from functools import partial

from ops_checks.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

EXIT_CODES = """exit codes:
  0    done; nothing to report
  1    drift: the queues do not agree
  2    KPI alert, with --fail-on-alert or in the gate
  3    could not evaluate or carry out: an input is missing, unreadable or
       malformed, or a write failed
  4    usage: unknown flag, bad value, invalid policy file
  5    refused by a safety check
  130  interrupted"""


_ANY_WIDTH = 80


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageError, so that they end in one line and exit code 4."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the command's name and where to read more."""
        raise UsageError(f"{message}: see `{self.prog} --help`")


def parse(argv: Sequence[str], version: str) -> argparse.Namespace:
    """Return the arguments as a namespace; `command` names the command. Raises UsageError, or SystemExit for --help."""
    parser = Parser(
        prog="ops-checks",
        description="The gate between QUEUE.md and the queue database.",
        epilog=_epilog("ops-checks status"),
        formatter_class=_formatter(argv),
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ops-checks {version}")
    _add_globals(parser)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Parser, prog=parser.prog
    )
    for name in _possible(argv):
        build, summary, example = _COMMANDS[name]
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=_epilog(example),
            formatter_class=_formatter(argv),
            allow_abbrev=False,
        )
        _add_globals(command)
        build(command)
    return parser.parse_args(argv)


def _possible(argv: Sequence[str]) -> list[str]:
    """Return the commands that these arguments can mean: all parsers take longer to build than to use."""
    named = [word for word in argv if word in _COMMANDS]
    asks_for_all = not named or not {"-h", "--help"}.isdisjoint(argv[: argv.index(named[0])])
    return list(_COMMANDS) if asks_for_all else list(dict.fromkeys(named))


def _formatter(argv: Sequence[str]) -> Callable[..., argparse.HelpFormatter]:
    """Return what writes the help. Every option makes one; asking the terminal its width takes longer than all else."""
    asked = not {"-h", "--help"}.isdisjoint(argv)
    return partial(argparse.RawDescriptionHelpFormatter, width=None if asked else _ANY_WIDTH)


def _epilog(example: str) -> str:
    return f"example:\n  {example}\n\n{EXIT_CODES}"


def _add_globals(parser: argparse.ArgumentParser) -> None:
    """Add the options that stand before or after the command's name; the later one counts."""
    group = parser.add_argument_group("global options")
    absent = argparse.SUPPRESS  # so that the command's parser does not forget what stood before it
    group.add_argument("--queue", metavar="PATH", type=_path, default=absent, help="Markdown queue")
    group.add_argument(
        "--db", metavar="PATH", type=_path, default=absent, help="SQLite queue; work on it instead of Markdown"
    )
    group.add_argument(
        "--policy", metavar="PATH", type=_path, default=absent, help="policy file (default: ops-checks.yaml)"
    )
    group.add_argument(
        "--lock-timeout", metavar="SECONDS", type=_seconds, default=absent, help="wait for other writers (default: 10)"
    )


def _nothing_more(_parser: argparse.ArgumentParser) -> None:
    pass


def _add_consistency(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queue-path", metavar="PATH", type=_path, help="Markdown queue (default: --queue)")
    parser.add_argument("--db-path", metavar="PATH", type=_path, help="SQLite queue (default: --db)")
    parser.add_argument("--fields", metavar="NAMES", type=_fields, help="fields to compare, comma separated, or all")
    parser.add_argument(
        "--max-details", metavar="N", type=_count, help="detail lines a kind; 0 prints all (default: 50)"
    )
    _add_format(parser)


def _add_kpi(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--log-path", metavar="PATH", type=_path, action="append", help="run log; repeatable, may glob")
    parser.add_argument("--db-path", metavar="PATH", type=_path, help="SQLite queue (default: --db)")
    _add_thresholds(parser)
    parser.add_argument("--fail-on-alert", action="store_true", help="exit 2 if a KPI is past its limit")
    _add_format(parser)


def _add_thresholds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max-failure-rate", metavar="RATE", type=_rate, help="from 0 to 1 (default: 0.2)")
    parser.add_argument("--max-latency-p95-ms", metavar="MS", type=_count, help="milliseconds (default: 2000)")
    parser.add_argument("--max-stale-in-progress", metavar="N", type=_count, help="items (default: 0)")
    parser.add_argument("--stale-minutes", metavar="MINUTES", type=_count, help="stale after (default: 60)")
    parser.add_argument(
        "--log-cache", action="store_true", help="keep what was read of the log: the next run reads what was appended"
    )


def _add_mutation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", metavar="ID", required=True, type=_item_id, help="the item, such as ORCH-013")
    parser.add_argument("--dry-run", action="store_true", help="decide and print, write nothing")
    parser.add_argument("--actor", metavar="NAME", type=_name, help="who does it (default: the login name)")


def _add_replan(parser: argparse.ArgumentParser) -> None:
    _add_mutation(parser)
    parser.add_argument("--notes", metavar="TEXT", required=True, type=_text, help="why the item is replanned")


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--demo", action="store_true", help="fill it with a small operation, drift and an alert")


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=("consistency", "kpi"), help="run one of the two checks")
    parser.add_argument(
        "--fail-level", choices=("error", "warn"), default="error", help="what fails the gate (default: error)"
    )
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 for drift and alerts; still 3 and above")
    parser.add_argument("--queue-path", metavar="PATH", type=_path, help="Markdown queue (default: --queue)")
    parser.add_argument("--db-path", metavar="PATH", type=_path, help="SQLite queue (default: --db)")
    parser.add_argument("--log-path", metavar="PATH", type=_path, action="append", help="run log; repeatable, may glob")
    parser.add_argument("--fields", metavar="NAMES", type=_fields, help="fields to compare, comma separated, or all")
    _add_thresholds(parser)
    _add_format(parser)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=_path, help="a report that --format json wrote")
    _add_format(parser)


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f",
        "--format",
        metavar="NAME[=FILE]",
        type=_format,
        action="append",
        help="text, json, junit, sarif, github, gitlab, markdown, openmetrics, health; to stdout or FILE; repeatable",
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour the text")


def _add_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("of", choices=("report", "policy"), help="what the schema is for")


def _add_policy(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    _add_globals(actions.add_parser("check", help="validate the policy", allow_abbrev=False))
    change = actions.add_parser("set", help="change one value, and no other byte", allow_abbrev=False)
    change.add_argument("key", metavar="KEY", help="such as kpi.thresholds.failure_rate.max")
    change.add_argument("value", metavar="VALUE", help="the new value, as YAML")
    _add_globals(change)


def _format(text: str) -> tuple[str, str | None]:
    from ops_checks.formats import FORMATS

    name, has_target, target = text.partition("=")
    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"no format {name!a}: expected one of {', '.join(FORMATS)}")
    return name, _path(target) if has_target else None


def _path(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError("expected a path, found nothing")
    return text


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("is not UTF-8") from error
    return text


def _name(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a name, found nothing")
    return _text(text)


def _item_id(text: str) -> str:
    return _name(text).strip()


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):  # noqa: PLR2004 - exact as a float too
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, found {text!a}")
    return int(text)


def _rate(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {text!a}")
    return value


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 86_400:  # noqa: PLR2004 - a day is long enough to wait
        raise argparse.ArgumentTypeError(f"expected seconds from 0 to 86400, found {text!a}")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    return value if text.isascii() and "_" not in text else math.nan


def _fields(text: str) -> tuple[str, ...]:
    from ops_checks.model import FIELDS

    comparable = FIELDS[1:]
    if text == "all":
        return comparable
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in comparable:
            raise argparse.ArgumentTypeError(f"no field {name!a}: expected some of {', '.join(comparable)}, or all")
    return tuple(dict.fromkeys(names))


_COMMANDS = {
    "status": (_nothing_more, "Show items by status, and the top items in progress.", "ops-checks status"),
    "workers": (_nothing_more, "Show who works on what.", "ops-checks --db queue.db workers"),
    "consistency-check": (
        _add_consistency,
        "Compare the Markdown queue with the database.",
        "ops-checks consistency-check --queue-path QUEUE.md --db-path queue.db",
    ),
    "kpi": (_add_kpi, "Show success rate, latency, retries and stale items.", "ops-checks kpi --fail-on-alert"),
    "cancel": (_add_mutation, "Stop work on an item: to BLOCKED.", "ops-checks cancel --id ORCH-013"),
    "replan": (
        _add_replan,
        "Note why an item is replanned: to BLOCKED or PENDING.",
        'ops-checks replan --id ORCH-013 --notes "scope split into W1/W2"',
    ),
    "retry": (_add_mutation, "Give failed or blocked work another try: to PENDING.", "ops-checks retry --id ORCH-013"),
    "check": (_add_check, "Run the gate: both checks, one report.", "ops-checks check -f text -f json=report.json"),
    "report": (_add_report, "Show a saved report in any format.", "ops-checks report report.json -f markdown"),
    "init": (_add_init, "Lay down entry point, queue, database and logs in this folder.", "ops-checks init --demo"),
    "schema": (_add_schema, "Print the JSON Schema of reports or policies.", "ops-checks schema report"),
    "policy": (
        _add_policy,
        "Validate the policy, or change one value of it.",
        "ops-checks policy set kpi.thresholds.failure_rate.max 0.1",
    ),
}
