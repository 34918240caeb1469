"""`show`: everything about an item on one screen."""

from __future__ import annotations

from ops_checks.cli.answer import FORMAT, Answer, wants_json
from ops_checks.cli.command import QUEUES, Command, PlainOption
from ops_checks.cli.output import error_lines
from ops_checks.cli.sides import must_be_open_to_change
from ops_checks.errors import RefusedError, UsageError
from ops_checks.exit_codes import OK, REFUSED
from ops_checks.reconcile.item_view import read_log, read_sides, suggestions, view
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.context import Context
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
    answer = Answer(_lines(views, md, db, context), lambda: _as_json(views, md, db, context))
    return (OK if len(known) == len(ids) else REFUSED), answer


def _lines(views: Sequence[ItemView], md: Side, db: Side, context: Context) -> Iterator[str]:
    from ops_checks.cli.item_lines import item_lines

    for each in views:
        yield from item_lines(each, md, db, context)


def _as_json(views: Sequence[ItemView], md: Side, db: Side, context: Context) -> dict[str, Any]:
    from ops_checks.cli.show_json import show_json

    return show_json(views, md, db, context)


def _unknown(context: Context, item_id: str) -> RefusedError:
    store = context.working_store
    near = suggestions(store, item_id)
    meant = f"did you mean {', '.join(map(visible, near))}?" if near else "see the ids in `ops-checks list -f ids`"
    return RefusedError(f"{visible(store.location)}: no item {visible(item_id)}: {meant}")


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
        PlainOption("ids", metavar="ID", repeatable=True, help="an item, such as ORCH-013"),
        FORMAT,
    ),
)
