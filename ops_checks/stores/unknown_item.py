"""Refuse an item that a store has not, with the id that was likely meant."""

from __future__ import annotations

from ops_checks.errors import OpsError, RefusedError
from ops_checks.sanitize import visible
from ops_checks.suggestions import IDS_LEAST, closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ops_checks.stores.protocol import Snapshot, Store

_MOST_COMPARED = 20_000  # ids among which one like a mistyped one is looked for
_MOST_NAMED = 3


def unknown_item(
    where: str,
    names: Sequence[str],
    advice: str,
    ids: Callable[[], Iterable[str]],
    details: tuple[str, ...] = (),
) -> RefusedError:
    """Return the error for ids that no item has: where that is, what to do, and what was likely meant.

    `ids` reads the ids that there are; where they cannot be read nothing is suggested.
    """
    named = ", ".join(map(visible, names))
    return RefusedError(f"{where}: no item {named}: {advice}{meant_items(names, ids)}", details)


def meant_items(names: Sequence[str], ids: Callable[[], Iterable[str]]) -> str:
    """Return the end of an error's line with the id that each missing name is most like; see `unknown_item`."""
    from itertools import islice

    try:
        known = list(islice(ids(), _MOST_COMPARED))
    except OpsError:
        return ""
    missing = [name for name in names if name not in known][:_MOST_NAMED]
    found = dict.fromkeys(meant for name in missing if (meant := closest(name, known, IDS_LEAST)) is not None)
    return f"; did you mean {', '.join(map(visible, found))}?" if found else ""


def ids_in(snapshot: Snapshot) -> Iterator[str]:
    """Stream the ids of a snapshot."""
    return (item.id for _, item in snapshot.items())


def ids_of(store: Store) -> Iterator[str]:
    """Stream the ids of a store as it is now."""
    with store.snapshot() as snapshot:
        yield from ids_in(snapshot)
