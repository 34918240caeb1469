"""`list`: the items of a queue that some criteria select, one line each."""

from __future__ import annotations

from ops_checks.cli.answer import Answer
from ops_checks.cli.command import QUEUES, Command, PlainOption
from ops_checks.cli.marks import COLOR, marks_of
from ops_checks.cli.output import Document, error_lines
from ops_checks.cli.queue_summary import note_unread_queue
from ops_checks.cli.selection_options import SELECTION, must_be_matched, selector_of
from ops_checks.errors import RefusedError, UsageError
from ops_checks.exit_codes import OK, REFUSED
from ops_checks.gate.stable_reading import read_stable
from ops_checks.sanitize import visible, without_commands
from ops_checks.selection import ORDERS, orders, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.selection import Selected
    from ops_checks.stores.protocol import Snapshot

_LONGEST_COUNT = 15
#: What `xargs` splits at or takes for quotes, besides white space.
_QUOTES = "'\"\\"


def run(invocation: Invocation) -> Result:
    """Return the items that were asked for, in the form that was asked for."""
    args, context = invocation.args, invocation.context
    selector, most = selector_of(args, context), _most(args.n)
    order = orders(context.zone)[args.sort]

    def read(snapshot: Snapshot) -> tuple[Selected, list[str]]:
        return select(snapshot.details(), selector, order=order, most=most), snapshot.remarks()

    selected, remarks = read_stable(context.working_store, read)
    invocation.warn(remarks)
    must_be_matched(selected, context.working_store)
    note_unread_queue(invocation)
    if len(selected.rows) < selected.total:
        invocation.note([f"-n: {len(selected.rows)} of {selected.total} items are shown"])
    return _FORMATS[args.format](invocation, selected)


def _text(invocation: Invocation, selected: Selected) -> Result:
    from ops_checks.cli.item_table import table_lines, terminal_columns

    context = invocation.context
    columns = terminal_columns(invocation.environ) if invocation.terminal else None
    return OK, table_lines(
        selected.rows, now_s=context.now_s, zone=context.zone, columns=columns, marks=marks_of(invocation)
    )


def _json(invocation: Invocation, selected: Selected) -> Result:
    from ops_checks.cli.item_json import list_json

    context = invocation.context
    return OK, Answer((), lambda: list_json(selected, context, context.working_store.location))


def _jsonl(invocation: Invocation, selected: Selected) -> Result:
    from ops_checks.cli.item_json import item_json
    from ops_checks.report.json_text import json_line

    context = invocation.context
    items = (item_json(row, context.now_s, context.zone) for row in selected.rows)
    return OK, [Document(json_line(item) + "\n") for item in items]


def _csv(invocation: Invocation, selected: Selected) -> Result:
    from ops_checks.cli.item_json import csv_rows

    context = invocation.context
    records: Iterable[str] = csv_rows(selected.rows, context.now_s, context.zone)
    if invocation.environ.get("GITHUB_ACTIONS"):
        records = map(without_commands, records)
    return OK, [Document(record + "\r\n") for record in records]


def _ids(invocation: Invocation, selected: Selected) -> Result:
    """Return the ids for `xargs`. One that it would split, or a command take for an option, is left out: exit code 5.

    Printed, it would have a command work on other items than the one that is meant.
    """
    ids = [row.item.id for row in selected.rows]
    unsafe = [item_id for item_id in ids if not _is_one_word(item_id)]
    for item_id in unsafe:
        what = "is not one plain word for a shell: name it yourself, with --id=ID in quotes"
        invocation.remarks += error_lines(RefusedError(f"{visible(item_id)}: left out: {what}"))
    return (REFUSED if unsafe else OK), [item_id for item_id in ids if _is_one_word(item_id)]


def _is_one_word(item_id: str) -> bool:
    plain = item_id.split() == [item_id] and item_id == without_commands(visible(item_id))
    return plain and not (item_id.startswith("-") or any(quote in item_id for quote in _QUOTES))


def _most(word: str | None) -> int | None:
    """Return how many items are wanted, None for all. Raises UsageError for what is no whole number from 1."""
    if word is None:
        return None
    if not (word.isascii() and word.isdigit() and len(word) <= _LONGEST_COUNT and int(word)):
        raise UsageError(f"-n {word!a}: expected a whole number from 1; leave it out for all")
    return int(word)


_FORMATS: Mapping[str, Callable[[Invocation, Selected], Result]] = {
    "text": _text, "json": _json, "jsonl": _jsonl, "csv": _csv, "ids": _ids,
}  # fmt: skip

COMMAND = Command(
    run,
    help="List items by status, owner, priority, id, time or text.",
    example="ops-checks list --status FAILED --since 00:00",
    needs=QUEUES,
    options=(
        *SELECTION,
        PlainOption(
            "--sort",
            choices=ORDERS,
            default=ORDERS[0],
            help="the order (default: as they were added; on a server by id)",
        ),
        PlainOption("-n", metavar="N", help="the first N only (default: all)"),
        PlainOption("-f", "--format", choices=tuple(_FORMATS), default="text", help="how to print (default: text)"),
        COLOR,
    ),
)
