"""Wait until something holds in the queues: read again only what has changed (`wait`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.conditions import Outcome, Seen, State, evaluate, rests_on_absence
from ops_checks.gate.stable_reading import compare_by, is_quiet, must_be_read_whole, read_stable
from ops_checks.gate.watching import Rereader
from ops_checks.model import STATUSES
from ops_checks.rules.drift.rules import DRIFT_CHECKS
from ops_checks.stores.transaction_protocol import DatabaseSnapshot
from ops_checks.transitions import is_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ops_checks.conditions import Wanted
    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.stores.protocol import Snapshot

#: One attempt to read waits so long for other writers; the next one waits again.
LOCK_S = 0.5


class Waited(NamedTuple):
    """How a wait ended: the outcome (NOT_YET: in time-out), after `seconds`, and what was seen last (None: nothing)."""

    outcome: Outcome
    seconds: float
    seen: Seen | None

    @property
    def remarks(self) -> tuple[str, ...]:
        """Lines on what was not read."""
        return self.seen.remarks if self.seen else ()


def wait(
    context: Context,
    wanted: Wanted,
    timeout_s: float | None,
    *,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> Waited:
    """Wait until what is wanted holds or cannot come, for `timeout_s` seconds at most (None: without an end).

    `clock` returns seconds that never go back, `pause` waits for so many. Raises InputError for what cannot be read
    twice in a row. Where a writer may be at it, it is read again for longer: what was read before, or was written to
    within the policy's settle, for the time that other writers are waited for (`context.lock_timeout_s`), and what is
    locked or changes while it is read for as long as the wait lasts.
    """
    waiting = _Waiting(context, wanted, clock)
    began_s = clock()
    with waiting.reader:
        while True:
            outcome, counts = waiting.ask()
            waited_s = clock() - began_s
            left_s = max(0.0, timeout_s - waited_s) if timeout_s is not None else None
            if counts and (outcome.state is not State.NOT_YET or left_s == 0):
                return Waited(waiting.told(outcome), waited_s, waiting.reader.seen)
            pause(min(waiting.reader.rest_s, left_s or waiting.reader.rest_s))


class _Waiting:
    """What a wait knows: what its `reader` saw last, and since when something has stood as it stands."""

    def __init__(self, context: Context, wanted: Wanted, clock: Callable[[], float]) -> None:
        patience_s = context.lock_timeout_s
        self._context = context.with_queues()
        self._context.lock_timeout_s = min(LOCK_S, context.lock_timeout_s)
        self._context.progress = None  # what it would draw would stay while nothing is read
        self._settle_s = context.policy.consistency.settle_s
        self._wanted = wanted
        self._clock = clock
        both = (self._context.md_store, self._context.db_store) if wanted.consistent else ()
        self._stores = both or (self._context.working_store,)
        self._known: set[str] = set()
        self.reader = Rereader(
            [store.watch() for store in self._stores],
            self._read,
            clock=clock,
            patience_s=patience_s,
            at_rest=lambda: is_quiet(self._stores, self._settle_s),
        )
        self._standing: tuple[Outcome, float] | None = None

    def ask(self) -> tuple[Outcome, bool]:
        """Return what has become of what is wanted, and whether that counts. Raises InputError."""
        self.reader.look()
        seen = self.reader.seen
        if self.reader.error is not None or seen is None:
            return Outcome(State.NOT_YET), True
        self._known.update(item_id for item_id, item in seen.items.items() if item is not None)
        outcome = evaluate(self._wanted, seen, self._known)
        return outcome, self._stands(outcome, seen)

    def told(self, outcome: Outcome) -> Outcome:
        """Return an outcome with what could not be read at last. Raises that if nothing ever was read."""
        error = self.reader.error
        if error is None:
            return outcome
        if self.reader.seen is None:
            raise error
        last = evaluate(self._wanted, self.reader.seen, self._known)
        return Outcome(State.NOT_YET, (*last.reasons, error.message))

    def _stands(self, outcome: Outcome, seen: Seen) -> bool:
        """Return whether an outcome counts: not while it rests on rows that a writer may be about to write."""
        if outcome.state is State.NOT_YET:
            self._standing = None
            return True
        if not rests_on_absence(self._wanted, seen) or is_quiet(self._stores, self._settle_s):
            return True
        if self._standing is None or self._standing[0] != outcome:
            self._standing = (outcome, self._clock())
        return self._clock() - self._standing[1] >= self._settle_s

    def _read(self) -> Seen:
        """Read everything that is wanted as it was at one moment. Raises InputError."""
        if not self._wanted.consistent:
            return read_stable(self._context.working_store, self._items_seen)
        found: list[Seen] = []

        def on_read(md: Snapshot, db: Snapshot, drift: Drift) -> None:
            seen = self._items_seen(db if self._context.works_on_db else md)
            mismatches = {check.rule.metric: drift.counts[check.rule.id] for check in DRIFT_CHECKS}
            found[:] = [seen._replace(mismatches=mismatches)]  # of the last reading, which is the one that counts

        # Drift needs not settle here: it is waited for to go away, and agreement counts only if both stood still.
        rules = self._context.policy.consistency
        compare_by(rules, self._context.md_store, self._context.db_store, keep=1, settle_s=0, on_read=on_read)
        return found[0]

    def _items_seen(self, snapshot: Snapshot) -> Seen:
        """Read the items and the numbers that are wanted. Raises InputError."""
        wanted, whole = self._wanted, isinstance(snapshot, DatabaseSnapshot)
        if wanted.counts or (wanted.ids and not whole):
            items, counts = _streamed(snapshot.items(), wanted)
        else:
            items, counts = {item_id: snapshot.get(item_id) for item_id in wanted.ids}, {}
        if wanted.counts or None in items.values():
            must_be_read_whole(snapshot)
        cancelled = frozenset(_cancelled(snapshot, items))
        return Seen(items, cancelled, counts, whole=whole, remarks=tuple(snapshot.remarks()))


def _streamed(numbered: Iterable[tuple[int, Item]], wanted: Wanted) -> tuple[dict[str, Item | None], dict[str, int]]:
    """Return the wanted items, and how many items each status has, in one pass."""
    items: dict[str, Item | None] = dict.fromkeys(wanted.ids)
    counts = dict.fromkeys(STATUSES, 0)
    for _, item in numbered:
        counts[item[1]] += 1
        if item[0] in items:
            items[item[0]] = item
    return items, counts


def _cancelled(snapshot: Snapshot, items: dict[str, Item | None]) -> Iterator[str]:
    """Yield the ids of items that an operator cancelled."""
    for item_id, item in items.items():
        if item is not None and item.status == "BLOCKED" and is_cancelled(item, snapshot.reliability(item_id)):
            yield item_id
