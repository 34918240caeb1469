r"""Reconcile scratch copies of two queues, in users' own tests of what writes to them.

from ops_checks import Item

TASK = Item(id="ORCH-102", status="PENDING", priority="P1", task="Rotate keys", success_criteria="rotated")


def write_queue(path):  # the writer under test
    path.write_text(
        "| id | status | priority | task | success_criteria | owner_session | started_at_kst | due_at_kst | notes |\n"
        "|----|--------|----------|------|------------------|---------------|----------------|------------|-------|\n"
        "| ORCH-102 | PENDING | P0 | Rotate keys | rotated | - | - | - | |\n"
    )


def test_what_our_writer_changes_reaches_the_database(reconciled, tmp_path):
    write_queue(tmp_path / "QUEUE.md")

    result = reconciled(md=tmp_path / "QUEUE.md", db=[TASK], base=[TASK])

    assert not result.needs
    assert result.db["ORCH-102"].priority == "P0"
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, cast

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.errors import OpsError, RefusedError, UsageError
from ops_checks.pytest_plugin.scratch import failed, new_database, new_document, session_inputs, told
from ops_checks.reconcile.agreement import record
from ops_checks.reconcile.apply import apply_plan
from ops_checks.reconcile.model import DB, EVERY, MD, Action, Need, Options
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.planning import make_plan
from ops_checks.reconcile.reading import database, read_states
from ops_checks.reconcile.stated_base import record_items
from ops_checks.settings import resolve
from ops_checks.stores.registry import MARKDOWN, SQLITE, is_url, store_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pytest

    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.policy.model import Policy
    from ops_checks.reconcile.planning import Planned
    from ops_checks.stores.protocol import Store
    from ops_checks.stores.registry import StoreKind

    #: A queue: the path of one, a store, or its items.
    Source = str | os.PathLike[str] | Store | Iterable[Item]

#: What the environment says of the live queues does not hold for the copies.
_OF_LIVE_QUEUES = ("ORCH_QUEUE_MD", "ORCH_DB_PATH", "ORCH_LOG_PATH", "ORCH_QUEUE_MD_READ_ONLY")
_ACTOR = "reconciled"


class Reconciled(Struct, frozen=True):
    """What became of the copies: the items of both sides by id, in their order, and whether they are equal.

    `actions` were applied, all of them; `needs` are what a person would be asked, and were left as they are.
    """

    md: Mapping[str, Item]
    db: Mapping[str, Item]
    actions: tuple[Action, ...]
    needs: tuple[Need, ...]
    consistent: bool


class Reconcile(Protocol):
    """The type of the fixture `reconciled`."""

    def __call__(
        self, md: Source, db: Source, base: Source | None = None, *, prefer: str | Mapping[str, str] | None = None
    ) -> Reconciled:
        """Reconcile scratch copies of a document and a database, and return what became of them.

        `base` is what both agreed on before: a path (a document's, unless it ends like a database's), a store or
        items; None: what the database has recorded, else what is equal in both, as `ops-checks baseline` records it.
        `prefer` decides needs: a side (`md` or `db`), or sides by `ID` or `ID.UNIT`. The policy of the session holds.
        Fails the test for a queue that cannot be read, a safety stop, and a preference that nothing asks for.
        """
        ...


def reconciling(config: pytest.Config, folders: pytest.TempPathFactory) -> Reconcile:
    """Return the function of the fixture `reconciled`; copies go to new folders of `folders`."""

    def reconciled(
        md: Source, db: Source, base: Source | None = None, *, prefer: str | Mapping[str, str] | None = None
    ) -> Reconciled:
        __tracebackhide__ = True
        policy = session_inputs(config).context.policy
        at = [str(folders.mktemp(name)) for name in ("document", "database")]
        try:
            context = _context(_copy(md, MARKDOWN, at[0]), _copy(db, SQLITE, at[1]), policy)
            is_recorded = _with_base(context, base)
            path = _location(md) if is_recorded else None
            return _reconcile(context, make_plan(context, _options(context, prefer), digests=True, versions_of=path))
        except OpsError as error:
            raise failed(told(error)) from None

    return reconciled


def _copy(source: Source, kind: StoreKind, folder: str) -> Store:
    """Return a scratch copy of a queue. Raises InputError, with the place in what was given, for a malformed one."""
    store = _opened(source, kind)
    if store is None:
        items = cast("Iterable[Item]", source)
        return new_document(items, folder) if kind is MARKDOWN else new_database(items, folder)
    with store.snapshot() as snapshot:
        snapshot.check()
    return store.scratch_copy(folder)


def _opened(source: Source, kind: StoreKind) -> Store | None:
    """Return the store that is given, or the one at the path that is given; None for items."""
    if isinstance(source, str | os.PathLike):
        location = os.fspath(source)
        return store_kind(location, kind).open(location if is_url(location) else os.path.abspath(location))
    return cast("Store", source) if hasattr(source, "scratch_copy") else None


def _location(source: Source) -> str | None:
    """Return where a queue is, None for items."""
    store = _opened(source, MARKDOWN)
    return None if store is None else store.location


def _context(md: Store, db: Store, policy: Policy) -> Context:
    """Return the context of the copies, to which nobody else writes."""
    environ = {name: text for name, text in os.environ.items() if name not in _OF_LIVE_QUEUES}
    alone = replace(policy, consistency=replace(policy.consistency, settle_s=0))
    return resolve(environ, alone, queue=md.location, db=db.location, actor=_ACTOR, queues_only=True)


def _with_base(context: Context, base: Source | None) -> bool:
    """Record the base in the copy of the database; return whether it had recorded the one that holds."""
    if base is not None:
        kind = SQLITE if isinstance(base, str | os.PathLike) and os.fspath(base).endswith(SQLITE.suffixes) else MARKDOWN
        record_items(context, _opened(base, kind) or cast("Iterable[Item]", base))
        return False
    with database(context).snapshot() as snapshot:
        is_recorded = snapshot.agreement().baseline() is not None
    if not is_recorded:
        record(context)
    return is_recorded


def _options(context: Context, prefer: str | Mapping[str, str] | None) -> Options:
    """Return what is asked of the plan. Raises UsageError for a side that is none."""
    sides = {EVERY: prefer} if isinstance(prefer, str) else dict(prefer or {})
    for key, side in sides.items():
        if side not in {MD, DB}:
            raise UsageError(f"prefer: {key}={side}: expected {MD} or {DB}")
    return Options(prefer=sides, source_of_truth=DB if context.source_of_truth == "db" else None)


def _reconcile(context: Context, planned: Planned) -> Reconciled:
    """Apply a plan to the copies. Raises RefusedError for a safety stop, and for a preference without a meaning."""
    plan = planned.plan
    if plan.stop is not None:
        raise RefusedError(f"{plan.stop.reason}: {plan.stop.message}")
    if plan.unused:
        raise UsageError(f"{plan.unused[0].removeprefix('--')}: nothing asks for it")
    if plan.actions:
        apply_plan(context, parse_plan(plan_text(planned.json(context)), "the plan"), all_or_nothing=True)
    after = read_states(context, settle_s=0)
    return Reconciled(
        md={item.id: item for item in context.md_store},
        db={item.id: item for item in context.db_store},
        actions=tuple(plan.actions),
        needs=tuple(plan.needs),
        consistent=not after.states,
    )
