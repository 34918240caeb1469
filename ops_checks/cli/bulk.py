"""Which items a mutation is about: those named by their ids, or those selected, shown and asked about first."""

from __future__ import annotations

import sys

from ops_checks.cli.output import write_remarks
from ops_checks.cli.selection_options import must_be_matched, selector_of
from ops_checks.errors import RefusedError, UsageError
from ops_checks.model import NOTHING
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.cli.command import Invocation
    from ops_checks.model import Item
    from ops_checks.selection import Selected, Selector
    from ops_checks.stores.protocol import Snapshot, Store

_DEFAULT_BULK = 3
_YES = ("y", "yes")


class Chosen:
    """The ids of items; `shown` are the items as they were selected, None where all were named by their ids."""

    __slots__ = ("ids", "shown")

    def __init__(self, ids: list[str], shown: Mapping[str, Item] | None = None) -> None:
        self.ids = ids
        self.shown = shown

    def must_be_as_shown(self, item: Item) -> None:
        """Raise RefusedError for an item that has changed hands since it was shown: another one was meant."""
        shown = (self.shown or {}).get(item.id)
        if shown is not None and _who(shown) != _who(item):
            now = " ".join(map(visible, _who(item)))
            raise RefusedError(f"{visible(item.id)}: is {now} by now, and was selected as {' '.join(_who(shown))}")


def _who(item: Item) -> tuple[str, str]:
    return item.status, item.owner_session or NOTHING


def chosen_items(invocation: Invocation, store: Store, verb: str) -> Chosen:
    """Return the items that the options of a mutation mean; `verb` is what is to be done to them.

    Exact ids are never asked about. Others are shown on stderr first; then somebody at a terminal is asked where they
    are more than `--bulk`, and without a terminal it takes `--yes`. Raises UsageError for no selection, which never
    means all, and where nobody can be asked; RefusedError for a name that no item has, and for a "no".
    """
    if invocation.confirmed is not None:
        return invocation.confirmed
    selector = selector_of(invocation.args, invocation.context)
    if selector.empty:
        raise UsageError("no item is named: give --id, or select some, as with --status: nothing never means all")
    if selector.only_ids:
        return Chosen(list(selector.names))
    selected = _selected(invocation, store, selector)
    if selected.rows and not invocation.args.dry_run:
        _confirm(invocation, selected, verb)
    shown = {row.item.id: row.item for row in selected.rows}
    return Chosen(list(shown), shown)


def _selected(invocation: Invocation, store: Store, selector: Selector) -> Selected:
    """Return the items in the order of triage. Raises InputError, RefusedError."""
    from ops_checks.gate.stable_reading import read_stable
    from ops_checks.selection import orders, select

    order = orders(invocation.context.zone)["priority"]

    def read(snapshot: Snapshot) -> tuple[Selected, list[str]]:
        return select(snapshot.details(), selector, order=order), snapshot.remarks()

    found, remarks = read_stable(store, read)
    invocation.warn(remarks)
    must_be_matched(found, store)
    return found


def _confirm(invocation: Invocation, selected: Selected, verb: str) -> None:
    """Show the items, and ask where somebody is there to answer. Raises UsageError, RefusedError."""
    from ops_checks.cli.item_table import table_lines, terminal_columns

    args, context, count = invocation.args, invocation.context, selected.total
    if args.yes and "quiet" in vars(args):
        return
    asks = sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()
    columns = terminal_columns(invocation.environ) if asks else None
    write_remarks(table_lines(selected.rows, now_s=context.now_s, zone=context.zone, columns=columns))
    if args.yes:
        return
    if not asks:
        raise UsageError(f"{_items(count)} selected, and nobody can be asked here: give --yes to {verb} them")
    most = _DEFAULT_BULK if args.bulk is None else args.bulk
    if count > most:
        write_remarks([question(verb, count)])
        if sys.stdin.readline().strip().lower() not in _YES:
            raise RefusedError("not confirmed: nothing was changed")


def question(verb: str, count: int) -> str:
    """Return the question whether to do something to so many items that were shown."""
    return f"{verb} {_items(count)}? [y/N]"


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
