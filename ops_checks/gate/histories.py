"""Judge the events of a database as they were at one moment (RECONCILE section 16)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, cast

from ops_checks.errors import InputError
from ops_checks.gate.stable_reading import is_quiet, read_stable
from ops_checks.rules.history.judgement import Judge
from ops_checks.rules.history.rules import HISTORY_CHECKS
from ops_checks.sanitize import visible
from ops_checks.stores.transaction_protocol import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from ops_checks.rules.history.judgement import Judgement
    from ops_checks.stores.protocol import Snapshot, Store
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot


class Judged(NamedTuple):
    """What the laws found; `lacking` are errors by rule, of those that need an absent column; `notes` are remarks."""

    judgement: Judgement
    lacking: dict[str, str]
    notes: tuple[str, ...] = ()


def judge_histories(
    store: Store, *, keep: int | None, settle_s: float, on_read: Callable[[Snapshot, Judgement], None]
) -> Judged:
    """Return what the laws find in a database, with at most `keep` findings a rule (0: all; None: the default).

    Programs write an event after the status that it tells of: where the database was written to within the last
    `settle_s` seconds, what was found is read again after that time, and counts if it is still there. `on_read` is
    called at the end of each reading. Raises InputError for a store without events.
    """
    if not isinstance(store, Database):
        raise InputError(f"{visible(store.location)}: keeps no events: name a queue database with --db")
    lacking: dict[str, str] = {}

    def read(snapshot: Snapshot, only: Container[tuple[str, str | None]] | None = None) -> Judgement:
        database = cast("DatabaseSnapshot", snapshot)
        absent = database.absent_counts()
        found = Judge(keep=keep, only=only, absent=absent).judge(database.recorded(), snapshot.get, store.location)
        lacking.update(_lacking(store.location, absent))
        on_read(snapshot, found)
        return found

    quiet = is_quiet((store,), settle_s)
    found = read_stable(store, read)
    if quiet or found.ok or not found.complete:
        return Judged(found, lacking)
    time.sleep(settle_s)
    again = read_stable(store, lambda snapshot: read(snapshot, found.noted))
    note = (
        f"waited {settle_s:g} s for programs that write to {visible(store.location)}: of {len(found.noted)} findings "
        f"on its events {len(again.noted)} are left"
    )
    return Judged(again, lacking, (note,))


def _lacking(location: str, absent: tuple[str, ...]) -> dict[str, str]:
    """Return the errors of the rules that need an absent column, by rule."""
    return {
        check.rule.id: f"{visible(location)}: queue_items has no column {check.column}: {check.rule.id} needs it: add "
        f"it, or switch the rule off in the policy"
        for check in HISTORY_CHECKS
        if check.column in absent
    }
