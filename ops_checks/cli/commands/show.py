"""`show`: everything about an item on one screen."""

from __future__ import annotations

from ops_checks.cli.answer import FORMAT, Answer, wants_json
from ops_checks.cli.command import IDS, QUEUES, Command, PlainOption
from ops_checks.cli.marks import COLOR, marks_of
from ops_checks.cli.output import Painted, error_lines
from ops_checks.cli.sides import must_be_open_to_change
from ops_checks.errors import UsageError
from ops_checks.exit_codes import OK, REFUSED
from ops_checks.reconcile.item_view import read_log, read_sides, view
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.cli.marks import Marks
    from ops_checks.context import Context
    from ops_checks.errors import RefusedError
    from ops_checks.reconcile.item_view import ItemView, Side

_MOST = 10  # events and runs of an item on a screen


def run(invocation: Invocation) -> Result:
    """Return all that is known of the items that were named; one that is unknown is told, and makes exit code 5."""
    args, context = invocation.args, invocation.context
    ids = list(dict.fromkeys(_item_id(word) for word in args.ids))
    most = None if wants_json(args) else _MOST
    md, db = read_sides(context, ids, most)
    known = [item_id for item_id in ids if item_id in md.rows or item_id in db.rows]
    runs, log_notes = read_log(context, known, most) if known else ({}, [])

    def guard() -> None:
        must_be_open_to_change(context, context.operate_on)

    views = [view(context, item_id, md, db, runs[item_id], log_notes, guard) for item_id in known]
    for item_id in ids:
        if item_id not in known:
            invocation.remarks += error_lines(_unknown(context, item_id))
    lines: Iterable[str] = _lines(views, md, db, context, marks_of(invocation))
    if invocation.terminal:
        lines = _wrapped(lines, invocation.environ)
    answer = Answer(lines, lambda: _as_json(views, md, db, context))
    return (OK if len(known) == len(ids) else REFUSED), answer


def _lines(views: Sequence[ItemView], md: Side, db: Side, context: Context, marks: Marks) -> Iterator[str]:
    from ops_checks.cli.item_lines import item_lines

    for each in views:
        yield from item_lines(each, md, db, context, marks)


def _as_json(views: Sequence[ItemView], md: Side, db: Side, context: Context) -> dict[str, Any]:
    from ops_checks.cli.show_json import show_json

    return show_json(views, md, db, context)


def _wrapped(lines: Iterable[str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield lines as wide as the terminal; what goes on in the next one is indented below its beginning."""
    from ops_checks.cli.item_table import terminal_columns
    from ops_checks.presentation.wrapping import wrapped

    columns = terminal_columns(environ)
    for line in lines:
        if isinstance(line, Painted):  # short, and its colours take no columns
            yield line
        else:
            text = visible(line)
            indent = " " * (len(text) - len(text.lstrip(" ")))
            yield from wrapped(text[len(indent) :], columns, first=indent, rest=f"{indent}  ")


def _unknown(context: Context, item_id: str) -> RefusedError:
    from ops_checks.cli.selection_options import SEE_IDS
    from ops_checks.stores.unknown_item import ids_of, unknown_item

    store = context.working_store
    return unknown_item(visible(store.location), [item_id], SEE_IDS, lambda: ids_of(store))


def _item_id(word: str) -> str:
    """Return an id. Raises UsageError for one that is blank, or no text."""
    if not word.strip():
        raise UsageError("show: expected an id such as ORCH-013, found nothing")
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(f"show {word!a}: is not UTF-8") from None
    return word.strip()


COMMAND = Command(
    run,
    help="Show everything about an item: history, runs, both sides, what can be done.",
    example="ops-checks show ORCH-013",
    needs=QUEUES,
    options=(
        PlainOption("ids", metavar="ID", repeatable=True, words=IDS, help="an item, such as ORCH-013"),
        FORMAT,
        COLOR,
    ),
)
