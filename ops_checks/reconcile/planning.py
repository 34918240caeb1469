"""Read both queues and plan: the one way from a context to a plan (RECONCILE section 2)."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ops_checks.errors import RefusedError, UsageError
from ops_checks.reconcile.agreement import document_paths
from ops_checks.reconcile.bases import open_base
from ops_checks.reconcile.blame import NO_EVENT, as_unchanged, database_blame
from ops_checks.reconcile.history import DocumentHistory
from ops_checks.reconcile.model import DB, LINEAGE_OK, LINEAGE_UNKNOWN, MD, Situation
from ops_checks.reconcile.plan_json import plan_json
from ops_checks.reconcile.planner import plan
from ops_checks.reconcile.reading import document, read_states
from ops_checks.reconcile.suspects import remarks_of, with_suspects
from ops_checks.reconcile.units import CLAIM, ROW, UNITS
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import FROM_GIT
from ops_checks.timestamps import rfc3339

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from typing import Any

    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.reconcile.blame import Blame, Blames
    from ops_checks.reconcile.model import ItemState, Options, Plan
    from ops_checks.reconcile.reading import Reading
    from ops_checks.stores.sqlite.temporary_base import TemporaryBase


class Planned(Struct, frozen=True):
    """A plan with what it was made of; `blames` say who moved last, `notes` what is good to know.

    `remarks` say by item which laws its events break (RECONCILE section 16).
    """

    reading: Reading
    plan: Plan
    options: Options
    situation: Situation
    blames: Blames = field(default_factory=dict)
    notes: Sequence[str] = ()
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def json(self, context: Context) -> dict[str, Any]:
        """Return the plan as the JSON of its file."""
        stamp = context.stamp
        return plan_json(
            self.plan,
            self.reading,
            self.options,
            self.situation,
            self.blames,
            paths=(context.queue, context.db),
            actor=stamp.actor,
            made_at=rfc3339(stamp.now_s, stamp.tz_minutes),
        )


def make_plan(  # noqa: PLR0913 - what several commands and the plugin ask, by name
    context: Context,
    options: Options,
    *,
    base: str | None = None,
    digests: bool = False,
    blame: bool = False,
    elsewhere: bool = False,
    blamed: Container[str] | None = None,
    settle_s: float | None = None,
    versions_of: str | None = None,
) -> Planned:
    """Return the plan of a context's queues; nothing is written. `digests`: it is to be saved.

    `base` is the name of one that is not the database's own (`open_base`). `elsewhere`: another document is to be
    written, so that this one may be read-only. `blame`: say who moved last, of the items in `blamed` (None: of all).
    `settle_s`: so long programs may be between two writes, in seconds (None: as the policy says). `versions_of`: the
    document whose history counts, where the context's is a copy. Raises InputError for what cannot be read, a damaged
    base included; UsageError for a new id that is taken.
    """
    _must_be_new(context, options)
    settle_s = context.policy.consistency.settle_s if settle_s is None else settle_s
    with (
        DocumentHistory(versions_of or context.queue, zone=context.zone) as history,
        ExitStack() as stack,
    ):
        named = stack.enter_context(open_base(context, history, base)) if base is not None else None
        reading = _read(context, named, settle_s, digests=digests)
        lineage, message = _lineage(history, reading)
        situation = Situation(
            context.now_s,
            has_base=reading.baseline is not None,
            lineage=lineage,
            md_read_only=context.markdown_read_only and not elsewhere,
            interrupted=reading.interrupted,
            foreign_base=reading.foreign,
        )
        suspects = remarks_of(reading.broken, context.policy)
        states = with_suspects(_with_moves(history, reading), suspects)
        made = plan(states, reading.totals, options, situation)
        blames = blames_of(history, reading, made, blamed) if blame else {}
        unknown = [f"{visible(context.queue)}: lineage unknown: {message}"] if lineage == LINEAGE_UNKNOWN else []
        moved = _base_remarks(context, reading) if versions_of is None else ()
        notes = (*reading.notes, *moved, *unknown, *history.remarks)
        return Planned(reading, made, options, situation, blames, notes, suspects)


def must_not_stop(context: Context, planned: Planned) -> None:
    """Raise RefusedError for a plan with a safety stop, which names the side that it is about (RECONCILE 7 and 13)."""
    stop = planned.plan.stop
    if stop is not None:
        side = context.queue if stop.reason.endswith(f"-{MD}") else context.db
        raise RefusedError(f"{visible(side)}: {stop.reason}: {stop.message}")


def _base_remarks(context: Context, reading: Reading) -> Sequence[str]:
    """Return what is good to know of the base: that it is a version only, or of a document elsewhere (section 7)."""
    base = reading.baseline
    if base is None:
        return []
    if base.source == FROM_GIT:
        return [
            f"{base.name} is what was committed, not what was agreed: a plan with it is for looking, and never applied"
        ]
    if base.md_path in document_paths(context):
        return []
    return [
        f"{visible(context.queue)}: the baseline was recorded of {visible(base.md_path)}: look whether it is the same"
    ]


def _read(context: Context, base: TemporaryBase | None, settle_s: float, *, digests: bool) -> Reading:
    """Return both queues at one moment; a change that is being written is waited for, it was not interrupted."""
    reading = read_states(context, settle_s=settle_s, digests=digests, base=base)
    if reading.interrupted is not None and document(context).wait_for_writers():
        return read_states(context, settle_s=settle_s, digests=digests, base=base)
    return reading


def _must_be_new(context: Context, options: Options) -> None:
    """Raise UsageError for a new id that an item of either side has, or that two are to get."""
    given: dict[str, str] = {}
    for old, new in options.rekey.items():
        if given.setdefault(new, old) != old:
            raise UsageError(
                f"--rekey: {visible(given[new])} and {visible(old)} are both to be {visible(new)}: give two"
            )
        for store in (context.md_store, context.db_store):
            if store.get(new) is not None:
                raise UsageError(
                    f"--rekey {visible(old)}={visible(new)}: {visible(store.location)} has an item {visible(new)}: "
                    "choose an id that none has"
                )


def _lineage(history: DocumentHistory, reading: Reading) -> tuple[str, str]:
    """Return whether the document came after the base (rule B5); git is not asked where nothing differs."""
    base = reading.baseline
    return history.lineage(base.md_commit, base.md_digest) if base and reading.states else (LINEAGE_OK, "")


def _with_moves(history: DocumentHistory, reading: Reading) -> list[ItemState]:
    """Return the items with the units that moved since the base and came back (rule B4)."""
    base = reading.baseline
    if base is None:
        return reading.states
    wanted: dict[str | None, dict[str, list[str]]] = {}
    touched: set[tuple[str, str, str]] = set()
    for state in reading.states:
        row = reading.rows.get(state.id)
        if row is None or state.md is None or state.db is None:
            continue
        units = [unit for unit in UNITS if _moved_only(state, unit, state.db, state.md)]
        if units:
            wanted.setdefault(row.md_commit, {})[state.id] = units
        event = reading.events.get(state.id)
        if event is not None and event.event_id > (row.event_id or 0) and _moved_only(state, CLAIM, state.md, state.db):
            touched.add((state.id, DB, CLAIM))
    for md_commit, units_of in wanted.items():
        found = history.touched(md_commit, base.md_digest, units_of, _now(reading))
        touched |= {(item_id, MD, unit) for item_id, unit in found}
    by_id: dict[str, set[tuple[str, str]]] = {}
    for item_id, side, unit in touched:
        by_id.setdefault(item_id, set()).add((side, unit))
    return [replace(state, touched=frozenset(by_id.get(state.id, ()))) for state in reading.states]


def _moved_only(state: ItemState, unit: str, moved: Item, still: Item) -> bool:
    """Return whether a unit differs from its base in one item, and is as agreed in the other."""
    base = state.base
    return base is not None and base.agrees(still, unit) and not base.agrees(moved, unit)


def _now(reading: Reading) -> dict[str, tuple[int, Item]]:
    return {state.id: (reading.lines[state.id], state.md) for state in reading.states if state.md is not None}


def blames_of(history: DocumentHistory, reading: Reading, made: Plan, ids: Container[str] | None = None) -> Blames:
    """Return who moved last, on both sides of every unit of a plan, or of some items (RECONCILE section 14)."""
    wanted: dict[str, list[str]] = {}
    pairs = [(each.id, each.unit) for each in made.actions] + [(each.id, each.unit) for each in made.needs]
    for item_id, unit in dict.fromkeys(pairs):
        if ids is None or item_id in ids:
            wanted.setdefault(item_id, []).append(unit)
    if not wanted:
        return {}
    states = {state.id: state for state in reading.states}
    found = history.blame(wanted, _now(reading))
    blames: dict[tuple[str, str, str], Blame] = {}
    for (item_id, unit), blame in found.items():
        state = states.get(item_id)
        if state is None:
            continue
        if history.head is not None:  # without git there is nothing to say, item for item
            blames[MD, item_id, unit] = as_unchanged(blame) if _is_agreed(state, unit, state.md) else blame
        if state.db is not None or item_id in reading.events:  # of an item that it never had there is nothing to say
            blames[DB, item_id, unit] = _of_database(reading, state, unit)
    return blames


def _of_database(reading: Reading, state: ItemState, unit: str) -> Blame:
    event, row = reading.events.get(state.id), reading.rows.get(state.id)
    if _is_agreed(state, unit, state.db) and (event is None or (row and event.event_id <= (row.event_id or 0))):
        return NO_EVENT
    return database_blame(event, reading.updated_at.get(state.id))


def _is_agreed(state: ItemState, unit: str, item: Item | None) -> bool:
    """Return whether a side is as it was agreed."""
    return unit != ROW and item is not None and state.base is not None and state.base.agrees(item, unit)
