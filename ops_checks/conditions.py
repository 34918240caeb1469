"""Decide whether what somebody waits for holds, may still come, or cannot come any more (`wait`)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.model import NOTHING
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping
    from typing import TypeVar

    from ops_checks.model import Item

    Named = TypeVar("Named")

#: What nothing but an operator's hand leads out of to a status, by that status: the statuses, and CANCELLED.
CANCELLED = "cancelled"
_ENDS = {
    "PENDING": (),
    "IN_PROGRESS": ("DONE", "FAILED", CANCELLED),
    "BLOCKED": ("DONE", "FAILED"),
    "FAILED": ("DONE", CANCELLED),
    "DONE": ("FAILED", CANCELLED),
}
_NAMED = 10


class State(StrEnum):
    """What has become of what is waited for. `UNKNOWN`: an item that never was there is."""

    HOLDS = "holds"
    NOT_YET = "not yet"
    CANNOT_COME = "cannot come"
    UNKNOWN = "unknown"


class Wanted(NamedTuple):
    """What is waited for, all of it at one moment.

    Each item of `ids` in `status`, as many items in each status as `counts` says, and, if `consistent`, both queues
    in agreement.
    """

    ids: tuple[str, ...] = ()
    status: str = ""
    counts: Mapping[str, int] = {}
    consistent: bool = False


class Seen(NamedTuple):
    """What one reading found: `items` by id (None: it is not there), the ids of those that are `cancelled`.

    `counts` are the items by status; `mismatches` the differences of both queues by metric, all 0 where they agree.
    `whole`: what was read was written at once, so that what is not there is not about to be written. `remarks` are
    lines on what was not read.
    """

    items: Mapping[str, Item | None] = {}
    cancelled: frozenset[str] = frozenset()
    counts: Mapping[str, int] = {}
    mismatches: Mapping[str, int] = {}
    whole: bool = True
    remarks: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """What has become of what is waited for, and the `reasons`, in words, why it does not hold."""

    state: State
    reasons: tuple[str, ...] = ()


def evaluate(wanted: Wanted, seen: Seen, known: Container[str]) -> Outcome:
    """Return what has become of what is waited for. `known`: the ids that some reading has found.

    One part that cannot come any more is enough. Terminal statuses end what is waited for, and so does a cancelled
    item, which nobody picks up before an operator has replanned it. PENDING comes by an operator's hand alone, from
    every status, so that nothing ends that; nothing ends the numbers of items and the agreement of both queues.
    """
    missing = [item_id for item_id in wanted.ids if seen.items[item_id] is None]
    unknown = [item_id for item_id in missing if item_id not in known]
    if unknown:
        return Outcome(State.UNKNOWN, tuple(_some(unknown, lambda item_id: f"no item {visible(item_id)}")))
    ended = [item_id for item_id in wanted.ids if _has_ended(wanted, seen, item_id)]
    if ended:
        return Outcome(State.CANNOT_COME, tuple(_some(ended, lambda item_id: _end(wanted, seen, item_id))))
    reasons = (*_items_short(wanted, seen), *_counts_short(wanted, seen), *_drift(seen))
    return Outcome(State.NOT_YET if reasons else State.HOLDS, reasons)


def rests_on_absence(wanted: Wanted, seen: Seen) -> bool:
    """Return whether the outcome rests on items that are not there, in what another program may be about to write."""
    return not seen.whole and (bool(wanted.counts) or any(item is None for item in seen.items.values()))


def _has_ended(wanted: Wanted, seen: Seen, item_id: str) -> bool:
    item = seen.items[item_id]
    if item is None:
        return True
    ends = _ENDS[wanted.status]
    return item.status in ends or (CANCELLED in ends and item_id in seen.cancelled)


def _end(wanted: Wanted, seen: Seen, item_id: str) -> str:
    item = seen.items[item_id]
    if item is None:
        return f"{visible(item_id)} is gone: find out who took it out"
    how = ", cancelled by an operator" if item_id in seen.cancelled else ""
    hand = "retry" if item.status == "FAILED" else "replan"
    return f"{visible(item_id)} is {item.status}{how}: {wanted.status} can only come after a `{hand}`"


def _items_short(wanted: Wanted, seen: Seen) -> Iterator[str]:
    items = [item for item_id in wanted.ids if (item := seen.items[item_id]) and item.status != wanted.status]
    return _some(items, _standing)


def _standing(item: Item) -> str:
    owner = f" ({visible(item.owner_session)})" if item.owner_session != NOTHING else ""
    return f"{visible(item.id)} is {item.status}{owner}"


def _counts_short(wanted: Wanted, seen: Seen) -> Iterator[str]:
    for status, count in wanted.counts.items():
        if seen.counts[status] != count:
            yield f"{status}={seen.counts[status]}, not {count}"


def _drift(seen: Seen) -> Iterator[str]:
    if any(seen.mismatches.values()):
        yield "consistency mismatch " + " ".join(f"{metric}={count}" for metric, count in seen.mismatches.items())


def _some(named: list[Named], word: Callable[[Named], str]) -> Iterator[str]:
    """Yield the words for the first of many, and how many more there are."""
    yield from map(word, named[:_NAMED])
    if len(named) > _NAMED:
        yield f"and {len(named) - _NAMED} more"
