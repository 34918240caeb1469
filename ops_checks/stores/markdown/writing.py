"""Change one row of a document that other programs, git and people write to as well (SAFETY "Writing")."""

from __future__ import annotations

import time

from ops_checks.errors import ChangedError, ChangingError, InputError, WriteError
from ops_checks.files.exchange import changed, clear_leftovers
from ops_checks.files.git_index import GitIndex
from ops_checks.model import FIELDS
from ops_checks.sanitize import visible
from ops_checks.stores.changes import all_decided
from ops_checks.stores.markdown.lock import locked
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot
from ops_checks.stores.markdown.table import edit_row, parse_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide

    Result = TypeVar("Result")

#: Before a change begins again: enough for most writers to finish.
_PAUSE_S = 0.01


def preview(path: str, timeout_s: float, item_id: str, decide: Decide) -> Change:
    """Return the change that `write` would make. Raises what `write` raises."""

    def read() -> Change:
        with MarkdownSnapshot(path) as snapshot:
            return _decided(path, snapshot, item_id, decide)[1]

    return _repeated(read, GitIndex(path), time.monotonic() + timeout_s)


def write(path: str, timeout_s: float, item_id: str, decide: Decide) -> Change:
    """Replace the row of an item by what `decide` makes of it, and return the change (see `MarkdownStore.change`)."""

    def replace() -> tuple[Change, Callable[[], bool]]:
        with locked(path, timeout_s, until) as guarded, MarkdownSnapshot(path) as snapshot:
            clear_leftovers(path)
            number, change = _decided(path, snapshot, item_id, decide)
            if change.before == change.after:
                return change, lambda: True
            edit = _editor(path, number, change)
            return change, snapshot.replace_lines({number: edit}, lambda: guarded() and not git.busy())

    until = time.monotonic() + timeout_s
    git = GitIndex(path)
    change, stands = _repeated(replace, git, until)
    git.settle()
    if not stands():
        _must_hold(path, change, git, time.monotonic() + timeout_s)
    change.notes += git.remarks
    return change


def write_together(path: str, timeout_s: float, ids: Sequence[str], decide: Decide) -> list[Change]:
    """Replace the rows of several items at once, and return the changes (see `MarkdownStore.change_together`)."""
    from ops_checks.stores.markdown.rewriting import MarkdownTransaction, row_edits

    def replace() -> list[Change]:
        with MarkdownTransaction(path, timeout_s) as text, text.snapshot() as snapshot:
            items = {item.id: item for _, item in snapshot.items() if item.id in wanted}
            changes = all_decided(ids, lambda item_id: _decision(path, items.get(item_id), item_id, decide, snapshot))
            edits = row_edits(changes)
            if edits:
                text.write(snapshot, edits)
                changes[0].notes += text.settle()
            return changes

    wanted = frozenset(ids)
    return _repeated(replace, GitIndex(path), time.monotonic() + timeout_s)


def _repeated(work: Callable[[], Result], git: GitIndex, until: float) -> Result:
    """Return what `work` returns; begin again while other programs change the document, up to a moment.

    While git rewrites the work tree, the document may be missing or half written.
    """
    while True:
        git.wait()
        try:
            return work()
        except (ChangedError, InputError) as error:
            passes = isinstance(error, ChangedError | ChangingError) or git.at_work()
            if not passes or time.monotonic() >= until:
                raise
        time.sleep(_PAUSE_S)


def _decided(path: str, snapshot: MarkdownSnapshot, item_id: str, decide: Decide) -> tuple[int, Change]:
    """Return the line of an item and its change. Raises RefusedError for an unknown id, and as `decide`."""
    number, item = snapshot.find(item_id) or (0, None)
    return number, _decision(path, item, item_id, decide, snapshot)


def _decision(path: str, item: Item | None, item_id: str, decide: Decide, snapshot: MarkdownSnapshot) -> Change:
    if item is None:
        from ops_checks.stores.unknown_item import ids_in, unknown_item

        advice = "see the id column of the queue"
        raise unknown_item(visible(path), [item_id], advice, lambda: ids_in(snapshot), tuple(snapshot.remarks()))
    change = decide(item, None)
    change.warnings += snapshot.remarks()
    change.notes += pipe_notes(path, change)
    return change


def pipe_notes(path: str, change: Change) -> list[str]:
    """Return a note if a change writes a pipe into the notes of a document's row (FORMATS section 1)."""
    if "|" not in change.after.notes.removeprefix(change.before.notes):
        return []
    return [
        f"{visible(path)}: the notes hold a pipe, written \\|: programs that split rows at every pipe will refuse "
        "this row"
    ]


def _editor(path: str, number: int, change: Change) -> Callable[[str], list[str]]:
    """Return what makes the new row of the old one: ChangedError for another row, WriteError if it would do harm."""
    pairs = zip(FIELDS, change.before, change.after, strict=True)
    cells = [(field, after) for field, before, after in pairs if before != after]

    def edited(line: str) -> list[str]:
        if _item(line) != change.before:  # written to in place, since it was read
            raise changed(path)
        row = edit_row(line, cells)
        if _item(row) != change.after:
            raise WriteError(
                f"{visible(path)}:{number}: not written, the row could not be edited without harm: check its cells"
            )
        return [row]

    return edited


def _item(line: str) -> Item | None:
    return parse_row(line.removesuffix("\r"))


def _must_hold(path: str, change: Change, git: GitIndex, until: float) -> None:
    """Raise WriteError unless the document still has a change: what came after it keeps its notes.

    Between `git stash` and `git stash pop` it does not, for a moment.
    """
    item_id = change.after.id

    def find() -> None:
        with MarkdownSnapshot(path) as snapshot:
            found = snapshot.find(item_id)
        if found is None or not found[1].notes.startswith(change.after.notes):
            kind = ChangedError if git.at_work() else WriteError
            raise kind(
                f"{visible(path)}: {visible(item_id)} was changed, and another program has since put a version there "
                "without the change: look at the queue, then run it again"
            )

    try:
        _repeated(find, git, until)
    except InputError as error:
        raise WriteError(
            f"{visible(path)}: {visible(item_id)}: written, but the queue cannot be read any more ({error.message})"
        ) from error
