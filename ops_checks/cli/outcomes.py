"""What became of each item that a command was to change."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops_checks.errors import OpsError
    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Reliability

    #: An item as a decision met it, with its lease and attempts (None in a document).
    Met = tuple[Item, Reliability | None]

CHANGED, WOULD_CHANGE, UNCHANGED = "changed", "would_change", "unchanged"
REFUSED, FAILED = "refused", "failed"
#: With --all-or-nothing: another item was refused.
WITHHELD = "withheld"
#: Of Ctrl-C: an item that may have been changed or not, and those that were to come.
INTERRUPTED, NOT_BEGUN = "interrupted", "not_begun"
#: Every outcome there is.
OUTCOMES = (CHANGED, WOULD_CHANGE, UNCHANGED, REFUSED, FAILED, WITHHELD, INTERRUPTED, NOT_BEGUN)


class ItemOutcome:
    """The outcome of an item: the change that was, or would be, made of it, or the error that kept it from that."""

    __slots__ = ("change", "error", "item_id", "outcome")

    def __init__(
        self, item_id: str, outcome: str, *, change: Change | None = None, error: OpsError | None = None
    ) -> None:
        self.item_id = item_id
        self.outcome = outcome
        self.change = change
        self.error = error


def decided(change: Change, *, dry_run: bool = False) -> ItemOutcome:
    """Return the outcome of a change: one that leaves everything as it is has changed nothing."""
    document = change.document
    same = change.empty and (document is None or document.before == document.after)
    outcome = UNCHANGED if same else WOULD_CHANGE if dry_run else CHANGED
    return ItemOutcome(change.after.id, outcome, change=change)


def not_decided(item_id: str, error: OpsError) -> ItemOutcome:
    """Return the outcome of an error: a rule refuses the change, or it failed."""
    from ops_checks.errors import RefusedError

    return ItemOutcome(item_id, REFUSED if isinstance(error, RefusedError) else FAILED, error=error)


def interrupted(known: Sequence[ItemOutcome], item_id: str, left: Sequence[str]) -> list[ItemOutcome]:
    """Return the outcomes of the item at which Ctrl-C came, unless it is known already, and of those that are left."""
    settled = bool(known) and known[-1].item_id == item_id
    at = [] if settled else [ItemOutcome(item_id, INTERRUPTED)]
    return at + [ItemOutcome(each, NOT_BEGUN) for each in left]


def none_decided(ids: Sequence[str], errors: Mapping[str, OpsError]) -> list[ItemOutcome]:
    """Return the outcomes of items of which all were to be changed or none: those without an error are withheld."""
    return [not_decided(each, errors[each]) if each in errors else ItemOutcome(each, WITHHELD) for each in ids]


def together(outcomes: Sequence[ItemOutcome]) -> Sequence[ItemOutcome]:
    """Return the outcomes of a dry run in which all are to be changed or none: one refusal withholds the others."""
    if all(each.error is None for each in outcomes):
        return outcomes
    return [each if each.error else ItemOutcome(each.item_id, WITHHELD, change=each.change) for each in outcomes]
